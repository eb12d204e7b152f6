"""A memcached dies and returns: what fails, how long, and what is stale afterwards?"""

from __future__ import annotations

import json
import pathlib
import subprocess
import time
from dataclasses import dataclass

from findings import Lane, Section, Table, Timeline
from lab import Lab, Memcached, key_names, percent

INTERVAL = 0.1
"""Seconds; of application.cc, too."""
KEYS = 400
SETTINGS = {"timeout": 200, "auto_eject_hosts": True, "server_retry_timeout": 1000,
            "server_failure_limit": 2}
VICTIM = "cache2"


@dataclass
class Course:
    """One outage as an application saw it."""

    intervals: list[tuple[int, int, int]]
    """In each, right answers, failures and stale values."""
    reads: int
    served_again: float | None
    """When keys of the server that was out could be had again, in seconds from the first failure."""

    @property
    def failures(self) -> int:
        return sum(failed for _, failed, _ in self.intervals)

    @property
    def stale(self) -> int:
        return sum(stale for _, _, stale in self.intervals)


def run(lab: Lab, pool: pathlib.Path, guard: str, files: tuple[pathlib.Path, pathlib.Path],
        victim: Memcached, times: tuple[float, float, float]) -> Course:
    """The victim is out from the first to the second of the times; the third is the end."""
    out, back, end = times
    command = [lab.shardcache.with_name("report_application"), pool, guard, *files, str(back),
               str(end)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as application:
        if application.stdout.readline() != "ready\n":
            raise RuntimeError("the application did not begin")
        begin = time.monotonic()
        time.sleep(out)
        victim.freeze()
        try:
            time.sleep(max(0.0, begin + back - time.monotonic()))
        finally:
            victim.thaw()
        saw = json.loads(application.stdout.read())
    intervals = [tuple(counts) for counts in saw["intervals"][:round(end / INTERVAL)]]
    return Course(intervals, saw["reads"], saw["served_again"])


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
            keys = lab.keys(key_names("item", KEYS), "outage_keys.txt")
            rows, _ = lab.run("locate", "-c", pool, "--keys", keys)
            owned = [row["key"] for row in rows if row["ring_name"] == VICTIM]
            files = (keys, lab.keys(owned, "outage_owned.txt"))
            used = pool
            if guard is None:  # to whom the proxy is a server that never fails
                used = lab.pool("outage_proxy", [lab.proxy(pool).port], timeout=5000)
            courses[name] = run(lab, used, guard or "off", files, servers[1], (out, back, end))
    section.files[pool.name] = pool.read_text()
    fill_in(section, courses, len(owned), out, back)
    return section


def fill_in(section: Section, courses: dict[str, Course], owned: int, out: float,
            back: float) -> None:
    section.charts.append(Timeline(
        "Requests by time, while one of four servers is out",
        [Lane(name, course.intervals) for name, course in courses.items()],
        INTERVAL, [(out, "server stops"), (back, "server goes on")]))
    rows = []
    for name, course in courses.items():
        ejected = "–" if course.served_again is None else f"{1000 * course.served_again:.0f} ms"
        requests = sum(map(sum, course.intervals))
        rows.append([name, str(requests), str(course.failures), ejected, str(course.reads),
                     str(course.stale), percent(course.stale, course.reads, 2)])
    section.tables.append(Table(
        f"One application, {KEYS} keys ({owned} of them on the server that stops for "
        f"{back - out:.1f} s, with all it holds); a tenth of the requests are writes until it "
        "returns",
        ["by", "requests", "failed", "its keys served again after", "reads", "stale reads",
         "of reads"], rows, ["examples/report/run --only outage",
                  "report_application outage.yml exact outage_keys.txt outage_owned.txt "
                  f"{back} {back + 4.0}"]))
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
