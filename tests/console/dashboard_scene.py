"""What the pictures of the Dashboard show: each point of the note, with and without a number."""

from __future__ import annotations

from tests.console import scenes
from tests.console.loop_scene import loop, looping
from tests.console.route_scene import STANDING, STATS
from tests.console.stage import NOW, Stage

from aistack_backend.wire.dashboard import Dashboard, Figure, Section, Unit
from aistack_backend.wire.loops import LoopList

NOW_ONLY, BOTH, ALL = ("now",), ("24h", "7d"), ("now", "24h", "7d")


def _one(point: str, name: str, unit: Unit, source: str, windows: tuple[str, ...], *numbers: float | None) -> Figure:
    values = dict(zip(windows, numbers, strict=True))
    known = any(one is not None for one in numbers)
    return Figure(
        point=point, name=name, unit=unit, windows=windows, now=values.get("now"), day=values.get("24h"),
        week=values.get("7d"), at=(NOW - 9 if source == "stack" else NOW - 2) if known else None, source=source,
        metric="aistack_something", about=f"What {name or point} counts.",
        why="" if None not in numbers else "No agent of a loop has worked within 7 days." if not known
        else "in 24 hours: No run of learning ended well in this window.",
    )  # fmt: skip


BOARD = Dashboard(
    at=NOW - 2,
    sections=(
        Section(
            key="ralph", title="Ralph",
            figures=(
                _one("Active tasks", "", Unit.COUNT, "tables", NOW_ONLY, 3),
                _one("Approval queue", "waiting", Unit.COUNT, "tables", NOW_ONLY, 2),
                _one("Approval queue", "oldest waits", Unit.SECONDS, "tables", NOW_ONLY, 372),
                _one("Audit log", "records", Unit.COUNT, "tables", ALL, 4812, 310, 2044),
                _one("Audit log", "can be written", Unit.YES, "tables", NOW_ONLY, 1),
                _one("Resource usage", "processor", Unit.SHARE, "host", NOW_ONLY, 0.34),
                _one("Resource usage", "the model's process", Unit.BYTES, "model", NOW_ONLY, 734_003_200),
            ),
        ),
        Section(
            key="orchestration", title="Orchestration",
            figures=(
                _one("Tasks routed", "", Unit.COUNT, "tables", BOTH, 41, 230),
                _one("Success rate", "tasks", Unit.SHARE, "tables", BOTH, 0.9, 0.86),
                _one("Average latency", "of an answer", Unit.SECONDS, "tables", BOTH, 0.81, 1.9),
                _one("Agent utilisation", "", Unit.SHARE, "tables", BOTH, None, None),
            ),
        ),
        Section(
            key="learning", title="Continuous learning",
            figures=(
                _one("Patterns learned", "active", Unit.COUNT, "tables", NOW_ONLY, 212),
                _one("Model improvements", "loss before mine-1", Unit.LOSS, "tables", NOW_ONLY, 2.513),
                _one("Learning rate", "new patterns", Unit.A_DAY, "tables", BOTH, None, 4.2),
            ),
        ),
        Section(
            key="map", title="Service map",
            figures=(
                _one("Health status", "ok", Unit.COUNT, "stack", NOW_ONLY, 18),
                _one("Traffic flow", "machine, in", Unit.SPEED, "host", NOW_ONLY, 2_097_152),
            ),
        ),
    ),
)  # fmt: skip


def boarded(one: Stage) -> None:
    """A world with a loop that works, questions that were asked and a dashboard."""
    scenes.normal(one)
    looping(one)
    one.answers["GET /v1/dashboard"] = BOARD
    one.answers["GET /v1/loops"] = LoopList(loops=(loop(3),))
    one.answers["GET /v1/routing"] = STANDING
    one.answers["GET /v1/routing/stats"] = STATS
