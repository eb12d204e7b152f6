"""A memcached client that places keys and ejects servers as twemproxy does."""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, TypeVar, Union

from . import _shardcache
from ._client_metrics import ClientMetrics
from ._config import PoolConfig
from ._error import Error, PartialError
from ._router import Router, RouterEvent, tell_observer

if TYPE_CHECKING:
    from types import TracebackType

    from ._types import Key

    AnyKey = TypeVar("AnyKey", bytes, str, Union[bytes, str])

    Seconds = Union[float, timedelta]
    """A duration; a bare number is of seconds."""

_LONGEST = 1e9
"""Seconds; what is longer is a mistake, or may as well be for ever."""


class Value(NamedTuple):
    """What a server holds under a key."""

    data: bytes
    flags: int
    """32 bits of whoever stored it, which say what `data` is to be read as; 0 from this client
    unless given."""
    cas: int
    """What Client.cas() must be given to replace exactly this value."""


class StaleGuardEvent(NamedTuple):
    """What a stale guard did for a server that returned."""

    type: str
    """"cleaned" (`keys` keys were deleted from it), "invalidated" (it was emptied),
    "already_invalidated" (another client had emptied it), "restarted" (and so was empty),
    "overflow" ("exact": more keys were changed than memory allows, so it is emptied) or "failed"
    (it stays ejected; `message` says why, if it answered)."""
    server: str
    """Its ring name."""
    keys: int
    message: str


class Client:
    """A memcached client of one pool: keys are placed, and servers ejected, as by twemproxy.

    Threads may share it: each call has connections for itself while it lasts, and all share one
    Router. It belongs to the process that made it: it cannot be pickled, and in a process forked
    from that one its calls raise Error. Use it in a `with` statement, or call close().

    >>> with shardcache.Client(shardcache.load("nutcracker.yml")["alpha"]) as client:
    ...     client.set("user:42", "Ann", expire=60)
    ...     client.get("user:42")
    b'Ann'

    Keys are bytes or str, of 1 to 250 bytes with the prefix, without blanks and control characters.
    Values are bytes or str; str means its UTF-8, and what is read is bytes always. `expire` is how
    long an item lives, in seconds or as a timedelta, rounded up to a whole second: 0, until it is
    evicted; less than 0, it is gone at once. It is always a duration, however long, and never a
    date.

    A miss is no error. A call that gets no answer raises Error, of code
    - "invalid_argument": a key that memcached does not take; nothing was sent;
    - "no_live_server": all servers are ejected; nothing was sent;
    - "timeout": no answer in time;
    - "disconnected": no connection, or it was lost before the answer;
    - "protocol": the server answered what it never should;
    - "refused_by_server": it answered ERROR, CLIENT_ERROR or SERVER_ERROR.
    Its `server` and `key` name the two; `maybe_applied` says that a change may have been made, or
    may yet be made, though no answer says so. Where a call has several keys, or asks several
    servers, and some fail, it raises PartialError, which has what the others answered.

    A call returns within its deadline, whatever the servers do. Ctrl-C ends it at once; a change
    that was under way may then have been made.
    """

    def __init__(
        self,
        pool: PoolConfig,
        *,
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        retry: bool = False,
        prefix: Key = b"",
        hash_prefix: bool = True,
        stale_guard: Literal["off", "exact", "fleet"] = "off",
        stale_guard_memory: int = 64 << 20,
        stale_guard_observer: Callable[[StaleGuardEvent], object] | None = None,
        observer: Callable[[RouterEvent], object] | None = None,
        probe_before_readmission: bool = False,
        back_off_cap: timedelta | None = None,
        keep_ring: bool = False,
    ) -> None:
        """Connects to nobody yet. The defaults are the pool's settings and twemproxy's ways.

        `timeout`: how long one attempt may take, connecting included, in seconds (rounded up to
        milliseconds) or as a timedelta; the pool's unless given and, if that has none, for ever.
        `deadline`: how long a whole call may take, with all its attempts; `timeout` unless given.

        `retry`: a request without an answer is routed and sent again until the deadline, if that
        cannot apply it twice: where nothing of it was sent, or for what says the same when repeated
        (all but add, cas, append, prepend, incr and decr). Give a deadline above the timeout too.

        `prefix` is sent before each key, and hashed with it if `hash_prefix`.

        `stale_guard`: what to do about the values that a server still has when it returns from an
        ejection: "off", twemproxy's way, to read them; "exact", to delete the keys that this Client
        changed meanwhile, on which it may spend `stale_guard_memory` bytes (about 200 and its
        length for a key); "fleet", to empty the server once for all clients of this library. Of
        two writes of a key made through this Client, and of the value that a server held before its
        ejection, "exact" returns no older one; see stale_guard.h for the limits.
        `stale_guard_observer` is called by the thread that did it.

        `observer` is called with each change of who is live, and `probe_before_readmission` (which
        a stale guard turns on), `back_off_cap` and `keep_ring` go beyond twemproxy: see Router.
        Neither observer may call the Client.

        Raises Error: "invalid_config" for a pool that cannot be placed; "invalid_argument" for a
        redis pool, a prefix that no key can have, a time that is not positive.
        """
        if not isinstance(pool, PoolConfig):
            raise TypeError(f"expected a PoolConfig, and not {type(pool).__name__}")
        self._name = pool.name
        self._observer = observer
        self._stale_guard_observer = stale_guard_observer
        self._process = os.getpid()
        it = weakref.ref(self)
        native = _shardcache.Client(
            pool._as_fields(),
            {
                "timeout": _duration("timeout", timeout),
                "deadline": _duration("deadline", deadline),
                "retry": retry,
                "prefix": prefix,
                "hash_prefix": hash_prefix,
                "stale_guard": stale_guard,
                "stale_guard_memory": _within("stale_guard_memory", stale_guard_memory, 63),
                "stale_guard_observer": None if stale_guard_observer is None else _tell_guard(it),
                "observer": None if observer is None else tell_observer(it),
                "probe_before_readmission": probe_before_readmission,
                "back_off_cap": back_off_cap,
                "keep_ring": keep_ring,
            },
        )
        # Absent once it is closed.
        self._open: tuple[_shardcache.Client, Router] | None = (
            native, Router._of(native.router(), pool)
        )  # fmt: skip

    def get(self, key: Key) -> bytes | None:
        """The value; None if there is none."""
        return self._native.get(key)

    def gets(self, key: Key) -> Value | None:
        """The value with its flags, and with what cas() needs; None if there is none."""
        value = self._native.gets(key)
        return None if value is None else Value(*value)

    def get_and_touch(self, key: Key, expire: Seconds) -> bytes | None:
        """The value, whose item gets a new expiration. Older proxies do not know the command."""
        return self._native.get_and_touch(key, _expire(expire))

    def get_many(self, keys: Iterable[AnyKey]) -> dict[AnyKey, bytes]:
        """The values of those that have one, by key as given; all servers are asked before any is
        waited for.

        Raises PartialError if some could not be asked for: its `values` are those of the others.
        """
        asked = _many(keys)
        return _whole(*self._native.get_many(asked), len(asked), "keys")

    def gets_many(self, keys: Iterable[AnyKey]) -> dict[AnyKey, Value]:
        """The same with flags and cas."""
        asked = _many(keys)
        values, errors = self._native.gets_many(asked)
        found = {key: Value(*value) for key, value in values.items()}
        return _whole(found, errors, len(asked), "keys")

    def get_many_with_expiration(
        self, keys: Iterable[AnyKey]
    ) -> dict[AnyKey, tuple[bytes, timedelta | None]]:
        """The values, each with how long it has still to live: None, until it is evicted.

        Needs servers with meta commands (memcached 1.6), and no proxy between. Raises PartialError
        like get_many().
        """
        asked = _many(keys)
        values, errors = self._native.get_many_with_expiration(asked)
        found = {
            key: (data, None if left is None else timedelta(seconds=left))
            for key, (data, left) in values.items()
        }
        return _whole(found, errors, len(asked), "keys")

    def set(self, key: Key, value: Key, expire: Seconds = 0, flags: int = 0) -> None:
        """Stores it, whatever is there."""
        if not self._store("set", key, value, expire, flags):
            # The protocol has no such answer to it.
            raise Error(f"the server did not store {key!r}", "protocol", key=key)

    def set_many(
        self, items: Mapping[AnyKey, Key], expire: Seconds = 0, flags: int = 0
    ) -> None:
        """Stores the values under their keys, all servers at once.

        Raises PartialError if some could not be stored, whose `errors` say which; all others are.
        """
        pairs = [(key, value) for key, value in items.items()]
        errors = self._native.set_many(pairs, _expire(expire), _within("flags", flags, 32))
        _whole({}, errors, len(pairs), "keys")

    def add(self, key: Key, value: Key, expire: Seconds = 0, flags: int = 0) -> bool:
        """Stores it if nothing is there; returns whether it did."""
        return self._store("add", key, value, expire, flags)

    def replace(self, key: Key, value: Key, expire: Seconds = 0, flags: int = 0) -> bool:
        """Stores it if something is there; returns whether it did."""
        return self._store("replace", key, value, expire, flags)

    def append(self, key: Key, value: Key) -> bool:
        """Puts it after the value that is there, whose flags and expiration stay; returns whether
        there was one."""
        return self._store("append", key, value)

    def prepend(self, key: Key, value: Key) -> bool:
        """Puts it before the value that is there, whose flags and expiration stay; returns whether
        there was one."""
        return self._store("prepend", key, value)

    def cas(
        self, key: Key, value: Key, cas: int, expire: Seconds = 0, flags: int = 0
    ) -> bool | None:
        """Stores it if the value is still the one that gets() returned with this `cas`. True if it
        did; False if the value has changed; None if it is gone."""
        outcome = self._native.store(
            "cas", key, value, _expire(expire), _within("flags", flags, 32),
            _within("cas", cas, 64),
        )  # fmt: skip
        return None if outcome == "miss" else outcome == "stored"

    def delete(self, key: Key) -> bool:
        """Whether it was there."""
        return self._native.delete(key)

    def touch(self, key: Key, expire: Seconds = 0) -> bool:
        """Gives the item a new expiration; returns whether it was there."""
        return self._native.touch(key, _expire(expire))

    def incr(self, key: Key, delta: int = 1) -> int | None:
        """Adds to a value of decimal digits, which wraps round at 2**64. The new value; None if
        there is none. Raises Error of code "refused_by_server" if it is no number."""
        return self._native.increment(key, _within("delta", delta, 64))

    def decr(self, key: Key, delta: int = 1) -> int | None:
        """The same downwards; stops at 0."""
        return self._native.decrement(key, _within("delta", delta, 64))

    def flush_all(self) -> None:
        """Empties every server, ejected or not. Raises PartialError if some did not answer: its
        `values` have the ring names of the others."""
        values, errors = self._native.flush_all()
        _whole(values, errors, len(values) + len(errors), "servers")

    def stats(self, sort: str = "") -> dict[str, dict[str, str]]:
        """What each server, ejected or not, says of itself, by ring name. `sort`: "" for the
        general statistics, or "items", "slabs", "settings", ... Raises PartialError if some did
        not answer."""
        values, errors = self._native.stats(sort)
        return _whole(values, errors, len(values) + len(errors), "servers")

    def version(self) -> dict[str, str]:
        """Of each server, ejected or not, by ring name. Raises PartialError if some did not
        answer."""
        values, errors = self._native.version()
        return _whole(values, errors, len(values) + len(errors), "servers")

    def check_idle(self) -> None:
        """Looks at the connections that nobody uses, without waiting, and reports those that their
        servers closed to the Router. A proxy, which always listens, notices them at once; a Client
        at the next call that needs one."""
        self._native.check_idle()

    def maintain(self, limit: Seconds) -> bool:
        """Carries on what the stale guard has to do for servers that are about to return, for at
        most `limit`, in seconds or as a timedelta. Each call does a step of it, so this is for
        programs with a moment to spare. Returns whether nothing is left to do."""
        milliseconds = _duration("limit", limit)
        assert milliseconds is not None
        return self._native.maintain(milliseconds)

    @property
    def metrics(self) -> ClientMetrics:
        """What it has done so far, in all threads. Waits for none of them."""
        return ClientMetrics(self._native.metrics(), self._name)

    @property
    def router(self) -> Router:
        """Who is live, and where keys go. Its reload() changes the servers of the Client.

        It holds the connections of its Client: one that is kept leaves them open after close().
        """
        return self._parts[1]

    def close(self) -> None:
        """Closes the connections, when the calls of other threads have ended. It can be called
        again; other calls raise Error from now on."""
        self._open = None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Client has connections, and cannot be pickled or copied; pickle its PoolConfig and "
            "make a Client of it in each process"
        )

    def __repr__(self) -> str:
        if self._open is None:
            return f"<shardcache.Client of pool '{self._name}': closed>"
        snapshot = self._open[1]._in_force()
        return (
            f"<shardcache.Client of pool '{self._name}': "
            f"{len(snapshot.live)} of {len(snapshot.servers)} servers live>"
        )

    def _store(
        self, command: str, key: Key, value: Key, expire: Seconds = 0, flags: int = 0
    ) -> bool:
        outcome = self._native.store(
            command, key, value, _expire(expire), _within("flags", flags, 32), 0
        )
        return outcome == "stored"

    @property
    def _native(self) -> _shardcache.Client:
        return self._parts[0]

    @property
    def _parts(self) -> tuple[_shardcache.Client, Router]:
        parts = self._open
        if parts is None:
            raise Error(f"the Client of pool '{self._name}' is closed", "invalid_argument")
        if self._process != os.getpid():
            # Two processes on one connection would read each other's answers.
            raise Error(
                f"the Client of pool '{self._name}' was made by the process {self._process}, from "
                "which this one was forked; each process needs one of its own",
                "invalid_argument",
            )
        return parts


def _many(keys: Iterable[AnyKey]) -> list[AnyKey]:
    if isinstance(keys, (bytes, str)):
        kind = type(keys).__name__
        raise TypeError(f"expected many keys, such as a list of them, and not a single {kind}")
    return [key for key in keys]  # which Ctrl-C can stop, as list() may not let it


_Answers = TypeVar("_Answers", bound="dict[Any, Any]")


def _whole(values: _Answers, errors: dict[Any, Error], asked: int, what: str) -> _Answers:
    """The values, unless there are errors."""
    if errors:
        raise PartialError(values, errors, f"{len(errors)} of {asked} {what} failed")
    return values


def _expire(expire: Seconds) -> int | None:
    """Whole seconds; None: until it is evicted."""
    seconds = expire.total_seconds() if isinstance(expire, timedelta) else expire
    if not math.isfinite(seconds):
        raise Error(f"an item cannot expire after {seconds} s", "invalid_argument")
    if seconds == 0:
        return None
    if seconds < 0:
        return -1
    return math.ceil(min(seconds, 10 * _LONGEST))  # memcached counts to a fifth of that


def _duration(name: str, time: Seconds | None) -> timedelta | None:
    """In milliseconds, rounded up."""
    if time is None:
        return None
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    if not abs(seconds) <= _LONGEST:  # also for NaN
        raise Error(f"{name} cannot be {seconds} s", "invalid_argument")
    return timedelta(milliseconds=math.ceil(round(seconds * 1000, 6)))


def _within(name: str, value: int, bits: int) -> int:
    if 0 <= value < 1 << bits:
        return value
    raise Error(f"{name} is from 0 to 2**{bits} - 1, and not {value}", "invalid_argument")


# The library holds this and it holds the Client weakly: see _router.tell_observer().
def _tell_guard(client: weakref.ref[Client]) -> Callable[[Any], None]:
    def tell(event: Any) -> None:
        it = client()
        if it is not None and it._stale_guard_observer is not None:
            it._stale_guard_observer(StaleGuardEvent(*event))

    return tell
