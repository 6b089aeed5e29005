"""CPU time of understanding: facts and assembly of recorded traffic, in spans per second of one core.

usage: python bench/understanding.py [CAPTURE_FOLDER…]   (default: the captures of the tests)
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.runs.scoring import assemble_all, load, recorded  # noqa: E402 - the path above comes first


def main() -> None:
    folders = [Path(name) for name in sys.argv[1:]] or list(recorded().values())
    items = total_facts = total_runs = 0.0
    for folder in folders:
        capture = load(folder)
        started = time.process_time()
        facts = capture.facts()
        middle = time.process_time()
        assemble_all(facts)
        ended = time.process_time()
        items += len(facts)
        total_facts += middle - started
        total_runs += ended - middle
        print(
            f"{capture.name:45s} {len(facts):5d} items  facts {len(facts) / (middle - started):8.0f}/s"
            f"  assembly {len(facts) / (ended - middle):8.0f}/s"
        )
    print(f"together: {items / (total_facts + total_runs):.0f} items per second of CPU time")


if __name__ == "__main__":
    main()
