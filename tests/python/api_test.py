"""The public names."""

import ast
import inspect
import pathlib
import pickle
import re
import traceback

import pytest

import conftest
import consumer
import shardcache
import shardcache.plot

HERE = pathlib.Path(__file__)
TESTS = "".join(
    path.read_text(encoding="utf-8") for path in HERE.parent.glob("*_test.py") if path != HERE
)
MODULES = [shardcache, shardcache.interop, shardcache.proxy_stats, shardcache.plot]
SOURCES = conftest.ROOT / "bindings" / "python" / "shardcache"


def public_objects():
    """By qualified name: what the modules define, or list as theirs."""
    for module in MODULES:
        names = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
        ]
        yield from ((f"{module.__name__}.{name}", getattr(module, name)) for name in names)


def public_names():
    """Those, and the attributes of the classes among them."""
    for name, value in public_objects():
        if not inspect.ismodule(value):
            yield name
        if isinstance(value, type):
            members = {*vars(value), *vars(value).get("__annotations__", {})}
            yield from (f"{name}.{member}" for member in members if not member.startswith("_"))


@pytest.mark.parametrize("name", sorted(public_names()))
def test_every_public_name_is_tested(name):
    # As an attribute, or as an argument that sets it.
    last = name.rpartition(".")[2]
    assert re.search(rf"\.{last}\b|\b{last}=", TESTS)


def test_every_name_of_the_extension_module_is_used():
    package = "".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.py"))
    stub = ast.parse((SOURCES / "_shardcache.pyi").read_text(encoding="utf-8"))
    names = {
        node.name
        for node in ast.walk(stub)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
    }
    assert len(names) > 50
    # Made by the extension module only, and never named.
    assert {name for name in names if not re.search(rf"\.{name}\b", package)} == {"Uint32Array"}


@pytest.mark.parametrize("name, value",
                         [pytest.param(*named, id=named[0]) for named in public_objects()])
def test_what_is_public_is_documented(name, value):
    if isinstance(value, type) or callable(value):
        assert value.__doc__ and not value.__doc__.startswith(f"{value.__name__}("), name
        assert value.__name__ == name.rpartition(".")[2]
    elif inspect.ismodule(value):
        assert value.__doc__, name


def test_errors_are_values_that_travel():
    error = shardcache.Error("it failed", "io", "server1", b"key")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, shardcache.Error)
    assert traceback.format_exception_only(error) == ["shardcache.Error: it failed\n"]
    assert (str(copy), copy.code, copy.server, copy.key) == ("it failed", "io", "server1", b"key")


def test_the_typed_consumer_runs(tmp_path):
    path = tmp_path / "nutcracker.yml"
    servers = "".join(f"   - 10.0.0.{i}:11211:1\n" for i in range(1, 4))
    path.write_text(f"a:\n  listen: 127.0.0.1:1\n  servers:\n{servers}")
    consumer.main(str(path))
