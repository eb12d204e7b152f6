"""The commands eject and watch; watch beside a real nutcracker."""

import contextlib
import datetime
import socket
import subprocess
import time

import pytest
from conftest import COMMAND, GOLDEN, objects, rows, run


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def nutcracker(conf, stats_port, port):
    with subprocess.Popen(["nutcracker", "-c", conf, "-a", "127.0.0.1", "-s", str(stats_port),
                           "-i", "50"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def ask(port, key):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"get " + key + b"\r\n")
        return connection.recv(4096)


# eject


def test_of_26_equal_servers_each_ejection_moves_survivors_keys():
    # nutcracker 0.5.0 moved 119 of 4,816 keys of survivors, 2.5 %, for one of these servers.
    result = run("eject", "-c", str(GOLDEN / "equal_26.yml"), check=0)
    table = rows(result)
    assert len(table) == 26
    for row in table:
        assert len(row) == 7
        assert 0.015 < float(row[4]) < 0.035
        assert row[5] == b"25"
        assert b"float points" in row[6]
    assert b"26 servers" in result.stderr


# Who is right when a server is away: the placement with it down, key by key.
def test_eject_counts_what_locate_shows(write):
    keys = [f"user:{i}" for i in range(3000)]
    key_file = write("\n".join(keys), "keys")
    conf = str(GOLDEN / "weights.yml")
    before = {row[0]: row[1] for row in rows(run("locate", "-c", conf, "--keys", key_file))}
    for row in objects(run("eject", "-c", conf, "--keys", key_file, "--format", "json", check=0)):
        name = row["ring_name"].encode()
        after = {r[0]: r[1] for r in
                 rows(run("locate", "-c", conf, "--keys", key_file, "--down", name, check=0))}
        own = sum(owner == name for owner in before.values())
        moved = sum(before[k] not in (name, after[k]) for k in before)
        assert (row["own"], row["survivors_moved"]) == (own, moved)
        assert row["of_survivors"] == pytest.approx(moved / (len(keys) - own))


def test_eject_takes_servers_that_are_down_already():
    conf = str(GOLDEN / "equal_26.yml")
    table = rows(run("eject", "-c", conf, "--down", "127.0.0.1:26003", check=0))
    assert len(table) == 25
    assert all(row[5] == b"24" for row in table)  # 156 points of 25 servers, 160 of 24


def test_eject_says_when_only_the_ejected_servers_keys_move():
    result = run("eject", "-c", str(GOLDEN / "names.yml"), check=0)
    assert all(row[3] == b"0.000000" and row[6] == b"" for row in rows(result))
    assert b"and no others" in result.stderr


@pytest.mark.parametrize("setting, noted", [("", True), ("auto_eject_hosts: true", False)])
def test_eject_says_when_the_proxy_ejects_nobody(write, setting, noted):
    conf = write("alpha:\n  listen: 127.0.0.1:22121\n  servers:\n    - 127.0.0.1:1:1\n"
                 f"    - 127.0.0.1:2:1\n  {setting}\n", "nutcracker.yml")
    result = run("eject", "-c", conf, check=0)
    assert (b"ejects nobody" in result.stderr) == noted


@pytest.mark.parametrize("pool, code", [("one_server.yml", 1), ("nonexistent.yml", 2)])
def test_eject_fails_where_there_is_no_answer(pool, code):
    result = run("eject", "-c", str(GOLDEN / pool), check=code)
    assert pool.encode() in result.stderr
    assert result.stdout == b""


def test_eject_wants_keys_in_its_key_file(write):
    result = run("eject", "-c", str(GOLDEN / "names.yml"), "--keys", write("", "none"), check=2)
    assert b"none: there are no keys" in result.stderr


# watch


@pytest.fixture(name="proxy")
def _proxy(write):
    """A nutcracker with one memcached-less server after the other: any request ejects one."""
    port, stats = free_port(), free_port()
    conf = write(f"""\
alpha:
  listen: 127.0.0.1:{port}
  timeout: 500
  auto_eject_hosts: true
  server_failure_limit: 1
  server_retry_timeout: 60000
  servers:
   - 127.0.0.1:{free_port()}:1 one
   - 127.0.0.1:{free_port()}:1 two
""")
    with nutcracker(conf, stats, port):
        yield conf, f"127.0.0.1:{stats}", port


def test_watch_shows_whom_the_proxy_has_ejected_and_until_when(proxy):
    conf, stats, port = proxy
    result = run("watch", "-c", conf, "--stats", stats, "--once", check=0)
    assert [(r[1], r[2], r[4], r[5]) for r in rows(result)] == [
        (b"alpha", b"one", b"live", b""), (b"alpha", b"two", b"live", b"")]
    assert b"0 of 2 servers ejected" in result.stderr
    ejected_at = datetime.datetime.now(datetime.timezone.utc)
    assert ask(port, b"key").startswith(b"SERVER_ERROR")
    time.sleep(0.3)
    located = rows(run("locate", "-c", conf, "key"))[0][1]
    for row in objects(run("watch", "-c", conf, "--stats", stats, "--once", "--format", "json")):
        if row["ring_name"].encode() != located:
            assert (row["state"], row["until"]) == ("live", "")
            continue
        assert row["state"] == "ejected"
        until = datetime.datetime.fromisoformat(row["until"].replace("Z", "+00:00"))
        assert abs((until - ejected_at).total_seconds() - 60) < 2


def test_watch_goes_on_and_tells_of_changes(proxy):
    conf, stats, port = proxy
    with subprocess.Popen([COMMAND, "watch", "-c", conf, "--stats", stats, "--interval", "0.1"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as watch:
        try:
            first = [watch.stdout.readline().split(b"\t") for _ in range(2)]
            assert {row[4] for row in first} == {b"live"}
            ask(port, b"key")
            assert watch.stdout.readline().split(b"\t")[4] == b"ejected"
        finally:
            watch.terminate()


def test_watch_names_what_it_cannot_read(proxy, write):
    conf, stats, port = proxy
    result = run("watch", "-c", conf, "--stats", f"127.0.0.1:{free_port()}", "--once", check=2)
    assert b"Connection refused" in result.stderr
    result = run("watch", "-c", conf, "--stats", "nonsense", "--once", check=2)
    assert b"HOST:PORT" in result.stderr
    other = write("beta:\n  listen: 127.0.0.1:1\n  servers:\n   - 127.0.0.1:2:1\n", "other.yml")
    result = run("watch", "-c", other, "--stats", stats, "--once", check=2)
    assert b"no pool 'beta'" in result.stderr
    result = run("watch", "-c", conf, "--stats", stats, "-p", "gamma", "--once", check=2)
    assert b"no pool 'gamma'" in result.stderr
