"""The Learning screen: what it shows at both sizes, each key, and its words for what is empty or unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.learning_scene import ANSWER, PATTERNS, RUNS, STATUS, learned, trend
from tests.console.shell import Shell
from tests.console.stage import NOW, stage, until

from aistack_backend.wire.events import Topic
from aistack_backend.wire.learning import Dataset, LearningStatus, Parts, Run, SampleList
from aistack_console.present import learning as words
from aistack_console.screens.learning import LearningScreen
from aistack_console.widgets.edit_dialog import EditDialog

EMPTY = LearningStatus(enabled=True, paused=False, interval=3600, next_run=NOW + 60, threshold=1000)
SAMPLE = STATUS.review.samples[0]


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_patterns_queue_and_trends_are_shown(size: tuple[int, int]) -> None:
    async with stage() as on:
        learned(on)
        app = Shell(on, LearningScreen)
        async with app.run_test(size=size):
            await until(lambda: "Which port" in app.text and "97" in app.text and "27 wait" in app.text)
            for word in ("812/1000", "success 86>91%", "local share 78>92%", "feedback +41 -6", "27 wait", "97", "50"):
                assert word in app.text, word
            for state in ("active", "quarantined", "candidate", "rolled back"):
                assert state in app.text, state
            assert ("runs --" in app.text) == (size[0] == 160)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_empty_screen_says_what_to_do(size: tuple[int, int]) -> None:
    async with stage() as on:
        on.topics[Topic.LEARNING] = EMPTY
        app = Shell(on, LearningScreen)
        async with app.run_test(size=size):
            await until(lambda: "Nothing was learned yet." in app.text)
            assert ("learn judge NUMBER good" in app.text) or size[0] == 160  # there it is wrapped
            for word in ("nothing was counted yet", "data 0/1000", "last run -"):
                assert word in app.text, word


async def test_samples_are_accepted_dropped_and_edited() -> None:
    async with stage() as on:
        learned(on)
        on.answers |= {f"POST /v1/learning/samples/1/{what}": SAMPLE for what in ("accept", "drop", "edit")}
        app = Shell(on, LearningScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "Enable the Podman" in app.text)
            await pilot.press("d")
            await until(lambda: any("Sample 1 is shown now; press the key again." in one for one in app.said))
            assert not [one for one, _ in on.asked if one.startswith("POST")]
            await until(lambda: "systemctl --user" in app.text)
            await pilot.press("a", "d", "e")
            await until(lambda: isinstance(app.screen, EditDialog))
            await pilot.press("X", "ctrl+o")
            posted = lambda: [one for one in on.asked if one[0].startswith("POST")]  # noqa: E731
            await until(lambda: len(posted()) == 3)
            assert [path.rpartition("/")[2] for path, _ in posted()] == ["accept", "drop", "edit"]
            assert posted()[2][1] == {"question": SAMPLE.question, "answer": f"X{SAMPLE.answer}"}


async def test_a_pattern_is_rolled_back_with_a_reason_and_tried_again() -> None:
    async with stage() as on:
        learned(on)
        on.answers["POST /v1/learning/patterns/3/rollback"] = ANSWER
        on.answers["POST /v1/learning/patterns/5/retry"] = PATTERNS[2]
        app = Shell(on, LearningScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "Which port" in app.text)
            await pilot.press("t")
            await until(lambda: any("Only a quarantined" in one for one in app.said))
            await pilot.press("R")
            on.push(Topic.LEARNING, replace(STATUS, patterns=PATTERNS[1:]))  # a run takes it out meanwhile
            await until(lambda: "Which port" not in app.text)
            await pilot.press(*"moved", "enter")
            await until(lambda: ("POST /v1/learning/patterns/3/rollback", {"reason": "moved"}) in on.asked)
            on.push(Topic.LEARNING, STATUS)
            await until(lambda: "Which port" in app.text)
            await pilot.press("home", "down", "down", "t")
            await until(lambda: ("POST /v1/learning/patterns/5/retry", {}) in on.asked)


async def test_run_pause_and_save() -> None:
    async with stage() as on:
        learned(on)
        on.answers |= {
            "POST /v1/learning/run": RUNS[0],
            "POST /v1/learning/pause": replace(STATUS, paused=True),
            "POST /v1/learning/export": Dataset(path="/x", manifest="/x.m", count=1, sha256="a", threshold=1000),
        }
        app = Shell(on, LearningScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "Which port" in app.text)
            await pilot.press("r", "p", "s")
            await pilot.press(*"/x", "enter")
            await until(lambda: ("POST /v1/learning/export", {"path": "/x"}) in on.asked)
            asked = [path for path, _ in on.asked]
            assert {"POST /v1/learning/run", "POST /v1/learning/pause"} <= set(asked)


async def test_what_cannot_be_done_says_why() -> None:
    async with stage() as on:
        on.topics[Topic.LEARNING] = replace(EMPTY, enabled=False, next_run=None)
        app = Shell(on, LearningScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "OFF" in app.text)
            await pilot.press("a", "R", "r", "s")
            await until(lambda: len(app.said) >= 4)
            said = " ".join(app.said)
            for why in ("No sample waits", "No pattern is chosen", "switched off", "No sample was accepted yet"):
                assert why in said, why


async def test_the_cursor_of_the_queue_shows_the_sample() -> None:
    async with stage() as on:
        learned(on)
        app = Shell(on, LearningScreen)
        async with app.run_test(size=(160, 45)) as pilot:
            await until(lambda: "Which port" in app.text)
            app.screen.query_one("#review").focus()
            await until(lambda: "sample 1 waiting" in app.text and "2 secrets or personal data" in app.text)
            await pilot.press("down")
            await until(lambda: "spoke-two" in app.text and "sample 2" in app.text)


def test_unknown_is_a_dash_and_never_nought() -> None:
    assert words.head(None, NOW)[1] == ("not measured yet", "warn")
    assert words.trends(None, NOW) == (("nothing was counted yet", "dim"),)
    new, old = trend(NOW, 7, None, 0.5, None), trend(NOW, 7, 0.5, None, None)
    told = "".join(
        cell if isinstance(cell, str) else cell[0] for cell in words.trends(replace(EMPTY, weeks=(new, old)), NOW)
    )
    assert "success -  local share 50%  cache -  p95 -" in told
    assert words.wins(PATTERNS[1]) == "-"
    assert words.value(Parts(outcome=1.0)) == ("- (outcome 1.00, feedback -, reusability -, complexity -, novelty -)")
    assert words.last((), NOW) == "last run -"
    assert words.last((Run(id=4, began_at=NOW - 5, by="timer"),), NOW) == "run 4 goes on since 5s"
    assert "FAILED" in words.last(RUNS[1:], NOW)
    assert words.rows(None) == words.review(None) == words.runs(None, NOW, 3) == ()
    assert words.review_head(replace(EMPTY, review=SampleList()))[1].startswith("0 wait")
