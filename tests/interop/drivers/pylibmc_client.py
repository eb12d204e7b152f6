"""Reads setups of pylibmc clients as php_memcached.php does, and answers in the same way.

An option VALUE is a Python literal or a text. Options after "addServers" are set one by one.
A setup that pylibmc refuses is answered with "refused".
"""

import ast
import json
import sys

import pylibmc


def value_of(name, text):
    if name == "namespace":
        return text.encode()  # pylibmc wants it so
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def spec(host, port, weight):
    if host.startswith("/"):
        return (4, host, 0)  # pylibmc has no way to give a socket a weight
    return f"[{host}]:{port}:{weight}" if ":" in host else f"{host}:{port}:{weight}"


def owners(setup):
    before, after, binary = {}, [], False
    marked = False
    for name, value in setup["options"]:
        if name == "addServers":
            marked = True
        elif name == "binary":
            binary = value == "True"
        elif marked:
            after.append((name, value_of(name, value)))
        else:
            before[name] = value_of(name, value)
    servers = [tuple(server) for server in setup["servers"]]
    specs = [spec(*server) for server in servers]
    client = pylibmc.Client(specs, behaviors=before, binary=binary)
    for name, value in after:
        client.behaviors = {name: value}
    order = servers
    if any(name == "_sort_hosts" and value == "True" for name, value in setup["options"]):
        order = sorted(servers, key=lambda server: (server[0].encode(), server[1]))
    result = []
    for key in setup["keys"]:
        host, port, _ = order[client.hash(bytes.fromhex(key))]
        result.append(f"{host}:{port}")
    return result


for line in sys.stdin:
    setup = json.loads(line)
    try:
        print(json.dumps(owners(setup)), flush=True)
    except (pylibmc.Error, ValueError) as error:
        print(json.dumps("refused: " + str(error)), flush=True)
