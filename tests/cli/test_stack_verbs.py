"""The verbs of the stack against a backend on a socket: what they ask, what they print, and their exit codes."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.console import stacked
from tests.console.stage import NOW, Stage
from tests.console.world import approval, stage

from aistack_backend.wire.actions import Risk
from aistack_backend.wire.boot import BootList, BootState, Plan
from aistack_backend.wire.storage import Backup, BackupList
from aistack_backend.wire.tasks import Task, TaskState
from aistack_console.cli import main, options, parser
from aistack_console.verbs.exits import Exit

DONE = Task(id=52, goal="up minimal", requester="operator:me", state=TaskState.DONE, created_at=NOW, updated_at=NOW)
UP = approval(0, kind="stack.up", title="bring up minimal", argv=())
READY = replace(
    stacked.BOOTING, state=BootState.DONE, ended_at=NOW, rows=(stacked.BOOTING.rows[0], stacked.BOOTING.rows[1])
)


@pytest.fixture
def backend() -> Iterator[Stage]:
    """A stage that serves in a thread of its own, with answers for an up."""
    loop, started, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found: list[Stage] = []

    async def play() -> None:
        async with stage() as one:
            one.answers |= {
                "GET /v1/status": next(iter(one.topics.values())),
                "GET /v1/stack": stacked.FAULT,
                "POST /v1/stack/check": stacked.HEALTHY,
                "POST /v1/stack/plan": stacked.PLAN,
                "POST /v1/actions/preview": UP,
                "POST /v1/tasks/action": replace(DONE, state=TaskState.RUNNING),
                "GET /v1/tasks/52": DONE,
                "GET /v1/boots": BootList(boots=(READY,)),
                "GET /v1/checklist": stacked.CHECKLIST,
                "POST /v1/checklist/run": replace(stacked.CHECKLIST, ticks=stacked.CHECKLIST.ticks[:1]),
                "GET /v1/backups": BackupList(backups=(Backup(id="b1", at=NOW, path="/b", size=2048),), folder="/b"),
                "POST /v1/stack/use": stacked.HEALTHY,
            }
            found.append(one)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(play()))
    thread.start()
    assert started.wait(10)
    yield found[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
    loop.close()


def said(on: Stage, *words: str) -> int:
    return main([*words, "--data-dir", str(on.data), "--no-start"])


def asked(on: Stage, route: str) -> list[dict[str, object]]:
    return [body for what, body in on.asked if what == route]


def test_up_is_asked_with_the_hash_that_was_shown(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(backend, "up", "minimal", "--yes") == Exit.OK
    request = asked(backend, "POST /v1/tasks/action")[0]
    assert (request["kind"], request["target"], request["confirmed_hash"]) == ("stack.up", "minimal", UP.action_hash)
    assert "task 52" in capsys.readouterr().out


def test_without_yes_and_without_a_terminal_nothing_is_asked(
    backend: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(backend, "up", "minimal") == Exit.NOT_ALLOWED
    assert not asked(backend, "POST /v1/tasks/action")
    shown = capsys.readouterr().err
    assert "recreate  service  postgres" in shown
    assert "bring up minimal" in shown


def test_what_wants_a_code_names_it(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    backend.answers["POST /v1/actions/preview"] = replace(UP, risk=Risk.HIGH, code="9f3a")
    assert said(backend, "down", "--yes") == Exit.NOT_ALLOWED
    assert "Give --code 9f3a." in capsys.readouterr().err
    assert said(backend, "down", "--yes", "--code", "9f3a") == Exit.OK
    assert asked(backend, "POST /v1/tasks/action")[0]["code"] == "9f3a"


def test_up_wait_is_0_only_when_every_service_is_ready(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(backend, "up", "minimal", "--yes", "--wait") == Exit.OK
    assert "postgres ready after 3s" in capsys.readouterr().err


def test_up_wait_names_each_failed_service_with_its_log(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    backend.answers["GET /v1/boots"] = BootList(boots=(stacked.BROKEN,))
    assert said(backend, "up", "minimal", "--yes", "--wait") == Exit.FAILED
    shown = capsys.readouterr().err
    assert "qdrant: failed. It ended with exit 1 after 9 s" in shown
    assert "    ERROR storage is locked by another process" in shown
    assert "hybrid-coordinator: cancelled waits for qdrant. not begun" in shown


def test_up_wait_believes_no_task_over_a_service_that_is_not_ready(backend: Stage) -> None:
    rows = (*READY.rows, stacked.BOOTING.rows[4])
    backend.answers["GET /v1/boots"] = BootList(boots=(replace(READY, rows=rows),))
    assert said(backend, "up", "minimal", "--yes", "--wait") == Exit.FAILED


def test_up_wait_ends_in_time(backend: Stage) -> None:
    backend.answers["GET /v1/tasks/52"] = replace(DONE, state=TaskState.RUNNING)
    backend.answers["GET /v1/boots"] = BootList(boots=(stacked.BOOTING,))
    assert said(backend, "up", "--yes", "--wait", "--timeout", "0.3") == Exit.TIMEOUT


def test_a_dry_run_asks_for_nothing(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(backend, "up", "minimal", "--dry-run") == Exit.OK
    assert "stays as it is: redis" in capsys.readouterr().out
    assert [what for what, _ in backend.asked if "POST" in what] == ["POST /v1/stack/plan"]


@pytest.mark.parametrize(
    ("words", "goal"),
    [
        (("up", "--tier", "minimal", "--dry-run"), "minimal"),
        (("down", "--tier", "full", "--dry-run"), "full"),
        (("recreate", "--tier", "minimal", "grafana", "--dry-run"), "minimal grafana"),
        (("plan", "--tier", "standard"), "standard"),
        (("plan",), ""),
    ],
)
def test_a_tier_is_named_by_an_option_too(backend: Stage, words: tuple[str, ...], goal: str) -> None:
    said(backend, *words)
    assert [one["goal"] for one in asked(backend, "POST /v1/stack/plan")] == [goal]


def test_a_plan_that_would_fail_is_1(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    backend.answers["POST /v1/stack/plan"] = Plan(verb="up", goal="", problems=("Port 5432 is used by pid 7.",))
    assert said(backend, "plan") == Exit.FAILED
    assert "WOULD FAIL: Port 5432 is used by pid 7." in capsys.readouterr().out


def test_the_stack_is_a_table_and_1_when_something_is_bad(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(backend, "stack") == Exit.FAILED
    lines = capsys.readouterr().out.splitlines()
    found = next(line.split() for line in lines if line.startswith("hybrid-coordinator"))
    assert (found[1], found[3]) == ("orchestration", "##!...")


def test_a_state_that_nobody_saw_begin_lasts_that_long_at_the_least(
    backend: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tuple(replace(one, since=time.time() - 19, watched=one.id != "redis") for one in stacked.FAULT.services)
    backend.answers["GET /v1/stack"] = replace(stacked.FAULT, services=rows)
    said(backend, "stack")
    out = capsys.readouterr().out
    lines = {line.split()[0]: line.split() for line in out.splitlines() if line}
    assert lines["redis"][4].startswith(">")
    assert not lines["postgres"][4].startswith(">")
    assert "> at least that long" in out


def test_json_is_the_stack_as_the_backend_told_it(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    said(backend, "stack", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["services"][10]["rungs"][2]["state"] == "fail"


def test_check_looks_at_what_was_named(backend: Stage) -> None:
    assert said(backend, "check", "redis", "qdrant") == Exit.OK
    assert asked(backend, "POST /v1/stack/check") == [{"services": ["redis", "qdrant"]}]


def test_a_failed_tick_is_1(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(backend, "checklist") == Exit.FAILED
    assert "1 of 5 pass" in capsys.readouterr().out
    assert said(backend, "checklist", "--run") == Exit.OK


def test_backups_are_listed_verified_and_restored_by_the_gate(
    backend: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(backend, "backup", "list") == Exit.OK
    assert "b1" in capsys.readouterr().out
    assert said(backend, "backup", "verify") == Exit.USAGE
    for words in (("backup",), ("backup", "verify", "b1"), ("restore", "b1"), ("hold", "redis"), ("rollback",)):
        assert said(backend, *words, "--yes") == Exit.OK
    kinds = [(one["kind"], one["target"]) for one in asked(backend, "POST /v1/tasks/action")]
    assert kinds == [
        ("stack.backup", ""),
        ("backup.verify", "b1"),
        ("stack.restore", "b1"),
        ("service.hold", "redis"),
        ("stack.rollback", ""),
    ]


def test_boots_are_told_with_their_failures(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    backend.answers["GET /v1/boots"] = BootList(boots=(stacked.BROKEN,))
    assert said(backend, "boots") == Exit.OK
    assert "llama-cpp > hybrid-coordinator" in capsys.readouterr().out
    assert said(backend, "boots", "52") == Exit.OK
    assert "listening+43.8s" in capsys.readouterr().out
    assert said(backend, "boots", "9") == Exit.FAILED


def test_another_stack_is_used_before_anything_is_asked(
    backend: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(backend, "plan", "--stack", "mine.yml") == Exit.OK
    assert asked(backend, "POST /v1/stack/use") == [{"file": str(tmp_path / "mine.yml")}]


def test_view_only_changes_nothing(backend: Stage) -> None:
    assert said(backend, "up", "--yes", "--view-only") == Exit.NOT_ALLOWED
    assert not backend.asked


def test_several_stack_files_are_absolute_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert options(parser().parse_args(["--stack", "a.yml:/b.yml"])).stack_file == f"{tmp_path}/a.yml:/b.yml"


def test_a_prune_prints_exactly_what_would_go(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    backend.answers["GET /v1/storage"] = stacked.STORAGE
    assert said(backend, "prune", "images", "--dry-run") == Exit.OK
    shown = capsys.readouterr().out
    assert "it has no name and no container is made of it" in shown
    assert "2 images, at most 110M" in shown
    assert "redis" not in shown
    assert said(backend, "prune", "volumes", "--all", "--dry-run", "--json") == Exit.OK
    assert [one["name"] for one in json.loads(capsys.readouterr().out)["stored"]] == ["old"]
    assert not asked(backend, "POST /v1/actions/preview")


def test_a_prune_is_asked_with_the_ids_that_were_shown(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    backend.answers["GET /v1/storage"] = stacked.STORAGE
    backend.answers["POST /v1/actions/preview"] = replace(UP, kind="image.remove", code="9f3a")
    assert said(backend, "prune", "images") == Exit.NOT_ALLOWED
    assert "2 images, at most 110M" in capsys.readouterr().err
    assert said(backend, "prune", "images", "--code", "9f3a", "--wait") == Exit.OK
    request = asked(backend, "POST /v1/tasks/action")[0]
    assert (request["kind"], request["target"]) == ("image.remove", f"{'cd' * 32} {'ba' * 32}")
    assert request["confirmed_hash"] == UP.action_hash
    assert said(backend, "prune", "volumes", "old", "--yes") == Exit.NOT_ALLOWED
    assert asked(backend, "POST /v1/actions/preview")[-1]["target"] == "old"


def test_a_prune_of_nothing_asks_nothing(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    backend.answers["GET /v1/storage"] = stacked.STORAGE
    assert said(backend, "prune", "networks", "--yes") == Exit.OK
    assert capsys.readouterr().out == "A prune of networks would take nothing.\n"
    assert said(backend, "prune", "networks", "--yes", "--json") == Exit.OK
    assert json.loads(capsys.readouterr().out)["stored"] == []
    assert said(backend, "prune", "networks", "--view-only") == Exit.NOT_ALLOWED
    assert not asked(backend, "POST /v1/tasks/action")
    with pytest.raises(SystemExit):
        said(backend, "prune", "everything")


def test_certificates_are_shown_and_renewed_by_the_gate(backend: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    soon = stacked.stack({"nginx": {"certificate_until": time.time() + 86_400 * 20.5}})
    backend.answers["GET /v1/stack"] = soon
    assert said(backend, "certificate") == Exit.OK
    assert "20 days left; serial 4F4F" in capsys.readouterr().out
    assert said(backend, "certificate", "show", "postgres") == Exit.OK
    assert "No service that runs was seen" in capsys.readouterr().out
    backend.answers["GET /v1/stack"] = stacked.stack({"nginx": {"certificate_until": time.time() - 60}})
    assert said(backend, "certificate", "--json") == Exit.FAILED
    assert [one["id"] for one in json.loads(capsys.readouterr().out)["services"]] == ["nginx"]
    assert said(backend, "certificate", "renew", "--yes") == Exit.OK
    request = asked(backend, "POST /v1/tasks/action")[0]
    assert (request["kind"], request["target"]) == ("certificate.renew", "")
    assert said(backend, "certificate", "renew", "--view-only") == Exit.NOT_ALLOWED
