#!/usr/bin/env python3
"""Prints, as Markdown, how many times faster than twemproxy's algorithm shardcache is.

usage: ratios.py BENCHMARK_PROGRAM [REPETITIONS]

Both are measured here, in one run, interleaved; each figure is a ratio of medians. The machine
should be otherwise idle, though noise hits both sides of a ratio alike.
"""
import json
import statistics
import subprocess
import sys

SERVERS = [10, 100, 1000, 5000]
HASHES = ["fnv1a_64", "murmur", "jenkins", "crc32a", "one_at_a_time", "md5"]
BATCHES = ["batch_16", "batch_64", "batch_256", "batch_4096"]


def measure(program, pattern, repetitions, min_time):
    """Nanoseconds of CPU time for one key (or one ring), by benchmark name."""
    command = [program, f"--benchmark_filter={pattern}", "--benchmark_format=json",
               f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={min_time}",
               "--benchmark_enable_random_interleaving=true"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL).stdout
    runs = {}
    for run in json.loads(output)["benchmarks"]:
        if run["run_type"] != "iteration":
            continue
        if "items_per_second" in run:
            time = 1e9 / run["items_per_second"]
        else:
            time = run["cpu_time"] * {"ns": 1, "us": 1e3, "ms": 1e6}[run["time_unit"]]
        runs.setdefault(run["run_name"], []).append((time, run))
    return ({name: statistics.median(t for t, _ in values) for name, values in runs.items()},
            {name: values[0][1] for name, values in runs.items()})


def table(title, columns, rows):
    print(f"\n| {title} | " + " | ".join(columns) + " |")
    print("| --- " * (len(columns) + 1) + "|")
    for name, cells in rows:
        print(f"| {name} | " + " | ".join(cells) + " |")


def ratio(times, base, other):
    if base not in times or other not in times:
        return "–"
    return f"{times[base] / times[other]:.1f}"


def routing(program, repetitions):
    times, _ = measure(program, "^route/.*/mixed/(.*/(twemproxy|one_key|batch_256)"
                       "|100/(batch_[0-9]*|libmemcached))$", repetitions, 0.02)

    def cell(function, servers, way):
        prefix = f"route/{function}/mixed/{servers}/"
        return ratio(times, prefix + "twemproxy", prefix + way)

    for way, what in (("one_key", "one key"), ("batch_256", "batches of 256")):
        table(f"route, {what}", [f"{n} servers" for n in SERVERS],
              [(function, [cell(function, n, way) for n in SERVERS]) for function in HASHES])
    table("route, 100 servers", [way.replace("batch_", "batches of ") for way in BATCHES]
          + ["libmemcached"],
          [(function, [cell(function, 100, way) for way in BATCHES + ["libmemcached"]])
           for function in HASHES])


def rate(programs):
    """Items a second of all the programs together."""
    outputs = [json.loads(program.communicate()[0]) for program in programs]
    return sum(output["benchmarks"][0]["items_per_second"] for output in outputs)


def threads(program, repetitions):
    """Beside two threads also two processes, which cannot disturb each other but by the machine."""
    def start(name, count):
        return subprocess.Popen([program, f"--benchmark_filter=^{name}/real_time/threads:{count}$",
                                 "--benchmark_format=json", "--benchmark_min_time=1"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    rows = []
    for keys, what in (("near", "in the core's own cache"), ("far", "in the cores' common cache")):
        for servers in (100, 1000):
            name = f"threads/{keys}/{servers}/batch_256"
            ratios = []
            for _ in range(repetitions):
                one = rate([start(name, 1)])
                ratios.append((rate([start(name, 2)]) / one,
                               rate([start(name, 1), start(name, 1)]) / one))
            medians = [f"{statistics.median(column):.2f}" for column in zip(*ratios)]
            rows.append((f"{servers} servers, keys {what}", medians))
    table("fnv1a_64, batches of 256", ["two threads over one", "two processes over one"], rows)


def kinds(program, repetitions):
    times, _ = measure(program, "^route/fnv1a_64/.*/100/(twemproxy|one_key|batch_256)$",
                       repetitions, 0.02)
    rows = []
    for kind in ("mixed", "fixed21", "tagged", "utf8"):
        prefix = f"route/fnv1a_64/{kind}/100/"
        rows.append((kind, [ratio(times, prefix + "twemproxy", prefix + way)
                            for way in ("one_key", "batch_256")]))
    table("route fnv1a_64, 100 servers, by kind of key", ["one key", "batch 256"], rows)


def hashing(program, repetitions):
    times, _ = measure(program, "^(hash|lookup)/", repetitions, 0.02)
    xxh3 = times["hash/xxh3/mixed/one_key"]
    rows = []
    for function in HASHES:
        prefix = f"hash/{function}/mixed/"
        rows.append((function, [ratio(times, prefix + "twemproxy", prefix + "one_key"),
                                ratio(times, prefix + "twemproxy", prefix + "batch_256"),
                                f"{times[prefix + 'batch_256'] / xxh3:.2f}"]))
    table("hash only", ["one key", "batch 256", "batch 256: time over XXH3's"], rows)
    table("look-up only", [f"{n} servers" for n in SERVERS],
          [("continuum", [ratio(times, f"lookup/-/mixed/{n}/twemproxy",
                                f"lookup/-/mixed/{n}/one_key") for n in SERVERS])])


def profile(program, repetitions):
    """Where the time of one key goes. The same keys sorted by length cost all but what it costs
    that a processor cannot foresee where the next one ends."""
    times, _ = measure(program, "^(route/.*/(mixed|sorted)/10/(twemproxy|one_key)"
                       "|lookup/-/mixed/10/one_key)$", repetitions, 0.02)
    lookup = times["lookup/-/mixed/10/one_key"]
    rows = []
    for function in HASHES:
        mixed, ordered = (times[f"route/{function}/{kind}/10/one_key"]
                          for kind in ("mixed", "sorted"))
        twemproxy = times[f"route/{function}/mixed/10/twemproxy"]
        rows.append((function, [f"{time:.1f}" for time in (
            twemproxy, mixed, ordered - lookup, mixed - ordered, lookup)]))
    table("one key, 10 servers, ns", ["twemproxy", "shardcache", "hash and call",
                                      "ends not foreseen", "look-up"], rows)


def rings(program, repetitions):
    times, runs = measure(program, "^(build|eject|reload|memory)/", repetitions, 0.2)
    rows = []
    for part, what in (("build", "full build"), ("eject", "ejection, look-up ready"),
                       ("reload", "reload, one weight changed")):
        rows.append((what, [ratio(times, f"{part}/{n}/twemproxy", f"{part}/{n}/shardcache")
                            for n in SERVERS]))
    for counter, what in (("first_bytes_per_server", "bytes a server, first placement"),
                          ("next_bytes_per_server", "bytes a server, each further one")):
        rows.append((what, [f"{runs[f'memory/{n}/shardcache'][counter]:.0f}" for n in SERVERS]))
    table("ring", [f"{n} servers" for n in SERVERS], rows)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program, repetitions = sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 9
    for part in (routing, profile, kinds, threads, hashing, rings):
        part(program, repetitions)


if __name__ == "__main__":
    main()
