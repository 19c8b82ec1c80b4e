"""Fewer threads beside busy neighbours."""

from __future__ import annotations

from pathlib import Path

from aistack_backend.inference.pace import AGAIN, STEPS, Pace


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


def trial(pace: Pace, now: float, costs: dict[int, float]) -> list[int]:
    """Two trials' worth of steps, which take what they cost; return how many threads each had."""
    used = []
    for _ in range(2 * STEPS):
        used.append(pace.threads(now))
        pace.took(used[-1], 1, costs[used[-1]])
    return used


def test_in_a_crowd_both_are_tried_and_the_faster_is_kept_for_a_while(tmp_path: Path) -> None:
    for costs, faster in (({1: 0.1, 4: 0.2}, 1), ({1: 0.2, 4: 0.1}, 4)):
        pace = Pace(4, pressure(tmp_path / "cpu", 100, lately=95))
        assert trial(pace, 10.0, costs) == [1] * STEPS + [4] * STEPS
        assert {pace.threads(10.1) for _ in range(50)} == {faster}
        pressure(tmp_path / "cpu", 100 + AGAIN)
        assert pace.threads(10.1 + AGAIN) == 1  # it is tried anew


def test_steps_of_other_sizes_are_not_compared(tmp_path: Path) -> None:
    pace = Pace(4, pressure(tmp_path / "cpu", 100, lately=95))
    for step in range(5 * STEPS):
        assert pace.threads(10.0) == 1
        pace.took(1, 1 + step // 4 % 2, 0.1)
