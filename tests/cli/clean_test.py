"""The command clean, beside real memcacheds and nutcracker."""

import contextlib
import random
import signal
import threading
import time

import pytest
from conftest import EFFORT, objects, rows, run
from ejection_test import free_port
from fleet import Connection, memcacheds, nutcracker, pool, until


@pytest.fixture(name="three")
def _three():
    with memcacheds(3) as servers:
        yield servers


def owners(conf, keys, write, *down):
    """{key: address} by the placement, which other tests compare with the proxy."""
    names = write(b"\n".join(keys), "names")
    result = run("locate", "-c", conf, "--keys", names, *down, check=0)
    return {row[0]: row[2].decode() for row in rows(result)}


def held(servers):
    """{address: keys}"""
    found = {}
    for server in servers:
        with server.connect() as connection:
            found[server.address] = set(connection.listing())
    return found


def fill(server, keys, value=b"v", expire=0):
    with server.connect() as connection:
        connection.set_many((key, value, 0, expire) for key in keys)


class Writer:
    """Sets values through the proxy, whatever becomes of it; remembers what was acknowledged."""

    def __init__(self, address, keys, seed):
        self.address = address
        self.keys = keys
        self.chance = random.Random(seed)
        self.stop = threading.Event()
        self.stored = {}
        self.thread = threading.Thread(target=self._write)
        self.thread.start()

    def _write(self):
        number = 0
        connection = Connection(self.address)
        while not self.stop.is_set():
            number += 1
            key = self.chance.choice(self.keys)
            value = b"value %d" % number
            if connection.set(key, value) == b"STORED":
                self.stored[key] = value
            else:
                self.stored.pop(key, None)  # perhaps stored, somewhere
        connection.close()

    def end(self):
        self.stop.set()
        self.thread.join()
        return self.stored


def test_clean_leaves_no_orphan_after_outages_and_no_key_that_is_at_home_goes(write):
    keys = [b"key:%d" % i for i in range(3000)]
    listen = f"127.0.0.1:{free_port()}"
    chance = random.Random(3)
    with memcacheds(5) as servers:
        conf = write(pool(servers, listen, ("auto_eject_hosts: true", "server_retry_timeout: 150",
                                            "server_failure_limit: 1")).replace("5000", "50"))
        homes = owners(conf, keys, write)
        with nutcracker(conf, listen):
            writer = Writer(listen, keys, 4)
            for _ in range(12 * EFFORT):
                time.sleep(0.1)
                away = chance.choice(servers)
                away.process.send_signal(signal.SIGSTOP)
                time.sleep(chance.uniform(0.1, 0.5))
                away.process.send_signal(signal.SIGCONT)
            time.sleep(0.4)  # until all are back
            for key in keys[::7]:  # which brings back those that nobody asked yet
                with contextlib.closing(Connection(listen)) as proxy:
                    proxy.line(b"delete " + key + b"\r\n")
            writer.end()

            before = held(servers)
            orphans = sum(homes[key] != address for address, some in before.items() for key in some)
            assert orphans > 20, "the outages left orphans"
            plan = objects(run("clean", "-c", conf, "--format", "json", check=0))
            assert sum(row["keys"] for row in plan) == orphans
            # But for those that were written while two were out.
            ejected = sum(row["keys"] for row in plan if row["cause"] == "ejection")
            assert ejected > 0.8 * orphans
            assert held(servers) == before

        # Goes on while it is cleaned, through a proxy that ejects nobody.
        calm = write(pool(servers, listen), "calm.yml")
        with nutcracker(calm, listen):
            writer = Writer(listen, keys[:1000], 5)
            run("clean", "-c", conf, "--go", check=0)
            stored = writer.end()
            after = held(servers)
            for address, some in after.items():
                assert all(homes[key] == address for key in some)
                assert {key for key in before[address] if homes[key] == address} <= some
            with contextlib.closing(Connection(listen)) as proxy:
                found = proxy.get_many(stored)
            assert {key: value for key, (value, _) in found.items()} == stored


def test_clean_says_why_a_key_is_where_it_is(three, write):
    conf = write(pool(three))
    old = write(pool(three, settings=("hash: crc32",)), "old.yml")
    keys = [b"k%d" % i for i in range(3000)]
    homes = owners(conf, keys, write)
    before = owners(old, keys, write)
    for server in three:
        fill(server, [key for key in keys if before[key] == server.address], expire=500)
    found = objects(run("clean", "-c", conf, "--before", old, "--format", "json", check=0))
    assert {row["cause"] for row in found} == {"resize"}
    assert sum(row["keys"] for row in found) == sum(homes[key] != before[key] for key in keys)
    assert all(row["expiring"] == row["keys"] and row["oldest"] < 60 and row["bytes"] > row["keys"]
               for row in found)

    run("clean", "-c", conf, "--go", check=0)
    out = owners(conf, keys, write, "--down", "s1")
    for server in three:
        fill(server, [key for key in keys if homes[key] == three[1].address
                      and out[key] == server.address])
    found = objects(run("clean", "-c", conf, "--format", "json", check=0))
    assert {(row["cause"], row["culprit"]) for row in found} == {("ejection", "s1")}
    # While s1 is down they are where they belong.
    assert not objects(run("clean", "-c", conf, "--down", "s1", "--format", "json", check=0))
    assert run("clean", "-c", conf, "--go", check=0).returncode == 0

    placed = rows(run("agree", "-c", conf, "--client", "php-memcached", "--keys",
                      write(b"\n".join(keys), "names"), "--per-key"))
    for server in three:
        fill(server, [row[0] for row in placed if row[2].decode() == server.address])
    found = objects(run("clean", "-c", conf, "--other-client", "php-memcached", "--format", "json",
                        check=0))
    assert {row["cause"] for row in found} == {"other client"}


def test_clean_deletes_at_a_rate(three, write):
    conf = write(pool(three))
    keys = [b"k%d" % i for i in range(1500)]
    for server in three:
        fill(server, keys)
    begin = time.monotonic()
    run("clean", "-c", conf, "--go", "--rate", "2000", check=0)
    assert 1.0 < time.monotonic() - begin < 30
    homes = owners(conf, keys, write)
    assert all(homes[key] == address for address, some in held(three).items() for key in some)
    assert sum(map(len, held(three).values())) == len(keys)


def test_clean_makes_no_haste_after_a_server_was_silent(three, write):
    conf = write(pool(three[:1]))
    keys = [b"k%d" % i for i in range(2000)]
    fill(three[0], keys)
    stopped = threading.Timer(0.3, three[0].process.send_signal, [signal.SIGSTOP])
    goes_on = threading.Timer(0.9, three[0].process.send_signal, [signal.SIGCONT])
    begin = time.monotonic()
    for timer in (stopped, goes_on):
        timer.start()
    run("clean", "-c", conf, "--after-outage", "s0", "--go", "--rate", "2000", check=0)
    assert time.monotonic() - begin > 1.2
    assert held(three[:1]) == {three[0].address: set()}


@pytest.mark.parametrize("flush", [False, True])
def test_clean_after_an_outage_removes_all_that_the_server_had(three, write, flush):
    conf = write(pool(three))
    for server in three:
        fill(server, [b"k%d" % i for i in range(500)])
    which = ["--after-outage", "s1"] if flush else ["--after-outage", three[1].address]
    arguments = ["clean", "-c", conf, *which, *(["--flush"] if flush else [])]
    plan = run(*arguments, check=0)
    assert rows(plan)[0][2:5] == [b"outage", b"", b"500"]
    assert b"nothing was changed" in plan.stderr
    run(*arguments, "--go", check=0)
    time.sleep(1.1 if flush else 0)  # flush_all looks at seconds
    assert [len(some) for some in held(three).values()] == [500, 0, 500]
    three[1].stop()
    three[1].start()
    assert b"it came back empty" in run(*arguments, check=0).stderr


def test_clean_keeps_what_is_stored_while_it_is_at_work(three, write):
    """A server whose orphan is stored anew between the listing and the deletion keeps it."""
    conf = write(pool(three))
    keys = [b"k%d" % i for i in range(3000)]
    homes = owners(conf, keys, write)
    orphans = [key for key in keys if homes[key] != three[0].address]
    fill(three[0], orphans)
    cleaner = threading.Thread(target=run, args=("clean", "-c", conf, "--go", "--rate", "1000"))
    cleaner.start()
    with three[0].connect() as connection:
        until(lambda: connection.count() < len(orphans))  # so all of it has been listed
        left = set(connection.listing())
        fill(three[0], left, b"new")
    cleaner.join()
    with three[0].connect() as connection:
        found = connection.get_many(orphans)
    assert 0 < len(left) < len(orphans)
    assert set(found) == left
    assert all(value == b"new" for value, _ in found.values())


def test_clean_refuses_a_server_by_two_names_whose_keys_would_look_like_orphans(three, write):
    keys = [b"k%d" % i for i in range(100)]
    fill(three[0], keys)
    text = pool(three)
    for other in (three[0].address, three[0].address.replace("127.0.0.1", "localhost")):
        conf = write(text.replace(three[1].address, other))
        assert other.encode() in run("clean", "-c", conf, "--go", check=2).stderr
        assert held(three)[three[0].address] == set(keys)


def test_clean_tells_of_pools_that_share_servers(three, write):
    both = pool(three) + pool(three[:1]).replace("alpha", "beta").replace(":1\n", ":2\n", 1)
    result = run("clean", "-c", write(both), "-p", "alpha", check=0)
    assert b"note: pool 'beta' has servers of this one too" in result.stderr
    apart = pool(three[:1]) + pool(three[1:]).replace("alpha", "beta").replace(":1\n", ":2\n", 1)
    assert b"beta" not in run("clean", "-c", write(apart), "-p", "alpha", check=0).stderr


@pytest.mark.parametrize("arguments, says", [
    (["--flush"], b"--after-outage"),
    (["--after-outage", "nobody"], b"the ring names are s0, s1, s2"),
    (["--before", "nowhere.yml"], b"nowhere.yml"),
    (["--rate", "0"], b"--rate"),
    (["--after-outage", ""], b"--after-outage: is empty"),
    (["--before", "/dev/null"], b"has no pools"),
    (["--before-pool", "alpha"], b"requires --before"),
    (["--other-set", "OPT_HASH=HASH_CRC"], b"requires --other-client"),
    (["--other-servers", "127.0.0.1:1"], b"requires --other-client"),
])
def test_clean_refuses_what_makes_no_sense(three, write, arguments, says):
    result = run("clean", "-c", write(pool(three)), *arguments, "--go", check=2)
    assert says in result.stderr
