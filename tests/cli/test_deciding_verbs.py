"""The verbs of the gate against a backend on a socket: rules, edit, the report and the wait."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from tests.cli.test_stack_verbs import asked, backend, said  # noqa: F401  (a fixture among them)
from tests.console.stage import NOW, Stage
from tests.console.world import approval, approvals

from aistack_backend.wire.actions import ApprovalList, ApprovalState
from aistack_backend.wire.rules import DecisionReport, Passed, Rehearsal, Rule, RuleList
from aistack_backend.wire.status import Status
from aistack_console.verbs.exits import Exit

RULE = Rule(
    id=3, approval_id=1, kind="shell.run", pattern="ls", requester="agent:a", made_at=NOW, made_by="me", ends_at=NOW
)
FOUND = Rehearsal(
    words="allow ls", tried=9, passed=(Passed(approval_id=7, task_id=4, title="run ls", state="denied"),), rehearsed="x"
)


@pytest.fixture
def gate(backend: Stage) -> Stage:  # noqa: F811
    """A backend with one request that waits, and rules."""
    backend.answers |= {
        "GET /v1/approvals": approvals(approval()),
        "GET /v1/approvals/1": approval(),
        "GET /v1/approvals/report": DecisionReport(decided=4, approved=2, median_seconds=3.25, quick_share=0.5),
        "POST /v1/approvals/1/edit": approval(2, title="edited"),
        "GET /v1/rules": RuleList(rules=(RULE,)),
        "POST /v1/rules/rehearse": FOUND,
        "POST /v1/rules": RULE,
        "POST /v1/rules/3/revoke": RULE,
    }
    return backend


@pytest.mark.parametrize(
    "words",
    [
        ("approve", "1", "--yes"),
        ("deny", "1", "--reason", "no"),
        ("rules", "revoke", "3"),
        ("stop", "5"),
        ("run", "restart web"),
    ],
)
def test_another_major_version_changes_nothing(
    gate: Stage, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    gate.answers["GET /v1/status"] = replace(cast(Status, gate.answers["GET /v1/status"]), api=2)
    assert said(gate, *words) == Exit.FAILED
    told = capsys.readouterr().err
    assert "The backend speaks API 2, this console 1: nothing can be changed from here." in told
    assert "pip install -U aistack-console" in told
    assert not [what for what, _ in gate.asked if not what.startswith("GET ")]
    assert said(gate, "approvals") == Exit.OK, "looking goes on"


def test_rules(gate: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(gate, "rules") == Exit.OK
    assert "shell.run ls" in capsys.readouterr().out
    assert said(gate, "rules", "rehearse", "1", "--pattern", "ls *") == Exit.OK
    assert "#7 run ls (task 4, denied)" in capsys.readouterr().out
    assert said(gate, "rules", "allow", "1") == Exit.NOT_ALLOWED, "nobody can confirm"
    assert asked(gate, "POST /v1/rules") == []
    assert said(gate, "rules", "allow", "1", "--yes") == Exit.OK
    assert asked(gate, "POST /v1/rules")[0]["rehearsed"] == "x"
    assert said(gate, "rules", "revoke", "3") == Exit.OK
    assert said(gate, "rules", "revoke") == Exit.USAGE
    gate.answers["POST /v1/rules/rehearse"] = Rehearsal(words="w", tried=0, never="it ended.", rehearsed="x")
    assert said(gate, "rules", "rehearse", "1") == Exit.FAILED


def test_edit_sends_the_file_as_it_is(gate: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new.sh"
    file.write_bytes("é\tls\r\n".encode())
    assert said(gate, "edit", "1", "--script", str(file)) == Exit.OK
    assert asked(gate, "POST /v1/approvals/1/edit")[0]["script"] == "é\tls\r\n"
    assert "waits as 2" in capsys.readouterr().out
    file.write_bytes(b"\xff")
    assert said(gate, "edit", "1", "--script", str(file)) == Exit.USAGE
    assert said(gate, "edit", "1", "--script", str(tmp_path / "none")) == Exit.USAGE


def test_the_report_and_the_wait(gate: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(gate, "approvals", "--report") == Exit.OK
    out = capsys.readouterr().out
    assert "3.2 s" in out
    assert "50% of the approvals" in out
    assert said(gate, "approvals", "--wait") == Exit.OK
    gate.answers["GET /v1/approvals"] = ApprovalList(approvals=(approval(state=ApprovalState.DENIED),))
    assert said(gate, "approvals", "--wait", "--timeout", "0.1") == Exit.FAILED
    assert "Nothing waited" in capsys.readouterr().err


def test_approve_goes_on_after_a_pause(gate: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    gate.answers |= {"POST /v1/approvals/1/go-on": approval(), "POST /v1/approvals/1/decision": approval()}
    assert said(gate, "approve", "1", "--yes", "--go-on") == Exit.OK
    assert asked(gate, "POST /v1/approvals/1/go-on") == [{"words": "go on"}]
    assert "has your yes; another person" in capsys.readouterr().out
    gate.answers["GET /v1/approvals/report"] = DecisionReport(decided=4, approved=2, last_minute=3, most=5)
    assert said(gate, "approvals", "--report") == Exit.OK
    assert "approved 3 requests of others in the last minute; 5 make a pause" in capsys.readouterr().out
