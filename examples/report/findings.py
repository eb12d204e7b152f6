"""What a section of the report finds: its parts, which page.py shows in three forms."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Bar:
    label: str
    value: float
    text: str
    """What stands beside the bar."""
    kind: str = "plain"
    """good, bad, plain, or then (a figure of 2014)."""


@dataclass
class Bars:
    """A chart of bars from 0 to `most`."""

    title: str
    bars: list[Bar]
    most: float
    mark: float | None = None
    """A line across, at this value, which `mark_text` explains."""
    mark_text: str = ""


@dataclass
class Lane:
    """What became of the requests of one run, by time."""

    label: str
    counts: list[tuple[int, int, int]]
    """In each interval: right answers, failures, stale values."""


@dataclass
class Timeline:
    """Lanes one above the other, with the moments of what was done to the servers."""

    title: str
    lanes: list[Lane]
    interval: float
    """Seconds."""
    events: list[tuple[float, str]]


@dataclass
class Table:
    title: str
    columns: list[str]
    rows: list[list[str]]
    """The first cell names what the others are about."""
    commands: list[str]
    """That produced it."""


@dataclass
class Section:
    id: str
    question: str
    verdict: str = ""
    """"yes", "no" or "partly": one word for programs."""
    answer: str = ""
    """One sentence for people."""
    charts: list[Bars | Timeline] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    """Configurations that the commands name."""
    seconds: float = 0
