"""Runs small agents of further frameworks against the fake models and keeps what their instrumentation sends.

usage: python -m tests.long.record NAME… [--keep FOLDER]     (a program of tests/long/programs; needs `uv` or `npm`, and a package index)
Writes tests/data/programs/NAME.tar.xz: the requests as they came, and `facts.json`, which only the model server told.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.long.fake_models import ANSWER, INPUT_TOKENS, OUTPUT_TOKENS, fake_models
from tests.long.quickstarts import collecting, surroundings

PROGRAMS = Path(__file__).parent / "programs"
KEPT = Path(__file__).parents[1] / "data" / "programs"
PATIENCE_S = 240
_AT_HOME = re.compile(rb"/(?:root|home/\w+|tmp/[\w.-]+)/")


def main() -> int:
    """Record the chosen programs; 1 if one failed."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("names", nargs="+")
    asked.add_argument("--keep", type=Path, help="folder for the environments; kept for the next time")
    options = asked.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.names:
            trouble = record(name, options.keep or Path(scratch))
            failed += bool(trouble)
            sys.stdout.write(f"{name:24} {trouble or 'recorded'}\n")
    return 1 if failed else 0


def record(name: str, folder: Path) -> str:
    """Run one program and keep its traffic; what went wrong, or nothing."""
    program = next(path for path in PROGRAMS.iterdir() if path.stem == name)
    command, bin_folder = _environment(program, folder / name)
    answered: list[str] = []
    with fake_models(answered) as models, collecting() as (endpoint, received), tempfile.TemporaryDirectory() as home:
        around = {**surroundings(models, endpoint), "HOME": home, "FAKE_MODELS": models}
        around["PATH"] = f"{bin_folder}:{around['PATH']}"
        shutil.copy(program, home)
        done = subprocess.run(
            [command, program.name],
            cwd=home,
            env=around,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    if done.returncode or not received:
        return f"failed: {(done.stderr.strip().splitlines() or ['nothing was sent'])[-1][:200]}"
    facts = {
        "program": name,
        "model_calls": len(answered),
        "input_tokens": INPUT_TOKENS * len(answered),
        "output_tokens": OUTPUT_TOKENS * len(answered),
        "tools": Counter(filter(None, answered)),
        "answer": ANSWER,
    }
    _keep(name, facts, received)
    return ""


def _environment(program: Path, folder: Path) -> tuple[str, Path]:
    """What runs the program, and the folder of what its first line installs: `# pip install …` or `# npm install …`."""
    words = shlex.split(program.read_text(encoding="utf-8").splitlines()[0].removeprefix("# "))
    if words[0] == "npm":
        tools = (folder / "node_modules" / ".bin").absolute()
        if not tools.exists():
            subprocess.run(["npm", "install", "--prefix", folder, "--no-fund", "--no-audit", *words[2:]], check=True)
        return "bash", tools
    python = (folder / "bin" / "python").absolute()
    if not python.exists():
        subprocess.run(["uv", "venv", "-q", "-p", sys.executable, folder], check=True)
        subprocess.run(["uv", "pip", "install", "-q", "-p", python, *words[2:]], check=True)
    return str(python), python.parent


def _keep(name: str, facts: dict[str, Any], received: list[tuple[str, bytes]]) -> None:
    files, heads = {}, []
    for number, (signal, body) in enumerate(received, 1):
        if signal in {"traces", "logs"}:
            file = f"{number:03d}.{signal}.{'json' if body[:1] == b'{' else 'pb'}"
            files[file] = _AT_HOME.sub(lambda found: b"/" + b"x" * (len(found[0]) - 2) + b"/", body)
            heads.append({"file": file, "signal": signal})
    files["headers.json"] = json.dumps(heads).encode()
    files["facts.json"] = json.dumps(facts, indent=1).encode()
    KEPT.mkdir(exist_ok=True)
    with tarfile.open(KEPT / f"{name}.tar.xz", "w:xz") as archive:
        for file, raw in sorted(files.items()):
            entry = tarfile.TarInfo(f"{name}/{file}")
            entry.size = len(raw)
            archive.addfile(entry, io.BytesIO(raw))


if __name__ == "__main__":
    sys.exit(main())
