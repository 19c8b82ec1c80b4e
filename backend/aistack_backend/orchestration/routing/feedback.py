"""How an answer was, in the forms in which people and programs say it."""

from __future__ import annotations

from aistack_backend.errors import BadInput
from aistack_backend.learning.models import Verdict
from aistack_backend.wire.routing import FeedbackRequest

_OUTCOMES = {"success": Verdict.GOOD, "failure": Verdict.BAD}


def verdict(said: FeedbackRequest) -> Verdict:
    """Return the judgement that a feedback is.

    Raises:
        BadInput: it judges nothing, or says two things that disagree; the sentence says what is known.
    """
    found = {one for one in (_worded(said.verdict), _outcome(said.outcome), _number(said.user_feedback)) if one}
    if said.correction.strip():
        if Verdict.GOOD in found:
            raise BadInput("A good answer has no correction.", "Leave one of the two out.")
        return Verdict.CORRECTED
    if not found:
        raise BadInput("Nothing was judged.", "Say a verdict, an outcome, a user_feedback but 0, or a correction.")
    if len(found) > 1:
        raise BadInput(f"It says {' and '.join(sorted(found))} at once.", "Say one of them.")
    return found.pop()


def _worded(text: str) -> Verdict | None:
    if text and text not in tuple(Verdict):
        raise BadInput(f"{text[:40]!r} is no verdict.", "Say good, bad or corrected.")
    return Verdict(text) if text else None


def _outcome(text: str) -> Verdict | None:
    if text and text not in _OUTCOMES:
        raise BadInput(f"{text[:40]!r} is no outcome that judges.", "Say success or failure.")
    return _OUTCOMES[text] if text else None


def _number(value: float | None) -> Verdict | None:
    if value is None or value == 0:
        return None
    if not -1 <= value <= 1:
        raise BadInput("user_feedback is a number from -1 to 1.")
    return Verdict.GOOD if value > 0 else Verdict.BAD
