"""A server with nothing to do: ten minutes with the demo's runs stored and nobody looking; processor time, memory and disk of each process.

pytest tests/long/idle.py -s --timeout 0           # LONG_MINUTES=2 for less
"""

# ruff: noqa: T201 the figures are what a person wants
from __future__ import annotations

import os
import time
from pathlib import Path

import psutil

from tests.tracetape.running import Running

MINUTES = float(os.environ.get("LONG_MINUTES", "10"))
MOST_CPU = 0.03
"""Of one core, all processes together."""
MOST_MIB = {"main": 1200, "work": 700, "receive": 300, "notify": 200, "supervisor": 250}
"""Resident, by the first word of a process's name: the receiver's bar, and what the others were measured at, and half as much again."""
GROWN_MIB = 32
"""Nothing to do, nothing to remember."""
LONGEST_S = 3600
MOST_BYTES_PER_S = 20_000
"""Of disk, all processes together: a ledger that notes a time now and then, no system tables."""


def test_an_idle_server_is_idle(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Running(data) as server:
        server.key()
        server.cli("demo")
        server.settle(300)
        assert server.process
        processes = {
            role: psutil.Process(pid) for role, pid in {**server.children(), "supervisor": server.process.pid}.items()
        }
        _wait_for_quiet(processes)
        resident = _resident(processes)
        before, bytes_before, began = _spent(processes), _written(processes), time.monotonic()
        size = _size(data)
        time.sleep(MINUTES * 60)
        took = time.monotonic() - began
        after = _spent(processes)
        shares = {role: (after[role] - before[role]) / took for role in before}
        written = (_written(processes) - bytes_before) / took
        memory = _resident(processes)
        print(
            f"\n{took / 60:.1f} idle minutes, load {os.getloadavg()[0]:.1f}: {100 * sum(shares.values()):.2f} % of a core ("
            + ", ".join(f"{role} {100 * share:.2f}" for role, share in sorted(shares.items()))
            + f"); {written:,.0f} bytes/s written, data folder {size / 2**20:.1f} → {_size(data) / 2**20:.1f} MiB; resident MiB: "
            + ", ".join(f"{role} {mib:.0f}" for role, mib in sorted(memory.items()))
        )
        assert not list((data / "store").rglob("*query_log*"))
    assert sum(shares.values()) < MOST_CPU
    assert written < MOST_BYTES_PER_S
    for role, mib in memory.items():
        assert mib < MOST_MIB[role.split()[0]], f"{role} holds {mib:.0f} MiB"
        assert mib < resident[role] + GROWN_MIB, f"{role} grew from {resident[role]:.0f} to {mib:.0f} MiB"


def _wait_for_quiet(processes: dict[str, psutil.Process]) -> None:
    """Sealing waits for a minute of quiet, and detectors judge the four weeks that have just arrived."""
    began = time.monotonic()
    while time.monotonic() < began + LONGEST_S:
        before = sum(_spent(processes).values())
        time.sleep(60)
        if sum(_spent(processes).values()) - before < 60 * MOST_CPU:
            break
    print(f"\nquiet {time.monotonic() - began:.0f} s after the demo was stored")


def _spent(processes: dict[str, psutil.Process]) -> dict[str, float]:
    return {role: sum(process.cpu_times()[:2]) for role, process in processes.items()}


def _resident(processes: dict[str, psutil.Process]) -> dict[str, float]:
    return {role: process.memory_info().rss / 2**20 for role, process in processes.items()}


def _written(processes: dict[str, psutil.Process]) -> int:
    return sum(process.io_counters().write_bytes for process in processes.values())


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
