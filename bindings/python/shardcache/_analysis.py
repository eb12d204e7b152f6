"""What placements do to keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import _shardcache
from ._placement import Placement
from ._server import Server

if TYPE_CHECKING:
    from ._types import Keys


class EjectionEffect(NamedTuple):
    """What the ejection of one server does while the others stay live."""

    server: Server
    own: float
    """Its own, which must move. This and the next two count keys if keys were given, else parts of
    all hashes."""
    survivors: float
    """All that the other servers have."""
    survivors_moved: float
    """Of those, what goes to another server all the same."""
    points_lost: int
    """How many points (ketama) the others lose and gain together, and how many of them change."""
    points_gained: int
    servers_changed: int
    why: str
    """Why survivors' keys move, in words; empty if none does."""


def ejection_effects(placement: Placement, keys: Keys | None = None) -> list[EjectionEffect]:
    """The effect of each single ejection among the live servers, by server index: on `keys`, or
    on all hashes there are (exact for ketama, on 65,536 of them for modula).

    Raises Error if only one server is live, or for distribution "random".
    """
    hashes = None if keys is None else placement.hash_keys(keys)
    effects = _shardcache.ejection_effects(placement._native, hashes)
    return [EjectionEffect(placement.servers[effect[0]], *effect[1:]) for effect in effects]


def routing_change(before: Placement, after: Placement) -> float:
    """The part of all hashes, 0 to 1, that two placements of one pool, made from one another by
    restrict(), send to different servers."""
    return _shardcache.routing_change(before._native, after._native)
