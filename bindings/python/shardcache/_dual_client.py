"""Two layouts at once, while values move from the old to the new."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from . import _shardcache
from ._client import _duration, _expire, _many, _whole, _within
from ._config import PoolConfig
from ._error import Error

if TYPE_CHECKING:
    from types import TracebackType

    from ._client import AnyKey, Seconds
    from ._types import Key


class DualCounters(NamedTuple):
    """What came of the reads of a DualClient so far."""

    hits_in_new: int
    hits_in_old: int
    """Each of which was added to the new layout."""
    misses: int
    """In both."""


class DualClient:
    """A client of a new layout that finds there what the old one still holds.

    A miss in the new layout is looked for in the old, and what is found is added to the new, with
    its flags and for the rest of its life. So a cache that was filled before its servers changed
    is warm from the first moment.

    >>> with shardcache.DualClient(old, new, until=datetime.now() + timedelta(hours=1)) as client:
    ...     client.get("user:42")  # read in the old, and from now on in the new
    b'Ann'

    The value of a key is that of the new layout if there is one, else that of the old, and no call
    brings an older value back: values are only ever added to the new, set() and delete() first
    delete from the old, and fail with nothing stored if that fails, and all others first bring the
    value over. What remains: a get() that is just bringing a value over while another client
    deletes it may put it back; and the old layout must not be written to by others meanwhile,
    unless they want that value seen.

    Keys, values, `expire`, errors, Ctrl-C and processes are as with Client. Threads may share it,
    and take turns.
    """

    def __init__(
        self,
        old: PoolConfig,
        new: PoolConfig,
        *,
        until: datetime | None = None,
        unknown_expiration: Seconds = 3600,
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        retry: bool = False,
        prefix: Key = b"",
        hash_prefix: bool = True,
        stale_guard: Literal["off", "exact", "fleet"] = "off",
    ) -> None:
        """Connects to nobody yet.

        From `until` on (local time, unless it has a time zone) the old layout is not asked any
        more; by then all that is still worth having should have been read once, or have expired.
        `unknown_expiration`: how long a value lives, in seconds or as a timedelta, that comes from
        a server without meta commands (before memcached 1.6), which does not tell; 0, until it is
        evicted.

        The others are those of Client, for both layouts; `stale_guard` is for the new one.

        Raises Error like Client().
        """
        for pool in (old, new):
            if not isinstance(pool, PoolConfig):
                raise TypeError(f"expected a PoolConfig, and not {type(pool).__name__}")
        self._names = f"'{old.name}' to '{new.name}'"
        self._process = os.getpid()
        # Absent once it is closed.
        self._open: _shardcache.DualClient | None = _shardcache.DualClient(
            old._as_fields(),
            new._as_fields(),
            {
                "timeout": _duration("timeout", timeout),
                "deadline": _duration("deadline", deadline),
                "retry": retry,
                "prefix": prefix,
                "hash_prefix": hash_prefix,
                "stale_guard": stale_guard,
                "stale_guard_memory": 64 << 20,
                "stale_guard_observer": None,
                "observer": None,
                "probe_before_readmission": False,
                "back_off_cap": None,
                "keep_ring": False,
            },
            None if until is None else round(until.timestamp() * 1_000_000),
            _expire(unknown_expiration),
        )

    def get(self, key: Key) -> bytes | None:
        """The value; None if there is none in either."""
        return self._native.get(key)

    def get_many(self, keys: Iterable[AnyKey]) -> dict[AnyKey, bytes]:
        """The values of those that have one, by key as given. Raises PartialError if some could
        not be asked for."""
        asked = _many(keys)
        return _whole(*self._native.get_many(asked), len(asked), "keys")

    def set(self, key: Key, value: Key, expire: Seconds = 0, flags: int = 0) -> None:
        """Stores it in the new layout, and removes it from the old."""
        if not self._store("set", key, value, expire, flags):
            raise Error(f"the server did not store {key!r}", "protocol", key=key)

    def add(self, key: Key, value: Key, expire: Seconds = 0, flags: int = 0) -> bool:
        """Stores it if nothing is in either; returns whether it did."""
        return self._store("add", key, value, expire, flags)

    def replace(self, key: Key, value: Key, expire: Seconds = 0, flags: int = 0) -> bool:
        """Stores it if something is in either; returns whether it did."""
        return self._store("replace", key, value, expire, flags)

    def append(self, key: Key, value: Key) -> bool:
        """Puts it after the value; returns whether there was one."""
        return self._store("append", key, value)

    def prepend(self, key: Key, value: Key) -> bool:
        """Puts it before the value; returns whether there was one."""
        return self._store("prepend", key, value)

    def delete(self, key: Key) -> bool:
        """From both; whether either had it."""
        return self._native.delete(key)

    def touch(self, key: Key, expire: Seconds = 0) -> bool:
        """Gives the item a new expiration; returns whether there was one."""
        return self._native.touch(key, _expire(expire))

    def incr(self, key: Key, delta: int = 1) -> int | None:
        """Adds to a value of decimal digits; the new value, None if there is none."""
        return self._native.count(True, key, _within("delta", delta, 64))

    def decr(self, key: Key, delta: int = 1) -> int | None:
        """The same downwards; stops at 0."""
        return self._native.count(False, key, _within("delta", delta, 64))

    @property
    def counters(self) -> DualCounters:
        """What came of the reads so far."""
        return DualCounters(*self._native.counters())

    def close(self) -> None:
        """Closes the connections, when the calls of other threads have ended. It can be called
        again; other calls raise Error from now on."""
        self._open = None

    def __enter__(self) -> DualClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a DualClient has connections, and cannot be pickled or copied")

    def __repr__(self) -> str:
        state = ": closed" if self._open is None else ""
        return f"<shardcache.DualClient from pool {self._names}{state}>"

    def _store(
        self, command: str, key: Key, value: Key, expire: Seconds = 0, flags: int = 0
    ) -> bool:
        outcome = self._native.store(
            command, key, value, _expire(expire), _within("flags", flags, 32)
        )
        return outcome == "stored"

    @property
    def _native(self) -> _shardcache.DualClient:
        if self._open is None:
            raise Error("the DualClient is closed", "invalid_argument")
        if self._process != os.getpid():
            # Two processes on one connection would read each other's answers.
            raise Error(
                f"the DualClient was made by the process {self._process}, from which this one was "
                "forked; each process needs one of its own",
                "invalid_argument",
            )
        return self._open
