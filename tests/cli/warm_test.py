"""The command warm, beside real memcacheds, nutcracker and PHP."""

import contextlib
import re
import signal
import subprocess
import time

import pytest
from conftest import COMMAND, EFFORT, objects, rows, run, total
from ejection_test import free_port
from fleet import (Connection, Memcached, OldMemcached, addresses, memcacheds, nutcracker, pool,
                   until)


# Keys, places and lives of all sorts.


def test_warm_carries_every_legal_byte_over_unix_sockets_too(write, tmp_path):
    legal = bytes(range(0x21, 0x7f)) + bytes(range(0x80, 0x100))
    keys = [b"a" + bytes([byte]) + b"z" for byte in legal] + [legal, b"x" * 250]
    value = bytes(range(256)) * 5 + b"\r\nEND\r\n"
    near, far = (Memcached(address=str(tmp_path / name)) for name in ("near", "far"))
    try:
        with near.connect() as connection:
            connection.set_many((key, value, 0xffffffff, 0) for key in keys)
        run("warm", "--from-servers", near.address, "--servers", far.address, "--go", check=0)
        with far.connect() as connection:
            assert connection.get_many(keys) == {key: (value, 0xffffffff) for key in keys}
    finally:
        near.stop()
        far.stop()


@pytest.mark.parametrize("life", [1, 2, 100, 30 * 86400, 30 * 86400 + 5, 40 * 86400, None])
def test_warm_keeps_what_is_left_of_a_life(four, life):
    expire = 0 if life is None else life if life <= 30 * 86400 else int(time.time()) + life
    with four[0].connect() as near, four[1].connect() as far:
        near.set(b"key", b"value", 0, expire)
        run("warm", "--from-servers", four[0].address, "--servers", four[1].address, "--go", check=0)
        before, after = near.listing(), far.listing()
        if b"key" in before and b"key" in after:  # of one second not much may be left
            assert abs(before[b"key"] - after[b"key"]) <= (life is not None)
        else:
            assert life in (1, 2)


def test_lives_end_on_the_same_second_though_a_server_pauses(four):
    keys = [b"key:%d" % i for i in range(600)]
    with four[0].connect() as near, four[1].connect() as far:
        near.set_many((key, b"value", 0, 100) for key in keys)
        listed = near.listing()
        with subprocess.Popen([COMMAND, "warm", "--from-servers", four[0].address, "--servers",
                               four[1].address, "--go", "--rate", "400"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as warm:
            until(lambda: far.count() > 100)
            four[0].process.send_signal(signal.SIGSTOP)
            time.sleep(2.5)
            four[0].process.send_signal(signal.SIGCONT)
        assert warm.returncode == 0
        assert far.listing() == listed


def test_warm_leaves_what_is_newer_and_removes_the_old_only_if_asked(four):
    arguments = ["warm", "--from-servers", four[0].address, "--servers", four[1].address, "--go",
                 "--format", "json"]
    with four[0].connect() as near, four[1].connect() as far:
        near.set_many((b"k%d" % i, b"old", 0, 0) for i in range(100))
        far.set_many((b"k%d" % i, b"new", 0, 0) for i in range(0, 100, 2))
        result = objects(run(*arguments, check=0))
        assert [(row["keys"], row["copied"], row["already_there"], row["removed"])
                for row in result] == [(100, 50, 50, 0)]
        assert len(near.listing()) == 100
        result = objects(run(*arguments, "--remove", check=0))
        assert [(row["copied"], row["already_there"], row["removed"]) for row in result] == [
            (0, 100, 100)]
        assert near.listing() == {}
        found = far.get_many(b"k%d" % i for i in range(100))
        assert found == {b"k%d" % i: (b"old" if i % 2 else b"new", 0) for i in range(100)}


def test_warm_leaves_orphans_of_the_old_layout_and_foreign_keys(four, write):
    settings = ["--from-set", "OPT_PREFIX_KEY=app:", "--from-set", "OPT_LIBKETAMA_COMPATIBLE=1"]
    script = """$cache = new Memcached();
        $cache->setOption(Memcached::OPT_LIBKETAMA_COMPATIBLE, true);
        $cache->setOption(Memcached::OPT_PREFIX_KEY, 'app:');
        foreach (explode(',', $argv[1]) as $server) $cache->addServer(...explode(':', $server));
        for ($i = 0; $i < 1000; ++$i) if (!$cache->set("k$i", "value $i")) exit(1);"""
    subprocess.run(["php", "-r", script, addresses(four)], check=True)
    listen = f"127.0.0.1:{free_port()}"
    conf = write(pool(four, listen, names=False))
    homes = {}
    for server in four:
        with server.connect() as connection:
            homes.update({key: server for key in connection.listing()})
            connection.set(b"without_prefix", b"v")
    assert len(homes) == 1000
    placed = rows(run("locate", "-c", conf, "--keys", write(b"\n".join(homes), "names")))
    wrong = next(key for key, _, address, *_ in placed
                 if homes[key] is four[0] and address.decode() != four[1].address)
    with four[1].connect() as connection:
        connection.set(wrong, b"stale")
    result = run("warm", "--from-client", "php-memcached", *settings, "--from-servers",
                 addresses(four), "-c", conf, "--go", check=0)
    assert b"\n1 are not where the old layout reads them" in result.stderr
    assert b"\n4 are without the client's prefix" in result.stderr
    with nutcracker(conf, listen), contextlib.closing(Connection(listen)) as proxy:
        found = proxy.get_many(b"app:k%d" % i for i in range(1000))
    assert found == {b"app:k%d" % i: (b"value %d" % i, 0) for i in range(1000)}


def test_warm_takes_the_keys_of_a_file(four, write):
    conf = write(pool(four))
    keys = [b"k%d" % i for i in range(3000)]
    with four[0].connect() as connection:
        connection.set_many((key, b"v" * (i % 5000), 3, 0) for i, key in enumerate(keys))
        connection.set(b"unnamed", b"v")
    names = write(b"\0".join(keys) + b"\0nowhere", "names")
    result = run("warm", "--from-servers", four[0].address, "-c", conf, "--keys", names, "-0",
                 "--go", "--format", "json", check=0)
    found = {}
    for server in four:
        with server.connect() as connection:
            held = connection.get_many(connection.listing())
            assert server is four[0] or b"unnamed" not in held
            found.update(held)
    assert total(result, "copied") == 3000 - sum(
        row[2].decode() == four[0].address
        for row in rows(run("locate", "-c", conf, "--keys", write(b"\n".join(keys), "plain"))))
    assert {key: found[key] for key in keys} == {
        key: (b"v" * (i % 5000), 3) for i, key in enumerate(keys)}


def test_warm_takes_items_that_were_invalidated_or_stored_by_a_base64_name(four):
    keys = [b"k%d" % i for i in range(50)]
    with four[0].connect() as near, four[1].connect() as far:
        near.set_many((key, b"value", 0, 0) for key in keys)
        for name, flags in [(b"Zm9v", b"b"), (b"Zg==", b"b"), (b"w7w=", b"b"), (b"stale", b"")]:
            assert near.line(b"ms %s 5 %s\r\nvalue\r\n" % (name, flags)) == b"HD"
        assert near.line(b"md stale I\r\n") == b"HD"
        arguments = ["--from-servers", four[0].address, "--servers", four[1].address]
        run("warm", *arguments, "--go", "--remove", check=0)
        assert near.listing() == {}
        assert set(far.listing()) == {*keys, b"foo", b"f", "\u00fc".encode(), b"stale"}


def test_names_in_a_file_that_are_no_keys_are_counted_and_left(four, write):
    with four[0].connect() as near, four[1].connect() as far:
        near.set_many((b"k%d" % i, b"value", 0, 0) for i in range(9))
        names = write(b"k1\r\nk2\n\nk 3\nk\x7f4\n" + b"k" * 251 + b"\nk8", "names")
        result = run("warm", "--from-servers", four[0].address, "--servers", four[1].address,
                     "--keys", names, "--go", check=0)
        assert result.stderr.startswith(b"note: ")
        assert b"\n7 keys named: 0 stay where they are, 2 move if they are there\n" in result.stderr
        assert b"\n5 are no keys of memcached's text protocol" in result.stderr
        assert set(far.listing()) == {b"k2", b"k8"}


def test_warm_says_which_keys_failed_and_moves_the_others(four):
    with memcacheds(1, "-I", "4m") as large, large[0].connect() as near:
        near.set_many([(b"large", b"v" * 2_000_000, 0, 0), (b"small", b"v", 0, 0)])
        result = run("warm", "--from-servers", large[0].address, "--servers", four[0].address,
                     "--go", check=1)
    assert four[0].address.encode() in result.stderr
    assert b"too large for cache' to add (key \"large\")\n" in result.stderr
    with four[0].connect() as far:
        assert set(far.listing()) == {b"small"}


def test_warm_goes_on_where_a_server_was_lost_for_a_moment(four, tmp_path):
    with four[0].connect() as near:
        near.set_many((b"key:%d" % i, b"value", 0, 0) for i in range(5000))
    arguments = ["warm", "--from-servers", four[0].address, "--servers", four[1].address, "--go",
                 "--journal", str(tmp_path / "journal")]
    with subprocess.Popen([COMMAND, *arguments, "--rate", "2000"], stderr=subprocess.PIPE) as warm:
        with four[1].connect() as far:
            until(lambda: far.count() > 1)  # more than the mark of the beginning
        four[1].stop()
        assert warm.wait(20) == 1
        assert four[1].address.encode() in warm.stderr.read()
    four[1].start()
    run(*arguments, check=0)
    with four[1].connect() as far:
        assert len(far.listing()) >= 3500  # what it lost when it was killed is not known to anyone


def test_the_summary_is_told_though_nobody_reads_the_rows(four):
    with four[0].connect() as near:
        near.set(b"key", b"value")
    with open("/dev/full", "wb") as full:
        result = subprocess.run([COMMAND, "warm", "--from-servers", four[0].address, "--servers",
                                 four[1].address, "--go"], stdout=full, stderr=subprocess.PIPE,
                                check=False)
    assert result.returncode == 2
    assert b"\n1 copied" in result.stderr
    assert b"cannot write to stdout" in result.stderr


# Servers that lack something.


@pytest.mark.parametrize("lacks, says", [
    (["-X"], b"-X (--disable-dumping)"),
    (["-o", "no_lru_crawler"], b"'lru_crawler enable'"),
    (["-C"], b"-C (--disable-cas)"),
])
@pytest.mark.parametrize("command", ["warm", "clean"])
def test_a_server_that_lacks_something_is_told_before_anything_changes(write, lacks, says, command):
    with memcacheds(1) as fit, memcacheds(1, *lacks) as unfit:
        servers = fit + unfit
        for server in servers:
            with server.connect() as connection:
                connection.set_many((b"k%d" % i, b"v", 0, 0) for i in range(100))
        arguments = {"warm": ["--from-servers", addresses(servers)], "clean": []}[command]
        result = run(command, *arguments, "-c", write(pool(servers)), "--go", check=2)
        assert says in result.stderr
        assert unfit[0].address.encode() in result.stderr
        for server in servers:
            with server.connect() as connection:
                assert len(connection.get_many(b"k%d" % i for i in range(100))) == 100
                assert connection.count() == 100


def test_servers_without_meta_commands_are_moved_and_cleaned_too(write):
    with memcacheds(2) as servers:
        old = [OldMemcached(server) for server in servers]
        with old[0].connect() as near, old[1].connect() as far:
            near.set_many((b"k%d" % i, b"v", 7, i % 3 * 1000) for i in range(900))
            listing = near.listing()
            arguments = ["warm", "--from-servers", old[0].address, "--servers", old[1].address,
                         "--go", "--remove", "--format", "json"]
            assert total(run(*arguments, check=0), "removed") == 900
            assert near.listing() == {}
            moved = far.listing()
            assert set(moved) == set(listing)
            assert all(abs(moved[key] - listing[key]) <= 1 for key in moved)

            near.set(b"named", b"v")
            arguments += ["--keys", write("named\n", "names")]
            assert b"--unknown-ttl" in run(*arguments, check=2).stderr
            run(*arguments, "--unknown-ttl", "100", check=0)
            assert 95 < far.listing()[b"named"] - time.time() <= 101
            far.line(b"delete named\r\n")
            near.set(b"named", b"v")
            run(*arguments, "--unknown-ttl", str(2**63 - 1), check=0)
            assert far.listing()[b"named"] == -1, "longer than memcached can tell: for ever"

            conf = write(pool(old))
            run("clean", "-c", conf, "--go", check=0)
            homes = rows(run("locate", "-c", conf, "--keys", write(b"\n".join(moved), "all")))
            assert set(far.listing()) - {b"named"} == {
                row[0] for row in homes if row[2].decode() == old[1].address}


def test_a_proxy_or_a_server_by_two_names_is_refused(four, write):
    listen = f"127.0.0.1:{free_port()}"
    conf = write(pool(four, listen))
    with nutcracker(conf, listen):
        result = run("warm", "--from-servers", listen, "-c", conf, check=2)
        assert listen.encode() in result.stderr
        assert b"not a proxy" in result.stderr
    port = four[0].address.rsplit(":", 1)[1]
    with four[0].connect() as connection:
        connection.set(b"key", b"value")
        result = run("warm", "--from-servers", f"localhost:{port}", "--servers", four[0].address,
                     "--go", "--remove", check=2)
        assert b"another address" in result.stderr
        assert connection.get(b"key") == b"value"


@pytest.mark.parametrize("arguments, says", [
    ([], b"--from-config"),
    (["--from-servers", "127.0.0.1:1"], b"-c, --client or --servers"),
    (["--from-client", "php-memcached", "--servers", "127.0.0.1:1"], b"--from-servers"),
    (["--from-servers", "127.0.0.1:1", "--servers", "127.0.0.1:2"], b"127.0.0.1:1: "),
    (["--from-servers", "127.0.0.1:1", "--servers", "127.0.0.1:2", "--unknown-ttl", "x"],
     b"--unknown-ttl x"),
    (["--from-servers", "127.0.0.1:1,127.0.0.1:1", "--servers", "127.0.0.1:2"], b"twice"),
    (["--from-servers", "127.0.0.1:1", "-c", "/dev/null"], b"has no pools"),
    (["--from-servers", "127.0.0.1:1", "--from-pool", "alpha", "--servers", "127.0.0.1:1"],
     b"--from-config"),
    (["--from-servers", "127.0.0.1:1", "-p", "alpha", "--servers", "127.0.0.1:1"], b"give -c"),
    (["--from-servers", "/", "--servers", "127.0.0.1:1"], b"/: Is a directory"),
    (["--from-servers", "127.0.0.1:1", "--servers", "127.0.0.1:2", "--keys", ""], b"--keys"),
    (["--from-servers", "127.0.0.1:1", "--servers", "127.0.0.1:2", "--journal", ""],
     b"--journal: is empty"),
    (["--from-servers", "127.0.0.1:1", "--servers", "127.0.0.1:2", "--rate", "0"],
     b"--rate: 0 is not a number of 1 to 1e+12"),
    (["--from-servers", "127.0.0.1:1", "--servers", "127.0.0.1:2", "--timeout=nan"], b"--timeout"),
])
def test_warm_refuses_what_makes_no_sense(arguments, says):
    result = run("warm", *arguments, check=2)
    assert says in result.stderr
    assert b"not a proxy" not in result.stderr


def peak_memory(*arguments):
    """Runs the command to its end; returns the peak of its resident memory in MiB, but for the last
    moment. (What wait4() tells counts the memory of the process that started it, too.)"""
    peak = 0
    with subprocess.Popen([COMMAND, *arguments], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with open(f"/proc/{process.pid}/status", "rb") as status:
                match = re.search(rb"VmHWM:\s+(\d+) kB", status.read())
            peak = max(peak, int(match[1]) if match else 0)
            time.sleep(0.02)
    assert process.returncode == 0
    assert peak > 0
    return peak / 1024


# With SHARDCACHE_TEST_EFFORT=40, ten million.
def test_warm_and_clean_work_in_constant_memory(write):
    keys = 250_000 * EFFORT
    with memcacheds(2, "-m", "4096") as servers:
        for server in servers:
            with server.connect() as connection:
                connection.set_many((b"key:%d" % i, b"value of key", 0, 0) for i in range(keys))
        conf = write(pool(servers))
        assert peak_memory("clean", "-c", conf, "--go") < 60
        with memcacheds(1, "-m", "4096") as target:
            assert peak_memory("warm", "--from-servers", addresses(servers), "--servers",
                               target[0].address, "--go") < 60
            with target[0].connect() as connection:
                assert connection.count() == keys
