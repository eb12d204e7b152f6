"""Real servers on loopback, and what talks to them: what every section of the report uses."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator

HERE = pathlib.Path(__file__).resolve().parent


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, in the order in which twemproxy sorts their servers."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return sorted(one.getsockname()[1] for one in sockets)


class ProtocolError(Exception):
    """An answer that is an error, or none."""


class Connection:
    """memcached's classic protocol, to a memcached or a proxy; many requests in one go."""

    def __init__(self, port: int, timeout: float = 10) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in = self._socket.makefile("rb")

    def close(self) -> None:
        self._in.close()
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, key: str) -> bytes | None:
        self._socket.sendall(f"get {key}\r\n".encode())
        return self._value()

    def set(self, key: str, value: bytes, expire: int = 0) -> None:
        self._socket.sendall(b"set %b 0 %d %d\r\n%b\r\n" % (key.encode(), expire, len(value), value))
        self._stored()

    def set_many(self, values: dict[str, bytes]) -> None:
        for some in _chunks(list(values.items())):
            self._socket.sendall(b"".join(b"set %b 0 0 %d\r\n%b\r\n" % (k.encode(), len(v), v)
                                          for k, v in some))
            for _ in some:
                self._stored()

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Those that are there."""
        found = {}
        for some in _chunks(list(keys)):
            self._socket.sendall("".join(f"get {key}\r\n" for key in some).encode())
            for key in some:
                value = self._value()
                if value is not None:
                    found[key] = value
        return found

    def ask(self, line: str, last: bytes = b"OK") -> None:
        """Sends a command whose answer is one line, `last`."""
        self._socket.sendall(line.encode() + b"\r\n")
        said = self._line()
        if said != last:
            raise ProtocolError(said.decode(errors="replace"))

    def stats(self) -> dict[str, str]:
        self._socket.sendall(b"stats\r\n")
        found = {}
        while (line := self._line()) != b"END":
            _, name, value = line.decode().split(" ", 2)
            found[name] = value
        return found

    def _line(self) -> bytes:
        line = self._in.readline()
        if not line.endswith(b"\r\n"):
            raise ProtocolError("the connection was closed")
        return line[:-2]

    def _value(self) -> bytes | None:
        line = self._line()
        if line == b"END":
            return None
        if not line.startswith(b"VALUE "):
            raise ProtocolError(line.decode(errors="replace"))
        value = self._in.read(int(line.split()[3]) + 2)[:-2]
        self._line()
        return value

    def _stored(self) -> None:
        line = self._line()
        if line != b"STORED":
            raise ProtocolError(line.decode(errors="replace"))


def _chunks(items: list, size: int = 500) -> Iterator[list]:
    return (items[i:i + size] for i in range(0, len(items), size))


class Program:
    """A server that listens on a port, until stop()."""

    def __init__(self, args: list[str], port: int) -> None:
        self.port = port
        self._process = subprocess.Popen(args, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        for _ in range(500):
            if self._process.poll() is not None:
                raise RuntimeError(f"{args[0]} ended with {self._process.returncode}: "
                                   f"{shlex.join(args)}")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                return
            time.sleep(0.01)
        self.stop()
        raise RuntimeError(f"{args[0]} does not listen on port {port}")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """It answers nothing, and forgets nothing: what a broken network looks like."""
        self._process.send_signal(signal.SIGSTOP)
        # Which takes effect a little later, in each thread.
        tasks = list(pathlib.Path("/proc", str(self._process.pid), "task").iterdir())
        while any((task / "stat").read_text().rpartition(") ")[2][0] != "T" for task in tasks):
            time.sleep(0.001)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


class Memcached(Program):
    def __init__(self, port: int, memory: int = 64) -> None:
        user = ["-u", "root"] if os.geteuid() == 0 else []
        super().__init__(["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0",
                          "-m", str(memory), "-t", "1", *user], port)


class Lab:
    """A directory for configurations, the programs that were built, and the servers that run."""

    def __init__(self, directory: pathlib.Path, build: pathlib.Path, quick: bool) -> None:
        self.directory = directory
        self.quick = quick
        self.shardcache = build / "bindings" / "cli" / "shardcache"
        self._stack = contextlib.ExitStack()
        self._number = 0

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Stops the servers that were started within."""
        outer, self._stack = self._stack, contextlib.ExitStack()
        try:
            with self._stack:
                yield
        finally:
            self._stack = outer

    def memcacheds(self, count: int, memory: int = 64) -> list[Memcached]:
        started = []
        for port in free_ports(count):
            started.append(Memcached(port, memory))
            self._stack.callback(started[-1].stop)
        return started

    def pool(self, name: str, servers: Iterable[str], **settings: object) -> pathlib.Path:
        """Writes the configuration of one pool; servers are "port[:weight[ name]]"."""
        settings.setdefault("hash", "fnv1a_64")
        settings.setdefault("distribution", "ketama")
        (port,) = free_ports(1)
        lines = [f"{name}:", f"  listen: 127.0.0.1:{port}"]
        lines += [f"  {key}: {_yaml(value)}" for key, value in settings.items()]
        lines += ["  servers:"]
        for server in servers:
            address, _, rest = str(server).partition(":")
            lines.append(f"   - 127.0.0.1:{address}:{rest or 1}")
        path = self.directory / f"{name}.yml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def proxy(self, pool: pathlib.Path) -> Program:
        """A nutcracker of that pool, on a port of its own."""
        text = pool.read_text()
        (port, stats) = free_ports(2)
        self._number += 1
        conf = self.directory / f"{pool.stem}.proxy{self._number}.yml"
        listen = next(line for line in text.splitlines() if "listen:" in line)
        conf.write_text(text.replace(listen, f"  listen: 127.0.0.1:{port}"))
        nutcracker = shutil.which("nutcracker") or "/usr/sbin/nutcracker"
        program = Program([nutcracker, "-c", str(conf), "-a", "127.0.0.1", "-s", str(stats),
                           "-m", "16384"], port)
        self._stack.callback(program.stop)
        return program

    def keys(self, keys: Iterable[str], name: str = "keys.txt") -> pathlib.Path:
        path = self.directory / name
        path.write_text("".join(f"{key}\n" for key in keys))
        return path

    def run(self, *args: object, allowed: tuple[int, ...] = (0,)) -> tuple[list[dict], str]:
        """Runs shardcache; its rows, and the command as a reader would type it."""
        command = [str(self.shardcache), *map(str, args), "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in allowed:
            raise RuntimeError(f"{self.typed(*args)}: exit code {done.returncode}\n{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()], self.typed(*args)

    def typed(self, *args: object) -> str:
        texts = (str(arg).replace(f"{self.directory}/", "") for arg in args)
        return "shardcache " + shlex.join(texts)


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def key_names(kind: str, count: int) -> list[str]:
    """Keys such as applications have. Numbers alone would not do: fnv1a_64 puts keys that differ in
    their last bytes only close to each other on the ring, and so on few servers."""
    return [f"{kind}:{hashlib.md5(b'%d' % i).hexdigest()[:12]}" for i in range(count)]


def percent(part: float, whole: float = 1, digits: int = 1) -> str:
    """Never rounded to 0 or 100 % if it is not."""
    if whole == 0:
        return "–"
    share = 100 * part / whole
    if part == 0:
        return "0\u00a0%"
    if part == whole:
        return "100\u00a0%"
    least = 10 ** -digits
    share = min(max(share, least), 100 - least)
    return f"{share:.{digits}f}\u00a0%"
