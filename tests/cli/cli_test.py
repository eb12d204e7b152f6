"""The command line's contract: what scripts may rely on."""

import os
import pathlib
import re
import subprocess

import pytest
from conftest import COMMAND, GOLDEN, ROOT, objects, rows, run

ONE_POOL = """\
alpha:
  listen: 127.0.0.1:22121
  hash: md5
  servers:
   - 10.0.0.1:11211:1 server1
   - 10.0.0.2:11211:1 server2
   - 10.0.0.3:11211:1 server3
"""
TWO_POOLS = ONE_POOL + """\
beta:
  listen: 127.0.0.1:22122
  distribution: modula
  hash: md5
  servers:
   - 10.0.0.9:11311:3
   - "[::1]:11211:1"
   - /tmp/mc.sock:2
"""


# The program as a whole


@pytest.mark.parametrize("args", [[], ["check"], ["locate"], ["ring"]])
def test_help_teaches_and_succeeds(args):
    result = run(*args, "--help", check=0)
    assert b"shardcache" in result.stdout
    assert result.stderr == b""


def test_help_names_the_commands_and_exit_codes():
    text = run("--help", check=0).stdout.decode()
    for word in ["check", "locate", "ring", "Exit codes"]:
        assert word in text


def test_version_is_that_of_the_project():
    version = run("--version", check=0).stdout.decode()
    project = (ROOT / "CMakeLists.txt").read_text().split("shardcache VERSION ")[1].split()[0]
    assert version == f"shardcache {project}\n"


@pytest.mark.parametrize("args", [
    [], ["no-such-command"], ["check"], ["locate", "key"], ["ring"], ["check", "--no-such-option"],
    ["ring", "-c"], ["ring", "-c", "x.yml", "--format", "xml"],
])
def test_wrong_usage_is_2_with_text_on_stderr(args):
    result = run(*args, check=2)
    assert result.stdout == b""
    assert result.stderr


@pytest.mark.parametrize("args", [
    ["check", "/no/such.yml"], ["locate", "-c", "/no/such.yml", "key"],
    ["ring", "-c", "/no/such.yml"],
])
def test_a_file_that_cannot_be_read_is_2_and_named(args):
    result = run(*args, check=2)
    assert result.stdout == b""
    assert b"/no/such.yml: No such file or directory" in result.stderr


@pytest.mark.parametrize("command", ["check", "locate", "ring"])
def test_output_that_cannot_be_written_is_2(command, write):
    # crc32, so that check has something to say.
    file = write(ONE_POOL.replace("md5", "crc32"))
    args = {"check": ["check", file], "locate": ["locate", "-c", file, "a"],
            "ring": ["ring", "-c", file]}[command]
    with open("/dev/full", "wb") as full:
        result = subprocess.run([COMMAND, *args], stdout=full, stderr=subprocess.PIPE, timeout=60,
                                check=False)
    assert result.returncode == 2
    assert b"stdout" in result.stderr and b"No space left" in result.stderr


# check


def test_check_says_yes_to_a_plain_pool(write):
    result = run("check", write(ONE_POOL), check=0)
    assert result.stdout == b""
    assert b"valid" in result.stderr


def test_check_prints_warnings_and_still_says_yes(write):
    file = write(ONE_POOL.replace("md5", "crc32"))
    result = run("check", file, check=0)
    [[kind, pool, setting, message]] = rows(result)
    assert (kind, pool, setting) == (b"warning", b"alpha", b"hash")
    assert b"crc32" in message
    [warning] = objects(run("check", file, "--format", "json", check=0))
    assert list(warning) == ["kind", "pool", "setting", "message"]
    assert warning["message"].encode() == message


def test_check_says_no_and_names_file_line_pool_and_setting(write):
    file = write(ONE_POOL.replace("md5", "MD5"))
    result = run("check", file, check=1)
    [[kind, _, _, message]] = rows(result)
    assert kind == b"error"
    for part in [file + ":3: ", "'alpha'", "hash", '"MD5"', "md5"]:
        assert part.encode() in message
    [error] = objects(run("check", file, "--format", "json", check=1))
    assert error["kind"] == "error"


def test_check_says_no_to_a_listen_host_that_nobody_knows(write):
    result = run("check", write(ONE_POOL.replace("127.0.0.1", "no.such.host.invalid")), check=1)
    assert b"no.such.host.invalid" in result.stdout


# locate


def test_locate_prints_key_ring_name_and_address_in_input_order(write):
    keys = [f"user:{i}" for i in range(50)]
    found = rows(run("locate", "-c", write(ONE_POOL), *keys, check=0))
    assert [row[0].decode() for row in found] == keys
    for _, name, address in found:
        number = name[-1:].decode()
        assert (name, address) == (f"server{number}".encode(), f"10.0.0.{number}:11211".encode())
    assert len({row[1] for row in found}) == 3


def test_locate_in_json_has_one_object_per_key(write):
    file = write(ONE_POOL)
    [found] = objects(run("locate", "-c", file, "--format", "json", "user:42", check=0))
    [[key, name, address]] = rows(run("locate", "-c", file, "user:42", check=0))
    assert found == {"key": key.decode(), "ring_name": name.decode(), "address": address.decode()}


@pytest.mark.parametrize("pool", sorted(path.stem for path in GOLDEN.glob("*.yml")))
def test_locate_names_the_server_that_nutcracker_used(pool):
    keys = [bytes.fromhex(line) for line in (GOLDEN / "keys.hex").read_text().split()]
    found = rows(run("locate", "-c", str(GOLDEN / f"{pool}.yml"), "-0", "--keys", "-",
                     stdin=b"".join(key + b"\0" for key in keys), check=0))
    owners = (GOLDEN / f"{pool}.owners").read_bytes().split(b"\n")[:-1]
    assert [row[1] for row in found] == owners


def test_keys_come_from_a_file_or_stdin_or_arguments_alike(write):
    file = write(ONE_POOL)
    keys = ["a", "b b", "c"]
    expected = run("locate", "-c", file, *keys, check=0).stdout
    for separator, option in [("\n", []), ("\0", ["-0"])]:
        for end in ["", separator]:
            text = (separator.join(keys) + end).encode()
            for source, stdin in [(write(text, "keys"), b""), ("-", text)]:
                args = ["locate", "-c", file, *option, "--keys", source]
                assert run(*args, stdin=stdin, check=0).stdout == expected


def test_keys_in_files_are_raw_bytes(write):
    file = write(ONE_POOL)
    found = rows(run("locate", "-c", file, "--keys", "-", stdin=b" \r\n\n\xff\x00x\n", check=0))
    assert [row[0] for row in found] == [b" \\r", b"", b"\\xff\x00x"]
    found = rows(run("locate", "-c", file, "-0", "--keys", "-", stdin=b"a\nb\0\tc", check=0))
    assert [row[0] for row in found] == [b"a\\nb", b"\\tc"]


@pytest.mark.parametrize("key, shown", [
    (b"plain", b"plain"), ("日本é".encode(), "日本é".encode()), (b"a\\b", b"a\\\\b"),
    (b"\x80\xfe", b"\\x80\\xfe"), (b"caf\xc3", b"caf\\xc3"), (b"\xc0\xaf", b"\\xc0\\xaf"),
    (b"\xed\xa0\x80", b"\\xed\\xa0\\x80"), (b"\xf4\x90\x80\x80", b"\\xf4\\x90\\x80\\x80"),
    (b"t\tr\r", b"t\\tr\\r"),
])
def test_bytes_that_are_not_utf8_are_escaped_in_both_formats(write, key, shown):
    args = ["locate", "-c", write(ONE_POOL), "--keys", "-"]
    assert rows(run(*args, stdin=key, check=0))[0][0] == shown
    assert objects(run(*args, "--format", "json", stdin=key, check=0))[0]["key"] == shown.decode()


def test_an_empty_key_file_gives_no_rows(write):
    assert run("locate", "-c", write(ONE_POOL), "--keys", "-", check=0).stdout == b""


def test_a_key_that_begins_with_a_dash_follows_two_dashes(write):
    result = run("locate", "-c", write(ONE_POOL), "--", "-p", check=0)
    assert rows(result)[0][0] == b"-p"


def test_locate_wants_keys_from_exactly_one_place(write):
    file = write(ONE_POOL)
    for args in [[], ["--keys", "-", "key"]]:
        assert b"--keys" in run("locate", "-c", file, *args, check=2).stderr


def test_a_key_file_that_cannot_be_read_is_2_and_named(write, tmp_path):
    args = ["locate", "-c", write(ONE_POOL), "--keys"]
    assert b"/no/keys: No such file" in run(*args, "/no/keys", check=2).stderr
    assert str(tmp_path).encode() in run(*args, str(tmp_path), check=2).stderr


def test_locate_says_no_for_random_for_a_key_has_no_server_there(write):
    file = write(ONE_POOL.replace("  hash: md5\n", "  distribution: random\n"))
    assert b"random" in run("locate", "-c", file, "key", check=1).stderr


def test_locate_says_no_with_an_invalid_configuration(write):
    file = write(ONE_POOL.replace(":11211:1 server2", ":11211:0 server2"))
    result = run("locate", "-c", file, "key", check=1)
    assert result.stdout == b""
    assert (file + ":6: pool 'alpha': servers: ").encode() in result.stderr


# -p and --down


def test_the_pool_may_be_left_out_where_there_is_one(write):
    file = write(ONE_POOL)
    assert (run("ring", "-c", file, check=0).stdout
            == run("ring", "-c", file, "-p", "alpha", check=0).stdout)


def test_the_pool_must_be_given_where_there_are_several(write):
    result = run("ring", "-c", write(TWO_POOLS), check=2)
    assert b"alpha, beta" in result.stderr


def test_an_unknown_pool_is_2_and_the_known_ones_are_named(write):
    result = run("locate", "-c", write(TWO_POOLS), "-p", "gamma", "key", check=2)
    assert b"'gamma'" in result.stderr and b"alpha, beta" in result.stderr


def test_a_server_that_is_down_gets_no_key_and_others_keep_theirs(write):
    file = write(ONE_POOL)
    keys = [f"user:{i}" for i in range(300)]

    def owners(*down):
        options = [word for name in down for word in ("--down", name)]
        return {row[0]: row[1]
                for row in rows(run("locate", "-c", file, *options, *keys, check=0))}
    before, after = owners(), owners("server2")
    assert b"server2" in before.values() and b"server2" not in after.values()
    assert all(after[key] == name for key, name in before.items() if name != b"server2")
    assert set(owners("server2", "server1").values()) == {b"server3"}


def test_an_unknown_server_that_is_down_is_2_and_the_known_ones_are_named(write):
    result = run("ring", "-c", write(ONE_POOL), "--down", "server9", check=2)
    for part in [b"'alpha'", b'"server9"', b"server1, server2, server3"]:
        assert part in result.stderr


def test_all_servers_down_is_1(write):
    down = [word for i in (1, 2, 3) for word in ("--down", f"server{i}")]
    assert b"'alpha'" in run("locate", "-c", write(ONE_POOL), *down, "key", check=1).stderr


# ring


def test_ring_has_a_row_for_each_server_in_twemproxys_order(write):
    result = run("ring", "-c", write(TWO_POOLS), "-p", "beta", check=0)
    assert rows(result) == [
        [b"0", b"[::1]", b"[::1]:11211", b"1", b"1", b"0.166667"],
        [b"1", b"/tmp/mc.sock:", b"/tmp/mc.sock", b"2", b"2", b"0.333333"],
        [b"2", b"10.0.0.9:11311", b"10.0.0.9:11311", b"3", b"3", b"0.500000"]]
    assert b"fingerprint" in result.stderr


def test_ring_of_ketama_has_160_points_and_all_of_the_hashes(write):
    found = objects(run("ring", "-c", write(ONE_POOL), "--format", "json", check=0))
    assert [row["ring_name"] for row in found] == ["server1", "server2", "server3"]
    assert [row["index"] for row in found] == [0, 1, 2]
    assert [row["points"] for row in found] == [160, 160, 160]
    assert sum(row["share"] for row in found) == pytest.approx(1)
    assert list(found[0]) == ["index", "ring_name", "address", "weight", "points", "share"]


def test_ring_shows_a_server_that_is_down_with_nothing(write):
    found = rows(run("ring", "-c", write(ONE_POOL), "--down", "server2", check=0))
    assert found[1][4:] == [b"0", b"0.000000"]
    assert float(found[0][5]) + float(found[2][5]) == pytest.approx(1, abs=2e-6)


def test_two_runs_have_one_fingerprint_and_another_pool_has_another(write):
    def fingerprint(text, *args):
        return run("ring", "-c", write(text), *args, check=0).stderr.split()[-1]
    same = fingerprint(ONE_POOL)
    assert len(same) == 16 and fingerprint(ONE_POOL.replace("alpha", "other")) == same
    assert fingerprint(ONE_POOL, "--down", "server1") != same
    assert fingerprint(ONE_POOL.replace("md5", "murmur")) != same


# Amounts


def peak_kilobytes(args, stdin):
    """The largest resident size of the command, and how many lines it printed."""
    peak = lines = 0
    with subprocess.Popen([COMMAND, *args], stdin=stdin, stdout=subprocess.PIPE) as process:
        status = pathlib.Path(f"/proc/{process.pid}/status")
        while chunk := os.read(process.stdout.fileno(), 1 << 16):
            lines += chunk.count(b"\n")
            # Not getrusage: its figure starts from the size of the process that forked.
            found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
            peak = max(peak, int(found[1]) if found else 0)
    assert process.returncode == 0
    assert peak > 0
    return peak, lines


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_two_million_keys_stream_in_constant_memory(write, tmp_path, source):
    file = write(ONE_POOL)
    path = tmp_path / "keys"
    peaks = []
    for count in [20_000, 2_000_000]:
        with open(path, "wb") as keys:
            keys.writelines(b"user:%d:profile:of:some:length\n" % i for i in range(count))
        with open(path, "rb") as keys:
            args = ["--keys", str(path) if source == "file" else "-"]
            peak, lines = peak_kilobytes(["locate", "-c", file, *args],
                                         subprocess.DEVNULL if source == "file" else keys)
        assert lines == count
        peaks.append(peak)
    assert path.stat().st_size > 64 << 20
    assert peaks[1] < peaks[0] + (16 << 10)


def test_a_reader_that_goes_away_ends_the_command(write, tmp_path):
    path = tmp_path / "keys"
    path.write_bytes(b"key\n" * 1_000_000)
    with subprocess.Popen([COMMAND, "locate", "-c", write(ONE_POOL), "--keys", str(path)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) != 0
