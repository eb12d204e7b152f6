"""What a program that checks its types sees of the package. Read by mypy and run by api_test.py."""

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
    for keys in (["a", b"b"], ("a",), {"a": 1}):
        assert_type(placement.locate_many(keys), NDArray[np.uint32])
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
    try:
        shardcache.hash("unknown", "key")
    except shardcache.Error as error:
        assert_type(error.code, str)
        assert_type(error.server, str | None)
