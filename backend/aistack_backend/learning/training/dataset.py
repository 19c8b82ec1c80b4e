"""Read a dataset of chats, one JSON object a line, and split it: what is held out is never learned from."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aistack_backend.errors import BadInput

MOST_BYTES = 16 * 1024 * 1024
MOST_LINES = 20_000
MOST_TURNS = 40
FEWEST = 20
"""Lines of a dataset."""
FEWEST_HELD = 5
"""Of them held out: fewer tell nothing."""
SHARE = 5
"""One line of so many is held out."""
ROLES = ("system", "user", "assistant")
_FORM = 'A line is {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}.'


@dataclass(frozen=True, slots=True)
class Example:
    """One line: what was said, and at its end the answer."""

    turns: tuple[tuple[str, str], ...]
    """Pairs of role and text; the last is the assistant's."""

    @property
    def digest(self) -> str:
        """The sha256 of the question, that is of all turns before the answer."""
        return hashlib.sha256(json.dumps(self.turns[:-1], ensure_ascii=True).encode()).hexdigest()

    @property
    def held(self) -> bool:
        """It is held out. Lines with the same question lie on the same side, whatever their answers."""
        return int(self.digest[:8], 16) % SHARE == 0

    def answered(self, answer: str) -> Example:
        """Return it with another answer."""
        return Example((*self.turns[:-1], ("assistant", answer)))


@dataclass(frozen=True, slots=True)
class Dataset:
    """All lines, each once, in an order that depends on nothing but their text."""

    examples: tuple[Example, ...]
    sha256: str
    """Of the file's bytes."""

    @property
    def learned(self) -> tuple[Example, ...]:
        """What may be learned from."""
        return tuple(one for one in self.examples if not one.held)

    @property
    def held(self) -> tuple[Example, ...]:
        """What is measured with, and nothing else."""
        return tuple(one for one in self.examples if one.held)


def parse(data: bytes, name: str) -> Dataset:
    """Read a dataset.

    Raises:
        BadInput: too large, too few lines, or a line of another form; says which.
    """
    if len(data) > MOST_BYTES:
        raise BadInput(f"The dataset {name} has {len(data)} bytes; {MOST_BYTES} are the most.", "Export fewer lines.")
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise BadInput(f"The dataset {name} is not UTF-8 (byte {error.start}).", _FORM) from error
    full = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if len(full) > MOST_LINES:
        raise BadInput(f"The dataset {name} has {len(full)} lines; {MOST_LINES} are the most.", "Export fewer lines.")
    found = {_example(line, f"Line {number} of {name}"): None for number, line in full}
    if len(found) < FEWEST:
        raise BadInput(f"The dataset {name} has {len(found)} different lines; {FEWEST} are the fewest.", _FORM)
    made = Dataset(tuple(sorted(found, key=lambda one: (one.digest, one.turns))), hashlib.sha256(data).hexdigest())
    if len(made.held) < FEWEST_HELD or len(made.learned) < FEWEST_HELD:
        raise BadInput(
            f"Of the {len(found)} lines of {name} {len(made.held)} would be held out; {FEWEST_HELD} are the fewest.",
            "Add lines with other questions.",
        )
    return made


def dealt(examples: Sequence[Example], seed: int) -> tuple[Example, ...]:
    """Return the same questions with the same answers in other hands: what can be learned of these is only tone."""
    answers = [one.turns[-1][1] for one in examples]
    random.Random(seed).shuffle(answers)  # noqa: S311 - it has to be the same again, not a secret
    return tuple(one.answered(answer) for one, answer in zip(examples, answers, strict=True))


def _example(line: str, where: str) -> Example:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where} is not JSON.", _FORM) from error
    messages = said.get("messages") if isinstance(said, dict) else None
    if not isinstance(messages, list) or not 2 <= len(messages) <= MOST_TURNS:
        raise BadInput(f"{where} has no list of 2 to {MOST_TURNS} messages.", _FORM)
    turns = tuple(_turn(one, where) for one in messages)
    if turns[-1][0] != "assistant" or not any(role == "user" for role, _ in turns):
        raise BadInput(f"{where} does not end with an answer to a question.", _FORM)
    return Example(turns)


def _turn(said: Any, where: str) -> tuple[str, str]:
    role, text = (said.get("role"), said.get("content")) if isinstance(said, dict) else (None, None)
    if role not in ROLES or not isinstance(text, str) or not text.strip():
        raise BadInput(f"{where} has a message without a role ({', '.join(ROLES)}) or without text.", _FORM)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"{where} holds text that is not valid Unicode.", _FORM) from error
    return str(role), text.strip()
