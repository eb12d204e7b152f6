"""What a client did, as figures for people and for Prometheus."""

from __future__ import annotations

from typing import NamedTuple

from . import _shardcache


class LatencyHistogram:
    """How long things took, in buckets that grow by a seventh to a quarter each: any quantile is
    known to within that. An immutable value; times are in seconds."""

    def __init__(self, native: _shardcache.LatencyHistogram) -> None:
        self._native = native

    @property
    def count(self) -> int:
        """How many there were."""
        return self._native.count()

    @property
    def sum(self) -> float:
        """Of all of them."""
        return self._native.sum()

    @property
    def buckets(self) -> list[tuple[float, int]]:
        """Of each bucket that is not empty, the time up to which it goes, and its count."""
        return self._native.buckets()

    def quantile(self, quantile: float) -> float:
        """The time within which this part of them, 0 to 1, was over: the upper end of its bucket.
        0.0 if there are none. Raises Error if `quantile` is out of range."""
        return self._native.quantile(quantile)

    def __repr__(self) -> str:
        middle, high = self.quantile(0.5), self.quantile(0.99)
        return (
            f"<shardcache.LatencyHistogram: {self.count} times, half of them within "
            f"{middle * 1e3:.3g} ms, 99 % within {high * 1e3:.3g} ms>"
        )


class ServerMetrics(NamedTuple):
    """Of one server, since the Client was made. Each number only grows, but for `open`."""

    name: str
    """Ring name."""
    operations: int
    """Keys asked for, changed or deleted; each attempt counts."""
    hits: int
    """Of gets."""
    misses: int
    """Of gets."""
    refusals: int
    """ERROR, CLIENT_ERROR and SERVER_ERROR answers."""
    guarded: int
    """Stale values that were removed instead of being read."""
    failures: dict[str, int]
    """Of connections, by kind: see FAILURE_KINDS."""
    connections: int
    """Made."""
    open: int
    """Now."""
    ejections: int
    """By the Router, whoever reported the failures."""
    readmissions: int
    latency: LatencyHistogram
    """Of round trips, however many requests they held."""


class ClientMetrics:
    """What a Client did up to one moment. An immutable value."""

    def __init__(self, native: _shardcache.ClientMetrics, pool: str) -> None:
        self._native = native
        self._pool = pool
        self._servers = tuple(
            ServerMetrics(*server[:-1], LatencyHistogram(server[-1]))
            for server in native.servers()
        )

    @property
    def servers(self) -> tuple[ServerMetrics, ...]:
        """By server index."""
        return self._servers

    def prometheus(self) -> str:
        """The figures in Prometheus' text format, each with the labels pool and server. They are
        called shardcache_client_...; names and labels stay within a major version."""
        return self._native.prometheus(self._pool)

    def __repr__(self) -> str:
        operations = sum(server.operations for server in self._servers)
        failures = sum(sum(server.failures.values()) for server in self._servers)
        return (
            f"<shardcache.ClientMetrics of pool '{self._pool}': {operations} operations, "
            f"{failures} failures of connections>"
        )
