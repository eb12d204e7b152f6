"""Two placements side by side: which keys they send to different servers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

from . import _shardcache
from ._placement import Placement
from ._server import Server

if TYPE_CHECKING:
    from ._types import Keys


class Flow(NamedTuple):
    """Keys, or hashes, that one placement has at one server and the other at another."""

    source: Server
    """In the first placement."""
    target: Server
    """In the second."""
    amount: int


class Difference(NamedTuple):
    """A key that two placements send to different servers."""

    key: bytes
    first: Server
    second: Server


class Interval(NamedTuple):
    """Of a fraction, 0 to 1, that is known from a sample."""

    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What two placements make of some keys. Servers are the same if their addresses are."""

    keys: int
    """How many there were."""
    disagreements: int
    fraction: float
    """Of the keys, that disagree; 0 if there are none."""
    interval: Interval
    """In which that fraction lies for all keys of which these are a random sample, 95 times of
    100."""
    flows: list[Flow]
    """Between different servers; the largest first."""
    examples: list[Difference]
    """The first few that disagree."""

    def __repr__(self) -> str:
        return (
            f"<shardcache.Comparison: {self.disagreements} of {self.keys} keys disagree "
            f"({self.fraction:.4%})>"
        )


@dataclasses.dataclass(frozen=True)
class ExactComparison:
    """The same for all hashes there can be."""

    hashes: int
    disagreements: int
    fraction: float
    flows: list[Flow]

    def __repr__(self) -> str:
        return (
            f"<shardcache.ExactComparison: {self.disagreements} of all {self.hashes} hashes "
            f"disagree ({self.fraction:.4%})>"
        )


def compare(a: Placement, b: Placement, keys: Keys, *, most_examples: int = 10) -> Comparison:
    """Which of `keys` the two send to different servers. A key is what the application gives; each
    placement gets it as it would meet it there: a proxy, as the client sends it (with its prefix,
    say)."""
    count, disagreements, fraction, low, high, flows, examples = _shardcache.compare(
        a._native, b._native, keys, most_examples
    )
    return Comparison(
        count,
        disagreements,
        fraction,
        Interval(low, high),
        _flows(a, b, flows),
        [Difference(key, a.servers[i], b.servers[j]) for key, i, j in examples],
    )


def compare_exactly(a: Placement, b: Placement) -> ExactComparison | None:
    """The same over all hashes, counted without sampling. None where that cannot be: where the two
    do not hash the same bytes by the same function, where one of them does not look a hash up but
    computes, and for tables too large."""
    exact = _shardcache.compare_exactly(a._native, b._native)
    if exact is None:
        return None
    hashes, disagreements, fraction, flows = exact
    return ExactComparison(hashes, disagreements, fraction, _flows(a, b, flows))


def wilson_interval(successes: int, trials: int) -> Interval:
    """The 95 % interval of the part of which a random sample of `trials` had `successes`."""
    return Interval(*_shardcache.wilson_interval(successes, trials))


def _flows(a: Placement, b: Placement, flows: list[tuple[int, int, int]]) -> list[Flow]:
    return [Flow(a.servers[i], b.servers[j], amount) for i, j, amount in flows]
