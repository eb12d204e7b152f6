"""The state machine of ejection, step by step."""

from datetime import timedelta

import pytest

import shardcache

RULES = shardcache.EjectionRules(True, 2, timedelta(seconds=10))


def test_a_server_goes_and_comes_back():
    ejector = shardcache.Ejector(3, RULES)
    assert (len(ejector), ejector.live, ejector.ring, ejector.rules) == (3, [0, 1, 2], [0, 1, 2], RULES)
    assert not ejector.report_failure(1, 100.0)
    assert ejector.failure_count(1) == 1
    assert ejector.report_failure(1, 100.5)
    assert ejector.live == [0, 2]
    assert not ejector.is_live(1)
    assert ejector.retry_at(1) == ejector.next_rebuild == 110.5
    assert not ejector.advance(110.5)
    assert ejector.advance(110.6)
    assert ejector.live == [0, 1, 2]
    assert ejector.next_rebuild is None
    assert "3 servers, 3 live" in repr(ejector)


def test_a_success_clears_the_count():
    ejector = shardcache.Ejector(1, RULES)
    ejector.report_failure(0, 1.0)
    ejector.report_success(0)
    assert ejector.failure_count(0) == 0


def test_the_ring_of_a_dead_pool_stays():
    ejector = shardcache.Ejector(2, RULES)
    for server in (0, 0, 1, 1):
        ejector.report_failure(server, 5.0)
    assert (ejector.live, ejector.ring) == ([], [1])


def test_probes_and_overrides():
    rules = RULES._replace(probe_before_readmission=True)
    ejector = shardcache.Ejector(2, rules)
    assert ejector.override(0, 20.0, 10.0)
    assert ejector.live == [1]
    assert ejector.probes_due(21.0) == [0]
    assert ejector.report_probe(0, True, 21.0)
    assert ejector.override(1, 30.0, 22.0)
    assert ejector.override(1, None, 23.0)
    assert ejector.live == [0, 1]


def test_a_changed_pool_goes_on():
    old = shardcache.Ejector(2, RULES)
    old.report_failure(1, 1.0)
    new = old.changed([1, None], RULES, 2.0)
    assert (new.failure_count(0), new.failure_count(1)) == (1, 0)


def test_rules_are_those_of_the_pool(pool):
    rules = shardcache.EjectionRules.of(pool)
    assert rules == (True, 1, timedelta(seconds=2), False, None)


def test_what_cannot_be_is_an_error():
    ejector = shardcache.Ejector(2, RULES)
    for call in (
        lambda: shardcache.Ejector(0, RULES),
        lambda: ejector.report_failure(2, 1.0),
        lambda: ejector.is_live(2),
        lambda: ejector.changed([], RULES, 1.0),
        lambda: ejector.changed([5], RULES, 1.0),
        lambda: ejector.advance(float("nan")),
    ):
        with pytest.raises(shardcache.Error) as caught:
            call()
        assert caught.value.code == "invalid_argument"
