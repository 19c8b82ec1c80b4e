"""The Tasks screen with a run of a workflow: its steps, what needs its person, running it again, beginning one."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from tests.console import flow_scene
from tests.console.hostile import Filler, payloads
from tests.console.stage import Stage, until
from tests.console.test_loops_screen import text
from tests.console.world import Screen, console, stage

from aistack_backend.wire.events import Topic
from aistack_backend.wire.flows import FlowRun, Workflow, WorkflowList
from aistack_console.present.flows import WORDS, ordered, run_row
from aistack_console.screens.flowing import request


def staged(one: Stage) -> None:
    one.topics[Topic.TASKS] = flow_scene.TASKS
    one.answers["GET /v1/runs/61"] = flow_scene.run()
    one.answers["GET /v1/runs/60"] = flow_scene.ended()
    one.answers["POST /v1/runs"] = flow_scene.run()
    one.answers["POST /v1/runs/60/rerun"] = flow_scene.run()
    one.answers["GET /v1/workflows"] = WorkflowList(workflows=(Workflow(name="simple_query"),))


async def opened(one: Stage, screen: Screen, number: int, words: str) -> None:
    await until(lambda: screen.app.store.tasks is not None)
    screen.app.goto("tasks", f"task {number}")
    await until(lambda: words in text(screen))


def test_words_tell_states_apart_and_a_group_stands_before_its_steps() -> None:
    assert len({word for word, _ in WORDS.values()}) == len(WORDS)
    order = [one.id for one in ordered(flow_scene.run().steps)]
    assert order == ["branches", "known", "stack", "proposal", "act", "report"]
    assert run_row(flow_scene.run())[:3] == ("61", "needs you", "4/6")


async def test_a_run_shows_its_steps_and_leads_to_what_needs_its_person() -> None:
    async with stage() as one:
        staged(one)
        async with console(one, size=(100, 40)) as screen:
            await opened(one, screen, 61, "-- step act --")
            assert ">act" in text(screen)
            assert "NEEDS-YOU" in text(screen)
            assert "4 of 6 ended" in text(screen)
            await screen.press("h")
            await until(lambda: "container.restart web" in text(screen))
            await screen.press("h")
            await until(lambda: "web: bad. not listening" in text(screen))
            await screen.press("l", "l")
            await until(lambda: "#9 waits for you" in text(screen))
            await screen.press("a")
            await until(lambda: screen.app.current_mode == "approvals")


async def test_a_run_is_run_again_from_the_shown_step() -> None:
    async with stage() as one:
        staged(one)
        async with console(one, size=(100, 40)) as screen:
            await opened(one, screen, 61, "-- step act --")
            await screen.press("r")
            await screen.sees("It has not ended.")
            await opened(one, screen, 60, "gave answer")
            await screen.press("r")
            await screen.sees("again from step answer?")
            screen.app.screen.action_answer(True)  # type: ignore[attr-defined]
            await until(lambda: ("POST /v1/runs/60/rerun", {"step": "answer"}) in one.asked)


async def test_a_workflow_is_begun_by_its_name_and_inputs() -> None:
    async with stage() as one:
        staged(one)
        async with console(one, size=(100, 40)) as screen:
            await opened(one, screen, 61, "-- step act --")
            await screen.press("w")
            await until(lambda: screen.app.focused is not None and type(screen.app.focused).__name__ == "EntryLine")
            await screen.press(*"simple_query question='a b'", "enter")
            asked = {"workflow": "simple_query", "inputs": {"question": "a b"}, "engines": []}
            await until(lambda: ("POST /v1/runs", asked) in one.asked)


async def test_hostile_texts_of_a_run_stay_texts_and_no_step_is_hidden() -> None:
    hostile = replace(Filler(payloads()).make(FlowRun, 30), task=flow_scene.TASK)
    assert len(ordered(hostile.steps)) == len(hostile.steps) == 30
    async with stage() as one:
        staged(one)
        one.answers["GET /v1/runs/61"] = hostile
        async with console(one, size=(120, 60)) as screen:
            await opened(one, screen, 61, f"of {len(hostile.steps)} ended")
            for key in "hhlllhl":
                await screen.press(key)
            shown = text(screen) + screen.text
            raw = [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Co") and char != "\n"]
            assert raw == []


def test_what_an_operator_types_is_read() -> None:
    made = request("deploy services='web side' within=30")
    assert (made.workflow, made.inputs) == ("deploy", {"services": "web side", "within": "30"})
