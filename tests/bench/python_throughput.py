"""How many keys a second Python locates, beside the Python packages that do the same kind of thing.

    PYTHONPATH=build/gcc/bindings/python /usr/bin/python3 tests/bench/python_throughput.py

1 million keys of 24 bytes, on one core; the best of five runs, in the processor's time. Needs
Debian's python3-uhashring and python3-pymemcache.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import uhashring
from pymemcache.client.rendezvous import RendezvousHash

import shardcache

SERVERS = [f"10.0.0.{i}:11211" for i in range(1, 26)]
KEYS = [b"user:%019d" % i for i in range(1_000_000)]


def rate(work: Callable[[], object], keys: int, runs: int = 5) -> float:
    """Keys a second."""
    best = float("inf")
    for _ in range(runs):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return keys / best


def one_by_one(locate: Callable[[str], object], keys: int) -> float:
    some = [key.decode() for key in KEYS[:keys]]

    def work() -> None:
        for key in some:
            locate(key)

    return rate(work, keys, runs=3)


def main() -> None:
    placement = shardcache.Placement(
        shardcache.PoolConfig("bench", tuple(shardcache.Server.parse(f"{s}:1") for s in SERVERS))
    )
    array, texts = np.array(KEYS), [key.decode() for key in KEYS]
    assert array.dtype == np.dtype("S24")
    ours = {
        "numpy S24": rate(lambda: placement.locate_many(array), len(KEYS)),
        "list of bytes": rate(lambda: placement.locate_many(KEYS), len(KEYS)),
        "list of str": rate(lambda: placement.locate_many(texts), len(KEYS)),
        "generator of bytes": rate(lambda: placement.locate_many(k for k in KEYS), len(KEYS)),
        "one by one": one_by_one(placement.locate, 200_000),
    }
    ring = uhashring.HashRing(SERVERS, hash_fn="ketama")
    rendezvous = RendezvousHash(SERVERS)
    others = {
        "uhashring, one by one": one_by_one(ring.get_node, 100_000),
        "pymemcache, one by one": one_by_one(rendezvous.get_node, 5_000),
    }
    print(f"{'':24} {'million keys/s':>15} {'x uhashring':>12} {'x pymemcache':>13}")
    base = list(others.values())
    for name, figure in (ours | others).items():
        ratios = [figure / other for other in base]
        print(f"{name:24} {figure / 1e6:15.2f} {ratios[0]:12.1f} {ratios[1]:13.1f}")


if __name__ == "__main__":
    main()
