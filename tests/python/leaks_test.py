"""Memory after many calls, 10 million and more with SHARDCACHE_TEST_EFFORT=50."""

import gc
import itertools
import os
import pickle
import sys

import numpy as np
import pytest

import arrow_column
import memcached
import shardcache

EFFORT = int(os.environ.get("SHARDCACHE_TEST_EFFORT", 1))
MEBI = 1 << 20
KEY = b"user:42"
TEXT = "user:gr\u00fcn"
BATCH = [f"key:{i}" for i in range(500)]
ARRAY = np.array(BATCH, dtype="S")


def resident():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def growth(work, rounds):
    """Of resident memory, and of the number of Python's own blocks, by that many rounds after
    half as many."""
    for _ in itertools.repeat(None, rounds // 2):
        work()
    gc.collect()
    before, blocks = resident(), sys.getallocatedblocks()
    for _ in itertools.repeat(None, rounds):
        work()
    gc.collect()
    return resident() - before, sys.getallocatedblocks() - blocks


def keeps_nothing(work, rounds):
    # 24 bytes, the least that malloc keeps, in each of 100,000 rounds would be too much. The blocks
    # tell of Python's objects in fewer rounds; some come and go by themselves.
    memory, blocks = growth(work, rounds * EFFORT)
    assert memory < 2 * MEBI
    assert blocks < 500


@pytest.mark.parametrize("size", [1, 1000])
def test_a_leak_would_be_seen(size):
    kept = []
    with pytest.raises(AssertionError):
        keeps_nothing(lambda: kept.append(bytes(size)), 2_000)
    memory, _ = growth(lambda: kept.append(bytes(24)), 100_000)
    assert memory > 2 * MEBI


def test_locating(placement):
    def work():
        placement.locate(KEY)
        placement.locate(TEXT)
        placement.hash_key(TEXT)
        placement.hashed_part(KEY)
        placement.sent_key(KEY)
        placement.locate_hash(7)

    keeps_nothing(work, 30_000)


def test_hashing():
    def work():
        for name in shardcache.HASHES:
            shardcache.hash(name, KEY)
        shardcache.hash_many("md5", BATCH[:20])

    keeps_nothing(work, 10_000)


def test_routing(pool):
    router = shardcache.Router(pool)
    snapshot = router.snapshot()

    def work():
        router.route(KEY)
        router.route(TEXT, 5.0)
        router.report_success(1)
        router.report_failure(99)
        snapshot.route(KEY)

    keeps_nothing(work, 30_000)


def test_ejecting_and_readmitting(pool):
    events = []
    now = 0.0
    router = shardcache.Router(pool, lambda: now, observer=events.append)

    def work():
        nonlocal now
        router.report_failure(0, "timeout")
        router.report_failure(1, "refused", now, routed_by=router.snapshot())
        router.route(KEY)
        assert len(router.live) == 1
        now += 2.5
        assert len(router.live) == 3
        router.counters  # noqa: B018
        assert events
        events.clear()

    keeps_nothing(work, 1_000)


def test_errors(pool, placement):
    router = shardcache.Router(pool, lambda: 1.0)
    for server in router.servers:
        router.report_failure(server.index)
    wrong = [
        lambda: placement.locate(None),
        lambda: placement.locate("\ud800"),
        lambda: placement.locate_many([b"key"] * 50 + [None]),
        lambda: placement.locate_many(itertools.chain([b"key"], [3])),
        lambda: placement.locate_many(3),
        lambda: placement.locate_many(arrow_column.Column("l", [])),
        lambda: placement.restrict([]),
        lambda: shardcache.hash("sha1", "key"),
        lambda: shardcache.load("/nonexistent/nutcracker.yml"),
        lambda: shardcache.parse("alpha: {listen: 1}"),
        lambda: shardcache.Server.parse("nothing"),
        lambda: router.route(KEY),
    ]

    def work():
        for call in wrong:
            with pytest.raises((TypeError, UnicodeError, shardcache.Error)):
                call()

    keeps_nothing(work, 1_000)


def test_batches_of_every_kind(placement):
    router = shardcache.Router(shardcache.PoolConfig("p", placement.servers))

    def work():
        placement.locate_many(BATCH)
        placement.locate_many(tuple(BATCH))
        placement.locate_many(iter(BATCH))
        placement.locate_many(ARRAY)
        placement.hash_keys(ARRAY)
        router.route_many(BATCH)
        shardcache.compare(placement, placement, ARRAY)
        column = arrow_column.Column("u", [KEY] * 20, stream=True)
        placement.locate_many(column)
        column._keep.clear()  # a test's own cycles

    keeps_nothing(work, 2_000)


def test_pickling(pool, placement):
    down = shardcache.Placement(pool, down=["server1"])
    php = shardcache.interop.php_memcached(["10.0.0.1:11211"], libketama_compatible=True)
    error = shardcache.Error("it failed", "io", "server1", KEY)

    def work():
        for thing in (pool, placement, down, php, error, placement.servers):
            pickle.loads(pickle.dumps(thing))

    keeps_nothing(work, 500)


def test_the_client():
    with memcached.several(2) as servers:
        client = shardcache.Client(memcached.pool_of(servers), timeout=10)

        def work():
            client.set_many({"a": b"1", TEXT: "2"}, expire=60)
            client.get(KEY)
            client.gets_many(["a", "b", TEXT])
            client.get_many(["a", "b", TEXT])
            client.cas("a", "1", 1)
            client.incr("a")
            with pytest.raises(shardcache.PartialError):
                client.get_many(["a", "with blank"])
            with pytest.raises(shardcache.Error):
                client.get("with blank")
            client.metrics.prometheus()
            client.version()

        keeps_nothing(work, 500)
        pool = memcached.pool_of(servers)

        def open_and_close():
            with shardcache.Client(pool, timeout=10, observer=print) as another:
                another.get("a")
                another.router.route("a")

        keeps_nothing(open_and_close, 300)


def test_objects(pool):
    def work():
        placement = shardcache.Placement(pool, down=["server1"])
        placement.points, placement.shares, placement.fingerprint  # noqa: B018
        shardcache.compare_exactly(placement, placement.restrict([0]))
        router = shardcache.Router(pool, lambda: 1.0, observer=lambda event: None)
        router.report_failure(0)
        router.reload(pool)
        router.snapshot().placement.locate(KEY)
        shardcache.lint(pool)
        ejector = shardcache.Ejector(3, shardcache.EjectionRules.of(pool))
        ejector.report_failure(0, 1.0)
        shardcache.interop.pylibmc(["10.0.0.1:11211"], ketama=True).locate(KEY)

    keeps_nothing(work, 500)
