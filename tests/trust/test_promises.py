"""The tables of promises in ``docs/``: no requirement is missing, and every test that they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRUST = (ROOT / "docs" / "trust.md").read_text()
HARDENING = (ROOT / "docs" / "hardening.md").read_text()
COUNTS = {"R1": 16, "R2": 7, "R3": 6, "R4": 12, "R5": 13}
"""How many requirements each chapter has."""


def rows(page: str) -> list[str]:
    """Return the lines of a page's tables, without their heads."""
    return [line for line in page.splitlines() if re.match(r"\| (R|LLM|ASI)\d", line)]


def test_every_requirement_has_its_line() -> None:
    wanted = {f"{chapter}.{number}" for chapter, most in COUNTS.items() for number in range(1, most + 1)}
    told = [row.split("|")[1].split()[0] for row in (*rows(TRUST), *rows(HARDENING))]
    assert len(told) == len(set(told))
    elsewhere = set(re.findall(r"\((R\d\.\d+)[;)]", HARDENING))
    """Told in words below the tables: not built, or in a table of its own."""
    assert wanted <= {*told, *elsewhere}
    assert sum(name.startswith(("LLM", "ASI")) for name in told) == 20


@pytest.mark.parametrize("page", [TRUST, HARDENING], ids=["trust", "hardening"])
def test_every_test_that_is_named_exists(page: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) == page.count("::"), "each is written as `file::test`"
    for file, test in named:
        assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file} has no {test}"
    for row in rows(page):
        assert "::" in row, f"nothing holds {row}"
