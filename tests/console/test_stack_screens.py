"""Screens over a whole stack: what a key does, what is shown before it is asked, and where one gets to."""

from __future__ import annotations

from dataclasses import replace

from tests.console import stacked
from tests.console.stage import NOW, Stage, rest, until
from tests.console.world import approval, console, fleet, stage

from aistack_backend.wire.boot import BootState
from aistack_backend.wire.events import Topic
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.tasks import Task, TaskState
from aistack_console.widgets.approval_dialog import ApprovalDialog
from aistack_console.widgets.goal_menu import GoalMenu
from aistack_console.widgets.reader import Reader

UP = approval(0, kind="stack.up", title="bring up minimal", argv=())
TASK = Task(id=52, goal="up", requester="operator:me", state=TaskState.RUNNING, created_at=NOW, updated_at=NOW)


def dress(on: Stage, of: Stack = stacked.FAULT) -> None:
    """Give the stage a stack, its containers, and answers for an up."""
    on.topics[Topic.FLEET] = fleet(*stacked.boxes(of))
    on.topics[Topic.STACK] = of
    on.answers |= {
        "POST /v1/stack/plan": stacked.PLAN,
        "POST /v1/actions/preview": UP,
        "POST /v1/tasks/action": TASK,
        "POST /v1/stack/check": stacked.HEALTHY,
    }


def asked(on: Stage, route: str) -> list[dict[str, object]]:
    return [body for what, body in on.asked if what == route]


async def test_u_shows_plan_and_action_and_then_the_boot() -> None:
    async with stage() as one:
        dress(one)
        async with console(one, (120, 40)) as screen:
            await screen.press("2")
            await screen.sees("v data")
            await screen.press("u")
            await until(lambda: isinstance(screen.app.screen, ApprovalDialog))
            await screen.sees("recreate service postgres")
            await screen.sees("bring up minimal")
            rest(screen.app.screen.guard)
            await screen.press("a")
            await until(lambda: asked(one, "POST /v1/tasks/action"))
            await until(lambda: screen.app.current_mode == "boot")
        request = asked(one, "POST /v1/tasks/action")[0]
        assert (request["kind"], request["target"]) == ("stack.up", "postgres")
        assert request["confirmed_hash"] == UP.action_hash


async def test_a_set_is_chosen_by_its_plan() -> None:
    async with stage() as one:
        dress(one)
        async with console(one, (100, 30)) as screen:
            await until(lambda: screen.app.store.stack is not None)
            await screen.press("U")
            await until(lambda: isinstance(screen.app.screen, GoalMenu))
            await screen.sees("create   service qdrant")
            await screen.press("j")
            await until(lambda: asked(one, "POST /v1/stack/plan")[-1] == {"verb": "up", "goal": "standard"})
            await screen.press("enter")
            await until(lambda: asked(one, "POST /v1/actions/preview"))
            assert asked(one, "POST /v1/actions/preview")[0]["target"] == "standard"


async def test_hold_and_release_follow_what_the_service_is() -> None:
    async with stage() as one:
        dress(one)
        async with console(one, (120, 40)) as screen:
            await screen.press("2")
            await screen.sees("aider")
            screen.app.screen.receive("aider")
            await screen.press("H")
            await until(lambda: asked(one, "POST /v1/actions/preview"))
            assert asked(one, "POST /v1/actions/preview")[0]["kind"] == "service.release"


async def test_why_opens_the_way_to_the_cause() -> None:
    async with stage() as one:
        dress(one)
        async with console(one, (120, 40)) as screen:
            await screen.press("2")
            await screen.sees("v data")
            screen.app.screen.receive("nginx")
            await screen.press("W")
            await until(lambda: isinstance(screen.app.screen, Reader))
            await screen.sees("Nothing is bound to 8092 in the container")
            await screen.press("escape")
            await until(lambda: screen.app.screen.NAME == "services")


async def test_check_says_what_was_found() -> None:
    async with stage() as one:
        dress(one)
        async with console(one) as screen:
            await screen.press("2")
            await screen.sees("v data")
            await screen.press("c")
            await screen.told("postgres is OK")


async def test_enter_folds_a_group_and_the_cursor_begins_on_a_service() -> None:
    async with stage() as one:
        dress(one)
        async with console(one) as screen:
            await screen.press("2")
            await screen.sees(">postgres")
            await screen.press("k", "enter")
            await screen.sees("> data")
            await until(lambda: "postgres  " not in screen.text)


async def test_a_service_without_a_container_says_which_key_helps() -> None:
    async with stage() as one:
        dress(one, stacked.EMBEDDED)
        async with console(one) as screen:
            await screen.press("2")
            await screen.sees("embedded: ")
            await screen.press("r")
            await screen.told("postgres has no container: u brings it up.")


async def test_needs_lead_to_the_root_cause_and_its_ladder() -> None:
    async with stage() as one:
        dress(one)
        async with console(one, (160, 45)) as screen:
            await screen.sees("hybrid-coordinator (hits 3)")
            await screen.press("J")
            await screen.sees("next: Look at port=")


async def test_without_a_stack_nothing_of_it_is_offered() -> None:
    async with stage() as one, console(one) as screen:
        await screen.press("U")
        await screen.told("No stack is declared")
        await screen.press("2")
        await screen.pilot.pause()
        assert "up set" not in screen.text


async def test_a_boot_is_followed_live_and_can_be_cancelled() -> None:
    async with stage() as one:
        dress(one)
        one.topics[Topic.BOOT] = stacked.BOOTING
        one.answers["POST /v1/tasks/52/stop"] = replace(TASK, state=TaskState.STOPPED)
        async with console(one) as screen:
            await screen.sees("BOOT     up minimal RUNNING")
            await screen.press("B")
            await screen.sees("2 of 5 ready")
            await screen.sees("[Boot]")
            await screen.press("x")
            await screen.sees("Cancel up minimal?")
            rest(screen.app.screen._guard)
            await screen.press("y")
            await until(lambda: asked(one, "POST /v1/tasks/52/stop") or "POST /v1/tasks/52/stop" in dict(one.asked))
            one.push(Topic.BOOT, replace(stacked.BROKEN, state=BootState.CANCELLED))
            await screen.sees("CANCELLED")
            await screen.press("x")
            await screen.told("Nothing is being brought up or down.")
            await screen.press("escape")
            await until(lambda: screen.app.current_mode == "overview")


async def test_a_certificate_is_renewed_by_the_gate_and_only_where_one_was_seen() -> None:
    async with stage() as one:
        dress(one)
        async with console(one, (120, 40)) as screen:
            await screen.press("2")
            await screen.sees("v data")
            await screen.press("C")
            await screen.told("No certificate of ours was seen on it.")
            assert not asked(one, "POST /v1/actions/preview")
            screen.app.command(":services nginx")
            await screen.sees(">nginx")
            await screen.press("C")
            await until(lambda: asked(one, "POST /v1/actions/preview"))
            request = asked(one, "POST /v1/actions/preview")[0]
            assert (request["kind"], request["target"]) == ("certificate.renew", "nginx")
