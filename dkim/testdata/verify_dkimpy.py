"""Prints "FILE SELECTOR pass" or "FILE SELECTOR fail: WHY" for every signature of
every message in a directory, as dkimpy sees it. Usage: verify_dkimpy.py RECORDS DIR,
RECORDS being lines of a name, a space and a TXT record."""

import os
import sys

import dkim

with open(sys.argv[1], "rb") as f:
    records = dict(line.rstrip(b"\n").split(b" ", 1) for line in f)


def lookup(name, timeout=5):
    return records.get(name.rstrip(b"."))


for file in sorted(os.listdir(sys.argv[2])):
    with open(os.path.join(sys.argv[2], file), "rb") as f:
        message = f.read()
    verifier = dkim.DKIM(message)
    count = sum(1 for name, _ in verifier.headers if name.lower() == b"dkim-signature")
    for i in range(count):
        try:
            result = "pass" if verifier.verify(idx=i, dnsfunc=lookup) else "fail: invalid"
        except dkim.DKIMException as e:
            result = "fail: %s" % e
        print(file, verifier.selector.decode(), result)
