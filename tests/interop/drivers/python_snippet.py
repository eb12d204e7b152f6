"""Reads {"snippet": PYTHON, "keys": [HEX, ...]} lines.

Runs the snippet, which makes a `client`, and answers with what that gets for each key.
"""

import json
import sys

for line in sys.stdin:
    question = json.loads(line)
    scope = {}
    exec(question["snippet"], scope)
    client = scope["client"]
    values = [client.get(bytes.fromhex(key)) for key in question["keys"]]
    print(json.dumps([v.decode() if isinstance(v, bytes) else v for v in values]), flush=True)
