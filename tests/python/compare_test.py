"""Comparisons of placements, and what ejections do."""

import dataclasses

import numpy as np
import pytest

import shardcache

KEYS = [f"key:{i}" for i in range(20_000)]


def test_a_comparison_counts_what_differs(pool, placement):
    without = shardcache.Placement(pool, down=["server2"])
    comparison = shardcache.compare(placement, without, KEYS)
    moved = int((placement.locate_many(KEYS) != without.locate_many(KEYS)).sum())
    assert (comparison.keys, comparison.disagreements) == (20_000, moved)
    assert comparison.fraction == moved / 20_000
    assert comparison.interval.low < comparison.fraction < comparison.interval.high
    assert sum(flow.amount for flow in comparison.flows) == moved
    assert {flow.source.name for flow in comparison.flows} >= {"server2"}
    assert len(comparison.examples) == 10
    for example in comparison.examples:
        assert example.first == placement.locate(example.key) != example.second
        assert example.second == without.locate(example.key)
    assert f"{moved} of 20000 keys disagree" in repr(comparison)


def test_any_batch_may_be_compared(placement):
    for keys in (KEYS, iter(KEYS), np.array(KEYS, dtype="S")):
        comparison = shardcache.compare(placement, placement, keys, most_examples=0)
        assert comparison == shardcache.Comparison(
            20_000, 0, 0.0, shardcache.wilson_interval(0, 20_000), [], []
        )
    assert shardcache.compare(placement, placement, []).interval == (0, 1)


def test_servers_are_the_same_by_address(pool, placement):
    renamed = [dataclasses.replace(s, name=f"other-{s.index}") for s in pool.servers]
    other = shardcache.Placement(dataclasses.replace(pool, servers=renamed))
    flows = shardcache.compare(placement, other, KEYS).flows
    assert all(isinstance(f, shardcache.Flow) for f in flows)
    assert all(f.source.address != f.target.address for f in flows)


def test_the_exact_comparison_is_what_keys_tend_to(pool, placement):
    without = shardcache.Placement(pool, down=["server2"])
    exact = shardcache.compare_exactly(placement, without)
    assert isinstance(exact, shardcache.ExactComparison)
    assert exact.hashes == 2**32
    assert exact.fraction == pytest.approx(shardcache.routing_change(placement, without))
    interval = shardcache.compare(placement, without, KEYS).interval
    assert isinstance(interval, shardcache.Interval)
    assert interval.low < exact.fraction < interval.high
    assert sum(flow.amount for flow in exact.flows) == exact.disagreements
    assert "hashes disagree" in repr(exact)
    fnv = shardcache.Placement(dataclasses.replace(pool, hash="fnv1a_64"))
    assert shardcache.compare_exactly(placement, fnv) is None


def test_examples_are_differences(pool, placement):
    without = shardcache.Placement(pool, down=["server1"])
    (one,) = shardcache.compare(placement, without, KEYS, most_examples=1).examples
    assert isinstance(one, shardcache.Difference)
    assert isinstance(one.key, bytes)


def test_the_effects_of_ejections(pool, placement):
    effects = shardcache.ejection_effects(placement)
    assert [effect.server.name for effect in effects] == ["server1", "server2", "server3"]
    assert [effect.own for effect in effects] == pytest.approx(list(placement.shares))
    for effect in effects:
        assert isinstance(effect, shardcache.EjectionEffect)
        assert effect.survivors == pytest.approx(1 - effect.own)
        assert (effect.survivors_moved > 0) == bool(effect.why) == (effect.servers_changed > 0)
    counted = shardcache.ejection_effects(placement, KEYS)
    for effect, exact in zip(counted, effects):
        assert effect.own + effect.survivors == len(KEYS)
        assert effect.own / len(KEYS) == pytest.approx(exact.own, abs=0.03)
        assert (effect.points_lost, effect.points_gained, effect.why) == (
            exact.points_lost, exact.points_gained, exact.why,
        )  # fmt: skip


def test_more_keys_than_are_counted_at_once(placement):
    keys = np.char.add("k", np.arange(1_100_000).astype(str)).astype("S")
    effects = shardcache.ejection_effects(placement, keys)
    owners = np.bincount(placement.locate_many(keys), minlength=3)
    assert [effect.own for effect in effects] == list(owners)
    assert [effect.survivors for effect in effects] == list(len(keys) - owners)


def test_one_server_has_no_effects(pool):
    alone = shardcache.Placement(pool, down=["server1", "server2"])
    for keys in (None, KEYS):
        with pytest.raises(shardcache.Error) as caught:
            shardcache.ejection_effects(alone, keys)
        assert caught.value.code == "invalid_argument"
