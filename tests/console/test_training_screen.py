"""The Training screen: what a running one measured, its end by key, verdicts, and its words for what is empty."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.shell import Shell
from tests.console.stage import NOW, stage, until
from tests.console.training_scene import KEPT, RUNNING, RUNS, training

from aistack_backend.wire.events import Topic
from aistack_backend.wire.tasks import Task, TaskList, TaskState
from aistack_backend.wire.training import TrainingList
from aistack_console.present import training as words
from aistack_console.screens.learning import LearningScreen
from aistack_console.screens.training import TrainingScreen
from aistack_console.widgets.question import Question

STOPPED = Task(id=44, goal="train", requester="me", state=TaskState.STOPPED, created_at=NOW, updated_at=NOW)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_a_running_one_tells_what_it_measured_and_an_ended_one_its_verdict(size: tuple[int, int]) -> None:
    async with stage() as on:
        training(on)
        app = Shell(on, TrainingScreen)
        async with app.run_test(size=size) as pilot:
            await until(lambda: "1 going on" in app.text)
            for word in ("learning 24/60", "[####......]", "1.234 nats", "8.404 by the model alone", "1m35", "584M"):
                assert word in app.text, word
            await pilot.press("down")
            for word in ("It is kept as lines-41", "0.371, +8.033", "0.682, +0.311", "kept"):
                await until(lambda word=word: word in app.text)  # type: ignore[misc]


async def test_a_run_is_stopped_after_a_yes_and_an_ended_one_says_that_it_has() -> None:
    async with stage() as on:
        training(on)
        on.answers["POST /v1/tasks/44/stop"] = STOPPED
        app = Shell(on, TrainingScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "1 going on" in app.text)
            await pilot.press("down", "x")
            await until(lambda: any("It has ended." in one for one in app.said))
            await pilot.press("up", "x")
            for yes in (False, True):
                await until(lambda: isinstance(app.screen, Question))
                assert not [one for one, _ in on.asked if one.startswith("POST")]
                question = app.screen
                assert isinstance(question, Question)
                question.action_answer(yes)
                await until(lambda: isinstance(app.screen, TrainingScreen))
                if not yes:
                    await pilot.press("x")
            await until(lambda: "Task 44: stopped." in app.said)
            screen = app.screen
            await until(lambda: isinstance(screen, TrainingScreen) and not screen._reading)


async def test_while_one_runs_each_word_of_the_tasks_reads_it_again_and_else_only_a_change() -> None:
    async with stage() as on:
        training(on)
        app = Shell(on, TrainingScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "learning 24/60" in app.text)
            on.answers["GET /v1/trainings"] = TrainingList(trainings=(replace(RUNNING, done=25), KEPT))
            on.push(Topic.TASKS, on.topics[Topic.TASKS])
            await until(lambda: "learning 25/60" in app.text)
            on.answers["GET /v1/trainings"] = TrainingList(trainings=(KEPT,))
            on.push(Topic.TASKS, TaskList())
            await until(lambda: "0 going on" in app.text)
            read = lambda: sum(one == "GET /v1/trainings" for one, _ in on.asked)  # noqa: E731
            screen = app.screen
            assert isinstance(screen, TrainingScreen)
            await until(lambda: not screen._reading)
            screen.repaint()
            await until(lambda: not screen._reading)
            before = read()
            for _ in range(50):
                screen.repaint()
                await pilot.pause()
            assert read() == before


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_empty_screen_says_how_a_run_comes_and_learning_leads_here(size: tuple[int, int]) -> None:
    async with stage() as on:
        training(on)
        on.answers["GET /v1/trainings"] = TrainingList()
        app = Shell(on, TrainingScreen, view_only=True)
        async with app.run_test(size=size) as pilot:
            await until(lambda: "No model was trained yet." in app.text)
            await pilot.press("x", "t")
            await until(lambda: any("--view-only" in one for one in app.said))
            await until(lambda: any("No run is chosen." in one for one in app.said))
        app = Shell(on, LearningScreen)
        async with app.run_test(size=size) as pilot:
            await pilot.press("M")
            await until(lambda: ("training", "") in app.went)


def test_what_was_not_measured_is_a_dash() -> None:
    bare = replace(RUNNING, stage="", done=0, total=0, loss=None, base=None, memory=None)
    told = [
        "".join(cell if isinstance(cell, str) else cell[0] for cell in one.cells) for one in words.detail(bare, NOW)
    ]
    assert {one.split()[-1] for one in told if one.startswith(("loss now", "held out", "memory"))} == {"-"}
    assert any(one.startswith("does") and one.endswith("begins") for one in told)
    assert words.head(None, None, NOW)[1] == ("not read yet", "warn")
    assert words.rows(RUNS, NOW)[3].cells[3:6] == ("-", "-", "-")
