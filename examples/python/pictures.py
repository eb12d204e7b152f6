"""Draws a pool and what happens to it: pictures.py nutcracker.yml DIRECTORY

Writes ring.png, shares.png, flow.png (what moves if the last server gets twice its weight) and
ejections.png (the first server hangs for half a minute, the last comes and goes; in simulated
time).
"""

import dataclasses
import pathlib
import sys

import shardcache
from shardcache import plot


def outage(pool: shardcache.PoolConfig, seconds: int) -> list[shardcache.RouterEvent]:
    """Who was ejected and when, at ten requests a second."""
    events: list[shardcache.RouterEvent] = []
    router = shardcache.Router(pool, observer=events.append)
    first, last = router.servers[0].index, router.servers[-1].index
    for tenth in range(seconds * 10):
        now = tenth / 10
        server = router.route(f"{tenth}.jpg", now).index
        if (server == first and 20 <= now < 50) or (server == last and now % 40 > 32):
            router.report_failure(server, "timeout", now)
        else:
            router.report_success(server)
    return events


def main(config: str, directory: str) -> int:
    pool = next(pool for pool in shardcache.load(config).values() if pool.auto_eject_hosts)
    placement = shardcache.Placement(pool)
    *others, last = pool.by_index
    grown = (*others, dataclasses.replace(last, weight=last.weight * 2))
    after = shardcache.Placement(dataclasses.replace(pool, servers=grown))
    moved = shardcache.compare_exactly(placement, after)
    assert moved is not None, "both look hashes of one function up"

    figures = {
        "ring": plot.ring(placement),
        "shares": plot.shares(after),
        "flow": plot.flow(placement, after, moved.flows),
        "ejections": plot.ejections(outage(pool, 120), placement.servers, until=120),
    }
    for name, figure in figures.items():
        figure.savefig(pathlib.Path(directory, f"{name}.png"), dpi=80)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
