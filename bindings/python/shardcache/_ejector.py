"""Which servers of a pool are live: twemproxy's failure counting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from . import _shardcache
from ._config import PoolConfig


class EjectionRules(NamedTuple):
    """The settings of ejection. The first three are twemproxy's."""

    auto_eject_hosts: bool = False
    server_failure_limit: int = 2
    server_retry_timeout: timedelta = timedelta(seconds=30)
    probe_before_readmission: bool = False
    """Beyond twemproxy: an ejected server returns only when report_probe() says that it answers."""
    back_off_cap: timedelta | None = None
    """Beyond twemproxy: a server that is ejected again before it was live for as long as it had
    been out stays out twice as long, up to this."""

    @classmethod
    def of(cls, pool: PoolConfig) -> EjectionRules:
        """Those of a pool's configuration."""
        return cls(pool.auto_eject_hosts, pool.server_failure_limit, pool.server_retry_timeout)


class Ejector:
    """The ejection state of one pool, as a state machine that reads no clock: each call is given
    `now`, in seconds of any clock, which must not go back. Not for several threads at once: see
    Router for that.

    A failure is a connection to the server that ends, for whatever reason; a success is an answer.
    At `server_failure_limit` failures without a success between them the server is out, for
    `server_retry_timeout`. Methods that return bool say whether the live set was rebuilt.
    """

    def __init__(self, server_count: int, rules: EjectionRules) -> None:
        """All servers, numbered from 0, are live. Raises Error of code "invalid_argument" if
        there is none; and so do the methods for a number that no server has."""
        self._native = _shardcache.Ejector(server_count, rules)
        self._rules = rules

    def changed(
        self, origin: Sequence[int | None], rules: EjectionRules, now: float
    ) -> Ejector:
        """The ejector of a changed pool: server i of it goes on as server origin[i] of this one,
        or starts anew where that is None."""
        changed = Ejector.__new__(Ejector)
        changed._native = self._native.changed(list(origin), rules, now)
        changed._rules = rules
        return changed

    def advance(self, now: float) -> bool:
        """Must be called before each request: brings back the servers that are due."""
        return self._native.advance(now)

    def report_failure(self, server: int, now: float) -> bool:
        """A connection to the server ended."""
        return self._native.report_failure(server, now)

    def report_success(self, server: int) -> None:
        """The server answered: its failures are forgotten."""
        self._native.report_success(server)

    def report_probe(self, server: int, answered: bool, now: float) -> bool:
        """What came of asking a server of probes_due() for a sign of life."""
        return self._native.report_probe(server, answered, now)

    def override(self, server: int, until: float | None, now: float) -> bool:
        """Beyond twemproxy: makes `server` out until then, or live if that is None."""
        return self._native.override(server, until, now)

    @property
    def rules(self) -> EjectionRules:
        """The settings it was made with."""
        return self._rules

    @property
    def live(self) -> list[int]:
        """The servers that are not ejected, ascending."""
        return [server for server in range(len(self)) if self._native.is_live(server)]

    @property
    def ring(self) -> list[int]:
        """The servers that keys are placed on: the live ones or, while there are none, those of
        the last rebuild that found one."""
        return self._native.ring()

    @property
    def next_rebuild(self) -> float | None:
        """The request after this moment rebuilds; None while nobody is waited for."""
        return self._native.next_rebuild()

    def is_live(self, server: int) -> bool:
        """Whether the server is not ejected."""
        return self._native.is_live(server)

    def failure_count(self, server: int) -> int:
        """The failures since the last success or ejection."""
        return self._native.failure_count(server)

    def retry_at(self, server: int) -> float | None:
        """When an ejected server's retry timeout ends; None for a server that is live."""
        return self._native.retry_at(server)

    def probes_due(self, now: float) -> list[int]:
        """The servers that only wait for a probe to succeed."""
        return self._native.probes_due(now)

    def __len__(self) -> int:
        return self._native.size()

    def __repr__(self) -> str:
        return f"<shardcache.Ejector of {len(self)} servers, {len(self.live)} live>"
