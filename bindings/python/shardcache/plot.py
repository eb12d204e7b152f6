"""Pictures of placements and ejections, for people who would rather look. Needs matplotlib.

Each function draws on new axes, or on those given, and returns the figure:

>>> shardcache.plot.ring(placement).savefig("ring.png")
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib
import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Wedge
from matplotlib.path import Path

from ._compare import Flow
from ._error import Error
from ._placement import Placement
from ._router import RouterEvent
from ._server import Server

_CIRCLE = 2.0**32
_GREY = "0.75"


def ring(placement: Placement, *, axes: Axes | None = None) -> Figure:
    """The continuum as a circle, hash 0 on top and clockwise: each arc has its owner's colour."""
    points = placement.points
    if len(points) == 0:
        raise Error("this placement has no ring to draw", "invalid_argument")
    shares = placement.shares
    labels = [f"{server.name}  {shares[server.index]:.1%}" for server in placement.servers]
    if len(labels) > 40:
        labels = []
    # In inches: as high as the legend, which stands beside the circle.
    height = max(4.2, 0.25 * len(labels))
    beside = 0.7 + 0.09 * max(map(len, labels)) if labels else 0
    axes = _axes(axes, (height + beside, height))
    colours = _colours(len(placement.servers))
    turns = [int(value) / _CIRCLE for value in points["value"]]
    arcs = [
        Wedge((0, 0), 1, 90 - end * 360, 90 - begin * 360, width=0.3)
        for begin, end in zip([turns[-1] - 1, *turns], turns)
    ]
    owners = [colours[owner] for owner in points["owner"]]
    # With an edge of the same colour, or neighbours of one owner would seem to be apart.
    axes.add_collection(PatchCollection(arcs, facecolors=owners, edgecolors=owners, linewidths=0.3))
    for label, colour in zip(labels, colours):
        axes.scatter([], [], color=[colour], marker="s", label=label)
    if labels:
        axes.legend(
            loc="center left", bbox_to_anchor=(1.05, 0), bbox_transform=axes.transData, frameon=False
        ).set_in_layout(False)
    axes.text(0, 0, f"{len(points)} points\n{len(placement.live)} servers", ha="center", va="center")
    axes.set(xlim=(-1.05, 1.05 + beside / height * 2.1), ylim=(-1.05, 1.05), aspect="equal")
    axes.axis("off")
    return axes.figure


def shares(placement: Placement, *, axes: Axes | None = None) -> Figure:
    """The part of all hashes that each server has, beside what its weight asks for."""
    axes = _axes(axes, (6, 3.5))
    servers = placement.servers
    live = set(placement.live)
    total = sum(server.weight for server in servers if server.index in live)
    wanted = [server.weight / total if server.index in live else 0 for server in servers]
    places = np.arange(len(servers))
    axes.bar(places - 0.2, wanted, 0.4, color=_GREY)
    axes.bar(places + 0.2, placement.shares, 0.4, color=_colours(len(servers)))
    _name_servers(axes, servers)
    axes.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1, decimals=0))
    axes.set_ylabel("part of all hashes")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("grey: by weight; coloured: by placement", loc="left", fontsize="medium")
    return axes.figure


def flow(
    a: Placement,
    b: Placement,
    flows: Iterable[Flow],
    *,
    axes: Axes | None = None,
) -> Figure:
    """What moves from the servers of one placement, on the left, to those of another: `flows` of
    compare() or compare_exactly()."""
    moved = [f for f in flows if f.amount > 0]
    axes = _axes(axes, (6, 4))
    left = _stack(a.servers, [(f.source.index, f.amount) for f in moved])
    right = _stack(b.servers, [(f.target.index, f.amount) for f in moved])
    colours = dict(zip(_names(a, b), _colours(len(_names(a, b)))))
    total = sum(f.amount for f in moved)
    leaving, arriving = dict(left), dict(right)
    for f in sorted(moved, key=lambda f: (f.source.index, f.target.index)):
        begin, end = leaving[f.source.index], arriving[f.target.index]
        axes.add_patch(_ribbon(begin, end, f.amount, colours[f.source.name]))
        leaving[f.source.index] += f.amount
        arriving[f.target.index] += f.amount
    _label_stack(axes, a.servers, left, leaving, colours, x=0, align="right")
    _label_stack(axes, b.servers, right, arriving, colours, x=1, align="left")
    height = max([*leaving.values(), *arriving.values(), 1])
    axes.set(xlim=(-0.4, 1.4), ylim=(height * 1.02, -height * 0.02))
    axes.set_title(f"{total:,} move", fontsize="medium")
    axes.axis("off")
    return axes.figure


def ejections(
    events: Iterable[RouterEvent],
    servers: Sequence[Server],
    until: float,
    *,
    begin: float = 0.0,
    axes: Axes | None = None,
) -> Figure:
    """A line for each server from `begin` to `until`, with a gap while it was ejected: `events` as
    a Router's observer got them."""
    axes = _axes(axes, (7, 1 + 0.35 * len(servers)))
    outages: dict[int, list[tuple[float, float]]] = {server.index: [] for server in servers}
    out: dict[int, float] = {}
    for event in events:
        if event.server is None:
            continue
        if event.type == "ejected":
            out.setdefault(event.server, event.time)
        elif event.server in out:
            outages[event.server].append((out.pop(event.server), event.time))
    for index, since in out.items():
        outages[index].append((since, until))
    colours = _colours(len(servers))
    for server in servers:
        row = server.index
        axes.broken_barh([(begin, until - begin)], (row - 0.3, 0.6), facecolor=colours[row])
        gaps = [(since, end - since) for since, end in outages[row]]
        axes.broken_barh(
            gaps, (row - 0.3, 0.6), facecolor="white", edgecolor="0.5", hatch="//////", linewidth=0.5
        )
    axes.set_yticks([server.index for server in servers], [server.name for server in servers])
    axes.set(xlim=(begin, until), ylim=(len(servers) - 0.5, -0.5), xlabel="seconds")
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_title("hatched: ejected", loc="left", fontsize="medium")
    return axes.figure


def _axes(axes: Axes | None, size: tuple[float, float]) -> Any:
    if axes is not None:
        return axes
    return Figure(figsize=size, layout="constrained").subplots()


def _colours(count: int) -> list[Any]:
    """As many as there are servers, neighbours far apart."""
    if count <= 10:
        return list(matplotlib.colormaps["tab10"].colors[:count])
    golden = (math.sqrt(5) - 1) / 2
    return [matplotlib.colormaps["hsv"](index * golden % 1) for index in range(count)]


def _name_servers(axes: Any, servers: Sequence[Server]) -> None:
    if len(servers) <= 40:
        names = [server.name for server in servers]
        if sum(map(len, names)) <= 50:
            axes.set_xticks(range(len(servers)), names)
        else:
            axes.set_xticks(range(len(servers)), names, rotation=90)


def _names(a: Placement, b: Placement) -> list[str]:
    """Those of the servers of either; a server of both has one colour."""
    return list(dict.fromkeys(server.name for server in (*a.servers, *b.servers)))


def _stack(servers: Sequence[Server], amounts: list[tuple[int, int]]) -> dict[int, float]:
    """Where the pile of each server begins, one below the other."""
    totals = {server.index: 0 for server in servers}
    for index, amount in amounts:
        totals[index] += amount
    gap = sum(totals.values()) * 0.03
    begins, at = {}, 0.0
    for index, amount in totals.items():
        begins[index] = at
        if amount > 0:
            at += amount + gap
    return begins


def _label_stack(
    axes: Any,
    servers: Sequence[Server],
    begins: dict[int, float],
    ends: dict[int, float],
    colours: dict[str, Any],
    x: float,
    align: str,
) -> None:
    """A bar for each server, and its part of what moves."""
    total = sum(ends[server.index] - begins[server.index] for server in servers)
    aside = -0.04 if align == "right" else 0.04
    for server in servers:
        begin, end = begins[server.index], ends[server.index]
        if end > begin:
            text = f"{server.name}  {(end - begin) / total:.0%}"
            axes.vlines(x, begin, end, color=colours[server.name], linewidth=8)
            axes.text(x + aside, (begin + end) / 2, text, ha=align, va="center")


def _ribbon(begin: float, end: float, height: float, colour: Any) -> PathPatch:
    corners = [
        (0, begin), (0.5, begin), (0.5, end), (1, end),
        (1, end + height), (0.5, end + height), (0.5, begin + height), (0, begin + height),
        (0, begin),
    ]  # fmt: skip
    curve = [Path.CURVE4] * 3
    codes = [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY]
    return PathPatch(Path(corners, codes), facecolor=colour, alpha=0.5, linewidth=0)
