"""The table of promises in ``docs/trust.md``: no requirement is missing, and every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "trust.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| R")]
WANTED = [f"R1.{number}" for number in range(1, 17)] + [f"R2.{number}" for number in range(1, 8)]


def test_every_requirement_has_its_line() -> None:
    assert [row.split("|")[1].strip() for row in ROWS] == WANTED


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) == PAGE.count("::"), "each is written as `file::test`"
    for file, test in named:
        assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file} has no {test}"
    for row in ROWS:
        assert "::" in row, f"nothing holds {row}"
