"""The note's lines about telemetry and learning, measured: in our own tables, in the stack's PostgreSQL, in a log."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

from sqlalchemy import Select, func, select

from aistack_backend.containers.secrets import scrub_text
from aistack_backend.observe.dashboard import unmeasured
from aistack_backend.observe.ground import SECONDS, Ask, Found, Ground
from aistack_backend.store.learning_tables import pattern, run, sample
from aistack_backend.store.telemetry_tables import telemetry
from aistack_backend.wire.checklist import TickState

HOUR = 3_600.0
HYBRID, POSTGRES = "local-ai-hybrid-coordinator", "local-ai-postgres"
COUNTED = "SELECT COUNT(*) FROM telemetry WHERE timestamp > NOW() - INTERVAL '1 hour';"
"""The note's own line."""
WELL = "it ended well."
LINES = 2_000
"""Newest lines of a log that are looked through."""


def tasks_told(ground: Ground) -> Found:
    """How tasks ended is written down."""
    count = _count(ground, select(func.count()).where(telemetry.c.source == "task"))
    return _found(count, "ends of tasks are in the telemetry")


def stored(ground: Ground) -> Found:
    """Something was written down within the last hour."""
    count = _count(ground, select(func.count()).where(telemetry.c.timestamp > time.time() - HOUR))
    return _found(count, "interactions of the last hour are in the telemetry")


def daemon(ground: Ground) -> Found:
    """The newest run of learning has ended well."""
    if ground.database is None:
        return _found(None, "")
    with ground.database.read() as connection:
        row = connection.execute(select(run).order_by(run.c.id.desc()).limit(1)).first()
    if row is None:
        return TickState.FAIL, "No run was made yet."
    age = f"{max(0.0, time.time() - row.began_at):.0f} s ago"
    if row.ok is None:
        return TickState.PASS, f"Run {row.id} began {age} and goes on."
    return (TickState.PASS if row.ok else TickState.FAIL), f"Run {row.id}, {age}: {row.detail or WELL}"


def patterns(ground: Ground) -> Found:
    """Something was learned."""
    return _found(_count(ground, select(func.count()).select_from(pattern)), "patterns were made")


def samples(ground: Ground) -> Found:
    """Something waits for review, or is in the dataset."""
    return _found(_count(ground, select(func.count()).select_from(sample)), "samples were made for training")


def numbers(ground: Ground) -> Found:
    """Every point of the note's four sections has a number on the dashboard; who has none is named with its reason."""
    if ground.numbers is None:
        return TickState.UNKNOWN, "Nobody measures the dashboard here."
    board = ground.numbers()
    points = {one.point for section in board.sections for one in section.figures}
    if not (missing := unmeasured(board)):
        return TickState.PASS, f"Each of the {len(points)} points of the note has a number."
    said = " ".join(f"{point}: {why}" for point, why in missing)
    return TickState.FAIL, f"{len(points) - len(missing)} of {len(points)} points have a number. {said}"


def counted(ground: Ground) -> Found:
    """The note's SQL, in the PostgreSQL container, counts something."""
    words = ("psql", "-U", "mcp", "-d", "mcp", "-tAc", COUNTED)
    done = ground.podman.exec(POSTGRES, words, SECONDS)
    said = done.out.decode("utf-8", "replace").strip()
    if done.exit_code or not said.isdecimal():
        told = " ".join((done.err or done.out).decode("utf-8", "replace").split())
        return TickState.FAIL, f"psql ends with {done.exit_code}: {scrub_text(told)[:120] or 'nothing was said'}"
    return _found(int(said), "rows of the last hour, by psql in the container")


def told(word: str) -> Ask:
    """Return the check that the hybrid coordinator's log has a line with this word."""

    def ask(ground: Ground) -> Found:
        with closing(ground.podman.logs(HYBRID, tail=LINES, since=None, follow=False)) as feed:
            lines = [line.text for block in feed for line in block if word in line.text]
        last = f" The last: {scrub_text(lines[-1])[:120]}" if lines else ""
        return (TickState.PASS if lines else TickState.FAIL), f"{len(lines)} lines with {word}.{last}"

    return ask


def _count(ground: Ground, wanted: Select[Any]) -> int | None:
    if ground.database is None:
        return None
    with ground.database.read() as connection:
        return int(connection.execute(wanted).scalar_one())


def _found(count: int | None, what: str) -> Found:
    if count is None:
        return TickState.UNKNOWN, "There is no store to look into."
    return (TickState.PASS if count else TickState.FAIL), f"{count} {what}."
