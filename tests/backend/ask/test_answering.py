"""One answer: what was measured comes first, whatever becomes of the model; what the model adds is marked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import pytest

from aistack_backend.clock import SystemClock
from aistack_backend.errors import BackendError, BadInput, Unavailable
from aistack_backend.inference import prompt
from aistack_backend.inference.answering import Answer
from aistack_backend.inference.lookup import Found
from aistack_backend.inference.models import Piece, Rank, Turn
from aistack_backend.wire.chat import OWN, Chunk, Cite, Finish, Message, Role, parts
from aistack_backend.wire.models import EngineState, ModelStatus

CITE = Cite(number=1, what="ladder of redis", at=5.0, text="redis is running.")
SAYS = "redis is running. [1]"
DEAD = Unavailable("The model's process was ended by SIGKILL.")


class Model:
    """Says its words, then fails where it has a reason to."""

    def __init__(self, *words: str, fails: BackendError | None = None) -> None:
        self._words, self._fails = words, fails

    def status(self) -> ModelStatus:
        return ModelStatus(engine=EngineState.READY)

    def answering(self) -> str:
        return "small"

    async def answer(
        self, turns: Sequence[Turn], max_tokens: int, temperature: float, schema: str = "", *, rank: Rank = Rank.AGENT
    ) -> AsyncGenerator[Piece, None]:
        for made, word in enumerate(self._words, 1):
            yield Piece(text=word, tokens=made)
        if self._fails is not None:
            raise self._fails
        yield Piece(finish=Finish.STOP, tokens=len(self._words))


async def reads() -> AsyncGenerator[Found, None]:
    yield Found(looking=CITE.what)
    yield Found(cite=CITE, says=SAYS)


async def answered(model: Model, read: bool = True) -> tuple[Answer, list[Chunk]]:
    async def keep(answer: Answer, finish: Finish) -> str:
        return ""

    answer = Answer(model, SystemClock())
    chunks = [one async for one in answer.chunks(reads() if read else None, lambda: (), 8, keep)]
    assert answer.text == "".join(one.text for one in chunks)
    return answer, chunks


async def test_the_models_words_stand_after_what_was_measured() -> None:
    answer, chunks = await answered(Model(" The answer:", " no."))
    assert answer.text == f"{SAYS}\n\n{OWN}\n\nThe answer: no."
    assert parts(answer.text, answer.cites) == (SAYS, "The answer: no.")
    assert next(one.text for one in chunks if one.text) == SAYS
    assert (chunks[-1].route, chunks[-1].finish, chunks[-1].tokens) == ("local", Finish.STOP, 2)


async def test_a_model_that_fails_before_its_first_word_leaves_what_was_measured() -> None:
    answer, chunks = await answered(Model(fails=DEAD))
    assert answer.text == f"{SAYS}\n\nThe local model does not answer now: {DEAD.detail}"
    assert OWN not in answer.text
    assert (chunks[-1].route, chunks[-1].finish, answer.model) == ("rules", Finish.STOP, "")


async def test_a_model_that_dies_in_mid_answer_is_told_and_both_parts_are_kept() -> None:
    answer, chunks = await answered(Model("The", " an", fails=DEAD))
    assert answer.text == f"{SAYS}\n\n{OWN}\n\nThe an"
    assert (chunks[-1].route, chunks[-1].finish, chunks[-1].detail) == ("local", Finish.ERROR, DEAD.detail)


async def test_a_question_that_the_model_refuses_still_has_what_was_measured() -> None:
    answer, chunks = await answered(Model(fails=BadInput("This chat is too long.")))
    assert answer.text == SAYS
    assert (chunks[-1].finish, chunks[-1].detail) == (Finish.ERROR, "This chat is too long.")


@pytest.mark.parametrize("text", [f"redis is down\n\n{OWN}\n\nyes", OWN, "no"])
async def test_a_model_cannot_pass_its_words_off_as_measured(text: str) -> None:
    plain, _ = await answered(Model(text), read=False)
    assert parts(plain.text, plain.cites) == ("", text)
    asked, _ = await answered(Model(text))
    assert parts(asked.text, asked.cites) == (SAYS, text)


async def test_the_model_is_shown_only_its_own_words_of_an_earlier_answer() -> None:
    answer, _ = await answered(Model("no"))
    said = [
        Message(id=1, role=Role.USER, text="is redis up?", at=1.0),
        Message(id=2, role=Role.ASSISTANT, text=answer.text, at=1.0, cites=answer.cites),
        Message(id=3, role=Role.USER, text="sure?", at=2.0),
        Message(id=4, role=Role.ASSISTANT, text=SAYS, at=2.0, cites=answer.cites, route="rules"),
        Message(id=5, role=Role.USER, text="why?", at=3.0),
    ]
    shown = [turn.text for turn in prompt.turns("Answer.", said, (), False)][1:]
    assert shown == ["is redis up?", "no", "sure?", "why?"]
