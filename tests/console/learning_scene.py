"""What the pictures of the Learning screen show: patterns of each state, samples that wait, runs, trends."""

from __future__ import annotations

from tests.console import scenes
from tests.console.stage import NOW, Stage

from aistack_backend.wire.events import Topic
from aistack_backend.wire.learning import (
    LearningStatus,
    Lesson,
    Parts,
    Pattern,
    PatternDetail,
    PatternKind,
    PatternState,
    Run,
    Sample,
    SampleList,
    SampleState,
    Trend,
    Trial,
)

HOUR, DAY = 3_600.0, 86_400.0
ANSWER = Pattern(
    id=3, kind=PatternKind.ANSWER, question="Which port does Qdrant use?", task_class="lookup",
    says="Qdrant listens on port 6333.", sources=("docs/qdrant.md",), state=PatternState.ACTIVE,
    reason="It does better: 4 of 5 held-out cases were right before, 5 after: 1 more right; 1.9 s, then 0.012 s.",
    value=0.86, created_at=NOW - DAY, changed_at=NOW - HOUR, uses=31, wins=29, losses=1, taught=9,
    taught_from="9 coordinator",
)  # fmt: skip
PATTERNS = (
    ANSWER,
    Pattern(
        id=4, kind=PatternKind.ROUTE, question="code", task_class="code", says="remote", state=PatternState.ACTIVE,
        reason="It does better.", created_at=NOW - DAY, changed_at=NOW - 2 * HOUR, taught=12,
        taught_from="12 coordinator",
    ),
    Pattern(
        id=5, kind=PatternKind.ANSWER, question="Wipe Qdrant before a re-index?", says="Yes, always.",
        state=PatternState.QUARANTINED, reason="Quarantined: 1 of its judged uses were bad and 1 good.",
        created_at=NOW - DAY, changed_at=NOW - HOUR, uses=2, wins=1, losses=1, taught=2, taught_from="2 chat",
    ),
    Pattern(
        id=6, kind=PatternKind.PROMPT, question="lookup", task_class="lookup", says="People corrected …",
        state=PatternState.CANDIDATE, reason="Too few held-out cases: 1 of 2.", created_at=NOW - HOUR,
        changed_at=NOW - HOUR, taught=2, taught_from="2 coordinator",
    ),
    Pattern(
        id=7, kind=PatternKind.ANSWER, question="Who runs the backup?", says="The timer.", origin="spoke-two",
        state=PatternState.ROLLED_BACK, reason="Rolled back by operator:anna.", created_at=NOW - DAY,
        changed_at=NOW - DAY,
    ),
)  # fmt: skip
DETAIL = PatternDetail(
    pattern=ANSWER,
    lessons=(
        Lesson(
            id=12, at=NOW - DAY, source="coordinator", query="Which port does Qdrant use?", answer="6333",
            judgement="good", judged_by="operator:anna",
            parts=Parts(outcome=1.0, feedback=1.0, reusability=1.0, complexity=0.05, novelty=0.5, value=0.86),
        ),
    ),
    trials=(
        Trial(
            at=NOW - HOUR, cases=5, before=4, after=5, seconds_before=1.9, seconds_after=0.012, passed=True,
            detail=ANSWER.reason,
        ),
    ),
)  # fmt: skip
RUNS = (
    Run(id=9, began_at=NOW - HOUR / 2, by="timer", took=41.0, read=12, taught=7, made=1, activated=1, ok=True),
    Run(id=8, began_at=NOW - 2 * HOUR, by="operator:anna", took=0.4, ok=False, detail="The database is locked."),
)  # fmt: skip


def trend(at: float, days: float, success: float | None, local: float | None, cache: float | None) -> Trend:
    """Return a stretch of time with these shares."""
    return Trend(
        since=at - days * DAY, until=at, interactions=100, success=success, local=local, cache=cache, good=41, bad=6,
        p95=1.9 if success else None,
    )  # fmt: skip


STATUS = LearningStatus(
    enabled=True,
    paused=False,
    interval=HOUR,
    next_run=NOW + HOUR / 2,
    threshold=1000,
    interactions=4_812,
    judged=812,
    weeks=(trend(NOW, 7, 0.91, 0.92, 0.34), trend(NOW - 7 * DAY, 7, 0.86, 0.78, None)),
    months=(trend(NOW, 30, 0.9, 0.9, 0.3), trend(NOW - 30 * DAY, 30, None, None, None)),
    days=tuple(
        trend(NOW - at * DAY, 1, None if at > 20 else 0.8 + 0.01 * (20 - at), 0.5 + 0.02 * (20 - at), at % 3 / 4)
        for at in reversed(range(30))
    ),
    patterns=PATTERNS,
    review=SampleList(
        samples=(
            Sample(
                id=1, interaction_id=40, question="Enable the Podman socket?", redactions=2, value=0.8,
                answer="systemctl --user enable --now podman.socket", state=SampleState.WAITING, made_at=NOW - HOUR,
            ),
            Sample(
                id=2, origin="spoke-two", question="Where are the models?", answer="In the cache.",
                state=SampleState.WAITING, made_at=NOW - HOUR,
            ),
        ),
        waiting=27, accepted=812, dropped=4,
    ),
    runs=RUNS,
    model="all-MiniLM-L6-v2",
)  # fmt: skip


def learned(one: Stage) -> None:
    """A world in which something was learned."""
    scenes.normal(one)
    one.topics[Topic.LEARNING] = STATUS
    one.answers["GET /v1/learning/patterns/3"] = DETAIL
