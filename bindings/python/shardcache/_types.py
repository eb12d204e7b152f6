"""The types that are needed in more than one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Union

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Key = Union[bytes, str]
"""A key is bytes; a str means its UTF-8."""


class ArrowArray(Protocol):
    """A column of strings or binary of pyarrow, polars, ..."""

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]: ...


class ArrowStream(Protocol):
    """The same, of several chunks."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


if TYPE_CHECKING:
    Keys = Union[Iterable[Key], NDArray[np.bytes_], ArrowArray, ArrowStream]
    """Many keys: any iterable of them; a numpy array of dtype S (which pads with NULs, so that
    those at the end of a key are no part of it); or an Arrow column. The last two are read as
    they lie in memory, with no Python object for a key."""

    Uint32s = NDArray[np.uint32]

Fields = Mapping[str, Any]

# What the extension module gives and takes.
ServerTuple = tuple[str, str, int, int, bool]
SetupTuple = tuple[str, tuple[ServerTuple, ...], Sequence[tuple[str, str]], str]
RemedyTuple = tuple[
    SetupTuple, dict[str, Any], list[str], list[str], str, str, float, float, float
]
ServerStatsTuple = tuple[str, int, int, int, int, int, int, Union[int, None]]
PoolStatsTuple = tuple[str, int, int, int, tuple[ServerStatsTuple, ...]]
