"""Confidence that is measured: fitted to judgements, never falling, tried on those held out, not claimed of too few."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import HandClock
from aistack_backend.learning.isotonic import error, fitted, mapped
from aistack_backend.learning.models import Interaction, Verdict
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.orchestration.routing.calibrated import ENOUGH, Calibrations
from aistack_backend.orchestration.routing.history import recent
from aistack_backend.orchestration.routing.stats import stats
from aistack_backend.store.database import Database
from aistack_backend.wire.routing import Route

from .ground import ask, both, saying, store

POINTS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)
SURE = ("Port 5432.",)


def judged(
    database: Database, points: list[tuple[float, bool]], model: str = "small", task_class: str = "lookup"
) -> None:
    """Have answers of a model judged, whose agreement and rightness are known."""
    telemetry = Telemetry(database, HandClock(), Redactor(b"k" * 32))
    for raw, right in points:
        one = Interaction(
            source="coordinator", query="q", answer="a", task_class=task_class, route="local", model=model,
            confidence=raw, agreement=raw, ok=True,
        )  # fmt: skip
        telemetry.judge(telemetry.record(one), Verdict.GOOD if right else Verdict.BAD, "operator:ann")


def overconfident(count: int, seed: int = 7) -> list[tuple[float, bool]]:
    """Return answers that agree more than they are right: of those that agree by x, x to the fourth are."""
    chance = random.Random(seed)
    raws = [round(chance.uniform(0.3, 1.0), 2) for _ in range(count)]
    return [(raw, chance.random() < raw**4) for raw in raws]


@given(points=POINTS, at=st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_the_map_never_falls_and_says_neither_0_nor_1_of_mixed_judgements(
    points: list[tuple[float, bool]], at: list[float]
) -> None:
    knots = fitted(points)
    said = [mapped(knots, raw) for raw in sorted(at)]
    assert all(a <= b + 1e-9 for a, b in pairwise(said))
    assert all(-1e-9 <= one <= 1 + 1e-9 for one in said)
    if len({right for _, right in points}) == 2:
        assert all(0 < one < 1 for one in said)


def test_a_generator_of_known_rightness_is_found_again() -> None:
    knots, fresh = fitted(overconfident(3_000)), overconfident(3_000, seed=8)
    for raw in (0.4, 0.6, 0.8, 0.95):
        assert abs(mapped(knots, raw) - raw**4) < 0.08, raw
    before, after = error(fresh), error(fresh, lambda raw: mapped(knots, raw))
    assert before is not None
    assert after is not None
    print(f"expected calibration error on 3,000 fresh ones: {before:.3f} before, {after:.3f} after")
    assert before > 0.2
    assert after < 0.05
    assert error([]) is None


def test_with_too_few_judgements_it_is_the_raw_number_and_says_so(database: Database) -> None:
    judged(database, overconfident(20))
    found = Calibrations(database, HandClock()).trust("small", "lookup", 0.9)
    assert (found.confidence, found.judgements) == (0.9, 0)
    assert 0 < found.there < ENOUGH


def test_each_model_and_kind_has_its_own_where_there_are_enough_else_what_is_pooled(database: Database) -> None:
    judged(database, [(0.9, True)] * 80 + [(0.9, False)] * 4)
    judged(database, [(0.9, False)] * 80 + [(0.9, True)] * 4, task_class="code")
    judged(database, [(0.9, False)] * 10, model="other")
    held = Calibrations(database, HandClock())
    lookup, code = held.trust("small", "lookup", 0.9), held.trust("small", "code", 0.9)
    assert (lookup.confidence > 0.85, lookup.of) == (True, "small, lookup")
    assert (code.confidence < 0.15, code.of) == (True, "small, code")
    model, every = held.trust("small", "explain", 0.9), held.trust("other", "lookup", 0.9)
    assert (0.3 < model.confidence < 0.7, model.of) == (True, "small")
    assert (every.of, every.confidence < model.confidence) == ("all models", True)


def test_it_is_kept_with_its_date_and_fitted_anew_after_a_judgement(database: Database) -> None:
    judged(database, overconfident(300))
    clock = HandClock()
    first = Calibrations(database, clock).fits()
    clock.advance(60)
    assert Calibrations(database, clock).fits() == first, "nothing was judged since: it is read, not made"
    assert [(one.model, one.task_class) for one in first] == [("", ""), ("small", ""), ("small", "lookup")]
    assert {one.judgements + one.held_out for one in first} == {300}
    for one in first:
        assert one.before is not None
        assert one.after is not None
        assert one.after < one.before
    judged(database, overconfident(60, seed=9))
    again = Calibrations(database, clock).fits()
    assert {one.judgements + one.held_out for one in again} == {360}
    assert again[0].at == first[0].at + 60


async def test_answers_that_agree_and_were_often_wrong_are_sent_on(tmp_path: Path) -> None:
    database = store(tmp_path)
    async with both(database, saying(*SURE), saying("5432")) as (held, _, _):
        said = await ask(held, "What is the port?")
        assert (said.route, said.confidence, said.agreement, said.judgements) == (Route.LOCAL, 1.0, 1.0, 0)
        assert f"agree by 1.00, which is enough (not calibrated: 0 of {ENOUGH} judged)" in said.reason
        judged(database, [(1.0, number % 4 == 0) for number in range(80)])
        said = await ask(held, "What is the port?")
        assert (said.route, said.answer, said.confidence) == (Route.REMOTE, "5432", None)
        assert "agree by 1.00: confidence 0.2" in said.reason
        assert "judged (small, lookup), less than the 0.70 that are asked for" in said.reason
        judged(database, [(1.0, True)] * 900)
        said = await ask(held, "What is the port?")
        assert said.route is Route.LOCAL
        assert said.confidence is not None
        assert 0.8 < said.confidence < 1.0
        (newest, *_) = recent(held.rooms.telemetry).routes
        assert (newest.confidence, newest.agreement, newest.judgements) == (said.confidence, 1.0, said.judgements)
        assert stats(database, 0.0, held.rooms.ways.calibrations.fits()).calibrations[0].judgements > ENOUGH
    database.close()
