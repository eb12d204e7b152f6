"""Real memcacheds and a real nutcracker for the tests of warm and clean, and what those hold."""

import contextlib
import re
import socket
import subprocess
import threading
import time
import urllib.parse

from ejection_test import free_port


class Connection:
    """A connection to a memcached or a proxy, for any number of requests at once."""

    def __init__(self, address):
        if address.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(20)
            self.socket.connect(address)
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def line(self, request):
        """The answer's one line."""
        self.socket.sendall(request)
        return self.file.readline().rstrip(b"\r\n")

    def set(self, key, value, flags=0, expire=0, verb=b"set"):
        return self.line(b"%s %s %d %d %d\r\n%s\r\n" % (verb, key, flags, expire, len(value), value))

    def set_many(self, items):
        """Of (key, value, flags, expire)."""
        sent = []
        for key, value, flags, expire in items:
            sent.append(b"set %s %d %d %d noreply\r\n%s\r\n"
                        % (key, flags, expire, len(value), value))
            if len(sent) >= 2000:
                self.socket.sendall(b"".join(sent))
                sent.clear()
        self.socket.sendall(b"".join(sent))
        assert self.line(b"version\r\n").startswith(b"VERSION")

    def get_many(self, keys, at_once=50):
        """{key: (value, flags)} of those that are there."""
        found = {}
        keys = list(keys)
        for i in range(0, len(keys), at_once):
            self.socket.sendall(b"get " + b" ".join(keys[i:i + at_once]) + b"\r\n")
            while True:
                words = self.file.readline().split()
                if words[0] == b"END":
                    break
                assert words[0] == b"VALUE", words
                found[words[1]] = (self.file.read(int(words[3]) + 2)[:-2], int(words[2]))
        return found

    def get(self, key):
        return self.get_many([key]).get(key, (None, None))[0]

    def count(self):
        """How many items the server holds."""
        self.socket.sendall(b"stats\r\n")
        count = None
        while (words := self.file.readline().split()) != [b"END"]:
            if words[1] == b"curr_items":
                count = int(words[2])
        return count

    def listing(self):
        """{key: expiry}, -1 for never, of all that the server holds."""
        for _ in range(100):
            self.socket.sendall(b"lru_crawler metadump hash\r\n")
            found = {}
            for line in self.file:
                if line.startswith(b"BUSY"):
                    break
                if line == b"END\r\n":
                    return found
                match = re.match(rb"key=(\S+) exp=(-?\d+) ", line)
                found[urllib.parse.unquote_to_bytes(match[1])] = int(match[2])
            time.sleep(0.1)
        raise AssertionError("the crawler is busy all the time")


def until(condition):
    """Waits for it, however slow the machine is."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


class Memcached:
    def __init__(self, *args, address=None):
        self.address = address or f"127.0.0.1:{free_port()}"
        where = (["-s", self.address] if self.address.startswith("/") else
                 ["-l", "127.0.0.1", "-p", self.address.rsplit(":", 1)[1]])
        self.command = ["memcached", "-u", "root", "-U", "0", *where, *args]
        self.start()

    def start(self):
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with contextlib.suppress(OSError):
                Connection(self.address).close()
                return
            time.sleep(0.02)
        raise AssertionError(f"{self.command} does not listen")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def connect(self):
        return contextlib.closing(Connection(self.address))


@contextlib.contextmanager
def memcacheds(count, *args):
    servers = []
    try:
        for _ in range(count):
            servers.append(Memcached(*args))
        yield servers
    finally:
        for server in servers:
            server.stop()


def addresses(servers):
    return ",".join(server.address for server in servers)


def pool(servers, listen="127.0.0.1:1", settings=(), names=True):
    lines = "".join(f"  {line}\n" for line in ("timeout: 5000", *settings))
    rows = "".join(f"  - {server.address}:1{f' s{i}' if names else ''}\n"
                   for i, server in enumerate(servers))
    return f"alpha:\n  listen: {listen}\n{lines}  servers:\n{rows}"


@contextlib.contextmanager
def nutcracker(conf, listen):
    with subprocess.Popen(["nutcracker", "-c", conf, "-a", "127.0.0.1", "-s", str(free_port()),
                           "-m", "16384"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    Connection(listen).close()
                    break
                time.sleep(0.02)
            yield
        finally:
            process.kill()


class OldMemcached:
    """A memcached of before 1.6, without meta commands and the walk through its hash table: it
    answers ERROR to the first, BADCLASS to the second, and passes on all else."""

    def __init__(self, server):
        self.server = server
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.listener.close()

    def connect(self):
        return self.server.connect()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                host, port = self.server.address.rsplit(":", 1)
                far = socket.create_connection((host, int(port)))
                threading.Thread(target=self._requests, args=(near, far), daemon=True).start()
                threading.Thread(target=self._answers, args=(near, far), daemon=True).start()

    @staticmethod
    def _requests(near, far):
        file = near.makefile("rb")
        while line := file.readline():
            words = line.split()
            if re.fullmatch(rb"m[a-z]", words[0]):
                near.sendall(b"ERROR\r\n")
            elif words == [b"version"]:  # not passed on, for answers come in order
                near.sendall(b"VERSION 1.5.22\r\n")
            elif words == [b"lru_crawler", b"metadump", b"hash"]:
                near.sendall(b"BADCLASS invalid class id\r\n")
            else:
                stores = words[0] in (b"set", b"add", b"cas")
                far.sendall(line + (file.read(int(words[4]) + 2) if stores else b""))
        far.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _answers(near, far):
        with contextlib.suppress(OSError):
            while answer := far.recv(65536):
                near.sendall(answer)
            near.shutdown(socket.SHUT_RDWR)
