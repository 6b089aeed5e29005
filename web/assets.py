"""Our own static files: read once, named by their content, compressed once, cacheable for ever."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent / "static"
_COMPRESSIBLE = (".css", ".js", ".svg")
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file; `compressed` is its gzip form, or None where that would not help."""

    name: str
    body: bytes
    media_type: str
    digest: str
    compressed: bytes | None = None


def load_assets(folder: Path = STATIC) -> Mapping[str, Asset]:
    """Every file below the folder by its relative name. No request ever chooses a path on disk."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in {*_COMPRESSIBLE, ".png"}:
            name = path.relative_to(folder).as_posix()
            found[name] = _load(name, path)
    return found


def _load(name: str, path: Path) -> Asset:
    body = path.read_bytes()
    media = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    compressed = gzip.compress(body, 9, mtime=0) if path.suffix in _COMPRESSIBLE else None
    return Asset(name, body, media, hashlib.sha256(body).hexdigest()[:12], compressed)
