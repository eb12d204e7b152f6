"""Which server a key belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _shardcache
from ._config import PoolConfig
from ._error import Error
from ._server import Server, index_of, numbered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._types import Key, Keys, Uint32s
    from .interop import ClientSetup

POINT = np.dtype([("value", np.uint32), ("owner", np.uint32)])


class Placement:
    """The map from keys to servers that twemproxy makes of a pool while some servers are live.

    An immutable value: the same configuration gives the same answers in every process, for ever.
    Threads may share it; it may be pickled. Two are equal if they place every key alike.

    >>> placement = shardcache.Placement(shardcache.load("nutcracker.yml")["alpha"])
    >>> placement.locate("user:42").address
    '10.0.0.3:11211'
    """

    def __init__(
        self,
        pool: PoolConfig,
        down: Iterable[int | str | Server] = (),
        *,
        random: Callable[[], int] | None = None,
    ) -> None:
        """The placement of `pool` with all servers live but those of `down`, which are given by
        ring name, by index or as Servers.

        `random` draws 32 bits for each key of a pool of distribution "random".

        Raises Error: "invalid_config" for a pool that cannot be placed, "not_found" for a server
        of `down` that the pool does not have, "invalid_argument" if none is left.
        """
        if not isinstance(pool, PoolConfig):
            raise TypeError(f"expected a PoolConfig, and not {type(pool).__name__}")
        self._native = _shardcache.Placement(pool._as_fields(), random)
        self._source: PoolConfig | ClientSetup = pool
        self._random = random
        self._servers = pool.by_index
        self._notes: tuple[str, ...] = ()
        out = self._indexes(down)
        if out:
            self._native = self._restricted([i for i in self.live if i not in out])

    @classmethod
    def _of(
        cls,
        native: _shardcache.Placement,
        source: PoolConfig | ClientSetup,
        random: Callable[[], int] | None = None,
        notes: Iterable[str] = (),
    ) -> Placement:
        placement = cls.__new__(cls)
        placement._native = native
        placement._source = source
        placement._random = random
        placement._servers = numbered(native.servers())
        placement._notes = tuple(notes)
        return placement

    def locate(self, key: Key) -> Server:
        """The server that `key` belongs to. For more than a few keys, see locate_many()."""
        return self._servers[self._native.locate(key)]

    def locate_many(self, keys: Keys) -> Uint32s:
        """What locate() answers for each of `keys`, far sooner: an array, as long as `keys` and
        in their order, of indexes into `servers`.

        Raises TypeError for a key that is neither bytes nor str, and says which it was.
        """
        return np.asarray(self._native.locate_many(keys))

    def locate_hash(self, hash: int) -> Server:
        """The server that a hash, 0 to 2**32 - 1, leads to."""
        return self._servers[self._native.locate_hash(hash)]

    def hash_key(self, key: Key) -> int:
        """The hash by which `key` is placed: of the part in the hash tag, if it has one."""
        return self._native.hash_key(key)

    def hash_keys(self, keys: Keys) -> Uint32s:
        """What hash_key() answers for each of `keys`, in their order."""
        return np.asarray(self._native.hash_keys(keys))

    def hashed_part(self, key: Key) -> bytes:
        """The part of `key` that is hashed."""
        return self._native.hashed_part(key)

    def restrict(self, live: Iterable[int | str | Server]) -> Placement:
        """The placement of the same pool with exactly these servers live, whichever are now.
        Raises Error for the placement of another client."""
        native = self._restricted(sorted(self._indexes(live)))
        return Placement._of(native, self._source, self._random)

    def sent_key(self, key: Key) -> bytes:
        """The key as it goes to the server: the same for twemproxy; other clients put a prefix
        before it, or clean it up."""
        return self._native.sent_key(key)

    @property
    def source(self) -> PoolConfig | ClientSetup:
        """What it was made of."""
        return self._source

    @property
    def scheme(self) -> str:
        """ "twemproxy", or the name of another client's way to place keys. Where it is another's,
        `distribution`, `hash_function` and `char_sign` say nothing of it."""
        return self._native.scheme()

    @property
    def notes(self) -> tuple[str, ...]:
        """Of another client: what the owner of the setup may not expect, a sentence each."""
        return self._notes

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers, live or not, by index: sorted by ring name; of another client, in the order
        of its setup."""
        return self._servers

    @property
    def live(self) -> list[int]:
        """The indexes of the live servers, ascending; never empty."""
        return self._native.live()

    def is_live(self, server: int | str | Server) -> bool:
        """Whether keys are placed on this server, given by index, by ring name or as a Server."""
        return index_of(self._servers, server) in self.live

    @property
    def distribution(self) -> str:
        """ "ketama", "modula" or "random"."""
        return self._native.distribution()

    @property
    def hash_function(self) -> str:
        """One of HASHES."""
        return self._native.hash_function()

    @property
    def char_sign(self) -> str:
        """ "signed" or "unsigned": see PoolConfig."""
        return self._native.char_sign()

    @cached_property
    def points(self) -> np.recarray[Any, Any]:
        """The continuum: records of `value` and `owner` (a server's index), ascending. A point
        owns the hashes from just above the point before it up to its value; the first also those
        above the last. Empty unless the distribution is ketama."""
        values, owners = self._native.points()
        points = np.recarray(len(values), dtype=POINT)
        points["value"] = np.asarray(values)
        points["owner"] = np.asarray(owners)
        points.flags.writeable = False
        return points

    @property
    def point_counts(self) -> Uint32s:
        """An array by server index: how many points (ketama), slots of the table (modula: the weight) or
        draws (random: 1) each has; 0 if it is not live."""
        return np.asarray(self._native.point_counts())

    @property
    def shares(self) -> NDArray[np.float64]:
        """An array by server index: the part of all hashes, 0 to 1, that leads to each. They add
        up to 1."""
        return np.array(self._native.shares())

    @property
    def fingerprint(self) -> int:
        """64 bits over all that decides where a key goes. Processes, on any machines, whose
        placements have one fingerprint place every key alike."""
        return self._native.fingerprint()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Placement):
            return NotImplemented
        return self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return self.fingerprint

    def __repr__(self) -> str:
        live = self.live
        down = [server.name for server in self._servers if server.index not in live]
        if isinstance(self._source, PoolConfig):
            kind = f"of pool '{self._source.name}': {self.distribution}, {self.hash_function}"
        else:
            kind = f"of {self._source.client}: {self.scheme}"
        ejected = f", down={down}" if down else ""
        return (
            f"<shardcache.Placement {kind}, {len(self._servers)} servers{ejected}, "
            f"fingerprint {self.fingerprint:016x}>"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        if self._random is not None:
            raise TypeError("a Placement that draws from its own `random` cannot be pickled")
        return _restore, (self._source, self.live)

    def _indexes(self, servers: Iterable[int | str | Server]) -> set[int]:
        if isinstance(servers, (str, bytes)):
            raise TypeError("servers are many, such as a list of them, and not a single str")
        return {index_of(self._servers, server) for server in servers}

    def _restricted(self, live: list[int]) -> _shardcache.Placement:
        if not live:
            raise Error("a placement needs at least one live server", "invalid_argument")
        return self._native.restrict(live)


def _restore(source: PoolConfig | ClientSetup, live: list[int]) -> Placement:
    if not isinstance(source, PoolConfig):
        return source.placement()
    placement = Placement(source)
    return placement if live == placement.live else placement.restrict(live)
