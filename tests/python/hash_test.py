"""Key hashes. The values for "apple" are those of libmemcached's tests."""

import numpy as np
import pytest

import shardcache

APPLE = {
    "one_at_a_time": 2297466611,
    "md5": 3195025439,
    "crc16": 3662830516,
    "crc32": 10542,
    "crc32a": 2838417488,
    "fnv1_64": 473199127,
    "fnv1a_64": 1488911807,
    "fnv1_32": 67176023,
    "fnv1a_32": 280767167,
    "hsieh": 3738850110,
    "murmur": 4142305122,
    "jenkins": 1442444624,
}


@pytest.mark.parametrize("name", APPLE)
def test_the_hash_of_apple(name):
    assert shardcache.hash(name, b"apple") == APPLE[name]
    assert shardcache.hash(name, "apple") == APPLE[name]


def test_hashes_names_all_of_them():
    assert set(shardcache.HASHES) == set(APPLE)


@pytest.mark.parametrize("name", APPLE)
def test_many_hashes_are_those_of_each_key(name):
    keys = [b"", b"a", b"apple", "gr\u00fcn", bytes(range(256)), b"x" * 1000] * 50
    for char_sign in ("signed", "unsigned"):
        hashes = shardcache.hash_many(name, keys, char_sign=char_sign)
        assert hashes.dtype == np.uint32
        assert list(hashes) == [shardcache.hash(name, key, char_sign=char_sign) for key in keys]


def test_char_sign_matters_where_it_says_so():
    for name in shardcache.HASHES:
        signs = [shardcache.hash(name, b"\x80\xff\x90", char_sign=s) for s in ("signed", "unsigned")]
        assert (signs[0] != signs[1]) == shardcache.depends_on_char_sign(name)


def test_an_unknown_hash_is_an_error_that_lists_the_known():
    for call in (
        lambda: shardcache.hash("sha1", "key"),
        lambda: shardcache.hash_many("sha1", ["key"]),
        lambda: shardcache.depends_on_char_sign("sha1"),
    ):
        with pytest.raises(shardcache.Error, match="'sha1'.*fnv1a_64") as caught:
            call()
        assert caught.value.code == "invalid_argument"


def test_a_char_sign_is_signed_or_unsigned():
    with pytest.raises(shardcache.Error, match="signed or unsigned"):
        shardcache.hash("md5", "key", char_sign="none")
