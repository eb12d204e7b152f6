#!/usr/bin/env python3
"""Fails where routing takes many more instructions than it is known to take.

usage: instructions.py PROGRAM          compares with instructions.txt
       instructions.py PROGRAM --update  writes instructions.txt

Instructions are counted by valgrind, so the result does not depend on how busy the machine is. The
known counts are those of g++ 12 with -O2 on x86-64 (valgrind offers AVX2, not AVX-512); other
compilers differ by less than the margin.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

KNOWN = pathlib.Path(__file__).with_name("instructions.txt")
MARGIN = 1.3
KEYS = 4096


def count(program, case, rounds):
    with tempfile.TemporaryDirectory() as directory:
        result = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out", program, case,
             str(rounds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    collected = re.search(r"Collected\s*:\s*(\d+)", result.stderr)
    if result.returncode != 0 or collected is None:
        sys.exit(f"{case}: valgrind failed:\n{result.stderr}")
    return int(collected.group(1))


def per_item(program, case):
    """Of one key, or one ring: what a second round adds, which leaves out all that is done once."""
    items = KEYS if "/" in case else 1
    return round((count(program, case, 2) - count(program, case, 1)) / items, 1)


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--update"]):
        sys.exit(__doc__)
    program = sys.argv[1]
    names = subprocess.run([program, "--list"], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.split()
    counts = {case: per_item(program, case) for case in names}
    if sys.argv[2:]:
        KNOWN.write_text("".join(f"{case} {value}\n" for case, value in counts.items()))
        return
    known = dict(line.split() for line in KNOWN.read_text().splitlines())
    failed = False
    for case, value in counts.items():
        if case not in known:
            sys.exit(f"{case}: not in {KNOWN}; run with --update")
        ratio = value / float(known[case])
        too_many = ratio > MARGIN
        failed |= too_many
        print(f"{case}: {value} instructions, known {known[case]}, {ratio:.2f} times"
              + (": too many" if too_many else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
