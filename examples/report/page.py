"""The report as one HTML page, as Markdown, and as JSON."""

from __future__ import annotations

import dataclasses
import html
import json
import re

import charts
from findings import Bars, Section, Table

TITLE = "The 2014 twemproxy report, answered"
INTRODUCTION = (
    "In 2014 a team tested twemproxy between its PHP and its memcached servers, and left open "
    "questions behind. This page puts each of them to real programs again: memcached, nutcracker "
    "and PHP on the loopback interface of one machine, with shardcache beside them. Every figure "
    "was measured in the run that made this page; the commands are below each table.")
MARKS = {"yes": "Yes", "no": "No", "partly": "Partly"}

STYLE = """
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --text: #1c2430; --soft: #5b6675;
  --line: #dfe4ea; --track: #edf0f4; --good: #14866d; --bad: #cf4b32; --plain: #3d6fb6;
  --then: #98a2b0; --stale: #e0a100; --fine: #7fb5a8; --code: #f1f3f6; }
@media (prefers-color-scheme: dark) { :root { --page: #12161c; --card: #1a2029; --text: #e4e9f0;
  --soft: #9aa6b5; --line: #2c3542; --track: #242c37; --good: #35b394; --bad: #f0745b;
  --plain: #6c9be0; --then: #67727f; --stale: #f2bd3a; --fine: #3f7f72; --code: #232b36; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 980px; margin: 0 auto; padding: 48px 20px 64px; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0 0 12px; letter-spacing: -0.01em; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 10px; }
.soft { color: var(--soft); }
.intro { max-width: 46em; font-size: 1.05rem; }
section, nav { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 26px 28px; margin: 26px 0; }
nav { padding: 8px 28px; }
nav a { display: grid; grid-template-columns: 5.4em 1fr; gap: 14px; padding: 12px 0; color: inherit;
  text-decoration: none; border-bottom: 1px solid var(--line); align-items: start; }
nav a:last-child { border: 0; }
nav a:hover strong { text-decoration: underline; }
nav span.soft { display: block; font-size: .93rem; }
.badge { display: inline-block; min-width: 4.6em; text-align: center; border-radius: 99px;
  padding: 1px 12px; font-weight: 650; font-size: .92rem; color: #fff;
  background: #3d6fb6; }
.answer { font-size: 1.08rem; margin: 0 0 18px; display: flex; gap: 14px;
  align-items: baseline; }
figure { margin: 22px 0 8px; }
figcaption, caption { text-align: left; font-weight: 650; padding-bottom: 8px; font-size: .95rem; }
svg { display: block; width: 100%; height: auto; font: 13.5px system-ui, "DejaVu Sans", sans-serif; }
svg .label, svg .value { fill: var(--text); } svg .small { fill: var(--soft); font-size: 12px; }
svg .track { fill: var(--track); } svg .good { fill: var(--good); } svg .bad { fill: var(--bad); }
svg .plain { fill: var(--plain); } svg .then { fill: var(--then); } svg .fine { fill: var(--fine); }
svg .failed { fill: var(--bad); } svg .stale { fill: var(--stale); }
svg .mark { stroke: var(--soft); stroke-dasharray: 3 3; } svg .axis { stroke: var(--line); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 20px 0 6px; font-size: .93rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; border-bottom: 1px solid var(--line); text-align: right;
  vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
th { color: var(--soft); font-weight: 600; }
td.words { text-align: left; } th.words { text-align: left; }
details { margin: 6px 0 14px; font-size: .9rem; } summary { cursor: pointer; color: var(--soft); }
pre { background: var(--code); border-radius: 8px; padding: 12px 14px; overflow-x: auto;
  font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; margin: 8px 0; }
code { font: .92em ui-monospace, "DejaVu Sans Mono", monospace; background: var(--code);
  border-radius: 4px; padding: 1px 4px; }
td:not(.words) { white-space: nowrap; }
footer { color: var(--soft); font-size: .9rem; }
"""


def to_html(sections: list[Section], machine: dict[str, str]) -> str:
    index = "".join(
        f'<a href="#{s.id}"><span class="badge">{MARKS[s.verdict]}</span>'
        f'<span><strong>{html.escape(s.question)}</strong>'
        f'<span class="soft">{html.escape(s.answer)}</span></span></a>' for s in sections)
    facts = "; ".join(f"{name} {html.escape(value)}" for name, value in machine.items())
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # It needs nothing from elsewhere, and the browser sees to it.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        'style-src \'unsafe-inline\'; img-src data:">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{TITLE}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{TITLE}</h1>\n<p class="intro">{INTRODUCTION}</p>\n'
        f'<p class="soft">{facts}</p>\n<nav>{index}</nav>\n'
        + "\n".join(map(section_html, sections))
        + "\n<footer>Made by <code>examples/report/run</code>.</footer>\n"
          "</main>\n</body>\n</html>\n")


def section_html(section: Section) -> str:
    parts = [f'<section id="{section.id}" data-verdict="{section.verdict}">',
             f"<h2>{html.escape(section.question)}</h2>",
             f'<p class="answer"><span class="badge">{MARKS[section.verdict]}</span>'
             f"<span>{html.escape(section.answer)}</span></p>"]
    for chart in section.charts:
        drawn = charts.bars(chart) if isinstance(chart, Bars) else charts.timeline(chart)
        parts.append(f"<figure><figcaption>{html.escape(chart.title)}</figcaption>{drawn}</figure>")
    parts += [table_html(table) for table in section.tables]
    parts += [f"<p>{note}</p>" for note in section.notes]
    if section.files:
        files = "".join(f"<p>{name}</p><pre>{html.escape(text)}</pre>"
                        for name, text in section.files.items())
        parts.append(f"<details><summary>The configurations that these commands name"
                     f"</summary>{files}</details>")
    return "\n".join([*parts, "</section>"])


def is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[\d.,]+(\s(ms|%))?|–", cell))


def table_html(table: Table) -> str:
    words = [any(not is_number(row[i]) for row in table.rows) for i in range(len(table.columns))]

    def line(tag: str, cells: list[str]) -> str:
        return "<tr>" + "".join(
            f"<{tag}{' class=words' if word else ''}>{html.escape(cell)}</{tag}>"
            for cell, word in zip(cells, words, strict=True)) + "</tr>"

    rows = "".join(line("td", row) for row in table.rows)
    commands = html.escape("\n".join(table.commands))
    return (f'<div class="wide"><table><caption>{html.escape(table.title)}</caption>'
            f"<thead>{line('th', table.columns)}</thead><tbody>{rows}</tbody></table></div>"
            f"<details><summary>The commands that produced this</summary><pre>{commands}</pre>"
            "</details>")


def to_markdown(sections: list[Section], machine: dict[str, str]) -> str:
    lines = [f"# {TITLE}", "", INTRODUCTION, "",
             "; ".join(f"{name} {value}" for name, value in machine.items()), ""]
    for section in sections:
        lines += [f"## {section.question}", "",
                  f"**{MARKS[section.verdict]}.** {section.answer}", ""]
        for table in section.tables:
            lines += [f"{table.title}:", "", "| " + " | ".join(table.columns) + " |",
                      "|" + " --- |" * len(table.columns)]
            lines += ["| " + " | ".join(row) + " |" for row in table.rows]
            lines += ["", *(f"    {command}" for command in table.commands), ""]
        for note in section.notes:
            lines += [html.unescape(re.sub(r"</?code>", "`", note)), ""]
    return "\n".join(lines)


def to_json(sections: list[Section], machine: dict[str, str]) -> str:
    return json.dumps({
        "machine": machine,
        "sections": [{"id": s.id, "question": s.question, "verdict": s.verdict,
                      "answer": s.answer, "seconds": round(s.seconds, 1),
                      "tables": [dataclasses.asdict(table) for table in s.tables]}
                     for s in sections],
    }, indent=1, ensure_ascii=False) + "\n"
