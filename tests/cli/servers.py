"""Real servers on loopback, on free ports, for as long as a `with` block lasts."""

import contextlib
import os
import socket
import subprocess
import time


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


@contextlib.contextmanager
def program(args, port):
    with subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def memcached(*options):
    """Its port."""
    port = free_port()
    user = ["-u", "root"] if os.geteuid() == 0 else []
    with program(["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "64",
                  "-t", "1", *user, *options], port):
        yield port


def pool_text(listen, servers, settings=""):
    lines = "".join(f"   - 127.0.0.1:{port}:1 s{i}\n" for i, port in enumerate(servers))
    return f"alpha:\n  listen: 127.0.0.1:{listen}\n{settings}  servers:\n{lines}"


@contextlib.contextmanager
def nutcracker(directory, servers, settings=""):
    """Its port, and its configuration."""
    port = free_port()
    conf = directory / f"nutcracker.{port}.yml"
    conf.write_text(pool_text(port, servers, settings))
    with program(["nutcracker", "-c", conf, "-a", "127.0.0.1", "-s", str(free_port())], port):
        yield port, conf


def stats(port):
    """A memcached's own figures."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"stats\r\n")
        text = b""
        while not text.endswith(b"END\r\n"):
            text += connection.recv(65536)
    lines = (line.split(b" ", 2) for line in text.split(b"\r\n") if line.startswith(b"STAT"))
    return {name.decode(): value.decode() for _, name, value in lines}
