"""Real memcached servers."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import conftest
import proxy
import shardcache

MEMCACHED = shutil.which("memcached") or "/usr/bin/memcached"


class Memcached:
    """One, on a port of its own, which it keeps when it is started again."""

    def __init__(self):
        self.port = proxy.free_port()
        self.start()

    def start(self):
        user = ["-u", "root"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [MEMCACHED, "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-t", "1", *user],
            env=conftest.other_program(), cwd=pathlib.Path("/"),
        )  # fmt: skip
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert self._process.poll() is None, "memcached has ended"
                time.sleep(0.02)
        raise AssertionError("memcached does not listen")

    def freeze(self):
        """It takes connections and requests, and does not answer, until thaw()."""
        self._process.send_signal(signal.SIGSTOP)
        # Which takes effect a little later, in each thread.
        tasks = list(pathlib.Path("/proc", str(self._process.pid), "task").iterdir())
        while any((task / "stat").read_text().rpartition(") ")[2][0] != "T" for task in tasks):
            time.sleep(0.001)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def kill(self):
        self._process.kill()
        self._process.wait(10)


@contextlib.contextmanager
def several(count):
    with contextlib.ExitStack() as running:
        servers = []
        for _ in range(count):
            servers.append(Memcached())
            running.callback(servers[-1].kill)
        yield servers


def pool_of(servers, **settings):
    """Of servers named s0, s1, ..."""
    lines = [f"127.0.0.1:{server.port}:1 s{i}" for i, server in enumerate(servers)]
    return shardcache.PoolConfig("alpha", lines, **settings)


def keys_of(client, name, count=5):
    """Keys whose server has this ring name."""
    keys = (f"key:{i}" for i in range(10_000))
    found = [key for key in keys if client.router.route(key).name == name]
    return found[:count]
