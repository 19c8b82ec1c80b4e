"""What is remembered between two looks: well in this run or not, and what was new when it went bad."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import reduce

import pytest
from tests.backend.ladder.made import NOW, container, ending, measured

from aistack_backend.containers.ladder.facts import Facts, Measured
from aistack_backend.containers.ladder.past import JUST, Past
from aistack_backend.containers.stack.spec import CONFIG
from aistack_backend.wire.containers import Container
from aistack_backend.wire.stack import Rung, RungName, RungState

WEB = container("web")
AWAY = Measured(rungs=(Rung(name=RungName.PRESENT, state=RungState.UNKNOWN, at=NOW),), facts=Facts(at=NOW, known=False))


def look(fails: RungName | None = None, box: Container = WEB, run: str = "1", **more: object) -> Measured:
    return measured(fails, box=box, run=run, **more)  # type: ignore[arg-type]


def past(*looks: Measured) -> Past:
    return reduce(Past.then, looks, Past())


def test_well_is_what_every_rung_held_for_once_in_this_run() -> None:
    assert not past().well
    assert not past(look(RungName.USEFUL)).well
    assert past(look(RungName.USEFUL), look()).well
    assert past(look(), look(RungName.READY), look(RungName.LISTENING, state=RungState.UNKNOWN)).well


@pytest.mark.parametrize("again", [("1", replace(WEB, id="new")), ("2", WEB)], ids=["made anew", "restarted"])
def test_a_new_run_was_never_well(again: tuple[str, Container]) -> None:
    run, box = again
    assert not past(look(), look(RungName.READY, box, run)).well
    assert past(look(), look(RungName.READY, box, run), look(box=box, run=run)).well


def test_a_crash_belongs_to_the_run_that_was_well_and_the_next_start_does_not() -> None:
    crashed = look(RungName.RUNNING, ending=ending())
    assert past(look(), crashed).well
    assert not past(look(), crashed, look(RungName.LISTENING, run="2")).well


@pytest.mark.parametrize("nothing", [AWAY, measured(RungName.PRESENT)], ids=["no Podman", "no container"])
def test_a_look_that_finds_no_container_forgets_nothing(nothing: Measured) -> None:
    assert past(look(), nothing).well


START = NOW - 60
CLOCK = time.strftime("%H:%M", time.localtime(START))
NEW = replace(WEB, id="new", started_at=START)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (NEW, "made anew"),
        (replace(WEB, started_at=START), "restarted"),
        (replace(NEW, image_id="c3d4" * 16), "image iiiiiiiiiiii → c3d4c3d4c3d4"),
        (replace(NEW, labels={CONFIG: "b"}), "configuration"),
        (replace(NEW, labels={CONFIG: "b"}, image_id="c3d4"), "image iiiiiiiiiiii → c3d4, configuration"),
    ],
)
def test_what_is_new_since_the_last_run_that_was_well(now: Container, words: str) -> None:
    found = past(look(), look(RungName.READY, now, "2"))
    assert found.changed(NOW) == f"{words} at {CLOCK}"
    assert found.changed(START + JUST + 1) == "", "an hour later it did not come just before"


def test_a_restart_hides_no_other_image() -> None:
    other = replace(NEW, image_id="c3d4")
    found = past(look(), look(RungName.READY, other, "2"), look(RungName.READY, other, "3"))
    assert found.changed(NOW) == f"image iiiiiiiiiiii → c3d4 at {CLOCK}"


def test_nothing_is_new_without_an_earlier_run_that_was_well() -> None:
    assert past(look(RungName.READY)).changed(NOW) == ""
    assert past(look(RungName.READY), look(RungName.READY, NEW, "2")).changed(NOW) == ""
    assert past(look(), look(RungName.READY)).changed(NOW) == ""
    assert Past().changed(NOW) == ""
