"""What the tests of the command share."""

import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SHARDCACHE_BUILD_DIR", ROOT / "build"))
COMMAND = BUILD / "bindings" / "cli" / "shardcache"
GOLDEN = ROOT / "tests" / "golden"
# How much longer than in every run the longer tests take.
EFFORT = int(os.environ.get("SHARDCACHE_TEST_EFFORT", "1"))


def run(*args, stdin=b"", check=None):
    """Runs the command; `check` is the exit code that it must have."""
    result = subprocess.run([COMMAND, *args], input=stdin, capture_output=True, timeout=120,
                            check=False)
    if check is not None:
        assert result.returncode == check, result.stderr.decode(errors="replace")
    return result


def rows(result):
    lines = result.stdout.split(b"\n")
    assert lines.pop() == b"", "the output ends with a newline"
    return [line.split(b"\t") for line in lines]


def objects(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def total(result, column):
    return sum(row[column] for row in objects(result))


@pytest.fixture(name="write")
def _write(tmp_path):
    def write(text, name="nutcracker.yml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)
    return write


@pytest.fixture(name="four")
def _four():
    from fleet import memcacheds  # which imports this file

    with memcacheds(4, "-m", "256") as servers:
        yield servers
