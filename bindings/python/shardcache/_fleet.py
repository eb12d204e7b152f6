"""Moves and removes the keys of live memcached servers."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from . import _shardcache
from ._client import _duration, _expire, _within
from ._config import PoolConfig
from ._error import Error
from ._placement import Placement
from ._server import Server
from .interop import _servers

if TYPE_CHECKING:
    from ._client import Seconds
    from ._types import Keys
    from .interop import AnyServer

    Layout = Union[Placement, PoolConfig]


class FleetProgress(NamedTuple):
    """How far a call of warm() or clean() is."""

    phase: str
    """"listing" the servers' keys, or "working" on those that were listed."""
    keys: int
    """Listed, then dealt with."""
    total: int
    """0: not known yet."""
    elapsed: timedelta


class WarmRow(NamedTuple):
    """What goes from one server to another. Without a dry run,
    keys = copied + already_there + gone + failed."""

    source: str
    """Its address."""
    target: str
    keys: int
    """To be moved."""
    bytes: int
    """Of values and keys; in a dry run as the old server counts its items, with their headers."""
    copied: int
    copied_bytes: int
    renewed: int
    """Of those copied: changed meanwhile, and copied again."""
    already_there: int
    """In the new place: never overwritten."""
    gone: int
    """From the old place, or not there at all."""
    removed: int
    """From the old place."""
    failed: int


@dataclasses.dataclass(frozen=True)
class WarmSummary:
    """What warm() did, or would do."""

    rows: list[WarmRow]
    listed: int
    at_home: int
    """Keys whose place stays."""
    orphans: int
    """Not where the old layout would read them, so perhaps stale: left."""
    foreign: int
    """Without the prefix of the client whose layout it is: left."""
    unnameable: int
    """That no memcached takes (empty, too long, with control bytes): left."""
    resumed: int
    """Dealt with by an earlier call with this journal."""
    failures: list[str]
    """The first ten causes, each naming server and first key."""
    interrupted: bool
    """Whether keys were left undone: `progress` ended it, or the disk failed."""

    @property
    def keys(self) -> int:
        """To be moved, of all rows."""
        return sum(row.keys for row in self.rows)

    @property
    def copied(self) -> int:
        """Of all rows."""
        return sum(row.copied for row in self.rows)

    @property
    def failed(self) -> int:
        """Of all rows."""
        return sum(row.failed for row in self.rows)

    def __repr__(self) -> str:
        return (
            f"<shardcache.WarmSummary: {self.keys} of {self.listed} keys to move, "
            f"{self.copied} copied, {self.failed} failed>"
        )


class CleanRow(NamedTuple):
    """The orphans of one server that have one cause. Ages are times since the last access."""

    server: Server
    cause: str
    """"resize" (`before` has the key here), "other client" (`other_client`, or php-memcached as
    it is by default, has it here), "ejection" (the key would be here while `culprit` is ejected),
    "unknown", or "outage" (`after_outage`)."""
    culprit: str
    """A ring name; empty for all other causes."""
    keys: int
    bytes: int
    """As the server counts its items."""
    youngest: timedelta
    oldest: timedelta
    expiring: int
    """That will be gone by themselves."""


class CleanServer(NamedTuple):
    """What was found on one server."""

    server: Server
    uptime: timedelta
    listed: int
    at_home: int
    orphans: int
    deleted: int
    kept: int
    """Stored anew since they were listed, or gone by themselves."""
    failed: int


@dataclasses.dataclass(frozen=True)
class CleanSummary:
    """What clean() did, or would do."""

    rows: list[CleanRow]
    servers: list[CleanServer]
    foreign: int
    """Keys without the prefix of the client whose layout it is: left."""
    unnameable: int
    """Keys that the text protocol cannot name: left."""
    failures: list[str]
    """The first ten causes, each naming server and first key."""
    interrupted: bool
    """Whether keys were left undone: `progress` ended it, or the disk failed."""

    @property
    def orphans(self) -> int:
        """Of all servers."""
        return sum(server.orphans for server in self.servers)

    @property
    def deleted(self) -> int:
        """Of all servers."""
        return sum(server.deleted for server in self.servers)

    @property
    def failed(self) -> int:
        """Of all servers."""
        return sum(server.failed for server in self.servers)

    def __repr__(self) -> str:
        listed = sum(server.listed for server in self.servers)
        return (
            f"<shardcache.CleanSummary: {self.orphans} orphans among {listed} keys, "
            f"{self.deleted} deleted, {self.failed} failed>"
        )


def warm(
    old: Layout | Iterable[AnyServer],
    new: Layout,
    *,
    go: bool = False,
    remove: bool = False,
    journal: str | os.PathLike[str] | None = None,
    keys: Keys | None = None,
    unknown_expiration: Seconds | None = None,
    rate: int | None = None,
    concurrency: int = 4096,
    timeout: Seconds = 10,
    busy_wait: Seconds = 30,
    progress: Callable[[FleetProgress], object] | None = None,
) -> WarmSummary:
    """Copies values from where `old` has them to where `new` looks for them, with their flags and
    for the rest of their lives (within 1 s). Without `go` it only says what it would do.

    >>> php = interop.php_memcached(["10.0.0.1:11211", "10.0.0.2:11211"])
    >>> shardcache.warm(php, pool)
    <shardcache.WarmSummary: 98123 of 200000 keys to move, 0 copied, 0 failed>

    A layout is a Placement (of twemproxy or of another client) or a PoolConfig; `old` may also be
    servers alone, in which case all their keys count. A server is the same in both if its address
    is. A copy is only ever added, so that nothing newer is overwritten; what changes in the old
    place while it is copied is copied again. What is written there later is not followed: let the
    application write to the new layout first, or use a DualClient.

    `remove`: remove a key from its old place once its copy was read back.
    `journal`: a file that lets an interrupted call be repeated without doing all of it again.
    `keys`: instead of the servers' own listings, the keys as the application gives them to `old`.
    `unknown_expiration`: how long values live whose servers do not tell (before memcached 1.6,
    with `keys`): in seconds or as a timedelta; 0, until they are evicted. Without it, such servers
    are an error.
    `rate`: keys a second, at most. `concurrency`: keys asked for before the first is answered.
    `timeout`: how long a server may say nothing. `busy_wait`: how long to try again where a server
    is busy with another listing.
    `progress`: called several times a second; the work ends soon if it returns False, or raises.

    Keys that fail are in the summary. Raises Error, with nothing changed, if a server is not fit or
    does not answer, or the journal cannot be used or is of other work. Ctrl-C ends it at any
    moment; what is done stays done.
    """
    return _warm_summary(
        _shardcache.warm(
            _layout(old),
            _placement(new),
            {
                **_common(go, rate, concurrency, timeout, busy_wait),
                "remove": remove,
                "journal": "" if journal is None else os.fspath(journal),
                "unknown_is_known": unknown_expiration is not None,
                "unknown_expiration": _expire(unknown_expiration or 0),
            },
            keys,
            _teller(progress),
        )
    )


def clean(
    placement: Layout,
    *,
    go: bool = False,
    before: Layout | None = None,
    other_client: Placement | None = None,
    after_outage: str | Server | None = None,
    flush: bool = False,
    rate: int | None = None,
    concurrency: int = 4096,
    timeout: Seconds = 10,
    busy_wait: Seconds = 30,
    progress: Callable[[FleetProgress], object] | None = None,
) -> CleanSummary:
    """Finds on each live server of `placement` the keys whose owner is another, and deletes them.
    Without `go` it only says which those are, and why they are there, most likely.

    >>> shardcache.clean(pool)
    <shardcache.CleanSummary: 1803 orphans among 200000 keys, 0 deleted, 0 failed>

    A key is deleted only if it is still the item that was listed, so that a value stored meanwhile
    stays. Where servers are ejected at the moment, give a Placement with those `down`: keys that
    are elsewhere because of it are no orphans.

    `before`: the layout before the last change; `other_client`: another client that wrote here.
    Both are for the likely cause alone.
    `after_outage`: the address or ring name of a server that was away. Then all that it holds is
    removed, orphan or not; with `flush` by one flush_all, so that what is stored meanwhile is lost
    too, else key by key.
    The others, errors and Ctrl-C: as with warm().
    """
    if isinstance(after_outage, Server):
        after_outage = after_outage.address
    return _clean_summary(
        _shardcache.clean(
            _placement(placement),
            {
                **_common(go, rate, concurrency, timeout, busy_wait),
                "after_outage": after_outage or "",
                "flush": flush,
            },
            None if before is None else _placement(before),
            None if other_client is None else _placement(other_client),
            _teller(progress),
        )
    )


def _placement(layout: Layout) -> _shardcache.Placement:
    if isinstance(layout, PoolConfig):
        layout = Placement(layout)
    if not isinstance(layout, Placement):
        raise TypeError(f"expected a Placement or a PoolConfig, and not {type(layout).__name__}")
    return layout._native


def _layout(layout: Layout | Iterable[AnyServer]) -> _shardcache.Placement | list[Any]:
    if isinstance(layout, (PoolConfig, Placement)):
        return _placement(layout)
    if isinstance(layout, (str, bytes)):
        raise TypeError("expected many servers, such as a list of them, and not one")
    return [server._as_tuple() for server in _servers(layout)]


def _common(
    go: bool, rate: int | None, concurrency: int, timeout: Seconds, busy_wait: Seconds
) -> dict[str, Any]:
    if rate is not None and rate < 1:
        raise Error(f"rate is a number of keys a second, and not {rate}", "invalid_argument")
    if concurrency < 1:
        raise Error(f"concurrency is 1 and more, and not {concurrency}", "invalid_argument")
    return {
        "go": go,
        "rate": None if rate is None else _within("rate", rate, 63),
        "concurrency": _within("concurrency", concurrency, 32),
        "timeout": _duration("timeout", timeout),
        "busy_wait": _duration("busy_wait", busy_wait),
    }


def _teller(progress: Callable[[FleetProgress], object] | None) -> Callable[[Any], object] | None:
    if progress is None:
        return None
    tell = progress
    return lambda now: tell(FleetProgress(*now))


def _warm_summary(native: tuple[list[Any], dict[str, int], list[str], bool]) -> WarmSummary:
    rows, counters, failures, interrupted = native
    return WarmSummary(
        [WarmRow(*row) for row in rows], **counters, failures=failures, interrupted=interrupted
    )


def _clean_summary(
    native: tuple[list[Any], list[Any], int, int, list[str], bool],
) -> CleanSummary:
    rows, servers, foreign, unnameable, failures, interrupted = native
    return CleanSummary(
        [CleanRow(Server(*row[0]), *row[1:]) for row in rows],
        [CleanServer(Server(*server[0]), *server[1:]) for server in servers],
        foreign, unnameable, failures, interrupted,
    )  # fmt: skip
