"""``/v1/learning``: what was learned, the queue of samples, and the runs; only on the operator's socket."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response

from aistack_backend.api.approvals import Id
from aistack_backend.api.bodies import AnswerJudging, Exporting, RollingBack, SampleEditing
from aistack_backend.api.chat import record
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.errors import BadInput
from aistack_backend.learning.models import Verdict
from aistack_backend.wire.learning import (
    Dataset,
    Judgement,
    LearningStatus,
    Lesson,
    Pattern,
    PatternDetail,
    PatternList,
    PatternState,
    Run,
    Sample,
    SampleList,
    SampleState,
)

router = APIRouter(prefix="/v1/learning", tags=["learning"])
State = Annotated[str, Query(max_length=40)]
"""A state by its word; empty = any."""


@router.get("", response_model=LearningStatus)
def status(parts: Held) -> Response:
    """Return how learning stands: trends, patterns, what waits for review, runs."""
    return Json(parts.learning.get().status())


@router.get("/patterns", response_model=PatternList)
def patterns(parts: Held, state: State = "") -> Response:
    """Return the patterns (of one state), at most 1,000."""
    wanted = PatternState(state) if state else None
    if wanted is PatternState.UNKNOWN:
        raise BadInput(f"{state[:40]!r} is no state of a pattern.", "candidate, active, quarantined or rolled back.")
    return Json(PatternList(patterns=parts.learning.get().patterns(wanted)))


@router.get("/patterns/{id}", response_model=PatternDetail)
def pattern(parts: Held, id: Id) -> Response:  # noqa: A002  the route's own name
    """Return a pattern with what taught it and how it was tried."""
    return Json(parts.learning.get().pattern(id))


@router.post("/patterns/{id}/rollback", response_model=Pattern)
def roll_back(parts: Held, caller: Caller, id: Id, request: RollingBack) -> Response:  # noqa: A002
    """Take a pattern back: it says nothing any more, and the same lessons never make it again."""
    record(parts, caller, "learning.rollback", f"pattern {id}: {request.reason}"[:500])
    return Json(parts.learning.get().roll_back(id, request.reason, caller.actor))


@router.post("/patterns/{id}/retry", response_model=Pattern)
def retry(parts: Held, caller: Caller, id: Id) -> Response:  # noqa: A002
    """Let a quarantined or rolled back pattern be tried again by the next run."""
    record(parts, caller, "learning.retry", f"pattern {id}")
    return Json(parts.learning.get().retry(id, caller.actor))


@router.get("/samples", response_model=SampleList)
def samples(parts: Held, state: State = "waiting") -> Response:
    """Return the samples of a state (empty = of any), the oldest first, at most 1,000."""
    wanted = SampleState(state) if state else None
    if wanted is SampleState.UNKNOWN:
        raise BadInput(f"{state[:40]!r} is no state of a sample.", "waiting, accepted or dropped.")
    return Json(parts.learning.get().review.list(wanted, 1_000))


@router.post("/samples/{id}/accept", response_model=Sample)
def accept(parts: Held, caller: Caller, id: Id) -> Response:  # noqa: A002
    """Let a sample be trained on."""
    return _review(parts, caller, id, "accept")


@router.post("/samples/{id}/drop", response_model=Sample)
def drop(parts: Held, caller: Caller, id: Id) -> Response:  # noqa: A002
    """Take a sample out; it is never offered again."""
    return _review(parts, caller, id, "drop")


@router.post("/samples/{id}/edit", response_model=Sample)
def edit(parts: Held, caller: Caller, id: Id, request: SampleEditing) -> Response:  # noqa: A002
    """Change a sample; it is cleaned again, and accepted."""
    held = parts.learning.get()
    record(parts, caller, "learning.edit", f"sample {id}")
    done = held.review.edit(id, request, caller.actor)
    held.tell()
    return Json(done)


@router.post("/run", response_model=Run)
async def run(parts: Held, caller: Caller) -> Response:
    """Learn now from what was judged since the last run."""
    held = parts.learning.get()
    await asyncio.to_thread(record, parts, caller, "learning.run", "")
    return Json(await held.run(caller.actor))


@router.post("/pause", response_model=LearningStatus)
def pause(parts: Held, caller: Caller) -> Response:
    """Make no more runs by the clock; what was learned stays in use."""
    return _pause(parts, caller, True)


@router.post("/resume", response_model=LearningStatus)
def resume(parts: Held, caller: Caller) -> Response:
    """Make runs by the clock again."""
    return _pause(parts, caller, False)


@router.post("/export", response_model=Dataset)
def export(parts: Held, caller: Caller, request: Exporting) -> Response:
    """Write the accepted samples, and a manifest, to a file of this machine (0600)."""
    held = parts.learning.get()
    record(parts, caller, "learning.export", request.path[:500])
    return Json(held.export(request.path))


@router.get("/interactions/{id}", response_model=Lesson)
def interaction(parts: Held, id: Id) -> Response:  # noqa: A002
    """Return an interaction with the parts of its value."""
    return Json(parts.learning.get().lesson(id))


@router.post("/interactions/{id}/judgement", response_model=Lesson)
def judge(parts: Held, caller: Caller, id: Id, request: AnswerJudging) -> Response:  # noqa: A002
    """Judge an answer; the last judgement counts."""
    held = parts.learning.get()
    if request.judgement is Judgement.UNKNOWN:
        raise BadInput("An answer is judged good, bad or corrected.")
    record(parts, caller, "learning.judge", f"interaction {id}: {request.judgement.value}")
    return Json(held.judge(id, Verdict(request.judgement.value), caller.actor, request.correction))


def _review(parts: Held, caller: Caller, number: int, what: str) -> Response:
    held = parts.learning.get()
    record(parts, caller, f"learning.{what}", f"sample {number}")
    done = (held.review.accept if what == "accept" else held.review.drop)(number, caller.actor)
    held.tell()
    return Json(done)


def _pause(parts: Held, caller: Caller, paused: bool) -> Response:
    held = parts.learning.get()
    record(parts, caller, "learning.pause" if paused else "learning.resume", "")
    held.pause(paused)
    return Json(held.status())
