"""The whole console on a stage: screens, commands, words when things are missing, both sizes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.console.stage import NOW, source, until
from tests.console.world import FLEET, approval, approvals, console, container, fleet, stage

from aistack_backend.wire.actions import Risk
from aistack_backend.wire.audit import AuditCheck, AuditPage, AuditRecord, Phase
from aistack_backend.wire.containers import Activity, ContainerDetail, EnvVar
from aistack_backend.wire.events import Topic
from aistack_backend.wire.problems import Problem
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.status import Status
from aistack_backend.wire.tasks import Task, TaskList, TaskState
from aistack_console.errors import BackendDown
from aistack_console.keys import PLACES
from aistack_console.screens.all import SCREENS
from aistack_console.widgets.approval_dialog import ApprovalDialog
from aistack_console.widgets.confirm import Confirm

SIZES = [(80, 24), (160, 45), (40, 10)]
TASK = Task(
    id=7, goal="restart web", requester="operator:me", state=TaskState.RUNNING, created_at=NOW - 9, updated_at=NOW
)


def record(seq: int, **more: object) -> AuditRecord:
    fields = {"phase": Phase.OUTCOME, "actor": "backend", "kind": "container.restart", "object": "web", "outcome": "ok"}
    return AuditRecord(seq=seq, at=NOW, prev="0" * 64, hash="7c1e" * 16, **fields | more)  # type: ignore[arg-type]


def test_every_place_is_a_screen() -> None:
    assert [place.name for place in PLACES] == list(SCREENS)


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_opens_empty_at_every_size(size: tuple[int, int]) -> None:
    async with stage() as one, console(one, size) as screen:
        for place in PLACES:
            screen.app.goto(place.name)
            await until(lambda name=place.name: screen.app.current_mode == name and screen.app.screen.is_mounted)
            await screen.pilot.pause()
            assert len(screen.text.split("\n")) == size[1]


async def test_the_header_counts_by_measured_words() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        async with console(one) as screen:
            await screen.sees("OK 1 STARTING 1 BAD 2")
            await screen.sees("service      hybrid")
            await screen.sees("hybrid: health check fails")
            await screen.sees("web: failed, exit 3")


async def test_values_of_a_podman_that_does_not_answer_are_unknown() -> None:
    async with stage() as one:
        broken = source(state=SourceState.REFUSED, tried="/run/p.sock", detail="Permission denied.", hint="Fix it.")
        one.topics[Topic.FLEET] = replace(FLEET, source=replace(broken, last_ok=NOW - 12))
        async with console(one) as screen:
            await screen.sees("UNKNOWN 5")
            await screen.sees("podman: refused for 1m00. Permission denied. Tried: /run/p.sock. Fix it.")
            await screen.press("2")
            await screen.sees("was OK 12s ago")
            assert "2h00" not in screen.text, "an uptime that nobody measured"


async def test_no_backend_is_said_and_nothing_is_invented(tmp_path: Path) -> None:
    async with console(tmp_path) as screen:
        await screen.sees("BACKEND DOWN since")
        await screen.sees("does not answer")
        await screen.sees("services not measured yet")
        await screen.press("2", "r")
        await screen.told("The backend does not answer, so nothing can be changed.")


async def test_a_lost_backend_makes_everything_unknown() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        async with console(one) as screen:
            await screen.sees("BAD 2")
            screen.app.store.link(BackendDown("The backend closed the event stream."))
            await screen.sees("UNKNOWN 5")
            await screen.sees("BACKEND DOWN since")


async def test_another_major_version_changes_nothing() -> None:
    async with stage() as one:
        status = one.topics[Topic.STATUS]
        assert isinstance(status, Status)
        one.topics[Topic.STATUS] = replace(status, api=2)
        one.topics[Topic.FLEET] = FLEET
        async with console(one, (120, 24)) as screen:
            await screen.sees("The backend speaks API 2, this console 1")
            await screen.press("2")
            await screen.sees("aidb")
            await screen.press("r")
            await screen.told("different major versions")


async def test_the_chosen_container_is_shown_in_full() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        first = FLEET.containers[0]
        one.answers[f"GET /v1/containers/{first.id}"] = ContainerDetail(
            container=first,
            measured_at=NOW,
            env=(EnvVar(name="TOKEN", value="", masked=True), EnvVar(name="LANG", value="C", masked=False)),
            inspect_json='{\n  "Id": "x"\n}',
        )
        async with console(one, (160, 45)) as screen:
            one.push(Topic.ACTIVITY, Activity(at=NOW, who="podman", text="aidb restarted", object_id=first.id))
            await screen.press("2")
            await screen.sees("healthy yes")
            await screen.press("]", "]", "]")
            await screen.sees("TOKEN=(masked)")
            await screen.sees("LANG=C")
            await screen.press("]")
            await screen.sees('"Id": "x"')
            await screen.press("]")
            await screen.sees("aidb restarted")


async def test_sorting_filtering_and_hiding() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        async with console(one) as screen:
            await screen.press("2")
            await screen.sees("cache")
            await screen.press("A")
            await screen.sees("stopped hidden")
            assert "cache" not in screen.text
            await screen.press("slash", *"!hyb", "enter")
            await screen.sees("filter !hyb")
            assert " hybrid " not in screen.text
            await screen.press("slash", *"[", "enter")
            await screen.sees("not a regex")
            await screen.press("escape", "o")
            await screen.sees("sorted by state")


async def test_a_key_asks_first_and_sends_what_was_confirmed() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        one.answers["POST /v1/actions/preview"] = approval(0, task_id=0)
        one.answers["POST /v1/tasks/action"] = TASK
        async with console(one) as screen:
            await screen.press("2")
            await screen.sees("aidb")
            await screen.press("r")
            await until(lambda: isinstance(screen.app.screen, ApprovalDialog))
            dialog = screen.app.screen
            assert isinstance(dialog, ApprovalDialog)
            await screen.sees("your own action")
            assert "POST /v1/tasks/action" not in dict(one.asked)
            dialog.guard.press(dialog.guard._opened + 1.5)
            await asyncio.wait_for(_ready(dialog), 60)
            await screen.press("a")
            await until(lambda: "POST /v1/tasks/action" in dict(one.asked))
            body = dict(one.asked)["POST /v1/tasks/action"]
            assert body["kind"] == "container.restart"
            assert body["target"] == FLEET.containers[0].id
            assert body["confirmed_hash"] == "9f3a" * 16
            await screen.told("restart web: running (task 7)")


async def _ready(dialog: ApprovalDialog) -> None:
    """Wait until a key would count as quiet."""
    while True:
        if asyncio.get_running_loop().time() - dialog.guard._opened > 2.0:
            return
        await asyncio.sleep(0)


async def test_a_destructive_own_action_waits_in_the_queue() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        one.answers["POST /v1/actions/preview"] = approval(
            0, risk=Risk.DESTRUCTIVE, ready_at=NOW + 60, code="9f3a", typed_name="aidb"
        )
        one.answers["POST /v1/tasks/action"] = TASK
        async with console(one) as screen:
            await screen.press("2")
            await screen.sees("aidb")
            await screen.press("X")
            await until(lambda: isinstance(screen.app.screen, ApprovalDialog))
            dialog = screen.app.screen
            assert isinstance(dialog, ApprovalDialog)
            await asyncio.wait_for(_ready(dialog), 60)
            await screen.press("a")
            await until(lambda: "POST /v1/tasks/action" in dict(one.asked))
            assert dict(one.asked)["POST /v1/tasks/action"]["confirmed_hash"] == ""


async def test_a_refused_preview_is_one_sentence() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        one.answers["POST /v1/actions/preview"] = Problem(
            type="refused", title="Refused", status=403, detail="A rule denies it.", hint="See docs/approvals.md."
        )
        async with console(one) as screen:
            await screen.press("2")
            await screen.sees("aidb")
            await screen.press("r")
            await screen.told("A rule denies it. See docs/approvals.md.")


async def test_a_key_that_makes_no_sense_says_why() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = fleet(container("web"))
        async with console(one) as screen:
            await screen.press("2")
            await screen.sees("web")
            await screen.press("S")
            await screen.told("Start it: web runs already.")


async def test_commands() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        one.topics[Topic.APPROVALS] = approvals(approval(41), approval(42, title="stop container db"))
        async with console(one) as screen:
            await screen.press("colon", *"svc hybrid", "enter")
            await screen.sees("hybrid  [Health]")
            await screen.press("colon", *"nosuch", "enter")
            await screen.told("There is no command :nosuch.")
            await screen.press("colon", *"approve x", "enter")
            await screen.told(":approve needs a number")
            await screen.press("colon", *"approve 42", "enter")
            await until(lambda: isinstance(screen.app.screen, ApprovalDialog))
            assert screen.app.screen.approval.id == 42  # type: ignore[attr-defined]
            await screen.press("escape")
            await screen.press("colon", *"theme paper", "enter")
            await until(lambda: screen.app.theme == "paper")
            await screen.press("colon", *"q", "enter")
            await until(lambda: not screen.app.is_running)


async def test_needs_you_goes_to_what_waits() -> None:
    async with stage() as one:
        one.topics[Topic.APPROVALS] = approvals(approval(41))
        async with console(one) as screen:
            await screen.sees("YOU 1")
            await screen.press("J")
            await screen.sees("EVIDENCE #41")
            await screen.press("minus")
            await until(lambda: screen.app.current_mode == "overview")


async def test_tasks_show_results_and_stop() -> None:
    async with stage() as one:
        done = replace(TASK, id=8, state=TaskState.EXHAUSTED, result="line 1\nline 2", reason="limit reached")
        one.topics[Topic.TASKS] = TaskList(tasks=(TASK, done))
        one.answers["POST /v1/tasks/7/stop"] = replace(TASK, state=TaskState.STOPPED)
        async with console(one) as screen:
            await screen.press("5")
            await screen.sees("EXHAUSTED")
            await screen.sees("WORKING")
            await screen.press("x")
            await until(lambda: isinstance(screen.app.screen, Confirm))
            await screen.press("y")
            assert isinstance(screen.app.screen, Confirm), "a key within the first second"
            await screen.press("escape", "j")
            await screen.sees("line 2")
            await screen.press("x")
            await screen.told("It is exhausted already.")


async def test_audit_reads_filters_and_verifies() -> None:
    async with stage() as one:
        one.answers["GET /v1/audit"] = AuditPage(records=(record(2), record(1, phase=Phase.INTENT)), total=2)
        one.answers["POST /v1/audit/verify"] = AuditCheck(ok=True, count=2, head="7c1e" * 16, checked_at=NOW)
        async with console(one) as screen:
            await screen.press("0")
            await screen.sees("intent")
            await screen.press("v")
            await screen.sees("CHAIN OK 2 entries")
            one.answers["POST /v1/audit/verify"] = AuditCheck(ok=False, count=2, first_bad=1, detail="hash is wrong")
            await screen.press("v")
            await screen.sees("CHAIN BROKEN first at 1: hash is wrong")
            await screen.press("slash", *"web", "enter")
            await until(lambda: ["web"] in [body.get("text") for path, body in one.asked if path == "GET /v1/audit"])


async def test_two_ctrl_c_leave() -> None:
    async with stage() as one, console(one) as screen:
        await screen.press("ctrl+c")
        await screen.told("Press Ctrl+C again")
        await screen.press("ctrl+c")
        await until(lambda: not screen.app.is_running)


async def test_hostile_names_stay_text() -> None:
    evil = "[@click=app.quit]x[/]\x1b[2J\u202egpj"
    async with stage() as one:
        one.topics[Topic.FLEET] = fleet(replace(container("a"), name=evil))
        one.topics[Topic.APPROVALS] = approvals(approval(title=evil, argv=("rm", evil)))
        async with console(one, (160, 45)) as screen:
            for key in "1245":
                await screen.press(key)
                await screen.pilot.pause()
                assert "\x1b" not in screen.text
                assert "\u202e" not in screen.text
            await screen.press("4")
            await screen.sees("[@click=app.quit]x[/]␛[2J<U+202E>gpj")
