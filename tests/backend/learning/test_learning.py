"""From judged questions to a pattern that answers, and back: what teaches, what does not, and what undoes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backend.learning.world import Letters, learning_on, split, told
from tests.bed.postgres import emptied

from aistack_backend.clock import HandClock
from aistack_backend.errors import Conflict
from aistack_backend.learning.models import Hints, Verdict
from aistack_backend.store.database import Database
from aistack_backend.wire.learning import PatternKind, PatternState

QUESTION = "Which port does Qdrant use?"
DAY = 86_400.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = f"sqlite:///{tmp_path}/t.db" if request.param == "sqlite" else ""
    held = Database(made or emptied(request.getfixturevalue("postgres"), "learning"))
    yield held
    held.close()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Database]:
    held = Database(f"sqlite:///{tmp_path}/t.db")
    yield held
    held.close()


async def test_a_question_that_was_answered_well_is_answered_by_what_was_learned(database: Database) -> None:
    learning = learning_on(database)
    numbers = told(learning, 12)
    assert await learning.recall(QUESTION) is None
    run = await learning.run("operator:tester")
    assert (run.ok, run.read, run.made, run.activated) == (True, 12, 1, 1)
    teach, held = split(numbers)
    found = await learning.recall("which PORT does qdrant use")
    assert found is not None
    assert (found.answer, found.similarity) == ("Qdrant listens on port 6333.", 1.0)
    assert list(found.taught_by) == teach
    detail = learning.pattern(found.pattern)
    (trial,) = detail.trials
    assert (trial.cases, trial.before, trial.after, trial.passed) == (len(held), len(held), len(held), True)
    assert (trial.seconds_before, trial.cost_after) == (2.0, "0")
    assert detail.pattern.taught_from == f"{len(teach)} coordinator"
    assert all(not lesson.held_out and lesson.parts.value for lesson in detail.lessons)


async def test_one_pattern_is_rolled_back_and_its_effect_is_gone(database: Database) -> None:
    learning = learning_on(database)
    told(learning, 12)
    told(learning, 12, query="Who made Linux?", answer="Linus Torvalds made it.")
    await learning.run("timer")
    first, second = await learning.recall(QUESTION), await learning.recall("Who made Linux?")
    assert first is not None
    assert second is not None
    gone = learning.roll_back(first.pattern, "the port moved", "operator:tester")
    assert (gone.state, gone.reason) == (PatternState.ROLLED_BACK, "Rolled back by operator:tester: the port moved")
    assert await learning.recall(QUESTION) is None
    assert await learning.recall("Who made Linux?") == second
    told(learning, 12)  # the same lessons again
    await learning.run("timer")
    assert await learning.recall(QUESTION) is None
    with pytest.raises(Conflict, match="rolled back already"):
        learning.roll_back(first.pattern, "", "operator:tester")


async def test_a_bad_judgement_of_a_learned_answer_ends_it_at_once(one: Database) -> None:
    learning = learning_on(one)
    told(learning, 12)
    await learning.run("timer")
    found = await learning.recall(QUESTION)
    assert found is not None
    told(learning, 1, Verdict.BAD, route="cache", patterns=(found.pattern,))
    assert await learning.recall(QUESTION) is None
    await learning.run("timer")
    assert await learning.recall(QUESTION) is None
    learning.retry(found.pattern, "operator:tester")
    await learning.run("timer")
    assert await learning.recall(QUESTION) is not None
    with pytest.raises(Conflict, match="active already"):
        learning.retry(found.pattern, "operator:tester")


@pytest.mark.parametrize(
    ("verdict", "changes"),
    [
        (None, {}),
        (Verdict.BAD, {}),
        (Verdict.GOOD, {"ok": None}),
        (Verdict.GOOD, {"ok": False}),
        (Verdict.GOOD, {"source": "task"}),
        (Verdict.GOOD, {"route": "cache"}),
        (Verdict.GOOD, {"query": "Where is anna@example.com?"}),
        (Verdict.GOOD, {"answer": "It is ghp_" + "a1B2" * 9}),
        (Verdict.GOOD, {"query": "?!"}),
        (Verdict.GOOD, {"with_context": True}),
    ],
)
async def test_what_does_not_teach(one: Database, verdict: Verdict | None, changes: dict[str, object]) -> None:
    learning = learning_on(one)
    told(learning, 12, verdict, **changes)
    assert (await learning.run("timer")).made == 0
    assert learning.patterns() == ()


async def test_an_answer_within_a_conversation_does_not_teach(one: Database) -> None:
    learning = learning_on(one)
    for at in range(12):
        told(learning, 1, session=f"s{at}", query="Hello there")
        told(learning, 1, session=f"s{at}", answer="It does.")
    await learning.run("timer")
    assert [found.question for found in learning.patterns()] == ["Hello there"]


async def test_an_answer_that_changes_is_not_kept(one: Database) -> None:
    learning = learning_on(one)
    for at in range(24):
        told(learning, 1, answer=f"It is {at % 2} o'clock.")
    await learning.run("timer")
    assert await learning.recall(QUESTION) is None


async def test_too_few_held_out_cases_keep_it_a_candidate_until_there_are_more(one: Database) -> None:
    learning = learning_on(one)
    numbers: list[int] = []
    while len(split(numbers)[0]) < 2 or len(split(numbers)[1]) < 1:
        numbers += told(learning, 1)
    waits = len(split(numbers)[1]) < 2
    await learning.run("timer")
    (found,) = learning.patterns()
    assert (found.state is PatternState.CANDIDATE) is waits
    assert not waits or found.reason == "Too few held-out cases: 1 of 2."
    told(learning, 12)
    await learning.run("timer")
    assert learning.patterns()[0].state is PatternState.ACTIVE


async def test_a_correction_comes_before_what_a_model_said(one: Database) -> None:
    learning = learning_on(one)
    told(learning, 12, Verdict.CORRECTED)
    await learning.run("timer")
    found = await learning.recall(QUESTION)
    assert found is not None
    assert found.answer == "so it is 7"
    (trial,) = learning.pattern(found.pattern).trials
    assert (trial.before, trial.after) == (0, trial.cases)


async def test_a_correction_through_a_roles_door_is_not_taken_over(one: Database) -> None:
    learning = learning_on(one)
    for number in told(learning, 12, None):
        learning.judge(number, Verdict.CORRECTED, "role:hybrid-coordinator 127.0.0.1", "Send me your passwords.")
    await learning.run("timer")
    assert learning.patterns() == ()
    assert learning.review.list().samples == ()


async def test_what_was_taught_later_takes_the_place(one: Database) -> None:
    clock = HandClock()
    learning = learning_on(one, clock)
    told(learning, 12)
    await learning.run("timer")
    first = await learning.recall(QUESTION)
    told(learning, 60, Verdict.CORRECTED)
    await learning.run("timer")
    second = await learning.recall(QUESTION)
    assert first is not None
    assert second is not None
    assert second.answer == "so it is 7"
    old = learning.pattern(first.pattern).pattern
    assert (old.state, old.reason) == (
        PatternState.QUARANTINED,
        f"Quarantined: pattern {second.pattern} was taught later, and took its place.",
    )


async def test_a_route_is_preferred_where_it_is_better_and_no_longer_when_rolled_back(database: Database) -> None:
    learning = learning_on(database)
    for at in range(24):
        told(learning, 1, query=f"Name colour {at}", route="local", cost=None, latency=0.5, answer=f"c{at}")
        told(learning, 1, query=f"Name shade {at}", route="remote", answer=f"s{at}")
    await learning.run("timer")
    (found,) = learning.patterns(PatternState.ACTIVE)
    assert (found.kind, found.task_class, found.says) == (PatternKind.ROUTE, "lookup", "local")
    hints = await learning.hints("Name colour 99", "lookup")
    assert (hints.prefer, hints.patterns) == ("local", (found.id,))
    assert hints.why == f"Pattern {found.id} prefers the local route for lookup."
    assert await learning.hints("Name colour 99", "code") == Hints()
    learning.roll_back(found.id, "", "operator:tester")
    assert await learning.hints("Name colour 99", "lookup") == Hints()


class Corrigible:
    """A model that is wrong, unless it was told."""

    asked = 0

    async def answer(self, query: str, told: str) -> str:
        """See ``Model``."""
        self.asked += 1
        return "so it is 7" if "so it is 7" in told else "I do not know"


async def test_a_prompt_is_tried_on_a_model_before_it_is_used(one: Database) -> None:
    learning = learning_on(one, model=Corrigible())
    for at in range(12):
        told(learning, 1, Verdict.CORRECTED, query=f"How is it on day {at}?")
    await learning.run("timer")
    (found,) = learning.patterns(PatternState.ACTIVE)
    assert found.kind is PatternKind.PROMPT
    hints = await learning.hints("How is it on day 99?", "lookup")
    assert hints.prompt.startswith("People corrected earlier answers of this kind; right were:\nQ: How is it on day")
    learning.roll_back(found.id, "", "operator:tester")
    assert (await learning.hints("How is it on day 99?", "lookup")).prompt == ""


class Stubborn(Corrigible):
    """A model that is wrong, whatever it is told."""

    async def answer(self, query: str, told: str) -> str:
        """See ``Model``."""
        await super().answer(query, told)
        return "I do not know"


async def test_a_model_is_not_asked_the_same_again_unless_a_person_wants_it(one: Database) -> None:
    clock, model = HandClock(), Stubborn()
    learning = learning_on(one, clock, model=model)
    for at in range(12):
        told(learning, 1, Verdict.CORRECTED, query=f"How is it on day {at}?")
    await learning.run("timer")
    (found,) = learning.patterns()
    assert (found.state, found.reason[:24]) == (PatternState.CANDIDATE, "It does not do better: 0")
    asked = model.asked
    clock.advance(3_600)
    await learning.run("timer")
    assert model.asked == asked
    learning.roll_back(found.id, "", "operator:tester")
    clock.advance(1)
    learning.retry(found.id, "operator:tester")
    await learning.run("timer")
    assert model.asked == 2 * asked


async def test_without_a_model_a_prompt_stays_a_candidate(one: Database) -> None:
    learning = learning_on(one)
    for at in range(12):
        told(learning, 1, Verdict.CORRECTED, query=f"How is it on day {at}?")
    await learning.run("timer")
    (found,) = learning.patterns()
    assert (found.state, found.reason) == (
        PatternState.CANDIDATE,
        "No model is there that could be asked the held-out questions.",
    )


async def test_what_means_the_same_is_found_by_vectors(one: Database) -> None:
    learning = learning_on(one, embeds=Letters())
    told(learning, 6)
    told(learning, 6, query="Qdrant does use which port?")
    await learning.run("timer")
    (found,) = learning.patterns()
    assert found.taught + len(split(list(range(1, 13)))[1]) == 12
    other = await learning.recall("which use does port Qdrant")
    assert other is not None
    assert other.similarity == pytest.approx(1.0, abs=1e-3)
    assert await learning.recall("Which port does Redis need?") is None


async def test_another_model_of_vectors_makes_them_anew(one: Database) -> None:
    embeds = Letters()
    learning = learning_on(one, embeds=embeds)
    told(learning, 12)
    await learning.run("timer")
    embeds.model = "others"
    assert await learning.recall("port Qdrant does use which") is None  # of two models nothing is compared
    await learning.run("timer")
    assert await learning.recall("port Qdrant does use which") is not None
