"""What a running twemproxy says of itself on its statistics port."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

from . import _shardcache
from ._config import PoolConfig
from ._error import Error
from ._router import RemoteEjection

if TYPE_CHECKING:
    from ._types import PoolStatsTuple, ServerStatsTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class ProxyServerStats(NamedTuple):
    """The counters of one server, under the proxy's names."""

    name: str
    server_eof: int
    server_err: int
    server_timedout: int
    server_connections: int
    requests: int
    responses: int
    server_ejected_at: datetime | None
    """Of its last ejection; readmission does not clear it: see ejections_at()."""


class ProxyPoolStats(NamedTuple):
    """The counters of one pool, under the proxy's names."""

    name: str
    client_connections: int
    server_ejects: int
    forward_error: int
    servers: tuple[ProxyServerStats, ...]


class ProxyStats(NamedTuple):
    """Everything that the statistics port tells."""

    version: str
    timestamp: datetime
    """When the proxy gathered the figures, in whole seconds; every 30 s unless it was started with
    another -i."""
    pools: dict[str, ProxyPoolStats]


class ProxyEjection(NamedTuple):
    """A server that the proxy holds for ejected."""

    server: str
    ejected_at: datetime
    until: datetime
    """The first request after this moment brings it back."""


def parse(json: str | bytes) -> ProxyStats:
    """Reads the JSON object that the statistics port gives. Raises Error if it is none."""
    version, timestamp, pools = _shardcache.parse_proxy_stats(json)
    return ProxyStats(version, _datetime(timestamp), {pool[0]: _pool(pool) for pool in pools})


def fetch(host: str = "127.0.0.1", port: int = 22222, timeout: float = 5.0) -> ProxyStats:
    """Asks a running proxy. Raises Error of code "io" if it does not answer."""
    text = b""
    try:
        with socket.create_connection((host, port), timeout) as connection:
            while data := connection.recv(65536):
                text += data
    except OSError as error:
        raise Error(f"no statistics from {host}:{port}: {error}", "io") from error
    return parse(text)


def ejections_at(
    stats: ProxyPoolStats, pool: PoolConfig, now: datetime | None = None
) -> list[ProxyEjection]:
    """The servers that the proxy has ejected at `now` (a datetime that knows its time zone): those
    whose last ejection is less than the pool's server_retry_timeout ago."""
    times = [
        (server.name, _microseconds(server.server_ejected_at))
        for server in stats.servers
        if server.server_ejected_at is not None
    ]
    at = _microseconds(now or datetime.now(timezone.utc))
    return [
        ProxyEjection(name, _datetime(ejected_at), _datetime(until))
        for name, ejected_at, until in _shardcache.ejections_at(times, pool._as_fields(), at)
    ]


def in_router_time(
    ejections: list[ProxyEjection], wall_now: datetime, now: float
) -> list[RemoteEjection]:
    """The same in a Router's time, for Router.follow(); `wall_now` and `now` are one moment."""
    return [
        RemoteEjection(
            ejection.server,
            now + (ejection.ejected_at - wall_now).total_seconds(),
            now + (ejection.until - wall_now).total_seconds(),
        )
        for ejection in ejections
    ]


def _pool(pool: PoolStatsTuple) -> ProxyPoolStats:
    name, connections, ejects, errors, servers = pool
    return ProxyPoolStats(name, connections, ejects, errors, tuple(map(_server, servers)))


def _server(server: ServerStatsTuple) -> ProxyServerStats:
    *counters, ejected_at = server
    return ProxyServerStats(
        *server[:7], None if ejected_at is None else _datetime(ejected_at)
    )


def _datetime(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)
