from __future__ import annotations

from tracetape.beside import beside_bytes
from tracetape.folder import DataFolder


def test_every_file_beside_the_store_is_counted_once_and_nothing_is_said_of_what_is_empty(tmp_path):
    folder = DataFolder(tmp_path)
    sizes = {
        "spool/1.seg": 7,
        "spool/withheld/a": 11,
        "spool/quarantine/b": 13,
        "ledger.sqlite": 17,
        "ledger.sqlite-wal": 19,
    }
    for name, size in sizes.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "part").write_bytes(bytes(1000))
    found = beside_bytes(folder)
    assert set(found) == {"in the spool", "of withheld originals, sealed", "in quarantine, sealed", "of the ledger"}
    assert sum(found.values()) == sum(sizes.values())
