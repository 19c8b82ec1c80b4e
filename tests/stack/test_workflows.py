"""The built-in workflows on real containers, each effect through the gate, and what a kill leaves of a run.

Not in it: answers of a real model (tests/stack/test_p1_integration.py asks one where a model is here).
"""

from __future__ import annotations

import json
import shlex
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.boxes import podman
from tests.bed.flows import approve, look, outputs, run, stack, states, through

pytestmark = [pytest.mark.podman, pytest.mark.timeout(240)]
URL = "http://localhost:8095"
LINE = """curl -sS -w '\\n%{http_code}' -X POST http://localhost:8095/workflow \\
  -H "Content-Type: application/json" \\
  -d '{"workflow": "simple_query", "engines": ["qwen-coder"]}'"""


@pytest.fixture(scope="module")
def project() -> Iterator[str]:
    name = f"flows-{uuid.uuid4().hex[:6]}"
    yield name
    for service in ("web", "side", "watch"):
        podman("rm", "-f", "-t", "0", f"{name}-{service}", check=False)
    podman("volume", "rm", "-f", f"{name}-data", check=False)
    podman("network", "rm", "-f", f"{name}-net", check=False)


@pytest.fixture(scope="module")
def home(project: str) -> Iterator[House]:
    with house(AISTACK_STACK_LISTEN="note", AISTACK_STACK_HEAL="false", AISTACK_APPROVALS_MOST_A_MINUTE="0") as made:
        made.env["AISTACK_STACK"] = str(stack(made.folder, project))
        made.start()
        wait_until(lambda: '"status":"ok"' in curl("/health"), 30, made.said)
        yield made


def curl(path: str, *words: str) -> str:
    done = subprocess.run(["curl", "-sS", "-m", "70", *words, URL + path], capture_output=True, text=True, check=False)
    return done.stdout or done.stderr


def state_of(name: str) -> str:
    return podman("inspect", "-f", "{{.State.Status}}", name, check=False)


def test_the_notes_line_verbatim_without_a_model_says_so_in_one_sentence(home: House) -> None:
    done = subprocess.run(["sh", "-c", LINE], capture_output=True, text=True, check=True, timeout=80).stdout
    body, _, code = done.rpartition("\n")
    said = json.loads(body)
    assert (code, said["state"], said["result"]) == ("200", "failed", "")
    assert said["reason"].startswith("Step answer failed: The local model could not start: It is switched off")


def test_an_unknown_engine_is_422_and_names_the_known_ones(home: House) -> None:
    body = '{"workflow": "simple_query", "engines": ["gpt"]}'
    said = curl("/workflow", "-w", "%{http_code}", "-H", "Content-Type: application/json", "-d", body)
    assert said.endswith("422")
    assert "Known engines: qwen-coder." in said


def test_deploy_with_monitoring(home: House, project: str) -> None:
    begun = run(home, "deploy_with_monitoring", "--input", "services=web side", "--input", "monitoring=watch")
    assert states(begun)["deploy"] == "needs you", begun
    assert states(begun)["before"] == "done"
    assert state_of(f"{project}-web") == "", "nothing runs before it is allowed"
    done = through(home, begun["task"]["id"])
    assert done["task"]["state"] == "done", done
    assert set(states(done).values()) == {"done"}
    assert (outputs(done)["services_well"], outputs(done)["monitoring_well"]) == ("true", "true")
    assert {state_of(f"{project}-{one}") for one in ("web", "side", "watch")} == {"running"}


def test_diagnose_a_service_and_restart_it_only_when_allowed(home: House, project: str) -> None:
    podman("exec", f"{project}-side", "pkill", "httpd", check=False)
    podman("stop", "-t", "1", f"{project}-side", check=False)
    asked = run(home, "diagnose_service", "--input", "service=side", "--input", "restart=true")
    assert states(asked)["mend"] == "needs you", asked
    number = asked["task"]["id"]
    (waiting,) = [one["approval_id"] for one in asked["steps"] if one["approval_id"]]
    home.cli("deny", str(waiting), "--reason", "not now")
    wait_until(lambda: look(home, number)["task"]["state"] == "done", 20, home.said)
    denied = look(home, number)
    assert (states(denied)["mend"], states(denied)["after"]) == ("denied", "skipped")
    assert "side is" in outputs(denied)["diagnosis"]
    assert state_of(f"{project}-side") == "exited"

    again = json.loads(home.cli("workflow", "rerun", str(number), "mend", "--json").stdout)
    assert (again["rerun_of"], states(again)["mend"]) == (number, "needs you")
    kept = {one["id"]: one["kept_from"] for one in again["steps"]}
    assert (kept["ladder"], kept["opinion"], kept["mend"]) == (number, number, None)
    done = through(home, again["task"]["id"])
    assert (states(done)["mend"], states(done)["after"]) == ("done", "done"), done
    assert outputs(done)["after"].startswith("side is ok")
    assert state_of(f"{project}-side") == "running"


def test_a_backup_is_taken_and_proven(home: House) -> None:
    begun = run(home, "backup_and_verify", "--input", "services=web")
    done = through(home, begun["task"]["id"])
    assert done["task"]["state"] == "done", done
    given = outputs(done)
    assert int(given["now"]) == int(given["before"]) + 1
    assert f"Backup {given['backup']} was restored aside and holds." in given["proof"]


def test_a_patch_is_reviewed(home: House, tmp_path: Path) -> None:
    patch = tmp_path / "a.patch"
    patch.write_text(
        "--- a/app/run.py\n+++ b/app/run.py\n@@ -1,2 +1,3 @@\n import os\n-print(1)\n+eval(input())\n+x = 1 \n"
    )
    done = run(home, "review_diff", "--input", f"patch=@{patch}", code=0)
    assert outputs(done)["rules"].splitlines() == [
        "1 file, 2 lines added, 1 removed: app/run.py",
        "app/run.py:2 runs text as code",
        "app/run.py:3 ends with blanks",
        "It changes code and no test.",
    ]
    assert outputs(done)["opinion"] == "Only the rules looked at it."


def test_a_question_with_context_is_answered_by_what_was_read(home: House, project: str) -> None:
    done = run(home, "ask_with_context", "--input", f"container={project}-web", code=0)
    assert outputs(done)["by"] == "rules"
    assert "web: ok" in outputs(done)["answer"]
    assert "ready" in outputs(done)["answer"], "the log of the container"


def test_the_notes_default_workflow_branches_and_merges(home: House, project: str) -> None:
    begun = run(home, "coordinate", "--input", f"task=restart {project}-side", "--input", "planner=rules")
    assert states(begun)["act"] == "needs you"
    done = through(home, begun["task"]["id"])
    assert set(states(done).values()) == {"done"}, done
    assert outputs(done)["report"].startswith(f"container.restart {project}-side: ") or outputs(done)["action"]
    assert "web: ok" in outputs(done)["stack"]


PATCH = "patch=--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n"
AGAIN = (
    ("ask_with_context", ("question=Who is well?",), "answer", {"context", "services", "machine", "known", "log"}),
    ("review_diff", (PATCH,), "opinion", {"rules"}),
    ("diagnose_service", ("service=web",), "opinion", {"ladder", "log", "machine", "facts"}),
    ("deploy_with_monitoring", ("services=web", "monitoring=watch"), "watch", {"before", "plan", "deploy", "services"}),
    ("backup_and_verify", ("services=web",), "prove", {"before", "take", "newest"}),
    ("coordinate", ("task=restart PROJECT-side", "planner=rules"), "report", {"branches", "proposal", "act"}),
)
"""Workflow, inputs, the step to begin at again, and steps whose results must be kept."""


@pytest.mark.parametrize(("name", "inputs", "step", "kept"), AGAIN, ids=[one[0] for one in AGAIN])
def test_each_is_run_again_from_a_step(
    home: House, project: str, name: str, inputs: tuple[str, ...], step: str, kept: set[str]
) -> None:
    words = [word for one in inputs for word in ("--input", one.replace("PROJECT", project))]
    first = through(home, run(home, name, *words)["task"]["id"])
    assert first["task"]["state"] == "done", first
    number = first["task"]["id"]
    before = len(json.loads(home.cli("tasks", "--json").stdout)["tasks"])
    begun = json.loads(home.cli("workflow", "rerun", str(number), step, "--json").stdout)
    again = through(home, begun["task"]["id"])
    assert again["task"]["state"] == "done", again
    found = {one["id"]: one["kept_from"] for one in again["steps"]}
    assert {one for one, run_id in found.items() if run_id == number} >= kept
    assert found[step] is None
    acted = {"deploy_with_monitoring": 1, "backup_and_verify": 1}.get(name, 0)
    assert len(json.loads(home.cli("tasks", "--json").stdout)["tasks"]) == before + 1 + acted, "no effect is done again"


def test_a_killed_backend_goes_on_where_it_was(home: House, project: str) -> None:
    begun = run(home, "deploy_with_monitoring", "--input", "services=side", "--input", "monitoring=watch")
    number = begun["task"]["id"]
    before = look(home, number)
    kill(home)
    home.start()
    wait_until(lambda: '"status":"ok"' in curl("/health"), 30, home.said)
    held = look(home, number)
    assert [one["approval_id"] for one in held["steps"]] == [one["approval_id"] for one in before["steps"]]
    assert [one["ended_at"] for one in held["steps"]] == [one["ended_at"] for one in before["steps"]]
    approve(home, number)
    kill(home)  # approved, and begun or not: what was not begun is asked for again, never run unasked
    home.start()
    wait_until(lambda: '"status":"ok"' in curl("/health"), 30, home.said)
    done = through(home, number)
    assert done["task"]["state"] == "done", done
    children = [one for one in json.loads(home.cli("tasks", "--json").stdout)["tasks"] if one["parent_id"] == number]
    ended = [one["state"] for one in children]
    assert ended.count("done") == 2, children
    assert set(ended) <= {"done", "stopped"}
    assert home.cli("audit", "verify").stdout


def test_stopping_a_run_stops_what_it_asked_for(home: House, project: str) -> None:
    begun = run(home, "diagnose_service", "--input", "service=watch", "--input", "restart=true")
    if states(begun).get("mend") == "skipped":
        podman("stop", "-t", "1", f"{project}-watch")
        begun = run(home, "diagnose_service", "--input", "service=watch", "--input", "restart=true")
    assert states(begun)["mend"] == "needs you", begun
    number = begun["task"]["id"]
    child = next(one["task_id"] for one in begun["steps"] if one["id"] == "mend")
    home.cli("workflow", "stop", str(number))
    wait_until(lambda: states(look(home, number))["mend"] == "stopped", 10, home.said)
    assert json.loads(home.cli("tasks", str(child), "--json").stdout)["state"] == "stopped"
    assert look(home, number)["task"]["state"] == "stopped"


def test_the_commands_of_the_page_run(
    home: House, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "workflows.md").read_text()
    (care,) = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]
    own = home.folder / "workflows"
    own.mkdir(exist_ok=True)
    for place in (own, tmp_path):
        (place / "care.yml").write_text(care)
    monkeypatch.chdir(tmp_path)
    first = run(home, "simple_query")["task"]["id"]
    lines = [line for block in page.split("```sh\n")[1:] for line in block.split("```")[0].splitlines()]
    for words in (shlex.split(line)[1:] for line in lines):
        ended = {"rerun", "stop"} & set(
            words
        )  # the question fails without a model, and what has ended cannot be stopped
        named = [str(first) if word == "1" else word for word in words]
        done = home.cli(*named, code=1 if ended else 0)
        assert not ended or "switched off" in done.stdout or "already" in done.stderr, done
    assert "care.yml: it can be run." in home.cli("workflow", "check", "care.yml").stdout


def kill(home: House) -> None:
    """End the backend as a crash does."""
    assert home._backend is not None
    home._backend.kill()
    home._backend.wait()
