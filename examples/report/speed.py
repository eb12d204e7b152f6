"""How fast are servers, a proxy, six proxies, and our client?"""

from __future__ import annotations

from findings import Bar, Bars, Section, Table
from lab import Lab

THEN_DIRECT, THEN_PROXY = 56_621, 22_730
"""Requests a second in the report of 2014."""

COLUMNS = ["target", "requests/s", "of direct", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms",
           "failed"]


def ask(lab: Lab) -> Section:
    section = Section("speed", "Is the proxy slower than its servers?")
    connections, each, rounds = ("3000", "1500", "3") if lab.quick else ("20000", "3000", "5")
    with lab.scope():
        servers = lab.memcacheds(4)
        pool = lab.pool("speed", [s.port for s in servers], timeout=5000)
        proxies = [f"127.0.0.1:{lab.proxy(pool).port}" for _ in range(6)]
        targets = {"direct, one server": f"direct=127.0.0.1:{servers[0].port}",
                   "one proxy": f"proxy={proxies[0]}",
                   "six proxies": f"proxy={','.join(proxies)}",
                   "our client, over the 4 servers": f"client={pool}"}

        def measure(title: str, names: list[str], *load: str) -> list[dict]:
            args = ["bench"]
            for name in names:
                args += ["--target", targets[name]]
            rows, command = lab.run(*args, *load, "--sizes", "u1,16", "--timeout", "5",
                                    "--rounds", rounds, allowed=(0, 1))
            section.tables.append(Table(title, COLUMNS, [
                cells(name, row) for name, row in zip(names, rows, strict=True)], [command]))
            return rows

        then = measure(f"The load of 2014: {int(connections):,} connections of 10 calls each, 50 at a time",
                       list(targets)[:3], "--connections", connections,
                       "--calls", "10")
        now = measure("Applications: 16 threads that wait for each answer, on connections that "
                      "stay", list(targets), "--connections", "16", "--calls", each)
    section.tables[0].rows += [
        ["direct, in 2014", f"{THEN_DIRECT}", "1.00", *["–"] * 5],
        ["one proxy, in 2014", f"{THEN_PROXY}", f"{THEN_PROXY / THEN_DIRECT:.2f}", *["–"] * 5]]
    section.files[pool.name] = pool.read_text()
    for table in section.tables:
        section.charts.append(Bars(
            table.title, [Bar(row[0], float(row[1]), f"{int(row[1]):,}/s, {row[2]} of direct",
                              "then" if "2014" in row[0] else
                              "good" if row[0].startswith("our client") else "plain")
                          for row in table.rows],
            1.02 * max(float(row[1]) for row in table.rows)))
    failed = sum(row["errors"]["total"] for row in then + now)
    proxy, client = then[1]["ratio"], now[3]["ratio"]
    section.verdict = "yes" if min(proxy, now[1]["ratio"]) < 0.95 and failed == 0 else "no" if failed == 0 else "partly"
    section.answer = (
        f"One proxy has {100 * proxy:.0f}\u00a0% of the direct rate "
        f"with 2014’s load ({100 * THEN_PROXY / THEN_DIRECT:.0f}\u00a0% then); on connections that "
        f"stay one proxy has {100 * now[1]['ratio']:.0f}\u00a0%, and our client over the same "
        f"servers {100 * client:.0f}\u00a0%.")
    section.notes.append(
        "Servers, proxies and the load share the processors of one machine, so what one takes the "
        "others have not. Rates are medians of rounds in which the targets take turns.")
    return section


def cells(name: str, row: dict) -> list[str]:
    times = row["response_us"]
    return [name, f"{row['requests_per_second']:.0f}", f"{row['ratio']:.2f}",
            *(f"{times[p] / 1000:.3f}" for p in ("p50", "p95", "p99", "p999")),
            str(row["errors"]["total"])]
