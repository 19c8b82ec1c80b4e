"""The Tasks screen with a loop: its passes, its diff, guidance, pause, and the stop of everything."""

from __future__ import annotations

from dataclasses import replace

from tests.console import loop_scene
from tests.console.stage import Stage, until
from tests.console.world import Screen, console, stage

from aistack_backend.wire.events import Topic
from aistack_backend.wire.loops import ModelUse, Patch
from aistack_backend.wire.tasks import TaskList, TaskState
from aistack_console.present.loops import WORDS as PASS_WORDS
from aistack_console.present.loops import loop_detail, pass_words, used
from aistack_console.present.tasks import WORDS, head, rows, tree
from aistack_console.widgets.detail import Detail


def text(screen: Screen) -> str:
    return "\n".join(line for detail in screen.app.screen.query(Detail) for line in detail.lines)


async def opened(one: Stage, screen: Screen) -> None:
    await until(lambda: screen.app.store.tasks is not None)
    screen.app.goto("tasks", "task 51")
    await until(lambda: "pass 3 WORKING" in text(screen))


def staged(one: Stage) -> None:
    one.topics[Topic.TASKS] = loop_scene.TASKS
    one.answers["GET /v1/loops/51"] = loop_scene.loop()


def test_words_tell_what_works_from_what_waits() -> None:
    states = {TaskState.RUNNING, TaskState.PAUSED, TaskState.AWAITING, TaskState.QUEUED, TaskState.EXHAUSTED}
    assert len({WORDS[one] for one in (*states, TaskState.DONE)}) == 6
    assert head(loop_scene.TASKS) == "1 working   2 idle   1 need you   1 ended"
    assert len({word for word, _ in PASS_WORDS.values()}) == len(PASS_WORDS)


def test_what_a_task_started_stands_below_it() -> None:
    assert [(one.id, depth) for one, depth in tree(loop_scene.TASKS.tasks)] == [
        (52, 0),
        (53, 1),
        (54, 1),
        (51, 0),
        (50, 0),
    ]
    assert rows(loop_scene.TASKS, 0.0)[1].cells[4] == "  └ restart web"
    ring = tuple(replace(loop_scene.TASK, id=number, parent_id=3 - number) for number in (1, 2))
    assert len(tree(ring)) == 2, "nothing is ever hidden, not even what makes no sense"


async def test_passes_are_looked_at_one_by_one() -> None:
    async with stage() as one:
        staged(one)
        one.answers["GET /v1/loops/51/patch"] = Patch(
            text="--- a/sums.py\n+++ b/sums.py\n-    result = 1\n+    result = 0"
        )
        async with console(one, size=(100, 40)) as screen:
            await opened(one, screen)
            assert "guided    look at largest" in text(screen)
            await screen.press("h")
            assert "pass 2 NOT PROVEN" in text(screen)
            assert "the agent had changed it" in text(screen)
            assert "2 of 3" in text(screen)
            await screen.press("v")
            await until(lambda: "+    result = 0" in text(screen))
            assert ("GET /v1/loops/51/patch", {"number": ["2"]}) in one.asked
            await screen.press("v")
            await screen.press("l")
            await until(lambda: "pass 3 WORKING" in text(screen))


async def test_guidance_pause_and_stop_all() -> None:
    async with stage() as one:
        staged(one)
        one.answers["POST /v1/loops/51/guidance"] = loop_scene.loop()
        one.answers["POST /v1/tasks/51/pause"] = loop_scene.TASK
        one.answers["POST /v1/tasks/stop-all"] = TaskList()
        async with console(one, size=(100, 40)) as screen:
            await opened(one, screen)
            await screen.press("I")
            await screen.press(*"min", "enter")
            await until(lambda: ("POST /v1/loops/51/guidance", {"text": "min", "now": True}) in one.asked)
            await screen.press("p")
            await until(lambda: any(asked == "POST /v1/tasks/51/pause" for asked, _ in one.asked))
            await screen.press("ctrl+x")
            await screen.sees("Stop these 4 tasks now?")
            assert not any(asked == "POST /v1/tasks/stop-all" for asked, _ in one.asked)
            await until(lambda: screen.app.screen.query("Line"))
            await until(lambda: answered(screen), 5)
            await until(lambda: any(asked == "POST /v1/tasks/stop-all" for asked, _ in one.asked))


def answered(screen: Screen) -> bool:
    """Say yes again until the dialog's first second, in which no key counts, is over."""
    dialog = screen.app.screen
    if type(dialog).__name__ != "Question":
        return True
    dialog.action_answer(True)  # type: ignore[attr-defined]
    return False


async def test_the_footer_names_only_keys_that_do_something() -> None:
    async with stage() as one:
        staged(one)
        async with console(one, size=(120, 40)) as screen:
            await opened(one, screen)
            screen.app.screen.repaint()  # type: ignore[attr-defined]
            await screen.sees(" p pause  i guide  v diff ")
            screen.app.screen.receive("task 53")  # type: ignore[attr-defined]
            await until(lambda: " v diff " not in screen.text)
            assert not [word for word in (" p pause ", " i guide ") if word in screen.text], "it is done, and no loop"
            await screen.press("p")
            await screen.sees("Pause it, or go on with it: It has ended (done).")
            screen.app.screen.receive("task 50")  # type: ignore[attr-defined]
            await screen.press("p")
            await screen.sees("It does not run: it is")


def test_what_a_pass_had_of_its_model_is_told_and_only_where_it_had_some() -> None:
    loop = loop_scene.loop()
    first = replace(loop.passes[0], use=ModelUse(answers=3, read=1_200, written=45, cost=12_345))
    assert used(first.use) == "3 answers, 1,200 tokens read, 45 written, $0.0123"
    assert used(ModelUse()) == ""
    assert any("1,200 tokens read" in line for line in pass_words(first))
    assert not any("tokens" in line for line in pass_words(loop.passes[0]))
    shown = loop_detail(replace(loop, passes=(first, *loop.passes[1:])), 1, None)
    assert any("3 answers" in str(para) for para in shown)
