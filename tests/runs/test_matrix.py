from __future__ import annotations

import re

from runs.dialects import DIALECTS
from tests.runs.matrix import PAGE, ROOT, page
from tests.runs.misses import MISSES


def test_the_page_of_instrumentations_is_what_the_captures_say():
    """Run `python -m tests.runs.matrix` after a change and read the difference."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_instrumentation_has_a_row_with_a_recording_or_a_case_behind_it():
    table = PAGE.read_text(encoding="utf-8").partition("## Which instrumentation tells what")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(row[0] for row in rows) == sorted(f"`{dialect.id}`" for dialect in DIALECTS)
    assert [row[0] for row in rows if not (row[1] or row[2])] == []


def test_the_decision_states_the_score_that_the_page_counts():
    decided = (ROOT / "docs" / "decisions" / "0004-dialects-and-assembly.md").read_text(encoding="utf-8")
    right, checks = re.search(r"(\d+) of (\d+) about calls", decided).groups()
    assert f"Of {checks} checks over 45 recordings {right} hold literally" in PAGE.read_text(encoding="utf-8")
    assert int(checks) - int(right) == sum(map(len, MISSES.values()))
