"""Two layouts at once, on real memcached servers."""

import os
import pickle
import threading
import time
from datetime import datetime, timedelta

import pytest

import memcached
import shardcache


@pytest.fixture(name="servers")
def _servers():
    with memcached.several(4) as servers:
        yield servers


@pytest.fixture(name="old")
def _old(servers):
    return memcached.pool_of(servers[:2], hash="md5", timeout=timedelta(seconds=2))


@pytest.fixture(name="new")
def _new(servers):
    return memcached.pool_of(servers[2:], hash="crc16", timeout=timedelta(seconds=2))


@pytest.fixture(name="clients")
def _clients(old, new):
    with (
        shardcache.Client(old) as before,
        shardcache.Client(new) as after,
        shardcache.DualClient(old, new) as dual,
    ):
        yield before, after, dual


def test_a_miss_in_the_new_is_read_in_the_old_and_stays_in_the_new(clients):
    before, after, dual = clients
    for i in range(50):
        before.set(f"key:{i}", f"value {i}", expire=100, flags=i)
    after.set("key:7", "newer")
    keys = [f"key:{i}" for i in range(51)]
    values = dual.get_many(keys)
    assert values == {f"key:{i}": f"value {i}".encode() for i in range(50)} | {"key:7": b"newer"}
    assert dual.counters == (1, 49, 1)
    moved = after.get_many_with_expiration(keys)
    assert len(moved) == 50
    assert moved["key:7"] == (b"newer", None)
    for i in (1, 2, 49):
        value, left = moved[f"key:{i}"]
        assert value == f"value {i}".encode()
        assert timedelta(seconds=95) < left <= timedelta(seconds=100)
        assert after.gets(f"key:{i}").flags == i
    assert dual.get("key:3") == b"value 3"
    assert dual.get("none") is None
    assert dual.counters == shardcache.DualCounters(hits_in_new=2, hits_in_old=49, misses=2)


def test_each_command_acts_on_the_value_wherever_it_is(clients):
    before, after, dual = clients
    before.set("counter", "41")
    assert dual.incr("counter") == 42
    assert dual.decr("counter", 2) == 40
    assert dual.incr("nothing") is None
    assert after.get("counter") == b"40"
    before.set("text", "b")
    assert dual.append("text", "c") and dual.prepend("text", "a")
    assert dual.get("text") == b"abc"
    before.set("taken", "old")
    assert dual.add("taken", "x") is False
    assert dual.replace("taken", "y") is True
    assert dual.replace("nothing", "y") is False
    assert dual.get("taken") == b"y"
    before.set("gone", "old")
    assert dual.delete("gone") is True
    assert dual.delete("gone") is False
    assert dual.get("gone") is None and before.get("gone") is None
    before.set("written", "old")
    dual.set("written", "new", flags=9)
    assert before.get("written") is None
    assert after.gets("written")[:2] == (b"new", 9)
    before.set("touched", "x", expire=100)
    assert dual.touch("touched", 1000) is True
    assert dual.touch("nothing", 1000) is False
    assert after.get_many_with_expiration(["touched"])["touched"][1] > timedelta(seconds=900)


def test_after_its_time_the_old_is_not_asked(old, new):
    with shardcache.Client(old) as before:
        before.set("k", "v")
        before.set("later", "v")
    with shardcache.DualClient(old, new, until=datetime.now() + timedelta(seconds=1)) as dual:
        assert dual.get("k") == b"v"
        time.sleep(1.1)
        assert dual.get("k") == b"v"  # it is in the new by now
        assert dual.get("later") is None
        assert dual.counters == (1, 1, 1)


def test_what_fails_names_the_server_and_the_key(servers, old, new):
    with shardcache.DualClient(old, new) as dual, shardcache.Client(old) as before:
        before.set("k", "v")
        for server in servers[:2]:
            server.kill()
        with pytest.raises(shardcache.Error) as caught:
            dual.set("k", "newer")
        assert caught.value.code == "disconnected"
        assert caught.value.key == "k"
        with pytest.raises(shardcache.PartialError) as some:
            dual.get_many(["k", "l"])
        assert set(some.value.errors) == {"k", "l"}
        with shardcache.Client(new) as after:
            assert after.get("k") is None  # nothing was stored


def test_threads_take_turns(clients):
    before, _, dual = clients
    before.set_many({f"key:{i}": str(i) for i in range(400)})

    def work(first):
        for i in range(first, 400, 4):
            assert dual.get(f"key:{i}") == str(i).encode()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dual.counters == (0, 400, 0)


def test_wrong_use_is_an_error(old, new):
    with pytest.raises(TypeError, match="expected a PoolConfig"):
        shardcache.DualClient(old, "new")
    with pytest.raises(shardcache.Error, match="stale guard"):
        shardcache.DualClient(old, new, stale_guard="perhaps")
    dual = shardcache.DualClient(old, new)
    assert repr(dual) == f"<shardcache.DualClient from pool '{old.name}' to '{new.name}'>"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(dual)
    with pytest.raises(TypeError, match="not a single"):
        dual.get_many("key")
    child = os.fork()
    if child == 0:
        try:
            dual.get("k")
        except shardcache.Error as error:
            os._exit(0 if "forked" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    dual.close()
    dual.close()
    assert "closed" in repr(dual)
    with pytest.raises(shardcache.Error, match="closed"):
        dual.get("k")
