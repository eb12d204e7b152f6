"""Charts as SVG that stands inside the page: its colours are the page's, in light and dark."""

from __future__ import annotations

from html import escape

from findings import Bars, Timeline

WIDTH = 920
LABEL = 345
ROW = 30


def bars(chart: Bars) -> str:
    top = 18 if chart.mark is not None else 4
    height = top + ROW * len(chart.bars) + 6
    room = WIDTH - LABEL - 185
    parts = []
    for i, bar in enumerate(chart.bars):
        y = top + ROW * i
        width = max(room * bar.value / chart.most, 2) if chart.most else 2
        parts.append(
            f'<text class="label" x="{LABEL - 12}" y="{y + 19}" text-anchor="end">'
            f'{escape(bar.label)}</text>'
            f'<rect class="track" x="{LABEL}" y="{y + 5}" width="{room}" height="20" rx="3"/>'
            f'<rect class="{bar.kind}" x="{LABEL}" y="{y + 5}" width="{width:.1f}" height="20" '
            f'rx="3"/>'
            f'<text class="value" x="{LABEL + room + 10}" y="{y + 19}">'
            f'{escape(bar.text)}</text>')
    if chart.mark is not None:
        x = LABEL + room * chart.mark / chart.most
        parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" '
                     f'y2="{height - 4}"/>'
                     f'<text class="small" x="{x:.1f}" y="13" text-anchor="middle">'
                     f'{escape(chart.mark_text)}</text>')
    return svg(height, chart.title, "".join(parts))


def timeline(chart: Timeline) -> str:
    lane_height, gap, top = 80, 24, 26
    left, right = 200, 16
    intervals = max(len(lane.counts) for lane in chart.lanes)
    step = (WIDTH - left - right) / intervals
    most = max(sum(count) for lane in chart.lanes for count in lane.counts) or 1
    bottom = top + len(chart.lanes) * (lane_height + gap)
    height = bottom + 40
    parts = []
    for i, lane in enumerate(chart.lanes):
        base = top + i * (lane_height + gap) + lane_height
        parts.append(f'<text class="label" x="{left - 14}" y="{base - lane_height / 2 + 4}" '
                     f'text-anchor="end">{escape(lane.label)}</text>'
                     f'<line class="axis" x1="{left}" x2="{WIDTH - right}" y1="{base}" '
                     f'y2="{base}"/>')
        for j, (right_ones, failed, stale) in enumerate(lane.counts):
            x = left + j * step
            y = float(base)
            for count, kind in ((right_ones, "fine"), (stale, "stale")):
                tall = lane_height * count / most
                y -= tall
                if count:
                    parts.append(f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" '
                                 f'width="{step - 0.6:.1f}" height="{tall:.1f}"/>')
            if failed:  # few, for each takes as long as the time-out
                parts.append(f'<rect class="failed" x="{x:.1f}" y="{base + 2}" '
                             f'width="{step - 0.6:.1f}" height="7"/>')
    for at, what in chart.events:
        x = left + at / chart.interval * step
        parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="16" y2="{bottom - gap}"/>'
                     f'<text class="small" x="{x + 4:.1f}" y="13">{escape(what)} '
                     f'({at:.1f} s)</text>')
    x = float(left)
    for kind, words in (("fine", "right answers"), ("failed", "some requests failed"),
                        ("stale", "stale values read")):
        parts.append(f'<rect class="{kind}" x="{x}" y="{bottom + 8}" width="14" height="14" '
                     f'rx="2"/><text class="small" x="{x + 20}" y="{bottom + 20}">{words}</text>')
        x += 200
    return svg(height, chart.title, "".join(parts))


def svg(height: float, title: str, inside: str) -> str:
    return (f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
            f'{inside}</svg>')
