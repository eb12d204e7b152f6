"""Types: mypy --strict on the package, the examples and a typed consumer; the stubs beside the
built module."""

import os
import subprocess
import sys

import pytest

import conftest

# Run by one process, which makes what they share once.
pytestmark = pytest.mark.xdist_group("types")


def run(*command, env=None):
    result = subprocess.run(
        command, cwd=conftest.ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(name="cache", scope="module")
def _cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("mypy_cache"))


def mypy(cache, *arguments):
    # By the sources and not the build tree, whose files are links to them.
    path = str(conftest.ROOT / "bindings" / "python")
    run(
        sys.executable, "-m", "mypy", "--strict", "--config-file=pyproject.toml",
        f"--cache-dir={cache}", *map(str, arguments),
        env={**conftest.other_program(), "MYPYPATH": path},
    )  # fmt: skip


def test_the_package_is_typed(cache):
    mypy(cache, "-p", "shardcache")


def test_the_examples_are_typed(cache):
    for example in sorted((conftest.ROOT / "examples" / "python").glob("*.py")):
        mypy(cache, example)


def test_a_typed_consumer_sees_the_types_it_expects(cache):
    mypy(cache, conftest.ROOT / "tests" / "python" / "consumer.py")


def test_the_stubs_are_those_of_the_built_module(cache):
    env = {**conftest.python_program(), "MYPYPATH": str(conftest.PACKAGE_PATH)}
    env["MYPY_CACHE_DIR"] = cache + "-stubtest"
    run(
        sys.executable, "-m", "mypy.stubtest", "shardcache._shardcache",
        "--ignore-missing-stub", "--mypy-config-file=pyproject.toml", env=env,
    )  # fmt: skip
    assert os.path.exists(conftest.PACKAGE_PATH / "shardcache" / "py.typed")
