"""The client when servers fail, and when the program is interrupted."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import timedelta

import pytest

import conftest
import memcached
import shardcache
from memcached import keys_of


def test_a_server_that_is_gone_is_an_error_of_its_keys_alone(client, servers):
    gone, here = keys_of(client, "s1"), keys_of(client, "s0")
    client.set_many(dict.fromkeys(gone + here, "x"))
    servers[1].kill()
    with pytest.raises(shardcache.Error, match="s1") as caught:
        client.get(gone[0])
    assert (caught.value.code, caught.value.server, caught.value.key) == (
        "disconnected", "s1", gone[0],
    )  # fmt: skip
    assert not caught.value.maybe_applied
    with pytest.raises(shardcache.PartialError, match="5 of 10 keys failed") as caught:
        client.get_many(gone + here)
    assert caught.value.values == dict.fromkeys(here, b"x")
    assert caught.value.errors.keys() == set(gone)
    assert {error.server for error in caught.value.errors.values()} == {"s1"}
    with pytest.raises(shardcache.PartialError) as caught:
        client.set_many(dict.fromkeys(here + gone, "y"))
    assert caught.value.values == {}
    assert caught.value.errors.keys() == set(gone)
    with pytest.raises(shardcache.PartialError) as caught:
        client.gets_many(gone + here)
    assert {value.data for value in caught.value.values.values()} == {b"y"}

    copied = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(copied, shardcache.PartialError)
    assert str(copied) == str(caught.value)
    assert (copied.values, copied.code) == (caught.value.values, caught.value.code)
    assert copied.errors.keys() == set(gone)


def test_a_server_that_hangs_is_a_timeout_and_a_change_may_have_been_made(alpha, servers):
    with shardcache.Client(alpha, timeout=0.5, deadline=timedelta(milliseconds=800)) as client:
        (key,) = keys_of(client, "s2", 1)
        client.set(key, "old")
        servers[2].freeze()
        begin = time.monotonic()
        with pytest.raises(shardcache.Error) as caught:
            client.set(key, "new")
        assert time.monotonic() - begin < 5
        assert (caught.value.code, caught.value.maybe_applied) == ("timeout", True)
        # On the next connection nothing is sent before the server has said something.
        with pytest.raises(shardcache.PartialError) as caught:
            client.set_many({key: "new"})
        assert not caught.value.maybe_applied
        with pytest.raises(shardcache.Error) as caught:
            client.get(key)
        assert (caught.value.code, caught.value.maybe_applied) == ("timeout", False)
        servers[2].thaw()
        client.get(key)
        servers[2].freeze()
        with pytest.raises(shardcache.PartialError) as caught:
            client.set_many({key: "new"})
        assert caught.value.maybe_applied
        servers[2].thaw()


def test_a_failed_server_is_ejected_and_returns(servers):
    pool = memcached.pool_of(
        servers, auto_eject_hosts=True, server_failure_limit=1,
        server_retry_timeout=timedelta(milliseconds=500), timeout=timedelta(seconds=2),
    )  # fmt: skip
    events = []
    client = shardcache.Client(pool, observer=events.append)
    (key,) = keys_of(client, "s1", 1)
    client.set(key, "x")
    servers[1].kill()
    client.check_idle()  # which is enough: the connection ended
    assert [(event.type, event.name) for event in events] == [("ejected", "s1")]
    assert repr(client) == "<shardcache.Client of pool 'alpha': 2 of 3 servers live>"
    client.set(key, "elsewhere")
    assert client.get(key) == b"elsewhere"
    servers[1].start()
    time.sleep(0.6)
    assert client.get(key) is None
    assert [event.type for event in events] == ["ejected", "readmitted"]
    for server in servers:
        server.kill()
    codes = set()
    for i in range(50):
        with pytest.raises(shardcache.Error) as caught:
            client.get(f"key:{i}")
        codes.add(caught.value.code)
    assert codes == {"disconnected", "no_live_server"}


def test_retry_finds_the_server_that_stands_in(servers):
    pool = memcached.pool_of(servers, auto_eject_hosts=True, server_failure_limit=2)
    client = shardcache.Client(pool, timeout=1, deadline=3, retry=True)
    keys = keys_of(client, "s0")
    servers[0].kill()
    client.set_many(dict.fromkeys(keys, "x"))
    assert client.get_many(keys) == dict.fromkeys(keys, b"x")
    kept = shardcache.Client(
        pool, timeout=1, keep_ring=True, probe_before_readmission=True,
        back_off_cap=timedelta(minutes=1),
    )  # fmt: skip
    for _ in range(2):
        with pytest.raises(shardcache.Error, match="s0"):
            kept.get(keys[0])
    with pytest.raises(shardcache.Error) as caught:
        kept.get(keys[0])
    assert caught.value.code == "no_live_server"


@pytest.mark.parametrize("guard", ["off", "exact", "fleet"])
def test_a_stale_guard_hides_what_was_changed_during_the_outage(servers, guard):
    pool = memcached.pool_of(
        servers, auto_eject_hosts=True, server_failure_limit=1,
        server_retry_timeout=timedelta(milliseconds=300),
    )  # fmt: skip
    events = []
    client = shardcache.Client(
        pool, timeout=0.2, stale_guard=guard, stale_guard_memory=1 << 20,
        stale_guard_observer=events.append,
    )  # fmt: skip
    changed, untouched = keys_of(client, "s1", 2)
    client.set_many({changed: "old", untouched: "kept"})
    servers[1].freeze()
    with pytest.raises(shardcache.Error):
        client.get(changed)
    client.set(changed, "new")
    servers[1].thaw()
    end = time.monotonic() + 15
    while not (client.maintain(timedelta(milliseconds=50)) and len(client.router.live) == 3):
        assert time.monotonic() < end, "it does not return"
    want = {"off": {changed: b"old", untouched: b"kept"}, "exact": {untouched: b"kept"}}
    assert client.get_many([changed, untouched]) == want.get(guard, {})
    types = {"off": set(), "exact": {"cleaned"}, "fleet": {"invalidated"}}
    assert {event.type for event in events} == types[guard]
    assert all(isinstance(event, shardcache.StaleGuardEvent) for event in events)
    if guard == "exact":
        assert any(event.server == "s1" and event.keys == 1 for event in events)
        assert not any(event.message for event in events)


def test_what_an_observer_raises_is_reported_and_stops_nothing(servers, monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)

    def fail(event):
        raise ValueError(event.name)

    pool = memcached.pool_of(servers, auto_eject_hosts=True, server_failure_limit=1)
    client = shardcache.Client(pool, timeout=1, observer=fail)
    (key,) = keys_of(client, "s1", 1)
    servers[1].kill()
    with pytest.raises(shardcache.Error):
        client.get(key)
    client.set(key, "x")
    assert [str(report.exc_value) for report in seen] == ["s1"]


@pytest.mark.parametrize(
    "call, options",
    [
        ("client.get('key')", ""),
        ("client.set('key', 'x' * (64 << 20))", ""),
        ("client.get_many(f'key:{i}' for i in range(100))", ""),
        ("client.get('key')", ", timeout=0.01, deadline=100, retry=True"),
        ("client.get('key')", ", timeout=100, deadline=100, retry=True"),
        ("client.stats()", ""),
        ("client.get_many(itertools.repeat('key'))", ""),
    ],
)
def test_ctrl_c_stops_what_takes_long(servers, call, options):
    # Of a pool without a timeout, which waits for ever.
    program = f"""
        import itertools, shardcache, sys
        pool = shardcache.PoolConfig("alpha", sys.argv[1:])
        events = []
        client = shardcache.Client(pool, observer=events.append{options})
        print("ready", flush=True)
        try:
            {call}
        except KeyboardInterrupt:
            print("stopped")
        print(client.metrics.servers[0].open)
    """
    for server in servers:
        server.freeze()
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program),
         *(f"127.0.0.1:{server.port}:1" for server in servers)],
        env=conftest.python_program(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        begin = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "stopped\n0\n"
        assert time.monotonic() - begin < 10
    finally:
        process.kill()
        process.wait()
        for server in servers:
            server.thaw()


def test_a_signal_that_is_handled_stops_nothing_and_an_interruption_is_no_failure(alpha, servers):
    client = shardcache.Client(alpha, timeout=30)
    (key,) = keys_of(client, "s0", 1)
    client.set(key, "x")
    signals = []

    def handle(number, frame):
        signals.append(number)
        if len(signals) == 2:
            raise InterruptedError("enough")

    def frozen_get():
        # Two signals: the first is handled, the second ends the call.
        for delay in (0.2, 0.4):
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        client.get(key)

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        servers[0].freeze()
        begin = time.monotonic()
        with pytest.raises(InterruptedError, match="enough"):
            frozen_get()
        assert 0.35 < time.monotonic() - begin < 10
    finally:
        servers[0].thaw()
        signal.signal(signal.SIGUSR1, before)
    assert sum(client.metrics.servers[0].failures.values()) == 0
    assert client.get(key) == b"x"
