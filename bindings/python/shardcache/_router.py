"""Key to server, over the servers that are live now."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from . import _shardcache
from ._config import PoolConfig
from ._error import Error
from ._placement import Placement
from ._server import Server

if TYPE_CHECKING:
    from ._types import Key, Keys, Uint32s

NO_SERVER: int = _shardcache.no_server
"""In the place of a server in batches: the key's request fails at once."""

FAILURE_KINDS: tuple[str, ...] = _shardcache.failure_kinds
"""Why a connection to a server ended. All count alike; they are told apart for people."""

_LONG_AGO = -8e9  # seconds, before whatever a clock says


class RouterEvent(NamedTuple):
    """A change of who is live."""

    type: str
    """"ejected", "readmitted", "all_dead" (the last live server went out) or "reloaded"."""
    server: int | None
    """Its index in the configuration of that moment; None if the event is of no server."""
    name: str | None
    reason: str | None
    """Of an ejection: the failure that did it, one of FAILURE_KINDS; None if follow() took it from
    a proxy."""
    time: float
    until: float | None
    moved: float
    """The part of all keys, 0 to 1, that changed server with this change."""


class ServerCounters(NamedTuple):
    """What happened to a server since the Router, or a reload(), first knew it."""

    name: str
    ejections: int
    readmissions: int
    failures: dict[str, int]
    """By kind."""


class RemoteEjection(NamedTuple):
    """A server that somebody else, such as a running proxy, holds for ejected; the times are the
    Router's clock's."""

    server: str
    ejected_at: float
    until: float


class RouterSnapshot:
    """What a Router routes by at one moment: an immutable value that may be kept and shared."""

    def __init__(self, native: _shardcache.RouterSnapshot, pool: PoolConfig) -> None:
        self._native = native
        self._pool = pool

    @property
    def pool(self) -> PoolConfig:
        """The configuration in force at that moment."""
        return self._pool

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers of the pool, live or not, by index."""
        return self._pool.by_index

    @property
    def placement(self) -> Placement:
        """That of the servers on the ring: the live ones or, while there are none, those of the
        last rebuild that found one."""
        return Placement._of(self._native.placement(), self._pool)

    @property
    def live(self) -> list[int]:
        """The indexes of the servers that were live, ascending."""
        return [index for index, ejected in enumerate(self._native.ejected()) if not ejected]

    @property
    def next_rebuild(self) -> float | None:
        """The first request after this moment brings a server back."""
        return self._native.next_rebuild()

    @property
    def version(self) -> int:
        """Counts the Router's snapshots; 1 at first."""
        return self._native.version()

    @property
    def configuration(self) -> int:
        """Counts the configurations that the Router had; 1 at first."""
        return self._native.configuration()

    def route(self, key: Key) -> Server:
        """See Router.route()."""
        return _live(self._native.route(key), self._pool, key)

    def route_many(self, keys: Keys) -> Uint32s:
        """See Router.route_many()."""
        return np.asarray(self._native.route_many(keys))

    def __repr__(self) -> str:
        return (
            f"<shardcache.RouterSnapshot {self.version} of pool '{self._pool.name}': "
            f"{len(self.live)} of {len(self.servers)} servers live>"
        )


class Router:
    """The live placement of one pool, which follows twemproxy's ejection of its servers.

    Does no I/O: it says where to send a request, and is told what came of it. Threads may share
    it; routing waits for nobody.

    >>> router = shardcache.Router(pool)
    >>> server = router.route("user:42")
    >>> router.report_failure(server.index, "timeout")   # or report_success(server.index)
    """

    def __init__(
        self,
        pool: PoolConfig,
        clock: Callable[[], float] | None = None,
        *,
        observer: Callable[[RouterEvent], object] | None = None,
        probe_before_readmission: bool = False,
        back_off_cap: timedelta | None = None,
        keep_ring: bool = False,
    ) -> None:
        """`clock` tells seconds that never go back; time.monotonic unless given. Where a method
        takes `now`, that is read in its place. `observer` is called with each change of who is
        live, by the thread that made or saw it.

        Raises Error of code "invalid_config" for a pool that cannot be placed.

        Beyond twemproxy, off unless asked for: `probe_before_readmission` and `back_off_cap` (see
        EjectionRules), and `keep_ring`: keys of an ejected server do not move, their requests fail
        until it returns.
        """
        if not isinstance(pool, PoolConfig):
            raise TypeError(f"expected a PoolConfig, and not {type(pool).__name__}")
        self._clock = clock
        self._observer = observer
        self._native = _shardcache.Router(
            pool._as_fields(),
            None if clock is None else _tell_time(weakref.ref(self)),
            None if observer is None else tell_observer(weakref.ref(self)),
            probe_before_readmission,
            back_off_cap,
            keep_ring,
        )
        self._begin(pool)

    @classmethod
    def _of(cls, native: _shardcache.Router, pool: PoolConfig) -> Router:
        """That of a Client."""
        router = cls.__new__(cls)
        router._clock = None
        router._observer = None
        router._native = native
        router._begin(pool)
        return router

    def _begin(self, pool: PoolConfig) -> None:
        # By number, for a thread may route by the one that another is about to replace.
        self._pools = {1: pool}
        self._reloading = threading.Lock()

    def route(self, key: Key, now: float | None = None) -> Server:
        """The server to send the request for `key` to, after the readmissions that are due.

        Raises Error of code "no_live_server" if the request fails at once: no server is live, or,
        with keep_ring, the key's own is ejected.
        """
        while True:
            index, configuration = self._native.route(key, now)
            pool = self._pools.get(configuration)
            if pool is not None:  # None: reloads overtook this thread
                return _live(index, pool, key)

    def route_many(self, keys: Keys, now: float | None = None) -> Uint32s:
        """The index of the server of each of `keys`, all by one snapshot; NO_SERVER where the
        request fails at once."""
        return self.snapshot(now).route_many(keys)

    def snapshot(self, now: float | None = None) -> RouterSnapshot:
        """What a request at `now` is routed by."""
        while True:
            native = self._native.snapshot(now)
            pool = self._pools.get(native.configuration())
            if pool is not None:  # None: reloads overtook this thread
                return RouterSnapshot(native, pool)

    def _in_force(self) -> RouterSnapshot:
        """The latest snapshot, without the readmissions that a request now would bring."""
        return self.snapshot(_LONG_AGO)

    def report_failure(
        self,
        server: int,
        kind: str = "other",
        now: float | None = None,
        *,
        routed_by: RouterSnapshot | None = None,
    ) -> None:
        """A connection to the server with this index ended, whyever: once for each connection. An
        index that is not of the pool is ignored.

        Where a reload() may come between, `routed_by` says which snapshot the index is of.
        """
        if routed_by is None:
            self._native.report_failure(server, kind, now)
        else:
            now = self._now() if now is None else now
            self._native.report_failure_routed_by(routed_by._native, server, kind, now)

    def report_success(self, server: int, *, routed_by: RouterSnapshot | None = None) -> None:
        """The server answered: once for each answer."""
        if routed_by is None:
            self._native.report_success(server)
        else:
            self._native.report_success_routed_by(routed_by._native, server)

    def probes_due(self, now: float | None = None) -> list[int]:
        """With probe_before_readmission: the servers to ask for a sign of life."""
        return self._native.probes_due(now)

    def report_probe(self, server: int, answered: bool, now: float | None = None) -> None:
        """What came of asking a server of probes_due()."""
        self._native.report_probe(server, answered, now)

    def follow(
        self, ejected: Iterable[RemoteEjection], seen_at: float, now: float | None = None
    ) -> None:
        """Beyond twemproxy: takes over who is live from a proxy, as seen at `seen_at`. See
        proxy_stats.ejections_at()."""
        self._native.follow(list(ejected), seen_at, now)

    def reload(self, pool: PoolConfig) -> None:
        """Replaces the configuration. A server that stays, by ring name and address, keeps its
        failures, ejection and counters; its index may change. On Error nothing changes."""
        with self._reloading:
            last = max(self._pools)
            self._pools[last + 1] = pool
            try:
                self._native.reload(pool._as_fields())
            except BaseException:
                del self._pools[last + 1]
                raise
            self._pools.pop(last - 1, None)

    @property
    def pool(self) -> PoolConfig:
        """The configuration in force."""
        return self._in_force().pool

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers of the pool, live or not, by index."""
        return self.pool.by_index

    @property
    def live(self) -> list[int]:
        """The indexes of the servers that are live for a request now; it brings back those that
        are due, as that request would."""
        return self.snapshot().live

    @property
    def counters(self) -> list[ServerCounters]:
        """By server index."""
        return [ServerCounters(*counters) for counters in self._native.counters()]

    def __repr__(self) -> str:
        snapshot = self._in_force()
        return (
            f"<shardcache.Router of pool '{snapshot.pool.name}': "
            f"{len(snapshot.live)} of {len(snapshot.servers)} servers live>"
        )

    def _now(self) -> float:
        return time.monotonic() if self._clock is None else self._clock()


def _live(index: int | None, pool: PoolConfig, key: Key) -> Server:
    if index is not None:
        return pool.by_index[index]
    raise Error(
        f"no server of pool '{pool.name}' is live for the key {key!r}", "no_live_server", key=key
    )


# The library holds these and they hold their owner weakly, so that a clock or an observer that
# holds the owner can be garbage-collected with it.


def _tell_time(router: weakref.ref[Router]) -> Callable[[], float]:
    def tell() -> float:
        it = router()
        return 0.0 if it is None or it._clock is None else it._clock()

    return tell


class _Observed(Protocol):
    _observer: Callable[[RouterEvent], object] | None


def tell_observer(observed: Callable[[], _Observed | None]) -> Callable[[Any], None]:
    def tell(event: Any) -> None:
        it = observed()
        if it is not None and it._observer is not None:
            it._observer(RouterEvent(*event))

    return tell
