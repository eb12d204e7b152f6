"""The client beside real memcached servers."""

import copy
import gc
import multiprocessing
import os
import pickle
import threading
import time
import weakref
from datetime import timedelta

import pytest

import memcached
import shardcache
from memcached import keys_of


def test_what_is_set_is_read(client):
    for i in range(100):
        key = f"key:{i}"
        assert client.set(key, f"value {i}", flags=i) is None
        assert client.get(key) == f"value {i}".encode()
        assert client.gets(key).flags == i
    assert client.get("no-such-key") is None
    assert client.gets("no-such-key") is None


def test_keys_and_values_are_bytes_or_their_utf8(client):
    client.set("schl\u00fcssel", "gr\u00fcn")
    assert client.get("schl\u00fcssel".encode()) == "gr\u00fcn".encode()
    client.set(b"\xff\xfe", bytes(range(256)) + b"\r\nEND\r\n")
    assert client.get(b"\xff\xfe") == bytes(range(256)) + b"\r\nEND\r\n"
    client.set("empty", b"")
    assert client.get("empty") == b""
    for key, value in [(3, "x"), ("k", 3), ("k", None), (None, "x"), ("k", bytearray(b"x"))]:
        with pytest.raises(TypeError, match=r"are bytes or str"):
            client.set(key, value)
    with pytest.raises(UnicodeEncodeError):
        client.set("k", "\ud800")


def test_each_storing_command_says_whether_it_stored(client):
    assert client.replace("k", "x") is False
    assert client.append("k", "x") is False
    assert client.prepend("k", "x") is False
    assert client.cas("k", "x", 1) is None
    assert client.add("k", "1", flags=3) is True
    assert client.add("k", "2") is False
    assert client.append("k", ">") is True
    assert client.prepend("k", "<") is True
    value = client.gets("k")
    assert value == shardcache.Value(data=b"<1>", flags=3, cas=value.cas)
    assert client.cas("k", "new", value.cas, flags=5) is True
    assert client.cas("k", "newer", value.cas) is False
    assert client.gets("k")[:2] == (b"new", 5)
    assert client.replace("k", "last", flags=2**32 - 1) is True
    assert client.gets("k")[:2] == (b"last", 2**32 - 1)


def test_counters_count(client):
    assert client.incr("n") is None
    assert client.decr("n") is None
    client.set("n", "9")
    assert client.incr("n", 2) == 11
    assert client.decr("n", delta=100) == 0
    client.set("n", str(2**64 - 1))
    assert client.incr("n") == 0
    client.set("n", "words")
    with pytest.raises(shardcache.Error, match="non-numeric") as caught:
        client.incr("n")
    assert caught.value.code == "refused_by_server"
    assert caught.value.key == "n"
    assert not caught.value.maybe_applied
    assert client.get("n") == b"words"


def test_delete_says_whether_it_was_there(client):
    client.set("k", "x")
    assert client.delete("k") is True
    assert client.delete("k") is False


def test_expirations_are_seconds_of_any_length(client):
    client.set("never", "x", expire=0)
    client.set("gone", "x", expire=-1)
    client.set("long", "x", expire=timedelta(days=365))
    client.set("longest", "x", expire=1e300)
    client.set("short", "x", expire=0.2)  # and so 1 s
    client.set("kept", "x", expire=timedelta(seconds=1))
    client.set("read", "x", expire=1)
    assert client.get_many(["never", "gone", "long", "longest", "short"]).keys() == {
        "never", "long", "longest", "short",
    }  # fmt: skip
    assert client.touch("kept", 100) is True
    assert client.touch("nobody", 100) is False
    assert client.get_and_touch("read", timedelta(minutes=1)) == b"x"
    assert client.get_and_touch("nobody", 60) is None
    time.sleep(2.1)
    many = ["never", "gone", "long", "longest", "short", "kept", "read"]
    assert client.get_many(many).keys() == {"never", "long", "longest", "kept", "read"}
    with pytest.raises(shardcache.Error, match="expire after nan"):
        client.set("k", "x", expire=float("nan"))


def test_many_keys_are_found_by_what_they_were_asked_for(client):
    values = {f"many:{i}": b"%d" % i for i in range(500)}
    assert client.set_many(values, expire=100, flags=4) is None
    assert client.get_many([*values, "missing"]) == values
    assert client.get_many(key for key in values) == values
    assert client.get_many([b"many:1", "many:1", "many:2"]) == {
        b"many:1": b"1", "many:1": b"1", "many:2": b"2",
    }  # fmt: skip
    found = client.gets_many(["many:3", "missing"])
    assert found == {"many:3": shardcache.Value(b"3", 4, found["many:3"].cas)}
    assert client.cas("many:3", "x", found["many:3"].cas)
    assert client.get_many([]) == {}
    client.set_many({})
    for single in ("key", b"key"):
        with pytest.raises(TypeError, match="many keys"):
            client.get_many(single)
    with pytest.raises(TypeError, match="keys are bytes or str"):
        client.get_many(["a", 3])


def test_large_values_and_batches_pass(client):
    big = {f"big:{i}": bytes([i]) * 900_000 for i in range(40)}
    client.set_many(big)
    assert client.get_many(big) == big
    with pytest.raises(shardcache.Error) as caught:
        client.set("huge", bytes(2 << 20))
    assert (caught.value.code, caught.value.key) == ("refused_by_server", "huge")
    assert caught.value.server in {"s0", "s1", "s2"}


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "tab\t", "k" * 251, b"nul\0"])
def test_keys_that_memcached_does_not_take_are_refused(client, key):
    with pytest.raises(shardcache.Error) as caught:
        client.get(key)
    assert (caught.value.code, caught.value.key) == ("invalid_argument", key)
    with pytest.raises(shardcache.PartialError) as caught:
        client.get_many(["good", key])
    assert caught.value.errors[key].code == "invalid_argument"


def test_numbers_out_of_range_are_refused(client):
    for call in [
        lambda: client.set("k", "x", flags=2**32),
        lambda: client.set("k", "x", flags=-1),
        lambda: client.cas("k", "x", 2**64),
        lambda: client.incr("k", -1),
        lambda: client.maintain(float("inf")),
        lambda: client.metrics.servers[0].latency.quantile(1.5),
    ]:
        with pytest.raises(shardcache.Error) as caught:
            call()
        assert caught.value.code == "invalid_argument"


@pytest.mark.parametrize(
    "options, what",
    [
        ({"timeout": 0}, "timeout must be above 0"),
        ({"deadline": timedelta(0)}, "deadline must be above 0"),
        ({"timeout": float("nan")}, "timeout cannot be nan s"),
        ({"prefix": "with blank "}, "prefix"),
        ({"stale_guard": "some"}, "use off, exact or fleet"),
        ({"stale_guard_memory": -1}, "stale_guard_memory is from 0"),
    ],
)
def test_options_that_cannot_be_are_refused(alpha, options, what):
    with pytest.raises(shardcache.Error, match=what) as caught:
        shardcache.Client(alpha, **options)
    assert caught.value.code == "invalid_argument"


def test_what_is_no_pool_or_of_redis_is_refused(servers):
    with pytest.raises(TypeError, match="expected a PoolConfig"):
        shardcache.Client("alpha")
    with pytest.raises(TypeError, match="prefix cannot be 3"):
        shardcache.Client(memcached.pool_of(servers), prefix=3)
    with pytest.raises(shardcache.Error, match="redis"):
        shardcache.Client(memcached.pool_of(servers, redis=True))


def test_a_prefix_is_sent_and_hashed_or_not(client, alpha):
    hashed = shardcache.Client(alpha, prefix="app:", hash_prefix=True)
    unhashed = shardcache.Client(alpha, prefix=b"app:", hash_prefix=False)
    for i in range(50):
        hashed.set(str(i), "h")
        assert client.get(f"app:{i}") == b"h"
        unhashed.set(str(i), "u")
        home = client.router.route(str(i))
        alone = shardcache.Client(shardcache.PoolConfig("one", [home._as_line()]), timeout=2)
        assert alone.get(f"app:{i}") == b"u"


def test_every_server_tells_of_itself(client, servers):
    assert client.version().keys() == {"s0", "s1", "s2"}
    client.set("k", "x")
    assert client.stats()["s0"]["version"] == client.version()["s0"]
    assert int(client.stats("settings")["s1"]["maxbytes"]) > 0
    assert client.stats(sort="items").keys() == {"s0", "s1", "s2"}
    assert client.flush_all() is None
    assert client.get("k") is None
    servers[1].kill()
    for call in (client.version, client.stats, client.flush_all):
        with pytest.raises(shardcache.PartialError, match="1 of 3 servers failed") as caught:
            call()
        assert caught.value.values.keys() == {"s0", "s2"}
        assert caught.value.errors["s1"].code == caught.value.code == "disconnected"
        assert caught.value.errors["s1"].server == caught.value.server == "s1"


def test_the_router_of_a_client_reloads_it(client, servers):
    assert client.router is client.router
    assert client.router.live == [0, 1, 2]
    client.router.reload(memcached.pool_of(servers[:1], hash="md5"))
    assert [server.name for server in client.router.servers] == ["s0"]
    client.set_many({f"key:{i}": "x" for i in range(100)})
    assert int(client.stats()["s0"]["curr_items"]) == 100
    assert [server.name for server in client.metrics.servers] == ["s0"]


def test_metrics_tell_what_was_done(client, servers):
    client.set("k", "x")
    for _ in range(3):
        client.get("k")
    client.get("none")
    with pytest.raises(shardcache.Error):
        client.incr("k")
    metrics = client.metrics
    assert isinstance(metrics, shardcache.ClientMetrics)
    home = metrics.servers[client.router.route("k").index]
    assert isinstance(home, shardcache.ServerMetrics)
    assert sum(server.operations for server in metrics.servers) == 6
    assert sum(server.hits for server in metrics.servers) == 3
    assert sum(server.misses for server in metrics.servers) == 1
    assert sum(server.refusals for server in metrics.servers) == 1
    assert (home.connections, home.open) == (1, 1)
    assert (home.ejections, home.readmissions, home.guarded) == (0, 0, 0)
    assert set(home.failures) == set(shardcache.FAILURE_KINDS)
    latency = home.latency
    assert isinstance(latency, shardcache.LatencyHistogram)
    assert latency.count == sum(count for _, count in latency.buckets) >= 5
    assert 0 < latency.quantile(0.5) <= latency.quantile(1.0) <= latency.buckets[-1][0]
    assert latency.sum <= latency.quantile(1.0) * latency.count
    assert repr(latency).startswith(f"<shardcache.LatencyHistogram: {latency.count} times, half")
    text = metrics.prometheus()
    assert f'shardcache_client_hits_total{{pool="alpha",server="{home.name}"}} 3' in text
    assert "# TYPE shardcache_client_round_trip_seconds histogram" in text
    assert repr(metrics) == (
        "<shardcache.ClientMetrics of pool 'alpha': 6 operations, 0 failures of connections>"
    )
    servers[1].kill()
    client.check_idle()
    assert sum(client.metrics.servers[1].failures.values()) == home.open * (home.name == "s1")


def test_threads_share_a_client(client):
    wrong = []

    def work(number):
        for i in range(200):
            key = f"{number}:{i}"
            client.set(key, key)
            if client.get(key) != key.encode():
                wrong.append(key)
        keys = [f"{number}:{i}" for i in range(200)]
        if client.get_many(keys) != {key: key.encode() for key in keys}:
            wrong.append(number)

    run(work, 6)
    assert not wrong
    assert sum(server.operations for server in client.metrics.servers) == 6 * 600


def test_other_threads_run_while_a_server_is_waited_for(alpha, servers):
    client = shardcache.Client(alpha, timeout=1)
    (slow,), (fast,) = keys_of(client, "s0", 1), keys_of(client, "s1", 1)
    servers[0].freeze()
    answered = []
    waiting = threading.Event()

    def wait(number):
        if number == 0:
            waiting.set()
            with pytest.raises(shardcache.Error):
                client.get(slow)
            answered.append("slow")
        else:
            waiting.wait()
            for _ in range(20):
                client.get(fast)
            answered.append("fast")

    run(wait, 2)
    servers[0].thaw()
    assert answered == ["fast", "slow"]


def test_threads_that_close_and_count_disturb_nobody(alpha):
    for _ in range(10):
        client = shardcache.Client(alpha)

        def work(number, client=client):
            try:
                for i in range(100):
                    client.set(f"{number}:{i}", "x")
                    client.metrics.prometheus()
                    client.check_idle()
                    if number == 3 and i == 50:
                        client.close()
            except shardcache.Error as error:
                assert "is closed" in str(error)

        run(work, 4)
        assert repr(client) == "<shardcache.Client of pool 'alpha': closed>"


def connections_of(server):
    pool = memcached.pool_of([server])
    with shardcache.Client(pool, timeout=2) as observer:
        return int(observer.stats()["s0"]["curr_connections"])


def test_close_ends_the_connections_and_every_other_call(alpha, servers):
    before = connections_of(servers[0])
    with shardcache.Client(alpha) as client:
        client.set_many({f"key:{i}": "x" for i in range(100)})
        assert connections_of(servers[0]) == before + 1
    end = time.monotonic() + 10
    while connections_of(servers[0]) != before and time.monotonic() < end:
        time.sleep(0.01)
    assert connections_of(servers[0]) == before
    for call in (lambda: client.get("k"), lambda: client.router, lambda: client.metrics):
        with pytest.raises(shardcache.Error, match="is closed"):
            call()
    client.close()


def test_a_client_does_not_travel(client):
    for travel in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="pickle its PoolConfig"):
            travel(client)


def ask_in_child(client, results):
    try:
        client.get("key")
    except shardcache.Error as error:
        results.put(str(error))


def test_a_forked_process_is_told_to_make_its_own(client):
    client.set("key", "x")
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=ask_in_child, args=(client, results))
    child.start()
    said = results.get(timeout=30)
    child.join(30)
    assert f"was made by the process {os.getpid()}" in said
    assert client.get("key") == b"x"


def test_a_client_that_its_observers_hold_is_collected(alpha):
    class Application:
        def __init__(self):
            self.client = shardcache.Client(
                alpha, observer=self.see, stale_guard="exact", stale_guard_observer=self.see
            )

        def see(self, event):
            pass

    application = Application()
    application.client.set("k", "x")
    gone = weakref.ref(application)
    del application
    gc.collect()
    assert gone() is None


def run(work, count):
    failures = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "a thread waits for ever"
    assert not failures
