"""What keys of other servers does an ejection make unreadable?"""

from __future__ import annotations

import time

from findings import Bar, Bars, Section, Table
from lab import Connection, Lab, ProtocolError, key_names, percent

POOLS = [("4 servers, ketama", "ketama", [1] * 4),
         ("26 servers, ketama", "ketama", [1] * 26),
         ("8 servers of weights 1 to 100, ketama", "ketama", [1, 2, 3, 5, 100, 7, 1, 1]),
         ("4 servers, modula", "modula", [1] * 4)]


def ask(lab: Lab) -> Section:
    section = Section("ejection", "One server is ejected: can other servers’ data not be read?")
    count = 2000 if lab.quick else 20_000
    values = {key: key.encode() for key in key_names("user", count)}
    keys = lab.keys(values, "ejection_keys.txt")
    table = Table("The server whose ejection moves most is killed",
                  ["pool", "keys", "its own", "the others’", "unreadable of these", "share",
                   "by the model"], [], ["examples/report/run --only ejection"])
    exact = True
    moved = []
    for number, (name, distribution, weights) in enumerate(POOLS, 1):
        with lab.scope():
            servers = lab.memcacheds(len(weights), memory=32)
            pool = lab.pool(f"ejection{number}", [
                f"{s.port}:{weight} cache{i:02}"
                for i, (s, weight) in enumerate(zip(servers, weights, strict=True), 1)],
                distribution=distribution, auto_eject_hosts=True, server_failure_limit=1,
                server_retry_timeout=120_000)
            rows, command = lab.run("eject", "-c", pool, "--keys", keys)
            worst = max(rows, key=lambda row: row["survivors_moved"])
            port = int(worst["address"].rpartition(":")[2])
            dead = next(server for server in servers if server.port == port)
            own, found = kill(lab.proxy(pool).port, dead, values)
        others = values.keys() - own
        lost = len(others - found)
        exact &= lost == worst["survivors_moved"] and not own & found
        moved.append(lost)
        table.rows.append([name, str(count), str(len(own)), str(len(others)), str(lost),
                           percent(lost, len(others)), str(worst["survivors_moved"])])
        table.commands.append(command)
        section.files[pool.name] = pool.read_text()
    section.tables.append(table)
    section.charts.append(Bars(
        "Keys of servers that are alive, and cannot be read after the ejection of another",
        [Bar(row[0], int(row[4]) / int(row[3]), row[5], "bad" if int(row[4]) else "good")
         for row in table.rows], 1))
    section.verdict = "yes" if any(moved) else "no"
    section.answer = (
        f"Of the keys of servers that are alive, {table.rows[0][5]} with 4 equal servers, but "
        f"{table.rows[1][5]} with 26, {table.rows[2][5]} with unequal weights, and "
        f"{table.rows[3][5]} with modula.")
    if not exact:
        section.verdict = "partly"
    section.notes.append(
        "Ketama should move the ejected server’s keys only. It moves others where twemproxy’s "
        "single-precision arithmetic gives the survivors other numbers of points: at some pool "
        "sizes, and with unequal weights at almost every size. "
        + ("The numbers were those of <code>shardcache eject</code>." if exact
           else "The model and the measurement DIFFER."))
    return section


def kill(proxy_port: int, server, values: dict[str, bytes]) -> tuple[set[str], set[str]]:
    """The keys that the server had, and those that are found after its ejection."""
    with Connection(proxy_port) as proxy:
        proxy.set_many(values)
    with Connection(server.port) as connection:
        own = set(connection.get_many(values))
    server.stop()
    first = min(own)
    for _ in range(100):  # the requests that it takes to be ejected
        try:
            with Connection(proxy_port) as proxy:
                proxy.get(first)
                return own, set(proxy.get_many(values))
        except ProtocolError:
            time.sleep(0.02)
    raise RuntimeError("the proxy did not eject the server that was killed")
