"""What does the proxy find in caches that were filled before it came?"""

from __future__ import annotations

import time

from change import BEFORE, lines
from findings import Bar, Bars, Section, Table
from lab import Connection, Lab, key_names, percent
from php_agreement import Setup, write


def ask(lab: Lab) -> Section:
    section = Section("warm", "Caches filled before the change lose their keys: can they be kept?")
    count = 2000 if lab.quick else 50_000
    values = {key: key.encode() * (i % 20 + 1)
              for i, key in enumerate(key_names("article", count))}
    table = Table("Read through the new proxy, before and after shardcache warm",
                  ["from", "to", "keys", "found before", "moved", "seconds", "found after"], [],
                  ["examples/report/run --only warm"])
    with lab.scope():
        servers = lab.memcacheds(4)
        ports = [s.port for s in servers]
        write(Setup("php-memcached as it is", "Memcached"), ports, values)
        pool = lab.pool("warm_proxy", ports)
        old = ["--from-client", "php-memcached",
               "--from-servers", ",".join(f"127.0.0.1:{port}" for port in ports)]
        measure(lab, section, table, "PHP’s own layout", "the proxy’s", values, pool, old)
    with lab.scope():
        servers = lab.memcacheds(11)
        before = lab.pool("warm_before", lines(BEFORE, servers, named=True))
        after = lab.pool("warm_after", lines([*BEFORE, "+cache11"], servers, named=True))
        with Connection(lab.proxy(before).port) as proxy:
            proxy.set_many(values)
        measure(lab, section, table, "10 servers", "11 servers", values, after,
                ["--from-config", before])
        section.files[before.name] = before.read_text()
    section.tables.append(table)
    rates = [(f"{row[0]} to {row[1]}, {when}", int(row[column]))
             for row in table.rows for when, column in (("before", 3), ("after", 6))]
    section.charts.append(Bars(
        "Found through the new proxy",
        [Bar(name, found, percent(found, count), "good" if found == count else "bad")
         for name, found in rates], count))
    kept = all(int(row[6]) == count for row in table.rows)
    section.verdict = "yes" if kept else "partly"
    section.answer = (
        f"Of what PHP had stored the proxy found "
        f"{percent(int(table.rows[0][3]), count)}, and after shardcache warm "
        f"{percent(int(table.rows[0][6]), count)}; of what was stored on 10 servers, with 11 of "
        f"them {percent(int(table.rows[1][3]), count)}, and then "
        f"{percent(int(table.rows[1][6]), count)}.")
    section.notes.append("Values are only ever added where the new layout looks for them, so "
                         "nothing newer is overwritten; without <code>--go</code> it only says "
                         "what would move.")
    return section


def measure(lab: Lab, section: Section, table: Table, name: str, to: str,
            values: dict[str, bytes], pool, old: list) -> None:
    proxy = lab.proxy(pool)

    def found() -> int:
        with Connection(proxy.port) as connection:
            return sum(values[k] == v for k, v in connection.get_many(values).items())

    before = found()
    begin = time.monotonic()
    rows, command = lab.run("warm", *old, "-c", pool, "--go")
    took = time.monotonic() - begin
    table.rows.append([name, to, str(len(values)), str(before),
                       str(sum(row["copied"] for row in rows)), f"{took:.2f}", str(found())])
    table.commands.append(command)
    section.files[pool.name] = pool.read_text()
