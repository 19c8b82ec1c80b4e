"""One trace a task, over processes and real containers: who asked, who decided, what ran, and the model's answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.loops import IMAGE, repository
from tests.e2e.test_loop_model import ASKS, ready

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]


@pytest.fixture
def up() -> Iterator[House]:
    """A house whose model repeats what it is told."""
    with house(AISTACK_MODEL_ENABLED="true", AISTACK_MODEL_ADAPTER="memory") as made:
        made.start()
        wait_until(lambda: ready(made), 60, lambda: made.said())
        yield made


def trace(up: House, wanted: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(up.cli("traces", wanted, "--json").stdout)
    return found


def test_a_task_that_a_second_console_approves_is_one_trace(up: House, tmp_path: Path) -> None:
    script = f"cat > /tmp/a.py <<'X'\n{ASKS}\nask(max_tokens=4)\nX\npython3 /tmp/a.py"
    asked = up.cli(
        *("loop", "run", "ask the model", "--source", str(repository(tmp_path / "repo")), "--proof", "true"),
        *("--image", IMAGE, "--command", script, "--model", "local", "--limit", "passes=1", "--json"),
    )
    task = json.loads(asked.stdout)
    assert task["state"] == "awaiting approval"
    (waits,) = json.loads(up.cli("approvals", "--json").stdout)["approvals"]
    up.cli("approve", str(waits["id"]), *(("--code", waits["code"]) if waits["code"] else ("--yes",)))
    number = str(task["id"])
    wait_until(lambda: _ended(up, number), 60, lambda: json.dumps(trace(up, number)))
    found = trace(up, number)
    spans = {one["name"]: one for one in found["spans"]}
    assert {"console loop", "task.submit", "approval.wait", "engine.run", "loop.pass", "model.answer"} <= spans.keys()
    above = {one["id"]: one["name"] for one in found["spans"]}
    assert [one["name"] for one in found["spans"] if one["parent_id"] not in above] == ["console loop"]
    assert spans["model.answer"]["parent_id"] in above
    assert spans["console loop"]["service"] == "console"
    assert spans["approval.wait"]["attributes"]["by"].startswith("operator:")
    linked = [one["span"]["name"] for one in found["linked"]]
    assert linked == ["console approve", "POST /v1/approvals/{id}/decision"]
    text = up.cli("traces", number).stdout
    print(text)
    order = [text.index(word) for word in ("console loop", "task.submit", "approval.wait", "linked: console approve")]
    assert order == sorted(order)


def _ended(up: House, number: str) -> bool:
    spans = trace(up, number)["spans"]
    names = {one["name"] for one in spans if one["seconds"] is not None}
    return {"console loop", "engine.run", "model.answer"} <= names
