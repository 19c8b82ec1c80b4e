"""The policy of self-heal: every number of R5.6, and simulated hours in which nothing of it is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backend.heal.oracle import Oracle
from tests.backend.heal.simulation import Simulation

from aistack_backend.containers.stack.models import HealDecl
from aistack_backend.observe.heal.models import Decision, Mood, Patient, Track
from aistack_backend.observe.heal.policy import decide, wait
from aistack_backend.store.database import Database

PLAIN: Callable[[], float] = lambda: 0.0  # noqa: E731


def failed(ident: str = "web", **more: object) -> Patient:
    return Patient(**{"id": ident, "mood": Mood.FAILED, **more})  # type: ignore[arg-type]


def test_waits_double_to_300_with_a_fifth_of_jitter() -> None:
    waits = [wait(failed(), level, PLAIN) for level in range(8)]
    assert waits == [10, 20, 40, 80, 160, 300, 300, 300]
    assert (wait(failed(), 0, lambda: 1.0), wait(failed(), 5, lambda: -1.0)) == (12.0, 240.0)


def crash_loop(seconds: int, patient: Patient) -> tuple[list[int], list[int], Track]:
    """Run a service that no restart helps, a look each second."""
    tracks: dict[str, Track] = {}
    tried, gave_up = [], []
    for now in range(seconds):
        decision = decide({"web": patient}, tracks, float(now), PLAIN)
        tracks = dict(decision.tracks)
        tried += [now] * len(decision.restart)
        gave_up += [now] * len(decision.give_up)
    return tried, gave_up, tracks["web"]


def test_a_crash_loop_is_given_up_after_five_restarts() -> None:
    tried, gave_up, track = crash_loop(3600, failed())
    assert tried == [10, 30, 70, 150, 310]
    assert gave_up == [370]
    assert track.given_up == "5 restarts in 10 min did not help"


def test_health_for_ten_minutes_forgets_all() -> None:
    tracks = {"web": Track(level=4, tries=(90.0,), given_up="5 restarts in 10 min did not help")}
    well = Patient(id="web", mood=Mood.WELL)
    for now in (100.0, 400.0, 699.0):
        tracks = dict(decide({"web": well}, tracks, now, PLAIN).tracks)
        assert tracks["web"].given_up
    assert decide({"web": well}, tracks, 700.0, PLAIN).tracks["web"].blank


def test_parents_come_first_and_symptoms_are_left_alone() -> None:
    both = {"db": failed("db"), "api": failed("api", needs=("db",)), "web": failed("web", needs=("api",))}
    tracks = dict(decide(both, {}, 0.0, PLAIN).tracks)
    decision = decide(both, tracks, 100.0, PLAIN)
    assert decision.restart == ("db",)
    assert decision.waits_for == {"api": "db", "web": "api"}
    named = {"api": failed("api", root_cause="disk")}
    tracks = dict(decide(named, {}, 0.0, PLAIN).tracks)
    assert decide(named, tracks, 1000.0, PLAIN).restart == ()


@pytest.mark.parametrize("needed", [mood for mood in Mood if mood is not Mood.WELL])
def test_nothing_is_restarted_on_a_dependency_that_is_not_well(needed: Mood) -> None:
    pair = {"db": Patient(id="db", mood=needed, exists=False), "api": failed("api", needs=("db",))}
    tracks = dict(decide(pair, {}, 0.0, PLAIN).tracks)
    assert decide(pair, tracks, 1000.0, PLAIN).restart == ()


def test_a_fault_that_only_one_look_found_restarts_nothing_yet() -> None:
    tracks = dict(decide({"web": failed(confirmed=False)}, {}, 0.0, PLAIN).tracks)
    once = decide({"web": failed(confirmed=False)}, tracks, 30.0, PLAIN)
    assert once.restart == ()
    assert decide({"web": failed()}, once.tracks, 31.0, PLAIN).restart == ("web",)
    well = decide({"web": Patient(id="web", mood=Mood.WELL)}, once.tracks, 31.0, PLAIN)
    assert well.tracks["web"].blank, "a probe that failed once is forgotten with the next one that passes"


def test_at_most_three_at_once() -> None:
    many = {f"s{number}": failed(f"s{number}") for number in range(7)}
    tracks = dict(decide(many, {}, 0.0, PLAIN).tracks)
    first = decide(many, tracks, 11.0, PLAIN)
    assert len(first.restart) == 3
    assert decide(many, first.tracks, 12.0, PLAIN).restart == ()


@pytest.mark.parametrize(
    "more",
    [{"held": True}, {"stopped_by_operator": True}, {"exists": False}, {"heal": HealDecl(restart=False)}],
)
def test_what_must_not_be_touched_is_not(more: dict[str, object]) -> None:
    tracks: dict[str, Track] = {}
    for now in range(0, 4000, 7):
        decision = decide({"web": failed(**more)}, tracks, float(now), PLAIN)
        tracks = dict(decision.tracks)
        assert decision.restart == decision.give_up == ()


def test_maintenance_stops_everything() -> None:
    tracks: dict[str, Track] = {"web": Track(due=1.0)}
    assert decide({"web": failed()}, tracks, 50.0, PLAIN, hold=True).restart == ()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Where self-heal keeps what it remembers from one life to the next."""
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('heal')}/aistack.db")
    yield made
    made.close()


def hours(seed: int, length: float, kept: Database) -> Oracle:
    oracle = Simulation(seed, kept).run(length)
    assert not oracle.broken, (seed, oracle.broken[:5])
    return oracle


@settings(max_examples=8, derandomize=True, deadline=None, database=None)
@given(seed=st.integers(0, 2**32))
def test_simulated_hours_hold_every_promise(seed: int, kept: Database) -> None:
    hours(seed, 2.0, kept)


def test_the_simulation_does_restart_and_give_up(kept: Database) -> None:
    seen = [hours(seed, 8.0, kept) for seed in range(4)]
    assert sum(one.restarts for one in seen) > 40
    assert sum(one.asked for one in seen) > 1


def storm(patient: Patient, row: int) -> Decision:
    """Restart at once, whatever was before."""
    return Decision(restart=(patient.id,), tracks={patient.id: Track(level=row)})


def test_the_oracle_sees_what_is_not_kept() -> None:
    """It would be worth nothing if it let everything through."""
    oracle = Oracle()
    for second in range(7):
        oracle.watch(float(second), {"web": failed()}, storm(failed(), second), hold=False)
    assert any("tried again after 1 s instead of 16" in one for one in oracle.broken)
    assert any("6 restarts in 600 s" in one for one in oracle.broken)
    pair = {"db": failed("db"), "api": failed("api", needs=("db",), held=True)}
    oracle = Oracle()
    oracle.watch(0.0, pair, storm(pair["api"], 0), hold=True)
    assert [one.partition(": ")[2] for one in oracle.broken] == [
        "touched what is held, stopped or resting",
        "restarted before db, which it needs",
    ]
    oracle = Oracle()
    many = {f"s{number}": failed(f"s{number}") for number in range(4)}
    oracle.watch(1000.0, many, Decision(restart=tuple(many), give_up=("s0",)), hold=False)
    assert {one.partition(": ")[2] for one in oracle.broken} == {"more than three at once", "asked after 1 restarts"}
    for second in range(1000, 2200, 5):
        oracle.watch(float(second), {"web": failed()}, Decision(), hold=False)
    assert "nothing was done" in oracle.broken[-1]


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(4))
def test_ten_thousand_hours(part: int, kept: Database, capsys: pytest.CaptureFixture[str]) -> None:
    restarts = asked = 0
    for seed in range(part * 250, (part + 1) * 250):
        seen = hours(seed, 10.0, kept)
        restarts, asked = restarts + seen.restarts, asked + seen.asked
    with capsys.disabled():
        print(f"\n  R5.6: 2,500 simulated hours, {restarts} restarts, asked {asked} times, no promise broken", end="")
