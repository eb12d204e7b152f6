"""The public names."""

import pathlib
import pickle
import re

import pytest

import consumer
import shardcache
import shardcache.plot

TESTS = "".join(
    path.read_text(encoding="utf-8")
    for path in pathlib.Path(__file__).parent.glob("*_test.py")
    if path.name != "api_test.py"
)


def public_names():
    modules = [shardcache.interop, shardcache.proxy_stats, shardcache.plot]
    yield from shardcache.__all__
    for module in modules:
        for name, value in vars(module).items():
            if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_"):
                yield name
    for name in shardcache.__all__:
        value = getattr(shardcache, name)
        if isinstance(value, type):
            yield from (member for member in vars(value) if not member.startswith("_"))


@pytest.mark.parametrize("name", sorted(set(public_names())))
def test_every_public_name_is_tested(name):
    assert re.search(rf"\b{name}\b", TESTS)


@pytest.mark.parametrize("name", shardcache.__all__)
def test_what_is_public_is_documented(name):
    value = getattr(shardcache, name)
    if callable(value):
        assert value.__doc__, name
        assert value.__name__ == name


def test_errors_are_values_that_travel():
    error = shardcache.Error("it failed", "io", "server1", b"key")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, shardcache.Error)
    assert (str(copy), copy.code, copy.server, copy.key) == ("it failed", "io", "server1", b"key")


def test_the_typed_consumer_runs(tmp_path):
    path = tmp_path / "nutcracker.yml"
    servers = "".join(f"   - 10.0.0.{i}:11211:1\n" for i in range(1, 4))
    path.write_text(f"a:\n  listen: 127.0.0.1:1\n  servers:\n{servers}")
    consumer.main(str(path))
