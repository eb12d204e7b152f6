"""The statistics of a proxy; live_test.py asks a real one."""

import json
from datetime import datetime, timedelta, timezone

import pytest

import shardcache
from shardcache import proxy_stats

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def text(ejected_at):
    server = {"server_eof": 1, "server_err": 2, "server_timedout": 3, "server_connections": 4,
              "server_ejected_at": int(ejected_at.timestamp() * 1e6), "requests": 5,
              "responses": 6}  # fmt: skip
    never = {**server, "server_ejected_at": 0}
    pool = {"client_connections": 7, "server_ejects": 8, "forward_error": 9,
            "server1": never, "server2": server, "server3": never}  # fmt: skip
    return json.dumps({"service": "nutcracker", "version": "0.5.0", "uptime": 1,
                       "timestamp": int(NOW.timestamp()), "alpha": pool})  # fmt: skip


def test_every_figure_is_read():
    ejected_at = NOW - timedelta(seconds=1.5)
    stats = proxy_stats.parse(text(ejected_at))
    assert isinstance(stats, proxy_stats.ProxyStats)
    assert (stats.version, stats.timestamp) == ("0.5.0", NOW)
    pool = stats.pools["alpha"]
    assert isinstance(pool, proxy_stats.ProxyPoolStats)
    assert (pool.name, pool.client_connections, pool.server_ejects, pool.forward_error) == (
        "alpha", 7, 8, 9,
    )  # fmt: skip
    assert pool.servers[0].server_ejected_at is None
    server = pool.servers[1]
    assert (server.server_eof, server.server_err, server.server_timedout) == (1, 2, 3)
    assert (server.server_connections, server.requests, server.responses) == (4, 5, 6)
    assert pool.servers[1] == proxy_stats.ProxyServerStats("server2", 1, 2, 3, 4, 5, 6, ejected_at)


def test_ejections_and_a_router_that_follows_them(pool):
    ejected_at = NOW - timedelta(seconds=1.5)
    stats = proxy_stats.parse(text(ejected_at)).pools["alpha"]
    (ejection,) = proxy_stats.ejections_at(stats, pool, NOW)
    assert ejection == proxy_stats.ProxyEjection("server2", ejected_at, NOW + timedelta(seconds=0.5))
    assert proxy_stats.ejections_at(stats, pool, NOW + timedelta(seconds=1)) == []
    assert proxy_stats.ejections_at(stats, pool) == []  # long ago, by today's clock

    router = shardcache.Router(pool, lambda: 100.0)
    remote = proxy_stats.in_router_time([ejection], NOW, 100.0)
    assert remote == [shardcache.RemoteEjection("server2", 98.5, 100.5)]
    router.follow(remote, seen_at=100.0)
    assert router.live == [0, 2]
    assert router.snapshot(101.0).live == [0, 1, 2]


def test_what_is_no_statistics_is_an_error():
    for nonsense in ("", "[]", "{", b"\xff"):
        with pytest.raises(shardcache.Error) as caught:
            proxy_stats.parse(nonsense)
        assert caught.value.code == "invalid_argument"


def test_a_proxy_that_does_not_answer_is_an_error():
    with pytest.raises(shardcache.Error, match="no statistics from 127.0.0.1:1") as caught:
        proxy_stats.fetch(port=1)
    assert caught.value.code == "io"
