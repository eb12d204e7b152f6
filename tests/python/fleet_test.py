"""Warm-up and clean-up, on real memcached servers."""

import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta

import pytest

import conftest
import memcached
import shardcache


@pytest.fixture(name="old")
def _old(servers):
    return memcached.pool_of(servers[:2], hash="md5")


@pytest.fixture(name="new")
def _new(servers):
    return memcached.pool_of(servers, hash="md5")


def fill(pool, count, **how):
    items = {f"key:{i}": f"value {i}" for i in range(count)}
    with shardcache.Client(pool) as client:
        client.set_many(items, **how)
    return items


def moved_keys(old, new, items):
    before, after = shardcache.Placement(old), shardcache.Placement(new)
    return [key for key in items if before.locate(key).address != after.locate(key).address]


def test_warm_says_what_would_move_and_moves_it(old, new):
    items = fill(old, 3000, expire=500, flags=7)
    moved = moved_keys(old, new, items)
    plan = shardcache.warm(old, new)
    assert (plan.keys, plan.copied, plan.failed) == (len(moved), 0, 0)
    assert (plan.listed, plan.at_home) == (3000, 3000 - len(moved))
    assert repr(plan) == (
        f"<shardcache.WarmSummary: {len(moved)} of 3000 keys to move, 0 copied, 0 failed>"
    )
    with shardcache.Client(new) as client:
        client.set(moved[0], "newer")
        assert len(client.get_many(items)) == 3000 - len(moved) + 1
        done = shardcache.warm(old, new, go=True, remove=True)
        assert (done.copied, done.failed) == (len(moved) - 1, 0)
        assert client.get_many(items) == {
            key: b"newer" if key == moved[0] else value.encode() for key, value in items.items()
        }
        assert client.gets(moved[1]).flags == 7
        left = client.get_many_with_expiration([moved[1]])[moved[1]][1]
        assert timedelta(seconds=490) < left <= timedelta(seconds=500)
    row = done.rows[0]
    assert isinstance(row, shardcache.WarmRow)
    assert row.source in {server.address for server in old.servers}
    assert row.target in {server.address for server in new.servers}
    assert sum(row.already_there for row in done.rows) == 1
    assert sum(row.removed for row in done.rows) == len(moved)
    assert sum(row.copied_bytes for row in done.rows) > 0
    assert all(row.bytes > 0 for row in done.rows)
    assert all((row.renewed, row.gone) == (0, 0) for row in done.rows)
    with shardcache.Client(old) as client:
        assert len(client.get_many(items)) == 3000 - len(moved)
    assert (done.orphans, done.foreign, done.unnameable, done.resumed) == (0, 0, 0, 0)
    assert done.failures == []


def test_warm_takes_servers_clients_and_keys(servers, new, tmp_path):
    addresses = [f"127.0.0.1:{server.port}" for server in servers[:2]]
    php = shardcache.interop.php_memcached(addresses)
    pool = memcached.pool_of(servers[:2], hash="one_at_a_time", distribution="modula")
    items = fill(pool, 500)  # which is where PHP has them, if the servers are so sorted
    there = [key for key in items if php.locate(key).address
             == shardcache.Placement(pool).locate(key).address]
    if len(there) != len(items):  # else their order is the other one
        php = shardcache.interop.php_memcached(addresses[::-1])
    assert shardcache.warm(php, new).orphans == 0
    plain = shardcache.warm(addresses, new)
    assert plain.listed == 500
    some = list(items)[:100]
    named = shardcache.warm(php, new, keys=some, go=True, journal=tmp_path / "journal")
    assert named.listed == 100
    with shardcache.Client(new) as client:
        assert len(client.get_many(some)) == 100
    assert shardcache.warm(php, new, keys=iter(some)).listed == 100
    assert list(tmp_path.iterdir()) == []
    again = shardcache.warm(php, new, go=True, unknown_expiration=0, rate=100_000)
    assert again.failed == 0
    with shardcache.Client(new) as client:
        assert client.get_many(items) == {key: value.encode() for key, value in items.items()}


def test_progress_is_told_and_may_end_it(old, new):
    fill(old, 5000)
    seen = []
    shardcache.warm(old, new, go=True, progress=seen.append)
    assert {now.phase for now in seen} <= {"listing", "working"}
    assert all(now.keys >= 0 and now.total >= 0 and now.elapsed >= timedelta(0) for now in seen)
    assert seen
    assert isinstance(seen[0], shardcache.FleetProgress)
    stopped = shardcache.warm(old, new, progress=lambda now: False)
    assert stopped.interrupted

    def complain(now):
        raise LookupError(now.phase)

    with pytest.raises(LookupError):
        shardcache.warm(old, new, go=True, progress=complain)
    with pytest.raises(LookupError):
        shardcache.clean(new, progress=complain)


def test_keys_that_raise_end_it_with_nothing_moved(old, new):
    def keys(first):
        yield first
        raise LookupError("the end")

    items = fill(old, 1000)
    first = moved_keys(old, new, items)[0]
    with pytest.raises(LookupError, match="the end"):
        shardcache.warm(old, new, go=True, keys=keys(first))
    with shardcache.Client(new) as client:
        assert client.get(first) is None  # not moved
    with pytest.raises(TypeError, match="bytes"):
        shardcache.warm(old, new, keys=["a", 3])


def test_clean_finds_orphans_with_their_cause_and_deletes_them(old, new):
    items = fill(old, 2000)
    moved = moved_keys(old, new, items)
    found = shardcache.clean(new, before=old)
    assert (found.orphans, found.deleted) == (len(moved), 0)
    assert {row.cause for row in found.rows} == {"resize"}
    assert all(isinstance(row, shardcache.CleanRow) for row in found.rows)
    assert all(isinstance(server, shardcache.CleanServer) for server in found.servers)
    clients = shardcache.clean(new, other_client=shardcache.Placement(old))
    assert {row.cause for row in clients.rows} == {"other client"}
    assert sum(row.keys for row in found.rows) == len(moved)
    assert all(row.bytes > 0 and row.culprit == "" and row.expiring == 0 for row in found.rows)
    assert all(row.youngest <= row.oldest < timedelta(minutes=5) for row in found.rows)
    assert {row.server.address for row in found.rows} <= {s.address for s in old.servers}
    assert repr(found) == (
        f"<shardcache.CleanSummary: {len(moved)} orphans among 2000 keys, 0 deleted, 0 failed>"
    )
    done = shardcache.clean(new, go=True, rate=1_000_000)
    assert (done.orphans, done.deleted, done.failed) == (len(moved), len(moved), 0)
    assert sum(server.listed for server in done.servers) == 2000
    assert sum(server.at_home for server in done.servers) == 2000 - len(moved)
    assert all((server.kept, server.failed) == (0, 0) for server in done.servers)
    assert all(server.uptime >= timedelta(0) for server in done.servers)
    assert (done.foreign, done.unnameable, done.failures) == (0, 0, [])
    assert not done.interrupted
    with shardcache.Client(new) as client:
        assert len(client.get_many(items)) == 2000 - len(moved)
    assert shardcache.clean(new).orphans == 0


def test_clean_names_the_ejection_that_left_an_orphan(servers, new):
    items = fill(new, 1000)
    out = shardcache.Placement(new, down=["s1"])
    with shardcache.Client(new) as client:
        lost = [key for key in items if client.router.route(key).name == "s1"]
    # As they were placed while s1 was out: a ring of the others' names.
    rest = shardcache.PoolConfig(
        "rest", [f"127.0.0.1:{servers[i].port}:1 s{i}" for i in (0, 2)], hash="md5"
    )
    with shardcache.Client(rest) as client:
        client.set_many(dict.fromkeys(lost, "elsewhere"))
    assert shardcache.clean(out).orphans == 0  # while s1 is out, they are where they belong
    found = shardcache.clean(new)
    assert found.orphans == len(lost)
    assert {(row.cause, row.culprit) for row in found.rows} == {("ejection", "s1")}


def test_clean_after_an_outage_empties_that_server_alone(new):
    items = fill(new, 1000)
    with shardcache.Client(new) as client:
        there = {key for key in items if client.router.route(key).name == "s2"}
        server = client.router.route(next(iter(there)))
        plan = shardcache.clean(new, after_outage="s2")
        assert {row.cause for row in plan.rows} == {"outage"}
        assert sum(row.keys for row in plan.rows) == len(there)
        shardcache.clean(new, after_outage=server, go=True)
        assert set(client.get_many(items)) == set(items) - there
        client.set_many(items)
        shardcache.clean(new, after_outage=server.address, flush=True, go=True)
        assert set(client.get_many(items)) == set(items) - there


def test_what_is_wrong_is_an_error_that_says_so(servers, old, new):
    with pytest.raises(TypeError, match="expected a Placement or a PoolConfig"):
        shardcache.warm(old, "new")
    with pytest.raises(TypeError, match="and not one"):
        shardcache.warm("127.0.0.1:11211", new)
    for wrong in [{"rate": 0}, {"concurrency": 0}]:
        with pytest.raises(shardcache.Error, match="and not 0") as caught:
            shardcache.clean(new, **wrong)
        assert caught.value.code == "invalid_argument"
    with pytest.raises(shardcache.Error, match="nobody"):
        shardcache.clean(new, after_outage="nobody")
    servers[2].kill()
    address = f"127.0.0.1:{servers[2].port}"
    for call in [lambda: shardcache.warm(old, new), lambda: shardcache.clean(new)]:
        with pytest.raises(shardcache.Error, match=address) as caught:
            call()
        assert caught.value.code == "disconnected"


def test_ctrl_c_ends_it(servers, old, new):
    fill(old, 2000)
    servers[1].freeze()
    program = textwrap.dedent(f"""
        import shardcache
        pool = lambda lines: shardcache.PoolConfig("alpha", lines, hash="md5")
        print("begins", flush=True)
        shardcache.warm(pool({[s._as_line() for s in old.servers]}),
                        pool({[s._as_line() for s in new.servers]}), timeout=60)
    """)
    with subprocess.Popen([sys.executable, "-c", program], env=conftest.python_program(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"begins\n"
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGINT)
        assert b"KeyboardInterrupt" in process.communicate(timeout=20)[1]
    servers[1].thaw()
