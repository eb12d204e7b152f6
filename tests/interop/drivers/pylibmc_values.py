"""Stores and reads values of each type by pylibmc; lines of JSON as for php_values.php."""

import json
import sys

import pylibmc

VALUES = {
    "string": "plain text", "umlaut": "gr\u00fc\u00dfe", "empty": b"", "bytes": b"\0\xff\r\nEND\r\n",
    "int": 42, "negative": -7, "big": 2 ** 70, "true": True, "false": False, "none": None,
    "float": 1.25e-3, "dict": {"a": [1, 2.5, b"\r\n"]}, "long": "to be compressed\r\n" * 1000,
}

for line in sys.stdin:
    setup = json.loads(line)
    client = pylibmc.Client([f"{host}:{port}:{weight}" for host, port, weight in setup["servers"]])
    for name, value in setup["options"]:  # one by one: ketama resets the hash
        client.behaviors = {name: True if value == "true" else value}
    answers = {}
    for name, value in VALUES.items():
        key = setup["prefix"] + name
        if setup["do"] == "write":
            answers[name] = client.set(key, value, min_compress_len=1000)
        else:
            read = client.get(key, "no such key")
            # It gives 1 for True by itself.
            answers[name] = read == value and (type(read) is type(value) or name in ("true", "false"))
    print(json.dumps(answers), flush=True)
