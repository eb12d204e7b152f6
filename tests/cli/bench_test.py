"""shardcache bench, against real memcacheds and nutcrackers: what it counts is what they count."""

import contextlib
import socket
import threading
import time

import pytest
from conftest import objects, rows, run
from servers import free_port, memcached, nutcracker, pool_text, stats

MODES = [[], ["--threads", "2"], ["--blocking"]]


def bench(*args, check=0):
    patience = [] if "--timeout" in args else ["--timeout", "20"]
    return objects(run("bench", "--format", "json", *patience, *args, check=check))


def counters(*ports):
    """cmd_set, cmd_get and get_hits of all of them."""
    all_stats = [stats(port) for port in ports]
    return [sum(int(each[name]) for each in all_stats)
            for name in ("cmd_set", "cmd_get", "get_hits")]


@pytest.fixture(name="servers")
def _servers():
    with memcached() as first, memcached() as second:
        yield first, second


@contextlib.contextmanager
def scripted(answer):
    """A server that answers each line with answer(line): bytes, or None to close."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
            for line in lines:
                said = answer(line)
                if said is None:
                    return
                connection.sendall(said)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=[connection], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


# What it counts


@pytest.mark.parametrize("mode", MODES, ids=["loop", "threads", "blocking"])
def test_sets_are_what_the_servers_count(servers, mode):
    first, second = servers
    [result] = bench("--target", f"direct=127.0.0.1:{first},127.0.0.1:{second}", "--connections",
                     "30", "--calls", "40", "--at-once", "7", *mode)
    assert result["requests"] == result["responses"]["stored"] == 1200
    assert result["errors"]["total"] == 0
    assert result["connections"] == 30
    # Connections take turns.
    assert int(stats(first)["cmd_set"]) == int(stats(second)["cmd_set"]) == 600
    # One more is of the question itself.
    assert int(stats(first)["total_connections"]) + int(stats(second)["total_connections"]) < 40


@pytest.mark.parametrize("mode", MODES, ids=["loop", "threads", "blocking"])
def test_a_mix_is_what_the_servers_count(servers, mode):
    first, second = servers
    [result] = bench("--target", f"direct=127.0.0.1:{first},127.0.0.1:{second}", "--method", "mix",
                     "--get-ratio", "0.7", "--connections", "10", "--calls", "200", "--keys",
                     "100", "--warm-up", "50", *mode)
    responses, before = result["responses"], result["unmeasured"]
    assert sum(responses.values()) == result["requests"] == 2000
    assert responses["miss"] == 0
    assert 0.6 < responses["hit"] / 2000 < 0.8
    # All keys were stored on each of the servers first.
    assert before["stored"] + before["hit"] == 2 * 100 + 50
    sets, gets, hits = counters(first, second)
    assert sets == responses["stored"] + before["stored"]
    assert gets == hits == responses["hit"] + before["hit"]


def test_proxies_and_the_client_reach_the_same_servers(servers, tmp_path):
    with nutcracker(tmp_path, servers) as (one, conf), nutcracker(tmp_path, servers) as (two, _):
        results = bench("--target", f"proxy=127.0.0.1:{one}", "--target",
                        f"proxy=127.0.0.1:{one},127.0.0.1:{two}", "--target", f"client={conf}",
                        "--target", f"client={conf}:alpha", "--method", "mix", "--connections",
                        "8", "--calls", "50", "--keys", "60", "--rounds", "2")
    assert [r["kind"] for r in results] == ["proxy", "proxy", "client", "client"]
    for result in results:
        assert result["requests"] == 2 * 400
        assert result["responses"]["miss"] == result["errors"]["total"] == 0
        assert result["unmeasured"]["stored"] == 60
        assert len(result["round_requests_per_second"]) == 2
    assert results[0]["ratio"] == 1
    sets, gets, hits = counters(*servers)
    assert sets == sum(r["responses"]["stored"] + 60 for r in results)
    assert gets == hits == sum(r["responses"]["hit"] for r in results)


def test_bytes_are_what_the_server_counts(servers):
    port = servers[0]
    before = stats(port)
    [result] = bench("--target", f"direct=127.0.0.1:{port}", "--method", "mix", "--get-ratio",
                     "0.5", "--sizes", "u1,2000", "--connections", "4", "--calls", "250",
                     "--warm-up", "0", "--keys", "1")
    after = stats(port)
    # But for the key that was stored before, and the questions themselves.
    for ours, theirs, more in [("bytes_sent", "bytes_read", 2200),
                               ("bytes_received", "bytes_written", 4000)]:
        difference = int(after[theirs]) - int(before[theirs]) - result[ours]
        assert 0 <= difference < more


def test_values_have_the_sizes_and_keys_the_prefix(servers):
    port = servers[0]
    bench("--target", f"direct=127.0.0.1:{port}", "--sizes", "d77", "--keys", "50", "--prefix",
          "mine:", "--key-size", "40", "--expire", "60", "--calls", "400", "--connections", "2")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"lru_crawler metadump hash\r\n")
        text = b""
        while not text.endswith(b"END\r\n"):
            text += connection.recv(65536)
        keys = [line.split(b" ")[0][4:].replace(b"%3A", b":") for line in text.splitlines()[:-1]]
        assert len(keys) == 50
        assert all(key.startswith(b"mine:") and len(key) == 40 for key in keys)
        assert text.count(b"exp=-1") == 0
        connection.sendall(b"get " + keys[0] + b"\r\n")
        assert connection.recv(4096).split(b"\r\n")[0] == b"VALUE " + keys[0] + b" 0 77"


def test_the_same_seed_is_the_same_load_and_another_is_another(servers):
    target = ["--target", f"direct=127.0.0.1:{servers[0]}", "--method", "mix", "--calls", "100",
              "--connections", "3"]
    first, again, other = (bench(*target, "--seed", seed)[0] for seed in ["7", "7", "8"])
    assert first["responses"] == again["responses"]
    assert first["bytes_sent"] == again["bytes_sent"]
    assert first["bytes_sent"] != other["bytes_sent"]
    assert first["errors"]["total"] == other["errors"]["total"] == 0


# Failures


@pytest.mark.parametrize("mode", MODES, ids=["loop", "threads", "blocking"])
def test_a_dead_server_is_counted_and_exit_code_1(servers, mode):
    [result] = bench("--target", f"direct=127.0.0.1:{servers[0]},127.0.0.1:{free_port()}",
                     "--connections", "10", "--calls", "30", *mode, check=1)
    assert result["requests"] == 300
    assert result["responses"]["stored"] == 150
    assert result["errors"]["refused"] == result["errors"]["total"] == 150
    assert "Connection refused" in result["first_error"]


def test_a_proxy_whose_servers_are_dead_answers_with_errors(tmp_path):
    with nutcracker(tmp_path, [free_port()]) as (port, conf):
        proxy, client = bench("--target", f"proxy=127.0.0.1:{port}", "--target", f"client={conf}",
                              "--connections", "2", "--calls", "10", check=1)
    assert proxy["errors"]["server_error"] == proxy["errors"]["total"] == 20
    assert client["errors"]["refused"] == client["errors"]["total"] == 20


@pytest.mark.parametrize("mode", MODES, ids=["loop", "threads", "blocking"])
def test_a_server_that_does_not_answer_is_a_timeout(mode):
    with scripted(lambda line: b"") as port:
        [result] = bench("--target", f"direct=127.0.0.1:{port}", "--connections", "3", "--calls",
                         "2", "--timeout", "0.1", *mode, check=1)
    assert result["errors"]["timeout"] == result["errors"]["total"] == 6


@pytest.mark.parametrize(("said", "kind"), [
    (b"SERVER_ERROR out of memory storing object\r\n", "server_error"), (b"ERROR\r\n",
                                                                         "server_error"),
    (b"VALUE other 0 1\r\nx\r\nEND\r\n", "protocol"), (b"no answer at all\r\n", "protocol"),
    (None, "lost"),
])
@pytest.mark.parametrize("mode", [[], ["--blocking"]], ids=["loop", "blocking"])
def test_failures_are_counted_by_kind(said, kind, mode):
    with scripted(lambda line: said if line.startswith(b"set") else b"") as port:
        [result] = bench("--target", f"direct=127.0.0.1:{port}", "--connections", "2", "--calls",
                         "5", *mode, check=1)
    assert result["errors"][kind] == result["errors"]["total"] == 10


@pytest.mark.parametrize("mode", [[], ["--blocking"]], ids=["loop", "blocking"])
def test_another_value_than_the_one_stored_is_wrong_and_none_is_a_miss(mode):
    def answer(line):
        words = line.split()
        if words[:1] == [b"set"]:
            return b"STORED\r\n"
        if words[:1] == [b"get"]:
            return b"VALUE " + words[1] + b" 0 3\r\n???\r\nEND\r\n"
        return b""
    options = ["--method", "get", "--sizes", "d3", "--keys", "5", "--connections", "2", "--calls",
               "5", *mode]
    with scripted(answer) as port:
        [result] = bench("--target", f"direct=127.0.0.1:{port}", *options, check=1)
    assert result["errors"]["wrong"] == result["errors"]["total"] == 10
    with scripted(lambda line: {b"set": b"STORED\r\n", b"get": b"END\r\n"}.get(line[:3], b"")) \
            as port:
        [result] = bench("--target", f"direct=127.0.0.1:{port}", *options)
    assert result["responses"] == {"stored": 0, "hit": 0, "miss": 10}


# Time


def test_the_rate_is_held(servers):
    begin = time.monotonic()
    [result] = bench("--target", f"direct=127.0.0.1:{servers[0]}", "--rate", "2000", "--calls",
                     "100", "--connections", "20")
    took = time.monotonic() - begin
    assert result["requests"] == 2000
    # The last of them is due after 1999 / 2000 s, and no machine is too slow to be asked for it.
    assert 0.99 < result["seconds"] <= took
    assert result["requests_per_second"] < 2000 * 1.02


@pytest.mark.parametrize("mode", [[], ["--blocking"]], ids=["loop", "blocking"])
def test_with_a_rate_response_times_count_from_when_a_request_was_due(mode):
    # One connection and answers that take 20 ms: of 100 requests a second the last comes late by
    # more than 100 times 10 ms.
    def answer(line):
        if not line.startswith(b"set"):
            return b""
        time.sleep(0.02)
        return b"STORED\r\n"
    with scripted(answer) as port:
        load = ["--target", f"direct=127.0.0.1:{port}", "--connections", "1", "--calls", "100",
                *mode]
        [closed] = bench(*load)
        [open_loop] = bench(*load, "--rate", "100", "--timeout", "10")
    assert closed["response_us"]["min"] >= 20_000
    assert closed["response_us"]["p50"] >= 20_000
    assert open_loop["response_us"]["max"] >= 1_000_000
    assert open_loop["response_us"]["p50"] >= 400_000


def test_figures_are_consistent(servers):
    [result] = bench("--target", f"direct=127.0.0.1:{servers[0]}", "--calls", "500",
                     "--connections", "10")
    times = result["response_us"]
    order = [times[name] for name in ["min", "p25", "p50", "p75", "p95", "p99", "p999", "max"]]
    assert order == sorted(order)
    assert times["min"] <= times["avg"] <= times["max"]
    assert times["min"] > 0
    assert result["requests_per_second"] == pytest.approx(result["requests"] / result["seconds"])
    assert result["round_requests_per_second"] == [pytest.approx(result["requests_per_second"])]


# Output


def test_text_has_mcperfs_lines_and_a_table_side_by_side(servers, tmp_path):
    with nutcracker(tmp_path, servers) as (port, _):
        result = run("bench", "--target", f"direct=127.0.0.1:{servers[0]}", "--target",
                     f"proxy=127.0.0.1:{port}", "--connections", "5", "--calls", "20", check=0)
    text = result.stdout.decode()
    for line in ["Total: connections 5 requests 100 responses 100 test-duration ",
                 "Request rate: ", "Response time [ms]: avg ", "Response time [ms]: p25 ",
                 "Response time [ms]: p95 ", "Response type: stored 100 hit 0 miss 0\n",
                 "Errors: total 0 timeout 0 refused 0 ", "Net I/O: bytes "]:
        assert text.count("\n" + line) == 2, line
    table = text.split("\n\n")[-1].splitlines()
    assert table[0].split()[:3] == ["target", "req/s", "ratio"]
    assert [line.split()[0] for line in table[1:]] == [f"direct=127.0.0.1:{servers[0]}",
                                                       f"proxy=127.0.0.1:{port}"]
    assert table[1].split()[2] == "1.00"
    assert b"shardcache-bench:" in result.stderr


def test_tsv_is_a_row_for_each_target(servers):
    target = f"direct=127.0.0.1:{servers[0]}"
    result = run("bench", "--target", target, "--target", target, "--connections", "5", "--calls",
                 "20", "--format", "tsv", check=0)
    table = rows(result)
    assert [row[:3] for row in table] == [[target.encode(), b"100", b"0"]] * 2
    assert all(len(row) == 12 for row in table)


def test_json_has_the_documented_fields(servers):
    [result] = bench("--target", f"direct=127.0.0.1:{servers[0]}", "--connections", "1", "--calls",
                     "1")
    assert list(result) == [
        "target", "kind", "servers", "calls", "at_once", "blocking", "rate", "sizes", "get_ratio",
        "keys", "seed", "rounds", "requests", "seconds", "cpu_seconds", "requests_per_second",
        "round_requests_per_second", "ratio", "response_us", "connections", "connect_us",
        "responses", "errors", "first_error", "bytes_sent", "bytes_received", "unmeasured"]
    assert list(result["errors"]) == [
        "total", "timeout", "refused", "lost", "protocol", "server_error", "wrong",
        "no_live_server", "other"]


# Usage


@pytest.mark.parametrize(("args", "said"), [
    (["--target", "direct"], "is not direct=HOST:PORT"),
    (["--target", "redis=127.0.0.1:1"], "is not direct=HOST:PORT"),
    (["--target", "direct=127.0.0.1"], "is no HOST:PORT"),
    (["--target", "direct=127.0.0.1:1,"], "is no HOST:PORT"),
    (["--target", "client=/no/such.yml"], "/no/such.yml: No such file"),
    (["--target", "direct=10.0.0.1:11211"], "--go"),
    (["--target", "direct=127.0.0.1:1", "--sizes", "x5"], "--sizes"),
    (["--target", "direct=127.0.0.1:1", "--sizes", "u5"], "no maximum"),
    (["--target", "direct=127.0.0.1:1", "--sizes", "u5,5"], "not above its minimum"),
    (["--target", "direct=127.0.0.1:1", "--sizes", "d5k"], "not understood"),
    (["--target", "direct=127.0.0.1:1", "--sizes", "e2000000"], "1000000 bytes"),
    (["--target", "direct=127.0.0.1:1", "--key-size", "10"], "--key-size: keys need"),
    (["--target", "direct=127.0.0.1:1", "--prefix", "a b"], "--prefix"),
    (["--target", "direct=127.0.0.1:1", "--prefix", "p" * 250], "--prefix"),
    (["--target", "direct=127.0.0.1:1", "--blocking", "--at-once", "2000", "--connections",
      "2000"], "--at-once"),
    (["--target", "direct=127.0.0.1:1", "--method", "touch"], "--method"),
    (["--target", "direct=127.0.0.1:1", "--calls", "0"], "--calls"),
    (["--target", "direct=127.0.0.1:1", "--rate", "0"], "--rate"),
    (["--target", "direct=127.0.0.1:1", "--rate=nan"], "--rate: nan is not a number"),
    (["--target", "direct=127.0.0.1:1", "--get-ratio=nan"], "--get-ratio"),
    (["--target", "client=/dev/null"], "has no pools"),
    (["--target", "direct=127.0.0.1:1", "--format", "2"], "2 is none of text, tsv, json"),
    ([], "--target"),
])
def test_wrong_usage_is_2_and_said(args, said):
    result = run("bench", *args, check=2)
    assert result.stdout == b""
    assert said in result.stderr.decode()


def test_a_pool_that_the_client_refuses_is_2(tmp_path):
    conf = tmp_path / "redis.yml"
    conf.write_text(pool_text(1, [2], "  redis: true\n"))
    assert b"redis" in run("bench", "--target", f"client={conf}", check=2).stderr


def test_help_says_what_it_does_to_live_servers():
    text = run("bench", "--help", check=0).stdout.decode()
    for words in ["shardcache-bench:", "--expire", "no key of yours is touched", "Exit codes"]:
        assert words in text
