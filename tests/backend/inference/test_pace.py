"""Fewer threads beside busy neighbours."""

from __future__ import annotations

from pathlib import Path

from aistack_backend.inference.pace import Pace


def pressure(file: Path, seconds: float, lately: float = 0.0) -> Path:
    total = int(seconds * 1e6)
    file.write_text(f"some avg10={lately:.2f} avg60=0.00 avg300=0.00 total={total}\nfull avg10=0.00 total=0\n")
    return file


def test_one_thread_while_crowded_and_all_when_calm(tmp_path: Path) -> None:
    file = tmp_path / "cpu"
    pace = Pace(4, pressure(file, 100))
    assert pace.threads(10.0) == 4
    pressure(file, 100.9)
    assert pace.threads(10.1) == 4  # too soon to look again
    assert pace.threads(11.0) == 1
    pressure(file, 101.4)
    assert pace.threads(12.0) == 1  # between the two marks it stays
    pressure(file, 101.5)
    assert pace.threads(13.0) == 4


def test_it_begins_with_what_the_last_ten_seconds_were(tmp_path: Path) -> None:
    assert Pace(4, pressure(tmp_path / "cpu", 100, lately=95)).threads(10.0) == 1
    assert Pace(4, pressure(tmp_path / "cpu", 100, lately=5)).threads(10.0) == 4


def test_without_the_kernels_figures_all_threads_are_used(tmp_path: Path) -> None:
    pace = Pace(4, tmp_path / "none")
    assert pace.threads(1.0) == pace.threads(9.0) == 4
