"""The calls about learning: patterns, the review queue, runs, judgements."""

from __future__ import annotations

from aistack_backend.wire.learning import (
    Dataset,
    DatasetRequest,
    Judgement,
    JudgeRequest,
    LearningStatus,
    Lesson,
    Pattern,
    PatternDetail,
    PatternList,
    RollBackRequest,
    Run,
    Sample,
    SampleEdit,
    SampleList,
)
from aistack_console.client.calls import Calls

VERY_LONG = 3_600.0
"""Seconds for a run: it may ask the model about held-out questions."""


class LearningCalls(Calls):
    """See :class:`~aistack_console.client.api.Client`."""

    async def learning(self) -> LearningStatus:
        """Return how learning stands."""
        return await self._get("/v1/learning", LearningStatus)

    async def patterns(self, state: str = "") -> PatternList:
        """Return the patterns, of one state where it is named."""
        return await self._get("/v1/learning/patterns", PatternList, params={"state": state} if state else {})

    async def pattern(self, number: int) -> PatternDetail:
        """Return a pattern with what taught it and how it was tried."""
        return await self._get(f"/v1/learning/patterns/{number}", PatternDetail)

    async def roll_back(self, number: int, reason: str) -> Pattern:
        """Take a pattern back."""
        return await self._post(f"/v1/learning/patterns/{number}/rollback", RollBackRequest(reason=reason), Pattern)

    async def retry_pattern(self, number: int) -> Pattern:
        """Let a quarantined or rolled back pattern be tried again."""
        return await self._post(f"/v1/learning/patterns/{number}/retry", None, Pattern)

    async def samples(self, state: str = "waiting") -> SampleList:
        """Return the samples of a state."""
        return await self._get("/v1/learning/samples", SampleList, params={"state": state})

    async def accept_sample(self, number: int) -> Sample:
        """Let a sample be trained on."""
        return await self._post(f"/v1/learning/samples/{number}/accept", None, Sample)

    async def drop_sample(self, number: int) -> Sample:
        """Take a sample out."""
        return await self._post(f"/v1/learning/samples/{number}/drop", None, Sample)

    async def edit_sample(self, number: int, question: str, answer: str) -> Sample:
        """Change a sample and accept it."""
        edited = SampleEdit(question=question, answer=answer)
        return await self._post(f"/v1/learning/samples/{number}/edit", edited, Sample)

    async def learn_now(self) -> Run:
        """Make a run now."""
        return await self._post("/v1/learning/run", None, Run, VERY_LONG)

    async def pause_learning(self, paused: bool) -> LearningStatus:
        """Make no more runs by the clock, or make them again."""
        return await self._post(f"/v1/learning/{'pause' if paused else 'resume'}", None, LearningStatus)

    async def export_dataset(self, path: str) -> Dataset:
        """Write the accepted samples to a file of the backend's machine."""
        return await self._post("/v1/learning/export", DatasetRequest(path=path), Dataset)

    async def lesson(self, number: int) -> Lesson:
        """Return an interaction with the parts of its value."""
        return await self._get(f"/v1/learning/interactions/{number}", Lesson)

    async def judge(self, number: int, judgement: Judgement, correction: str = "") -> Lesson:
        """Judge an answer."""
        request = JudgeRequest(judgement=judgement, correction=correction)
        return await self._post(f"/v1/learning/interactions/{number}/judgement", request, Lesson)
