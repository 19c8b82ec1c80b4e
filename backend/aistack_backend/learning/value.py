"""What an interaction is worth to learning, with the parts that make it (ADR 0034).

::

    value = 0.4 outcome + 0.2 feedback + 0.2 reusability + 0.1 complexity + 0.1 novelty

Each part is from 0 to 1 and is measured:

- outcome: 1 = it ended well, or a person said what would be right; 0 = it failed;
- feedback: 1 = judged good, or corrected (then the correction is what is learned); 0 = judged bad;
- reusability: how many others asked the same, divided by 2, at most 1;
- complexity: the words of question and answer, divided by 200, at most 1;
- novelty: 1 less the likeness to the nearest pattern that was there before; 1 = there was none.

A part that is not known is None. An interaction that has not ended, or that nobody judged, has no value at all, and
nothing is learned from it: not judged is not half good.
"""

from __future__ import annotations

from aistack_backend.learning.models import Told, Verdict
from aistack_backend.learning.words import key
from aistack_backend.wire.learning import Parts

WEIGHTS = {"outcome": 0.4, "feedback": 0.2, "reusability": 0.2, "complexity": 0.1, "novelty": 0.1}
ENOUGH = 0.65
"""From which value on something is learned: what went well, and is new or was asked more than once."""
OFTEN = 2
"""So many others that asked the same make it fully reusable."""
LONG = 200
"""So many words make it fully complex."""


DOOR = "role:"
"""Begins the name of who judged through a role's door, where anybody may."""


def right(one: Told) -> str:
    """Return the answer that is known to be right: the correction, or what was judged good; empty = not known.

    A correction through a role's door is counted as a bad judgement and not taken over: whoever reaches the port could
    otherwise put words into what others are answered.
    """
    if one.verdict is Verdict.CORRECTED:
        return "" if one.judged_by.startswith(DOOR) else one.correction
    return one.interaction.answer if one.verdict is Verdict.GOOD else ""


def scored(one: Told, others: int, nearest: float | None) -> Parts:
    """Return the value of an interaction and its parts.

    Args:
        one: The interaction as it lies in the table.
        others: How many other interactions asked the same.
        nearest: Likeness to the nearest pattern that was there before; None = there was none.
    """
    ok, verdict = one.interaction.ok, one.verdict
    outcome = None if ok is None else float(ok or verdict is Verdict.CORRECTED)
    length = len(key(one.interaction.query).split()) + len(key(right(one) or one.interaction.answer).split())
    known = {
        "outcome": outcome,
        "feedback": None if verdict is None else float(verdict is not Verdict.BAD),
        "reusability": min(1.0, others / OFTEN),
        "complexity": min(1.0, length / LONG),
        "novelty": 1.0 if nearest is None else min(1.0, max(0.0, 1 - nearest)),
    }
    if known["outcome"] is None or known["feedback"] is None:
        return Parts(**known)
    total = sum(weight * (known[name] or 0.0) for name, weight in WEIGHTS.items())
    return Parts(**known, value=round(total, 4))
