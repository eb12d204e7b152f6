"""What a program that checks its types sees of the package. Read by mypy and run by api_test.py."""

from datetime import timedelta
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import shardcache


def main(path: str) -> None:
    pools = shardcache.load(path)
    assert_type(pools, dict[str, shardcache.PoolConfig])
    pool = next(iter(pools.values()))
    placement = shardcache.Placement(pool, down=[pool.by_index[0].name, 1, pool.by_index[1]])
    server = placement.locate("key")
    assert_type(server, shardcache.Server)
    assert_type(server.index, int)
    assert_type(server.address, str)
    mixed: list[bytes | str] = ["a", b"b"]
    assert_type(placement.locate_many(mixed), NDArray[np.uint32])
    assert_type(placement.locate_many(("a", b"b")), NDArray[np.uint32])
    assert_type(placement.locate_many({"a": 1}), NDArray[np.uint32])
    assert_type(placement.locate_many(np.array([b"a", b"b"])), NDArray[np.uint32])
    assert_type(placement.fingerprint, int)
    assert_type(shardcache.hash("md5", b"key"), int)

    router = shardcache.Router(pool, clock=lambda: 1.5)
    assert_type(router.route(b"key"), shardcache.Server)
    assert_type(router.live, list[int])
    router.report_failure(server.index, "timeout")

    php = shardcache.interop.php_memcached(["10.0.0.1:11211"], libketama_compatible=True)
    comparison = shardcache.compare(placement, php, (f"k{i}" for i in range(10)))
    assert_type(comparison.fraction, float)
    assert_type(comparison.examples[0].key if comparison.examples else b"", bytes)

    with shardcache.Client(pool, timeout=0.05) as client:
        try:
            assert_type(client.get("key"), bytes | None)
            assert_type(client.gets(b"key"), shardcache.Value | None)
            assert_type(client.get_many(["a", "b"]), dict[str, bytes])
            assert_type(client.gets_many({b"a"}), dict[bytes, shardcache.Value])
            assert_type(client.get_many(mixed), dict[bytes | str, bytes])
            client.set_many({"a": b"1", "b": "2"}, expire=timedelta(minutes=1))
            assert_type(client.cas("key", "value", 7, expire=1.5), bool | None)
            assert_type(client.incr("n"), int | None)
        except shardcache.PartialError as partial:
            assert_type(partial.maybe_applied, bool)
        except shardcache.Error as error:
            assert_type(error.maybe_applied, bool)
        assert_type(client.metrics.servers[0].latency.quantile(0.5), float)
        assert_type(client.router, shardcache.Router)

    try:
        shardcache.hash("unknown", "key")
    except shardcache.Error as error:
        assert_type(error.code, str)
        assert_type(error.server, str | None)
