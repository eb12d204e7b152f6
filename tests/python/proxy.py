"""A real nutcracker over backends that answer every get with their own name."""

import pathlib
import shutil
import socket
import subprocess
import threading
import time

import conftest

NUTCRACKER = shutil.which("nutcracker") or "/usr/sbin/nutcracker"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Backend:
    """Listens on a port of its own. `close()` makes the proxy's connections to it fail, until
    `open()`."""

    def __init__(self):
        self._connections = []
        self.port = free_port()
        self.open()

    def open(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self):
        # Wakes accept(), which close() does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the proxy was first
        self._connections.clear()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        name = str(self.port).encode()
        try:
            with connection, connection.makefile("rb") as requests:
                for line in requests:
                    key = line.removeprefix(b"get ").rstrip(b"\r\n ")
                    connection.sendall(b"VALUE %b 0 %d\r\n%b\r\nEND\r\n" % (key, len(name), name))
        except OSError:
            pass  # the proxy, or close(), ended it


class Nutcracker:
    """Runs with `config` (the text of nutcracker.yml, %(port)d being where to listen)."""

    def __init__(self, config, directory):
        self.port = free_port()
        self.stats_port = free_port()
        self.path = pathlib.Path(directory, "nutcracker.yml")
        self.path.write_text(config % {"port": self.port})
        self._process = subprocess.Popen(
            [NUTCRACKER, "-c", self.path, "-a", "127.0.0.1", "-s", str(self.stats_port),
             "-i", "100", "-o", pathlib.Path(directory, "log")],
            env=conftest.other_program(),
        )  # fmt: skip
        self._wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)

    def connect(self):
        return Client(self.port)

    def _wait(self):
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert self._process.poll() is None, "nutcracker has ended"
                time.sleep(0.02)
        raise AssertionError("nutcracker does not listen")


class Client:
    """Asks the proxy which backend has a key."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._replies = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._replies.close()
        self._socket.close()

    def ports_of(self, keys):
        """For each key the backend's port; None where the proxy answered with an error."""
        self._socket.sendall(b"".join(b"get %b\r\n" % key for key in keys))
        return [self._reply() for _ in keys]

    def _reply(self):
        line = self._replies.readline()
        if not line.startswith(b"VALUE "):
            return None
        port = int(self._replies.readline())
        assert self._replies.readline() == b"END\r\n"
        return port
