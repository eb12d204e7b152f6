"""The extension module: mechanical, and private to this package."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from numpy.typing import NDArray

import numpy as np

from ._types import Fields, Key, Keys

version: str
hashes: tuple[str, ...]
failure_kinds: tuple[str, ...]
no_server: int

_Server = tuple[str, str, int, int, bool]
_Rules = tuple[bool, int, timedelta, bool, timedelta | None]
_Event = tuple[str, int | None, str | None, str | None, float, float | None, float]
_Counters = tuple[str, int, int, dict[str, int]]
ServerStatsTuple = tuple[str, int, int, int, int, int, int, int | None]
PoolStatsTuple = tuple[str, int, int, int, tuple[ServerStatsTuple, ...]]
