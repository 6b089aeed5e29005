"""A run as one file that proves itself: recording, evidence and proof in a plain zip, written one way and read strictly."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

import msgspec

from replay.format import RecordingFileError, is_whole, read_recording, write_recording
from replay.proof import Check, Entry, LeafState, Touched, Verdict, check, digest
from spans.ids import RunId
from spans.seal import Leaf, LeafKind, Seal

MAX_BYTES: Final = 512 * 1024 * 1024
RECORDING, EVIDENCE, PROOF, README = "recording.json", "evidence.jsonl", "proof.json", "README.txt"
MEMBERS: Final = (README, RECORDING, EVIDENCE, PROOF)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_HEADER_BYTES = 30
_WORDS = """One recorded run of an agent, exported by tracetape.

recording.json   the ordered steps: what was asked and what was answered
evidence.jsonl   the spans and log records it was made of, as received, redacted; one per line
proof.json       a fingerprint of every line, and the root over all of them

    tracetape verify THIS-FILE.zip [--root HEX]

needs no server. It names the line that was touched. Compare the root with the one on the run's page (section Proof):
a file alone shows only that its parts belong together.

What may remain in it: texts were redacted before they were stored, but detectors miss things, and pseudonyms stay
personal data. Treat this file as you treat the run itself.
"""


class BundleError(RecordingFileError):
    """The bytes are no export that can be checked; the sentence says why."""


def write_bundle(recording: Mapping[str, Any], entries: Sequence[Entry], seals: Sequence[Seal]) -> bytes:
    """The bytes of an export; the same run gives the same bytes."""
    told = write_recording(recording)
    evidence = b"".join(_line(entry) for entry in entries)
    proof = {
        "format": "tracetape-proof",
        "version": 1,
        "run_id": recording["run_id"],
        "project": recording["project"],
        "root": seals[-1].root if seals else "",
        "chapters": [_seal_json(seal) for seal in seals],
        "lines": {
            RECORDING: [digest(line) for line in told.splitlines(keepends=True)],
            README: [digest(_WORDS.encode())],
        },
    }
    return _packed({README: _WORDS.encode(), RECORDING: told, EVIDENCE: evidence, PROOF: _json(proof) + b"\n"})


def is_bundle(raw: bytes) -> bool:
    """Whether some bytes begin as an export does."""
    return raw[:2] == b"PK"


def check_bundle(raw: bytes, *, root: str = "") -> Check:
    """Check an export by itself; with `root`, also against the root that somebody else kept.

    Raises:
        BundleError: the bytes are no export at all, or too many.
    """
    if not is_bundle(raw):
        raise BundleError("The file is no export: an export is a zip. `tracetape export --run RUN` writes one.")
    if len(raw) > MAX_BYTES:
        raise BundleError(f"The file has {len(raw):,} bytes; an export has at most {MAX_BYTES:,}.")
    try:
        return _checked(raw, root)
    except BundleError as error:
        return Check(Verdict.ALTERED, str(error), "", 0, 0, 0, (_of_file("the export", 0, str(error)),))


def _checked(raw: bytes, root: str) -> Check:
    members = _members(raw)
    proof = _proof(members[PROOF])
    touched = list(_bad_lines(members, proof))
    seals = [_seal(chapter, proof) for chapter in proof["chapters"]]
    entries, broken = _entries(members[EVIDENCE], [leaf for seal in seals for leaf in seal.leaves])
    touched += broken
    found = check(str(proof["run_id"]), seals, entries)
    known = {(t.kind, t.item_id) for t in broken}
    touched += [t for t in found.touched if (t.kind, t.item_id) not in known]
    touched += _moved(entries, seals)
    if seals and proof["root"] != seals[-1].root:
        touched.append(_of_file(PROOF, 0, "the root is not that of the last chapter"))
    if root and (not seals or root.lower() != seals[-1].root):
        touched.append(_of_file(PROOF, 0, "its root is not the one that was given"))
    if not touched and _packed({name: members[name] for name in MEMBERS}) != raw:
        touched.append(_of_file("the zip container", 0, "its bytes are not those that were written"))
    return _answer(found, touched)


def bundle_recording(raw: bytes) -> dict[str, Any]:
    """The recording inside an export.

    Raises:
        RecordingFileError: there is none that can be read.
    """
    return read_recording(_members(raw)[RECORDING])


def _answer(found: Check, touched: list[Touched]) -> Check:
    bad = [t for t in touched if t.state not in {LeafState.EXPIRED, LeafState.ERASED, LeafState.SUPERSEDED}]
    if not bad:
        return replace(found, touched=tuple(touched))
    first = bad[0]
    name = f" ({first.name})" if first.name else ""
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    return replace(
        found,
        verdict=Verdict.ALTERED,
        sentence=f"Altered: {first.kind} {first.item_id}{name}: {first.sentence}{more}.",
        touched=tuple(touched),
        intact=max(0, found.intact - len({(t.kind, t.item_id) for t in bad if t.state is LeafState.MOVED})),
    )


def _bad_lines(members: Mapping[str, bytes], proof: Mapping[str, Any]) -> Iterable[Touched]:
    """Lines of the recording and the readme that are not those whose fingerprints were written."""
    for name, digests in proof["lines"].items():
        lines = members[name].splitlines(keepends=True) if name == RECORDING else [members[name]]
        for index in range(max(len(lines), len(digests))):
            if index >= len(lines) or index >= len(digests) or digest(lines[index]) != digests[index]:
                what = f"step {index}" if name == RECORDING and 0 < index <= len(digests) - 2 else f"line {index + 1}"
                yield _of_file(name, index + 1, f"{what} is not what was written")
    try:
        if not is_whole(read_recording(members[RECORDING])):
            yield _of_file(RECORDING, 0, "its digests are not those of its steps")
    except RecordingFileError:
        yield _of_file(RECORDING, 0, "it is no recording any more")


def _moved(entries: Sequence[Entry], seals: Sequence[Seal]) -> list[Touched]:
    order = {key: i for i, key in enumerate(sorted(((e.kind, e.item_id) for e in entries), key=_place))}
    found = []
    for index, entry in enumerate(entries):
        if order[entry.kind, entry.item_id] != index:
            said = f"it stands on line {index + 1}, its place is line {order[entry.kind, entry.item_id] + 1}"
            chapter = next((s.chapter for s in seals if any(x.item_id == entry.item_id for x in s.leaves)), 0)
            found.append(
                Touched(chapter, index + 1, entry.kind.value, entry.item_id, LeafState.MOVED, said, entry.name)
            )
    return found


def _place(key: tuple[LeafKind, str]) -> tuple[bool, str]:
    return key[0] is LeafKind.LOG, key[1]


def _of_file(name: str, index: int, sentence: str) -> Touched:
    return Touched(0, index, "file", name, LeafState.ALTERED, sentence)


# Lines


class _Line(msgspec.Struct):
    kind: LeafKind
    id: str
    day: str
    name: str
    frame: msgspec.Raw
    content: msgspec.Raw


def _line(entry: Entry) -> bytes:
    head = {"kind": entry.kind.value, "id": entry.item_id, "day": entry.day.isoformat(), "name": entry.name}
    return _json(head)[:-1] + b',"frame":' + entry.frame + b',"content":' + entry.content + b"}\n"


def _entries(raw: bytes, leaves: Sequence[Leaf]) -> tuple[list[Entry], list[Touched]]:
    """The lines of the evidence; a line that cannot be read is named by the leaf in whose place it stands."""
    entries: list[Entry] = []
    broken: list[Touched] = []
    expected = sorted({(leaf.kind, leaf.item_id) for leaf in leaves}, key=_place)
    for index, line in enumerate(raw.split(b"\n")[:-1] if raw.endswith(b"\n") else raw.split(b"\n")):
        try:
            read = msgspec.json.decode(line, type=_Line)
            entry = Entry(
                read.kind, read.id, date.fromisoformat(read.day), bytes(read.frame), bytes(read.content), read.name
            )
        except (msgspec.MsgspecError, ValueError, UnicodeDecodeError):
            kind, item_id = expected[index] if index < len(expected) else (LeafKind.SPAN, f"line {index + 1}")
            broken.append(
                Touched(0, index + 1, kind.value, item_id, LeafState.ALTERED, f"line {index + 1} cannot be read")
            )
            continue
        if _line(entry) != line + b"\n":
            said = f"line {index + 1} is not written as an export writes it"
            broken.append(Touched(0, index + 1, entry.kind.value, entry.item_id, LeafState.ALTERED, said, entry.name))
        day = next((x.day for x in leaves if x.item_id == entry.item_id and x.kind is entry.kind), entry.day)
        frame = _name_of(entry)
        if day != entry.day or frame != entry.name:
            said = f"line {index + 1}: its day or name is not that of the evidence"
            broken.append(Touched(0, index + 1, entry.kind.value, entry.item_id, LeafState.ALTERED, said, entry.name))
        entries.append(entry)
    return entries, broken


def _name_of(entry: Entry) -> str:
    try:
        frame = msgspec.json.decode(entry.frame)
        return str(frame.get("name") if entry.kind is LeafKind.SPAN else frame.get("event_name"))
    except (msgspec.MsgspecError, AttributeError):
        return entry.name


# The proof


def _seal_json(seal: Seal) -> dict[str, Any]:
    return {
        "chapter": seal.chapter,
        "sealed_ns": seal.sealed_ns,
        "evidence_ns": seal.evidence_ns,
        "day": seal.day.isoformat(),
        "header": dict(seal.header),
        "root": seal.root,
        "leaves": [[x.kind.value, x.item_id, x.day.isoformat(), x.frame, x.content] for x in seal.leaves],
    }


def _proof(raw: bytes) -> dict[str, Any]:
    try:
        proof = msgspec.json.decode(raw)
        if not isinstance(proof, dict) or proof["format"] != "tracetape-proof":
            raise BundleError("proof.json is not a proof: its format says something else.")
        if not isinstance(proof["version"], int) or proof["version"] > 1:
            raise BundleError("proof.json was written by a newer version. Please update tracetape.")
        if not isinstance(proof["chapters"], list) or set(proof["lines"]) != {RECORDING, README}:
            raise BundleError("proof.json does not name what an export holds.")
        if not all(isinstance(line, str) for lines in proof["lines"].values() for line in lines):
            raise BundleError("proof.json holds something else than fingerprints.")
        proof["root"], proof["run_id"]
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise BundleError(
            "Altered: proof.json cannot be read any more, so nothing can be checked against it."
        ) from error
    return proof


def _seal(chapter: Any, proof: Mapping[str, Any]) -> Seal:
    try:
        return Seal(
            project=str(proof["project"]),
            run_id=RunId(str(proof["run_id"])),
            chapter=int(chapter["chapter"]),
            sealed_ns=int(chapter["sealed_ns"]),
            evidence_ns=int(chapter["evidence_ns"]),
            day=date.fromisoformat(chapter["day"]),
            header={str(key): str(value) for key, value in chapter["header"].items()},
            leaves=tuple(
                Leaf(LeafKind(kind), str(item_id), date.fromisoformat(day), str(frame), str(content))
                for kind, item_id, day, frame, content in chapter["leaves"]
            ),
            root=str(chapter["root"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError("Altered: a chapter in proof.json cannot be read any more.") from error


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")


# The container


def _packed(members: Mapping[str, bytes]) -> bytes:
    """A zip without compression and without times: every byte of it follows from its members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in MEMBERS:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = 0o600 << 16
            archive.writestr(info, members[name])
    return out.getvalue()


def _members(raw: bytes) -> dict[str, bytes]:
    """The members by name, read past their checksums: it is we who say what was touched."""
    found: dict[str, bytes] = {}
    at = 0
    for name in MEMBERS:
        if raw[at : at + 4] != b"PK\x03\x04" or raw[at + 26 : at + 28] != len(name).to_bytes(2, "little"):
            raise BundleError(f"Altered: the zip container is damaged where {name} should begin, or it is no export.")
        size = int.from_bytes(raw[at + 22 : at + 26], "little")
        begin = at + _HEADER_BYTES + len(name) + int.from_bytes(raw[at + 28 : at + 30], "little")
        if raw[at + _HEADER_BYTES : at + _HEADER_BYTES + len(name)] != name.encode() or begin + size > len(raw):
            raise BundleError(f"Altered: the zip container is damaged at {name}, or it is no export.")
        found[name] = raw[begin : begin + size]
        at = begin + size
    return found
