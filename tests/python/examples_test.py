"""The examples run, and say what is so."""

import subprocess
import sys

import pytest

import conftest
import memcached
import proxy
import shardcache

EXAMPLES = conftest.ROOT / "examples" / "python"

CONFIG = """\
alpha:
  listen: 127.0.0.1:22121
  hash: %s
  auto_eject_hosts: true
  timeout: 400
  servers:
   - 127.0.0.1:%d:1 one
   - 127.0.0.1:%d:1 two
   - 127.0.0.1:%d:1 three
"""


def run(name, *arguments, code=0):
    result = subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)],
        env=conftest.python_program(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == code, result.stderr
    return result.stdout


@pytest.fixture(name="backends")
def _backends():
    backends = [proxy.Backend() for _ in range(3)]
    yield backends
    for backend in backends:
        backend.close()


@pytest.fixture(name="config")
def _config(tmp_path, backends):
    path = tmp_path / "nutcracker.yml"
    path.write_text(CONFIG % ("fnv1a_64", *(backend.port for backend in backends)))
    return path


def test_check_php_finds_the_disagreement_and_a_remedy(config, tmp_path):
    keys = tmp_path / "keys"
    keys.write_bytes(b"".join(b"user:%d\n" % i for i in range(1000)))
    output = run("check_php.py", config, keys, code=1)
    assert " of 1000 keys disagree" in output
    assert "because:" in output
    assert "agree on 100% of all keys with:" in output


def test_find_key_reads_it_where_it_is(config, backends):
    home = shardcache.Placement(shardcache.load(config)["alpha"]).locate("user:42")
    output = run("find_key.py", config, "user:42")
    assert f"which {home} owns" in output
    assert f"{home.name} has 5 bytes of it, at home: b'{home.port}'" in output
    assert output.count("LEFT BEHIND") == 2  # for these backends have every key


def test_add_server_says_what_moves(config, tmp_path):
    picture = tmp_path / "flow.png"
    output = run("add_server.py", config, "127.0.0.1:1:1 four", picture)
    assert "of all keys move; 25.00% must" in output
    assert "four" in output.splitlines()[-1] or "four" in output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_simulate_outage_shows_each_ejection(config, tmp_path):
    picture = tmp_path / "ejections.png"
    output = run("simulate_outage.py", config, "two", picture)
    assert output.count("two ejected (timeout)") == 4
    assert output.count("two readmitted") == 4
    assert "8 of 18000 requests failed" in output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_read_through_asks_the_cache_first(tmp_path):
    with memcached.several(3) as servers:
        config = tmp_path / "nutcracker.yml"
        config.write_text(CONFIG % ("md5", *(server.port for server in servers)))
        paths = [tmp_path / f"text{i}" for i in range(30)]
        for i, path in enumerate(paths):
            path.write_text("word " * i)
        first = run("read_through.py", config, *paths)
        assert first.splitlines()[-1] == "0 of 30 were cached"
        again = run("read_through.py", config, *paths)
        assert again.splitlines()[-1] == "30 of 30 were cached"
        servers[1].kill()
        failing = run("read_through.py", config, *paths)
        assert 0 < int(failing.splitlines()[-1].split()[0]) < 30
        for output in (first, again, failing):
            counts = {line.split()[1]: int(line.split()[0]) for line in output.splitlines()[:-1]}
            assert counts == {str(path): i for i, path in enumerate(paths)}


def test_pictures_are_those_of_the_readme(tmp_path):
    run("pictures.py", conftest.ROOT / "examples" / "nutcracker.yml", tmp_path)
    drawn = {path.name for path in tmp_path.iterdir()}
    kept = conftest.ROOT / "examples" / "python" / "pictures"
    assert drawn == {path.name for path in kept.iterdir()}
    readme = (conftest.ROOT / "README.md").read_text(encoding="utf-8")
    for name in drawn:
        assert f"](examples/python/pictures/{name})" in readme


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_examples_are_a_screen_long_and_tested(path):
    assert len(path.read_text().splitlines()) <= 60
    assert f'run("{path.name}"' in open(__file__, encoding="utf-8").read()
