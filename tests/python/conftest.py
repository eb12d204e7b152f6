"""The package as it is in the build tree, and what several tests use."""

import os
import pathlib
import signal
import sys
from datetime import timedelta

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SHARDCACHE_BUILD_DIR", ROOT / "build"))
PACKAGE_PATH = BUILD / "bindings" / "python"
GOLDEN = ROOT / "tests" / "golden"

sys.path.insert(0, str(PACKAGE_PATH))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import shardcache  # noqa: E402

# A shell has what it runs in the background ignore it, and so would the programs of these tests.
signal.signal(signal.SIGINT, signal.default_int_handler)

THREE = """\
alpha:
  listen: 127.0.0.1:22121
  hash: md5
  auto_eject_hosts: true
  server_retry_timeout: 2000
  server_failure_limit: 1
  servers:
   - 10.0.0.1:11211:1 server1
   - 10.0.0.2:11211:1 server2
   - 10.0.0.3:11211:2 server3
"""


def pytest_configure(config):
    config.addinivalue_line("markers", "builds: compiles the extension anew, with its own flags")


@pytest.fixture(name="pool")
def _pool():
    return shardcache.parse(THREE)["alpha"]


@pytest.fixture(name="placement")
def _placement(pool):
    return shardcache.Placement(pool)


@pytest.fixture(name="servers")
def _servers():
    import memcached  # which imports this file

    with memcached.several(3) as servers:
        yield servers


@pytest.fixture(name="alpha")
def _alpha(servers):
    import memcached

    return memcached.pool_of(servers, hash="md5", timeout=timedelta(seconds=2))


@pytest.fixture(name="client")
def _client(alpha):
    with shardcache.Client(alpha) as client:
        yield client


def other_program():
    """The environment for programs that are not Python: without a sanitizer's preloaded runtime."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


def python_program():
    """The environment for Python programs that import the package."""
    return {**os.environ, "PYTHONPATH": str(PACKAGE_PATH)}
