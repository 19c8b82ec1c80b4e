"""Every view and verb without a terminal, over a real backend and real containers."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from tests.bed.backend import CONSOLE, House, wait_until
from tests.bed.boxes import Boxes
from tests.bed.terminal import Terminal

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]


@pytest.fixture
def web(up: House, boxes: Boxes) -> str:
    """A managed container that the backend has seen: medium risk."""
    name = boxes.run("web", "sh", "-c", "echo one; echo two; exec sleep 3600")
    wait_until(lambda: name in up.cli("containers", code=None).stdout, 20, "the backend never saw it")
    return name


def wish(home: House, goal: str) -> dict[str, Any]:
    """Ask for something; return the task that waits."""
    task: dict[str, Any] = json.loads(home.cli("run", goal, "--planner", "rules", "--json").stdout)
    return task


def test_views_print_wire_types(up: House, web: str) -> None:
    status = json.loads(up.cli("status", "--json", code=None).stdout)
    assert status["data_dir"] == str(up.data)
    assert {source["name"] for source in status["sources"]} >= {"podman", "host"}
    fleet = json.loads(up.cli("containers", "--json").stdout)
    assert web in [one["name"] for one in fleet["containers"]]
    assert fleet["source"]["state"] == "ok"
    assert json.loads(up.cli("tasks", "--json").stdout) == {"tasks": []}
    assert json.loads(up.cli("audit", "verify", "--json").stdout)["ok"] is True
    assert json.loads(up.cli("doctor", "--json", code=None).stdout)["findings"]


def test_logs_are_plain_lines_or_objects(up: House, web: str) -> None:
    assert up.cli("logs", web).stdout == "one\ntwo\n"
    assert up.cli("logs", web, "-n", "1").stdout == "two\n"
    batches = [json.loads(line) for line in up.cli("logs", web, "--json").stdout.splitlines()]
    assert [line["text"] for batch in batches for line in batch["lines"]] == ["one", "two"]
    assert "no container" in up.cli("logs", "nobody", code=1).stderr


def test_a_wish_waits_until_somebody_says_yes(up: House, boxes: Boxes, web: str) -> None:
    started = boxes.started_at(web)
    task = wish(up, f"restart {web}")
    assert task["state"] == "awaiting approval"
    number = str(task["approval_id"])
    assert web in up.cli("approvals").stdout
    refused = up.cli("approve", number, code=4)
    assert "--yes" in refused.stderr
    assert boxes.started_at(web) == started
    done = up.cli("approve", number, "--yes", "--until-done")
    assert "DONE" in done.stdout
    assert boxes.inspect(web)["Id"] in done.stderr  # the whole action was printed first
    assert boxes.started_at(web) != started
    assert "Already approved by" in up.cli("approve", number, "--yes", code=1).stderr


def test_no_is_no(up: House, boxes: Boxes, web: str) -> None:
    started = boxes.started_at(web)
    task = wish(up, f"stop {web}")
    number = str(task["approval_id"])
    up.cli("deny", number, "--reason", "not now")
    assert "DENIED" in up.cli("tasks", str(task["id"])).stdout
    assert "not now" in up.cli("approvals", number).stdout
    assert boxes.started_at(web) == started


def test_high_risk_wants_its_code(up: House, boxes: Boxes) -> None:
    name = boxes.run("stranger", managed=False)
    wait_until(lambda: name in up.cli("containers", code=None).stdout, 20, "the backend never saw it")
    started = boxes.started_at(name)
    number = str(wish(up, f"restart {name}")["approval_id"])
    assert "--code" in up.cli("approve", number, "--yes", code=4).stderr
    up.cli("approve", number, "--code", "zzzz", code=4)
    assert boxes.started_at(name) == started
    code = json.loads(up.cli("approvals", number, "--json").stdout)["code"]
    up.cli("approve", number, "--code", code, "--until-done")
    assert boxes.started_at(name) != started


def test_a_person_is_asked_at_a_terminal(up: House, boxes: Boxes, web: str) -> None:
    started = boxes.started_at(web)
    number = str(wish(up, f"restart {web}")["approval_id"])
    with Terminal([CONSOLE, "approve", number], up.env) as no:
        no.wait_for("Approve this? [y/N]")
        no.press("\r")
        assert no.wait_end() == 4
    assert boxes.started_at(web) == started
    with Terminal([CONSOLE, "approve", number, "--until-done"], up.env, 160, 45) as yes:
        yes.wait_for("Approve this? [y/N]")
        yes.press("y\r")
        assert yes.wait_end() == 0
    assert boxes.started_at(web) != started


def test_waiting_has_an_end(up: House, web: str) -> None:
    late = up.cli("run", f"restart {web}", "--planner", "rules", "--until-done", "--timeout", "0.5", code=5)
    assert "it goes on" in late.stderr


def test_what_is_not_there_is_one_sentence(up: House) -> None:
    for words in (("approvals", "999"), ("tasks", "999"), ("approve", "999", "--yes"), ("stop", "999")):
        said = up.cli(*words, code=1).stderr
        assert said.count("\n") == 1
        assert "999" in said


def test_a_reader_that_goes_away_is_no_error(up: House) -> None:
    line = f"{CONSOLE} config explain | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], env=up.env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_audit_is_listed_oldest_first_and_searched(up: House) -> None:
    page = json.loads(up.cli("audit", "list", "--json").stdout)
    assert page["total"] >= 1
    told = up.cli("audit", "list").stdout.splitlines()
    assert told[0].split() == ["SEQ", "TIME", "WHO", "VIA", "PHASE", "WHAT"]
    assert "audit.genesis" in told[1]
    assert told[-1] == f"{len(told) - 2} of {len(told) - 2}"
    assert up.cli("audit", "list", "--text", "no such words").stdout.splitlines()[-1].startswith("0 of ")
    assert "Give 1 to 1000." in up.cli("audit", "list", "--limit", "0", code=2).stderr
    assert "A folder can be verified, not listed." in up.cli("audit", "list", str(up.data), code=2).stderr


def test_the_audit_of_a_folder_needs_no_backend(home: House) -> None:
    home.start()
    wait_until(lambda: home.cli("audit", "verify", code=None).returncode == 0, 20, home.said)
    home.stop_backend()
    assert home.cli("audit", "verify", str(home.data)).returncode == 0
    assert not home.answers()
    assert "verify" not in home.cli("audit", "verify", str(home.folder / "nothing"), code=None).stdout
    home.cli("doctor", code=None)
    assert not home.answers()


def test_without_a_terminal_the_console_prints_the_status(up: House) -> None:
    assert str(up.data) in up.cli(code=None).stdout
