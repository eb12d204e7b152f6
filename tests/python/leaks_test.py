"""Memory after 10 million calls, and after many large objects."""

import gc
import itertools

import numpy as np

import arrow_column
import shardcache

MEBI = 1 << 20


def resident():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096


def growth(work, rounds):
    """Of resident memory, by all but the first tenth of the rounds."""
    for _ in itertools.repeat(None, rounds // 10):
        work()
    gc.collect()
    before = resident()
    for _ in itertools.repeat(None, rounds - rounds // 10):
        work()
    gc.collect()
    return resident() - before


def test_ten_million_calls_for_a_key_leave_nothing(placement, pool):
    router = shardcache.Router(pool)
    key = "key"

    def work():
        placement.locate(b"key")
        placement.hash_key(key)
        placement.hashed_part(key)
        shardcache.hash("md5", key)
        router.route(key)
        router.report_success(1)
        placement.locate(key)
        placement.locate_hash(7)

    calls = 8
    assert growth(work, 10_000_000 // calls) < 8 * MEBI


def test_failed_calls_leave_nothing(placement):
    def work():
        for wrong in (lambda: placement.locate(None), lambda: shardcache.hash("sha1", "key"),
                      lambda: placement.locate_many([b"key"] * 50 + [None])):  # fmt: skip
            try:
                wrong()
            except (TypeError, shardcache.Error):
                pass

    assert growth(work, 50_000) < 8 * MEBI


def test_batches_of_every_kind_leave_nothing(placement):
    keys = [f"key:{i}" for i in range(2000)]
    array = np.array(keys, dtype="S")

    def work():
        placement.locate_many(keys)
        placement.locate_many(iter(keys))
        placement.locate_many(array)
        shardcache.compare(placement, placement, array)
        column = arrow_column.Column("u", [b"key"] * 20, stream=True)
        placement.locate_many(column)
        column._keep.clear()  # a test's own cycles

    assert growth(work, 5000) < 16 * MEBI


def test_objects_leave_nothing(pool):
    def work():
        placement = shardcache.Placement(pool, down=["server1"])
        placement.points  # noqa: B018
        shardcache.compare_exactly(placement, placement.restrict([0]))
        router = shardcache.Router(pool, lambda: 1.0, observer=lambda event: None)
        router.report_failure(0)
        router.snapshot().placement.locate("key")
        shardcache.lint(pool)
        shardcache.interop.pylibmc(["10.0.0.1:11211"], ketama=True).locate("key")

    assert growth(work, 3000) < 16 * MEBI
