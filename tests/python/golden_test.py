"""The recorded answers of nutcracker 0.5.0, through Python: see tests/golden/README.md."""

import numpy as np
import pytest

import conftest
import shardcache

KEYS = [bytes.fromhex(line) for line in (conftest.GOLDEN / "keys.hex").read_text().split()]


@pytest.mark.parametrize("config", sorted(conftest.GOLDEN.glob("*.yml")), ids=lambda p: p.stem)
def test_every_key_is_where_nutcracker_had_it(config):
    owners = config.with_suffix(".owners").read_text().splitlines()
    assert len(owners) == len(KEYS) == 1000
    (pool,) = shardcache.load(config).values()
    placement = shardcache.Placement(pool)
    assert [placement.locate(key).name for key in KEYS] == owners
    for keys in (KEYS, np.array(KEYS)):
        located = placement.locate_many(keys)
        assert [placement.servers[index].name for index in located] == owners
