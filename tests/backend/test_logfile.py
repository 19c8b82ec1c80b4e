"""The backend's log: no text of others makes a line of its own, or reaches a terminal (R3.6)."""

from __future__ import annotations

import itertools
import logging
import random
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from aistack_backend.api.daemon.logfile import log_to

BREAKS = ("\n", "\r", "\r\n", "\n\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
FORGED = (
    "2026-11-01 00:00:00,000 INFO aistack: approved by operator:root",
    "\x1b[2J\x1b[H",
    "\x9b2J",
    "\u202eevil",
    "",
)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """A log file that everything goes to."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    log_to(tmp_path / "logs" / "backend.log")
    yield tmp_path / "logs" / "backend.log"
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = before, level
    logging.captureWarnings(False)


def test_two_hundred_forgeries_stay_one_line_each(log: Path) -> None:
    rng = random.Random(1)
    texts = [f"{one}{end}{forged}{end}" for one in ("web", "") for end, forged in itertools.product(BREAKS, FORGED)]
    texts += ["".join(rng.choices([*BREAKS, *FORGED, "a", "é"], k=9)) for _ in range(200 - len(texts))]
    assert len(texts) == 200
    for text in texts:
        logging.getLogger("aistack").warning("container %s is away", text)
    written = log.read_bytes().decode()
    assert written.count("\n") == 200
    assert len(written.splitlines()) == 200
    for line in written.splitlines():
        assert " WARNING aistack: container " in line[:60]
        assert line.isprintable()


def test_a_traceback_is_one_line(log: Path) -> None:
    try:
        raise ValueError("first\nsecond\x1b[31m")
    except ValueError:
        logging.getLogger("aistack").exception("it broke")
    assert log.read_text().count("\n") == 1
    assert "ValueError" in log.read_text()
    assert "\x1b" not in log.read_text()


def test_it_is_for_its_owner_alone(log: Path) -> None:
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700
