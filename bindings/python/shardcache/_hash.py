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
    """The 32-bit hash of `key` by the function of that name in twemproxy's configuration.

    `char_sign` is that of the machine whose hash is wanted: "signed" for x86-64, "unsigned" for
    ARM Linux.

    >>> shardcache.hash("fnv1a_64", "apple")
    1488911807
    """
    return _shardcache.hash(name, key, char_sign)


def hash_many(name: str, keys: Keys, *, char_sign: str = "signed") -> Uint32s:
    """The hash of each of `keys`, in order."""
    return np.asarray(_shardcache.hash_many(name, keys, char_sign))


def depends_on_char_sign(name: str) -> bool:
    """Whether `char_sign` changes what this hash makes of keys with bytes from 0x80 on."""
    return _shardcache.depends_on_char_sign(name)
