"""A cache before something slow:  read_through.py nutcracker.yml FILE...

Prints how many words each file has. It counts them only where the cache does not know; a cache that
fails costs time, and never the answer.
"""

import pathlib
import sys

import shardcache


def count_words(path: str) -> int:
    """What is slow."""
    return len(pathlib.Path(path).read_bytes().split())


def key_of(path: str) -> str:
    """A file that has changed has another key."""
    return f"words:{path}:{pathlib.Path(path).stat().st_mtime_ns}"


def read_through(cache: shardcache.Client, paths: list[str]) -> dict[str, int]:
    keys = {key_of(path): path for path in paths}
    try:
        cached = cache.get_many(keys)
    except shardcache.PartialError as error:
        print("warning:", error, file=sys.stderr)
        cached = error.values  # of the servers that answered
    counts = {keys[key]: int(value) for key, value in cached.items()}

    missing = {key: count_words(path) for key, path in keys.items() if key not in cached}
    for key, count in missing.items():
        counts[keys[key]] = count
    try:
        cache.set_many({key: str(count) for key, count in missing.items()}, expire=3600)
    except shardcache.PartialError as error:
        print("warning:", error, file=sys.stderr)
    return counts


def main(config: str, *paths: str) -> int:
    (pool,) = shardcache.load(config).values()
    # "exact": a server that returns from an outage gives no value that was changed meanwhile.
    with shardcache.Client(pool, timeout=0.25, stale_guard="exact") as cache:
        for path, count in read_through(cache, list(paths)).items():
            print(f"{count:8} {path}")
        hits = sum(server.hits for server in cache.metrics.servers)
        print(f"{hits} of {len(paths)} were cached")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
