from __future__ import annotations

from runs.dialects import DIALECTS
from tests.runs.matrix import PAGE, page


def test_the_page_of_instrumentations_is_what_the_captures_say():
    """Run `python -m tests.runs.matrix` after a change and read the difference."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_instrumentation_has_a_row_with_a_recording_or_a_case_behind_it():
    table = PAGE.read_text(encoding="utf-8").partition("## Which instrumentation tells what")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(row[0] for row in rows) == sorted(f"`{dialect.id}`" for dialect in DIALECTS)
    assert [row[0] for row in rows if not (row[1] or row[2])] == []
