"""Answers the questions of the 2014 report with real servers, on loopback.

report.py [--quick] [--only SECTION]... [--out DIRECTORY]

Writes report.html, report.md and report.json. Needs memcached, nutcracker, PHP with its memcached and
memcache extensions, and what examples/report/CMakeLists.txt builds, in $SHARDCACHE_BUILD_DIR;
`examples/report/run` installs and builds them all. Exit codes: 0 done; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone

import change
import ejection
import outage
import page
import php_agreement
import proxy_dies
import speed
import warmup
from lab import Lab

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("SHARDCACHE_BUILD_DIR",
                                    ROOT / "build" / "report" / "tree")).resolve()

SECTIONS = {"php": php_agreement, "proxies": proxy_dies, "outage": outage, "ejection": ejection,
            "change": change, "speed": speed, "warm": warmup}


def first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).splitlines()[0]


def machine() -> dict[str, str]:
    """What the figures depend on."""
    cpus = re.findall(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    php = "; ".join(f"echo phpversion('{name}'), ' '" for name in ("", "memcached", "memcache"))
    php = php.replace("phpversion('')", "PHP_VERSION")
    versions = first_line("php", "-r", f"{php};").split()
    return {
        "Made": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "on": f"{len(os.sched_getaffinity(0))} processors ({(cpus or [platform.machine()])[0]})",
        "with memcached": first_line("memcached", "-V").split()[-1],
        "nutcracker": first_line("dpkg-query", "-W", "-f", "${Version}\n", "nutcracker"),
        "PHP": versions[0], "php-memcached": versions[1], "pecl memcache": versions[2],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few keys and requests: to try it")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="this section; repeatable")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "report",
                        help="where the report is written (default build/report)")
    options = parser.parse_args()
    sections = []
    facts = machine()
    with tempfile.TemporaryDirectory(prefix="shardcache-report.") as directory:
        lab = Lab(pathlib.Path(directory), BUILD, options.quick)
        for name in options.only or SECTIONS:
            begin = time.monotonic()
            section = SECTIONS[name].ask(lab)
            section.seconds = time.monotonic() - begin
            print(f"{section.seconds:6.1f} s  {section.question}\n          {section.answer}",
                  flush=True)
            sections.append(section)
    options.out.mkdir(parents=True, exist_ok=True)
    for suffix, write in (("html", page.to_html), ("md", page.to_markdown),
                          ("json", page.to_json)):
        path = options.out / f"report.{suffix}"
        path.write_text(write(sections, facts))
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
