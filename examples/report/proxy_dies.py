"""What becomes of the data when one of several proxies dies?"""

from __future__ import annotations

from findings import Bar, Bars, Section, Table
from lab import Connection, Lab, key_names, percent


def ask(lab: Lab) -> Section:
    section = Section("proxies", "One of several proxies dies: are keys lost?")
    count = 1000 if lab.quick else 20_000
    values = {key: f"data of {key}".encode() for key in key_names("session", count)}
    with lab.scope():
        servers = lab.memcacheds(4)
        pool = lab.pool("proxies", [s.port for s in servers])
        proxies = [lab.proxy(pool) for _ in range(3)]
        with Connection(proxies[0].port) as first:
            first.set_many(values)
        proxies[0].stop()
        found = {}
        for number, proxy in enumerate(proxies[1:], 2):
            with Connection(proxy.port) as connection:
                found[f"proxy {number}"] = right(values, connection.get_many(values))
        owners, command = lab.run("locate", "-c", pool, "--keys", lab.keys(values))
        found["direct, where shardcache locate says"] = direct(values, owners)
    section.files[pool.name] = pool.read_text()
    section.tables.append(Table(
        "Written through proxy 1, which is then killed with SIGKILL",
        ["read through", "keys", "found", "lost"],
        [[name, str(count), str(n), str(count - n)] for name, n in found.items()],
        ["examples/report/run --only proxies", command]))
    section.charts.append(Bars(
        "Found after proxy 1 was killed",
        [Bar(name, n, percent(n, count), "good" if n == count else "bad")
         for name, n in found.items()], count))
    lost = sum(count - n for n in found.values())
    section.verdict = "yes" if lost else "no"
    section.answer = (f"{lost} reads of keys found nothing." if lost else
                      f"All {count} keys are read through each of the other proxies, and "
                      "directly from the server that shardcache names.")
    section.notes.append("Proxies hold no data. Only requests that are under way in a proxy fail "
                         "when it dies; clients have to go to another one.")
    return section


def right(values: dict[str, bytes], read: dict[str, bytes]) -> int:
    return sum(values[key] == value for key, value in read.items())


def direct(values: dict[str, bytes], owners: list[dict]) -> int:
    by_port: dict[int, list[str]] = {}
    for row in owners:
        by_port.setdefault(int(row["address"].rpartition(":")[2]), []).append(row["key"])
    found = 0
    for port, keys in by_port.items():
        with Connection(port) as connection:
            found += right(values, connection.get_many(keys))
    return found
