"""Servers are added, removed and replaced: what moves?"""

from __future__ import annotations

from dataclasses import dataclass

from findings import Bar, Bars, Section, Table
from lab import Connection, Lab, key_names, percent

BEFORE = [f"cache{i:02}" for i in range(1, 11)]


@dataclass
class Change:
    name: str
    distribution: str
    after: list[str]
    """Names; "+name" is at a new address, "name*2" has twice the weight."""
    must: float
    """What has to move."""
    named: bool = True


CHANGES = [
    Change("add one to 10, ketama", "ketama", [*BEFORE, "+cache11"], 1 / 11),
    Change("add one to 10, modula", "modula", [*BEFORE, "+cache11"], 1 / 11),
    Change("remove one of 10, ketama", "ketama", BEFORE[:-1], 1 / 10),
    Change("remove one of 10, modula", "modula", BEFORE[:-1], 1 / 10),
    Change("one gets a new address, with node names", "ketama", [*BEFORE[:-1], "+cache10"], 1 / 10),
    Change("one gets a new address, without names", "ketama", [*BEFORE[:-1], "+cache10"], 1 / 10,
           named=False),
    Change("one gets twice the weight, ketama", "ketama", [*BEFORE[:-1], "cache10*2"],
           2 / 11 - 1 / 10),
]


def ask(lab: Lab) -> Section:
    section = Section("change", "Servers are added, removed, replaced: does only 1/n move?")
    count = 2000 if lab.quick else 20_000
    values = {key: key.encode() for key in key_names("page", count)}
    keys = lab.keys(values, "change_keys.txt")
    table = Table("Written through a proxy before the change, read through one after it",
                  ["change", "keys", "not found", "moved", "has to move", "by the model"], [],
                  ["examples/report/run --only change"])
    exact = True
    with lab.scope():
        servers = lab.memcacheds(11, memory=32)
        for number, change in enumerate(CHANGES, 1):
            for server in servers:
                with Connection(server.port) as connection:
                    connection.ask("flush_all")
            old = lab.pool(f"before{number}", lines(BEFORE, servers, change.named),
                           distribution=change.distribution)
            new = lab.pool(f"after{number}", lines(change.after, servers, change.named),
                           distribution=change.distribution)
            with Connection(lab.proxy(old).port) as proxy:
                proxy.set_many(values)
            with Connection(lab.proxy(new).port) as proxy:
                lost = count - len(proxy.get_many(values))
            rows, command = lab.run("diff", "-c", old, "-p", old.stem, "--to", new, "--to-pool",
                                    new.stem, "--keys", keys)
            model = round(count * sum(row["left"] for row in rows))
            exact &= model == lost
            table.rows.append([change.name, str(count), str(lost), percent(lost, count),
                               percent(change.must), str(model)])
            table.commands.append(command)
            section.files |= {path.name: path.read_text() for path in (old, new)}
    section.tables.append(table)
    moved = [int(row[2]) / count for row in table.rows]
    section.charts.append(Bars(
        "Keys that cannot be read after the change",
        [Bar(row[0], share, f"{row[3]}; has to: {row[4]}",
             "good" if share < 1.5 * change.must else "bad")
         for row, share, change in zip(table.rows, moved, CHANGES, strict=True)], 1,
        mark=0.1, mark_text="1/n"))
    ketama_is_near = all(share < 1.5 * change.must
                         for share, change in zip(moved, CHANGES, strict=True)
                         if change.distribution == "ketama" and change.named
                         and "*" not in change.after[-1])
    section.verdict = "partly" if ketama_is_near and exact else "no"
    section.answer = (
        f"With ketama nearly so ({table.rows[0][3]} when one is added to 10, {table.rows[2][3]} "
        f"when one is removed), with modula not at all ({table.rows[1][3]} and "
        f"{table.rows[3][3]}).")
    section.notes.append(
        "A server that gets a new address keeps its place on the ring if it has a node name; "
        "without one its keys are dealt out anew. "
        + ("The numbers were those of <code>shardcache diff</code>." if exact
           else "The model and the measurement DIFFER."))
    return section


def lines(names: list[str], servers, named: bool) -> list[str]:
    """"+cache10" is the eleventh server under that name."""
    result = []
    for name in names:
        name, _, weight = name.partition("*")
        port = servers[10 if name.startswith("+") else BEFORE.index(name)].port
        result.append(f"{port}:{weight or 1}" + (f" {name.lstrip('+')}" if named else ""))
    return result
