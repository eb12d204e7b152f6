"""Key hashes, the same as twemproxy computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import _shardcache

if TYPE_CHECKING:
    from ._types import Key, Keys, Uint32s

HASHES: tuple[str, ...] = _shardcache.hashes
"""The values of twemproxy's `hash:`."""


def hash(name: str, key: Key, *, char_sign: str = "signed") -> int:
    """The hash of `key`, 0 to 2**32 - 1, by the function of that name in twemproxy's configuration.

    `char_sign` is that of the machine whose hash is wanted: "signed" for x86-64, "unsigned" for
    ARM Linux. Raises Error of code "invalid_argument" for a name that is not one of HASHES.

    >>> shardcache.hash("fnv1a_64", "apple")
    1488911807
    """
    return _shardcache.hash(name, key, char_sign)


def hash_many(name: str, keys: Keys, *, char_sign: str = "signed") -> Uint32s:
    """What hash() answers for each of `keys`, in their order, far sooner."""
    return np.asarray(_shardcache.hash_many(name, keys, char_sign))


def depends_on_char_sign(name: str) -> bool:
    """Whether `char_sign` changes what this hash makes of keys with bytes from 0x80 on."""
    return _shardcache.depends_on_char_sign(name)
