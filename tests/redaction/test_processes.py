"""However many processes share the work, and in whatever portions, every value comes out as one process gives it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from redaction.engine import Item
from spans.fields import FieldClass
from tests.redaction.test_engine import CANARIES, ORDINARY, SENTENCE

WORKER = """
import json, sys
from redaction.engine import Item, Redactor
from redaction.rules import RedactionRules
from spans.fields import FieldClass
from tests.redaction.conftest import key_for

size, texts = json.load(sys.stdin)
redactor = Redactor(RedactionRules.default(), key_for)
found = {}
for first in range(0, len(texts), size):
    part = texts[first:first + size]
    items = [Item(text, "content", FieldClass.CONTENT, "/x", number) for number, text in part]
    found |= {number: got.value for (number, _), got in zip(part, redactor.redact(items, "p"), strict=True)}
json.dump(found, sys.stdout)
"""


def texts():
    people = ["Ana Souza", "Kwame Mensah", "Li Wei", "Olga Petrova", "Jean Dupont"]
    said = [
        f"{who} wrote from {where} about {what}"
        for who in people
        for where, what in zip(CANARIES, ORDINARY, strict=False)
    ]
    return [SENTENCE, *said, *(json.dumps({"name": who, "note": f"call {who} back"}) for who in people)]


def a_worker(seed, size, some):
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    process.stdin.write(json.dumps([size, some]))
    process.stdin.close()
    return process


def test_one_process_and_three_give_the_same_bytes(redactor):
    all_of_them = list(enumerate(texts()))
    items = [Item(text, "content", FieldClass.CONTENT, "/x", number) for number, text in all_of_them]
    alone = {str(n): got.value for (n, _), got in zip(all_of_them, redactor.redact(items, "p"), strict=True)}
    shares = [all_of_them[n::3][:: -1 if n else 1] for n in range(3)]
    workers = [a_worker(seed, size, share) for seed, size, share in zip((0, 1, 99), (1, 4, 100), shares, strict=True)]
    together = {}
    for worker in workers:
        together |= json.loads(worker.stdout.read())
        worker.stdout.close()
        assert worker.wait(60) == 0
    assert together == alone
    assert "Mensah" not in "".join(alone.values())
