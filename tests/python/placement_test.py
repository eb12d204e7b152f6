"""Placements as Python sees them; where keys go is golden_test.py's and live_test.py's."""

import dataclasses
import pickle

import numpy as np
import pytest

import shardcache


def test_locate_gives_the_server(placement, pool):
    server = placement.locate("user:42")
    assert server in pool.servers
    assert placement.servers[server.index] is server
    assert (server.host, server.port) == (server.address.split(":")[0], 11211)


def test_points_are_the_ring(placement):
    points = placement.points
    assert len(points) == sum(placement.point_counts) == 480
    assert list(points.value) == sorted(points.value)
    assert (points[0].value, points[0].owner) == tuple(points[0])
    assert points.value.dtype == points.owner.dtype == np.uint32
    for point in points[:: 37]:
        assert placement.locate_hash(int(point.value)).index == point.owner
    with pytest.raises(ValueError, match="read-only"):
        points.value[0] = 1


def test_shares_add_up_to_all_hashes(placement):
    assert placement.shares.sum() == pytest.approx(1)
    assert placement.shares[2] == pytest.approx(0.5, abs=0.1)


def test_the_key_hash_leads_to_the_server(pool):
    placement = shardcache.Placement(dataclasses.replace(pool, hash_tag="{}"))
    assert placement.hashed_part("{user}:42") == b"user"
    assert placement.hash_key("{user}:42") == shardcache.hash("md5", "user")
    assert placement.locate("{user}:42") == placement.locate("{user}:43")
    keys = ["a", "{b}c", b"{}d"]
    assert list(placement.hash_keys(keys)) == [placement.hash_key(key) for key in keys]
    assert placement.locate_hash(placement.hash_key("a")) == placement.locate("a")
    assert placement.sent_key("{user}:42") == b"{user}:42"


def test_settings_are_readable(pool):
    placement = shardcache.Placement(
        dataclasses.replace(pool, distribution="modula", hash="hsieh", char_sign="unsigned")
    )
    assert placement.scheme == "twemproxy"
    assert placement.distribution == "modula"
    assert placement.hash_function == "hsieh"
    assert placement.char_sign == "unsigned"
    assert placement.source.distribution == "modula"
    assert placement.notes == ()
    assert len(placement.points) == 0
    assert list(placement.point_counts) == [1, 1, 2]


@pytest.mark.parametrize("form", [lambda s: s.name, lambda s: s.index, lambda s: s])
def test_servers_that_are_down_own_nothing(pool, placement, form):
    out = placement.locate("user:42")
    down = shardcache.Placement(pool, down=[form(out)])
    assert not down.is_live(form(out))
    assert down.live == [i for i in range(3) if i != out.index]
    assert down.locate("user:42") != out
    assert down.point_counts[out.index] == 0
    assert down == placement.restrict(down.live)
    assert down.restrict([0, 1, 2]) == placement != down


def test_down_servers_that_are_not_there_are_named(pool, placement):
    with pytest.raises(shardcache.Error, match="'server9'.*server1, server2, server3") as caught:
        shardcache.Placement(pool, down=["server9"])
    assert (caught.value.code, caught.value.server) == ("not_found", "server9")
    with pytest.raises(shardcache.Error, match="no server 3 in a pool of 3"):
        placement.restrict([0, 3])
    with pytest.raises(shardcache.Error, match="no server -1"):
        placement.is_live(-1)
    with pytest.raises(shardcache.Error, match="at least one live"):
        shardcache.Placement(pool, down=["server1", "server2", "server3"])
    with pytest.raises(TypeError, match="not a single str"):
        shardcache.Placement(pool, down="server1")
    with pytest.raises(TypeError, match="expected a PoolConfig, and not str"):
        shardcache.Placement("alpha")


def test_random_draws_from_the_given_source(pool):
    draws = iter(range(100))
    pool = dataclasses.replace(pool, distribution="random")
    placement = shardcache.Placement(pool, random=lambda: next(draws))
    assert list(placement.locate_many(["k"] * 6)) == [0, 1, 2, 0, 1, 2]
    assert placement.locate("k").index == 0
    assert {shardcache.Placement(pool).locate("k").index for _ in range(200)} == {0, 1, 2}

    def broken():
        raise RuntimeError("no more numbers")

    with pytest.raises(RuntimeError, match="no more numbers"):
        shardcache.Placement(pool, random=broken).locate_many(["a", "b"])
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(placement)


def test_placements_are_values_that_travel(pool, placement):
    down = shardcache.Placement(pool, down=["server2"])
    for one in (placement, down):
        copy = pickle.loads(pickle.dumps(one))
        assert copy == one
        assert hash(copy) == hash(one)
        assert copy.fingerprint == one.fingerprint
        assert copy.live == one.live
        assert copy.locate("user:42") == one.locate("user:42")
    assert placement != down
    assert placement != "alpha"
    assert len({placement, down, shardcache.Placement(pool)}) == 2


def test_the_repr_helps(pool, placement):
    text = repr(shardcache.Placement(pool, down=["server2"]))
    for part in ("'alpha'", "ketama", "md5", "3 servers", "server2"):
        assert part in text
    assert f"{placement.fingerprint:016x}" in repr(placement)
