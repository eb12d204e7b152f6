"""A memcached dies and returns: what fails, how long, and what is stale afterwards?"""

from __future__ import annotations

import contextlib
import random
import time
from dataclasses import dataclass, field

import shardcache
from findings import Lane, Section, Table, Timeline
from lab import Connection, Lab, ProtocolError, key_names, percent

INTERVAL = 0.1
PACE = 0.0005
"""Seconds between two requests at least."""
KEYS = 400
SETTINGS = {"timeout": 200, "auto_eject_hosts": True, "server_retry_timeout": 1000,
            "server_failure_limit": 2}


class Failed(Exception):
    """No answer, or an answer that is an error."""


class ByProxy:
    """An application behind the proxy, which connects again after an error."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: Connection | None = None

    def get(self, key: str) -> bytes | None:
        return self._ask(lambda connection: connection.get(key))

    def set(self, key: str, value: bytes) -> None:
        self._ask(lambda connection: connection.set(key, value))

    def idle(self) -> None:
        pass

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, request):
        try:
            if self._connection is None:
                self._connection = Connection(self._port, timeout=5)
            return request(self._connection)
        except (OSError, ProtocolError) as error:
            self.close()
            raise Failed from error


class ByClient:
    """The same application with shardcache.Client."""

    def __init__(self, pool: shardcache.PoolConfig, guard: str) -> None:
        self._client = shardcache.Client(pool, stale_guard=guard)

    def get(self, key: str) -> bytes | None:
        return self._ask(lambda: self._client.get(key))

    def set(self, key: str, value: bytes) -> None:
        self._ask(lambda: self._client.set(key, value))

    def idle(self) -> None:
        self._client.maintain(0.001)

    def close(self) -> None:
        self._client.close()

    def _ask(self, request):
        try:
            return request()
        except shardcache.Error as error:
            raise Failed from error


@dataclass
class Course:
    """One outage as an application sees it."""

    counts: list[list[int]] = field(default_factory=list)
    reads: int = 0
    failures: int = 0
    stale: int = 0
    first_success: float | None = None
    """Of a key of the server that is out, from the moment it went out."""


def run(application, victim, owned: set[str], out: float, back: float, end: float) -> Course:
    """Reads and writes; `victim` is out from `out` to `back`, in seconds from now."""
    course = Course()
    course.counts = [[0, 0, 0] for _ in range(round(end / INTERVAL))]
    keys = key_names("item", KEYS)
    acknowledged = dict.fromkeys(keys, 0)
    for key in keys:
        application.set(key, b"0")
    chance = random.Random(2014)
    begin = time.monotonic()
    is_out = returned = False
    version = 0
    while (now := time.monotonic() - begin) < end:
        if not is_out and now >= out:
            victim.freeze()
            is_out = True
        if not returned and now >= back:
            victim.thaw()
            returned = True
        key = chance.choice(keys)
        slot = course.counts[min(int(now / INTERVAL), len(course.counts) - 1)]
        try:
            # All are written while the server is out, a tenth of the requests.
            if chance.random() < 0.1 and not returned:
                version += 1
                application.set(key, b"%d" % version)
                acknowledged[key] = version
                slot[0] += 1
            else:
                course.reads += 1
                value = application.get(key)
                stale = value is not None and int(value) < acknowledged[key]
                course.stale += stale
                slot[2 if stale else 0] += 1
            if is_out and key in owned and course.first_success is None:
                course.first_success = time.monotonic() - begin - out
        except Failed:
            course.failures += 1
            slot[1] += 1
        application.idle()
        time.sleep(max(0.0, begin + now + PACE - time.monotonic()))
    return course


RUNS = [("through the proxy", None), ("our client, no guard", "off"),
        ("our client, exact guard", "exact"), ("our client, fleet guard", "fleet")]


def ask(lab: Lab) -> Section:
    section = Section("outage", "A memcached dies and returns: is stale data read?")
    out, back, end = (0.5, 1.7, 4.0) if lab.quick else (1.0, 4.0, 8.0)
    courses = {}
    for name, guard in RUNS:
        with lab.scope():
            servers = lab.memcacheds(4)
            pool = lab.pool("outage", [f"{s.port}:1 cache{i + 1}" for i, s in enumerate(servers)],
                            **SETTINGS)
            config = shardcache.load(str(pool))["outage"]
            placement = shardcache.Placement(config)
            owned = {key for key in key_names("item", KEYS)
                     if placement.locate(key).name == "cache2"}
            application = (ByProxy(lab.proxy(pool).port) if guard is None
                           else ByClient(config, guard))
            with contextlib.closing(application):
                courses[name] = run(application, servers[1], owned, out, back, end)
    section.files[pool.name] = pool.read_text()
    fill_in(section, courses, len(owned), out, back)
    return section


def fill_in(section: Section, courses: dict[str, Course], owned: int, out: float,
            back: float) -> None:
    section.charts.append(Timeline(
        "Requests by time, while one of four servers is out",
        [Lane(name, [tuple(c) for c in course.counts]) for name, course in courses.items()],
        INTERVAL, [(out, "server stops"), (back, "server goes on")]))
    rows = []
    for name, course in courses.items():
        ejected = "–" if course.first_success is None else f"{1000 * course.first_success:.0f} ms"
        requests = sum(map(sum, course.counts))
        rows.append([name, str(requests), str(course.failures), ejected, str(course.reads),
                     str(course.stale), percent(course.stale, course.reads, 2)])
    section.tables.append(Table(
        f"One application, {KEYS} keys ({owned} of them on the server that stops for "
        f"{back - out:.1f} s, with all it holds); a tenth of the requests are writes until it "
        "returns",
        ["by", "requests", "failed", "its keys served again after", "reads", "stale reads",
         "of reads"], rows, ["examples/report/run --only outage"]))
    unguarded = courses["through the proxy"].stale
    guarded = courses["our client, exact guard"].stale
    section.verdict = ("yes" if unguarded else "no") if guarded == 0 else "partly"
    section.answer = (
        f"{'' if not unguarded else 'Stale values are read: '}through the proxy {unguarded} reads "
        "returned values older than what had been written; with our client’s exact stale guard "
        f"{guarded or 'none'} did.")
    section.notes.append(
        "A request fails until <code>server_failure_limit</code> of them have waited for the "
        "<code>timeout</code>; then the server is ejected. After each "
        "<code>server_retry_timeout</code> twemproxy tries it with your requests again, which "
        "fail again; our client with a guard asks it first. The fleet guard empties the server "
        "that returns, but leaves what was left on others by an earlier outage.")
