from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from replay.bundle import BundleError, bundle_recording, check_bundle, write_bundle
from replay.format import RecordingFileError
from replay.proof import Verdict, entries_of, seal_of
from tests.builders import a_clean_span, a_run, a_span_id
from tests.replay.taped import refund

ENTRIES = entries_of([a_clean_span(span_id=a_span_id(n), attributes={"said": f'"é\n{n}'}) for n in range(1, 5)])
SEAL = seal_of(a_run(), ENTRIES, (), sealed_ns=1)
RAW = write_bundle(refund(1).json(), ENTRIES, [SEAL])


def test_the_same_run_gives_the_same_bytes_and_they_check():
    assert write_bundle(refund(1).json(), ENTRIES, [SEAL]) == RAW
    assert check_bundle(RAW).verdict is Verdict.INTACT
    assert bundle_recording(RAW) == refund(1).json()


def test_any_zip_program_can_open_it(tmp_path):
    import zipfile

    (tmp_path / "run.zip").write_bytes(RAW)
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {"README.txt", "recording.json", "evidence.jsonl", "proof.json"}


def test_an_export_without_a_seal_claims_nothing():
    assert check_bundle(write_bundle(refund(1).json(), ENTRIES, [])).verdict is Verdict.UNSEALED


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_damage_is_found_and_never_raises_anything_else(data):
    raw = bytearray(RAW)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    try:
        found = check_bundle(bytes(raw))
        bundle_recording(bytes(raw))
    except (BundleError, RecordingFileError):
        return
    assert bytes(raw) == RAW or found.verdict is Verdict.ALTERED
