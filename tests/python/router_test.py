"""Routing and ejection in time that the test gives."""

import dataclasses
import gc
import weakref
from datetime import timedelta

import numpy as np
import pytest

import shardcache


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture(name="clock")
def _clock():
    return Clock()


@pytest.fixture(name="router")
def _router(pool, clock):
    return shardcache.Router(pool, clock)


def test_a_router_routes_as_its_placement_does(router, placement):
    assert router.servers == placement.servers
    assert router.live == [0, 1, 2]
    assert router.pool == placement.source
    keys = [f"key:{i}" for i in range(1000)]
    assert [router.route(key) for key in keys] == [placement.locate(key) for key in keys]
    assert (router.route_many(keys) == placement.locate_many(keys)).all()
    assert router.route_many(keys).dtype == np.uint32


def test_a_failed_server_is_out_until_its_retry_timeout_is_over(router, clock, pool):
    out = router.route("user:42")
    router.report_failure(out.index, "timeout")
    assert router.live == [i for i in range(3) if i != out.index]
    down = shardcache.Placement(pool, down=[out])
    assert router.route("user:42") == down.locate("user:42")
    assert router.snapshot().placement == down
    assert router.snapshot().next_rebuild == 1002.0
    clock.now = 1002.0
    assert out.index not in router.live
    clock.now = 1002.001
    assert router.route("user:42") == out
    assert router.live == [0, 1, 2]


def test_a_success_forgives_a_failure(pool, clock):
    router = shardcache.Router(dataclasses.replace(pool, server_failure_limit=2), clock)
    for _ in range(5):
        router.report_failure(1)
        router.report_success(1)
    assert router.live == [0, 1, 2]
    router.report_failure(1)
    router.report_failure(1)
    assert router.live == [0, 2]


def test_no_live_server_is_an_error_that_names_the_key(router):
    for index in range(3):
        router.report_failure(index, "refused")
    assert router.live == []
    for key in ("user:42", b"user:42"):
        with pytest.raises(shardcache.Error, match="'alpha'.*user:42") as caught:
            router.route(key)
        assert caught.value.code == "no_live_server"
        assert caught.value.key == key
    assert list(router.route_many(["a", "b"])) == [shardcache.NO_SERVER] * 2
    with pytest.raises(shardcache.Error):
        router.snapshot().route("user:42")
    assert list(router.snapshot().route_many(["a"])) == [shardcache.NO_SERVER]


def test_times_may_be_given_with_each_call(pool):
    router = shardcache.Router(pool)
    router.report_failure(0, "reset", 50.0)
    assert router.snapshot(50.0).live == [1, 2]
    assert router.snapshot(52.5).live == [0, 1, 2]
    assert router.route("user:42", 53.0) == router.route("user:42", now=53.0)
    router.report_failure(1, now=60.0)
    assert len(set(router.route_many([str(i) for i in range(100)], 61.0))) == 2


def test_the_default_clock_is_the_monotonic_one(pool):
    router = shardcache.Router(pool)
    router.report_failure(2)
    assert router.live == [0, 1]
    assert router.snapshot(1e9).live == [0, 1, 2]


def test_the_observer_gets_each_change(pool, clock):
    events = []
    router = shardcache.Router(pool, clock, observer=events.append)
    router.report_failure(1, "closed")
    clock.now += 3
    router.route("user:42")
    router.reload(pool)
    for index in range(3):
        router.report_failure(index)
    assert [event.type for event in events] == [
        "ejected", "readmitted", "reloaded", "ejected", "ejected", "ejected", "all_dead",
    ]  # fmt: skip
    first = events[0]
    assert isinstance(first, shardcache.RouterEvent)
    assert (first.server, first.name, first.reason) == (1, "server2", "closed")
    assert (first.time, first.until) == (1000.0, 1002.0)
    assert 0.1 < first.moved < 0.5
    assert (events[2].server, events[2].name) == (None, None)


def test_what_an_observer_raises_does_not_disturb_the_router(pool, clock, monkeypatch):
    seen = []
    monkeypatch.setattr("sys.unraisablehook", seen.append)

    def observer(event):
        raise RuntimeError("broken observer")

    router = shardcache.Router(pool, clock, observer=observer)
    router.report_failure(0)
    assert router.live == [1, 2]
    assert "broken observer" in str(seen[0].exc_value)


def test_what_a_clock_raises_is_raised(pool):
    def clock():
        raise RuntimeError("broken clock")

    router = shardcache.Router(pool, clock)
    router.route("user:42")  # which reads no clock while every server is live
    with pytest.raises(RuntimeError, match="broken clock"):
        router.report_failure(0)
    for nonsense in (float("nan"), float("inf"), -1e300):
        with pytest.raises(shardcache.Error, match="a clock that says"):
            shardcache.Router(pool, lambda now=nonsense: now).report_failure(0)
    with pytest.raises(TypeError):
        shardcache.Router(pool, lambda: "noon").report_failure(0)


def test_an_observer_that_knows_its_router_is_collected_with_it(pool):
    router = shardcache.Router(pool, lambda: router.now, observer=lambda event: router.live)
    router.now = 0.0
    router.report_failure(0)
    gone = weakref.ref(router)
    del router
    gc.collect()
    assert gone() is None


def test_failures_are_counted_by_kind(router):
    router.report_failure(1, "refused")
    router.report_failure(1, "timeout")
    counters = router.counters[1]
    assert isinstance(counters, shardcache.ServerCounters)
    assert counters.name == "server2"
    assert (counters.ejections, counters.readmissions) == (1, 0)
    assert set(counters.failures) == set(shardcache.FAILURE_KINDS)
    assert (counters.failures["refused"], counters.failures["timeout"]) == (1, 1)
    with pytest.raises(shardcache.Error, match="no kind of failure 'gremlins'; use refused"):
        router.report_failure(1, "gremlins")


def test_with_keep_ring_no_key_moves(pool, clock):
    router = shardcache.Router(pool, clock, keep_ring=True)
    out = router.route("user:42")
    router.report_failure(out.index)
    with pytest.raises(shardcache.Error) as caught:
        router.route("user:42")
    assert caught.value.code == "no_live_server"
    located = router.route_many([str(i) for i in range(1000)])
    kept = shardcache.Placement(pool).locate_many([str(i) for i in range(1000)])
    assert (located[kept != out.index] == kept[kept != out.index]).all()
    assert (located[kept == out.index] == shardcache.NO_SERVER).all()


def test_with_probes_a_server_returns_when_it_answers(pool, clock):
    router = shardcache.Router(pool, clock, probe_before_readmission=True)
    router.report_failure(1)
    assert router.probes_due() == []
    clock.now += 5
    assert router.live == [0, 2]
    assert router.probes_due() == [1]
    router.report_probe(1, False)
    assert router.probes_due() == []
    assert router.probes_due(clock.now + 5) == [1]
    clock.now += 5
    router.report_probe(1, True, clock.now)
    assert router.live == [0, 1, 2]


def test_back_off_doubles_the_time_out(pool, clock):
    router = shardcache.Router(pool, clock, back_off_cap=timedelta(seconds=3))
    untils = []
    for _ in range(3):
        router.report_failure(0)
        until = router.snapshot().next_rebuild
        untils.append(until - clock.now)
        clock.now = until + 0.001
        router.route("user:42")
    assert untils == pytest.approx([2, 3, 3])


def test_a_reload_keeps_what_is_known_of_servers_that_stay(pool, router, clock):
    router.report_failure(1)
    before = router.snapshot()
    assert isinstance(before, shardcache.RouterSnapshot)
    servers = [s for s in pool.servers if s.name != "server1"]
    router.reload(dataclasses.replace(pool, servers=servers))
    assert [server.name for server in router.servers] == ["server2", "server3"]
    assert router.live == [1]
    assert (before.configuration, router.snapshot().configuration) == (1, 2)
    assert router.snapshot().version > before.version
    assert before.servers == pool.by_index
    router.report_failure(2, routed_by=before)  # server3, which is number 1 now
    assert router.live == []
    router.report_success(0, routed_by=before)  # server1, which is gone
    with pytest.raises(shardcache.Error, match="has no servers"):
        router.reload(shardcache.PoolConfig("empty", []))
    assert len(router.servers) == 2
    router.reload(pool)
    assert router.route("user:42").name == "server1"


def test_follow_takes_over_what_a_proxy_says(router, clock):
    remote = shardcache.RemoteEjection("server3", ejected_at=999.0, until=1001.0)
    router.follow([remote], seen_at=1000.0)
    assert router.live == [0, 1]
    router.follow([], seen_at=1000.5, now=1000.5)
    assert router.live == [0, 1, 2]


def test_indexes_that_are_not_of_the_pool_are_ignored(router):
    router.report_failure(17)
    router.report_success(17)
    assert router.live == [0, 1, 2]


def test_looking_at_a_router_brings_no_server_back(pool, clock):
    events = []
    router = shardcache.Router(pool, clock, observer=events.append)
    router.report_failure(0)
    clock.now += 60
    assert (repr(router), router.servers, router.pool) == (
        "<shardcache.Router of pool 'alpha': 2 of 3 servers live>", pool.by_index, pool,
    )  # fmt: skip
    assert [event.type for event in events] == ["ejected"]


def test_the_repr_helps(router):
    router.report_failure(0)
    assert repr(router) == "<shardcache.Router of pool 'alpha': 2 of 3 servers live>"
    assert "2 of 3 servers live" in repr(router.snapshot())
