"""Loops whose agent has a model, on real containers: over the mounted socket, within a budget, and with none else."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.endpoint import completion, endpoint
from tests.bed.loops import IMAGE, PROOF, SUMS, repository

pytestmark = [pytest.mark.podman, pytest.mark.core, pytest.mark.timeout(240)]
ASKS = """
import json, os, urllib.request, urllib.error
def ask(**more):
    body = json.dumps({"messages": [{"role": "user", "content": "one two three"}], **more}).encode()
    made = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body,
                                  {"Content-Type": "application/json", "Authorization": "Bearer x"})
    try:
        with urllib.request.urlopen(made) as said:
            return said.status, said.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
"""
FIXES = {
    "    result = 1": "result = 0",
    "    return min(numbers)": "    return max(numbers)",
    "    return first in text or second in text": "return first in text and second in text",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "repo")


@pytest.fixture
def up() -> Iterator[House]:
    """A house whose model repeats what it is told."""
    with house(AISTACK_MODEL_ENABLED="true", AISTACK_MODEL_ADAPTER="memory") as made:
        made.start()
        wait_until(lambda: ready(made), 60, lambda: made.said())
        yield made


def asked(repo: Path, *more: str) -> tuple[str, ...]:
    words = ("loop", "run", "make the tests pass", "--source", str(repo), "--proof", PROOF, "--check", "tests")
    return (*words, "--image", IMAGE, "--json", *more)


def ran(up: House, repo: Path, *more: str, code: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    done = json.loads(up.cli(*asked(repo, "--yes", "--wait", *more), code=code).stdout)
    loop = json.loads(up.cli("loop", "show", str(done["id"]), "--json").stdout)
    return done, loop


def test_a_command_reaches_the_model_and_nothing_else(up: House, repo: Path) -> None:
    script = (
        f"cat > /tmp/a.py <<'X'\n{ASKS}\n"
        "print(ask(max_tokens=4)[1]); print('stream', ask(stream=True, max_tokens=4)[1].count('data:'))\n"
        "import socket\n"
        "for path in ('/v1/status', '/v1/approvals', '/v1/tasks/goal', '/execute', '/llama/v1/models'):\n"
        "    try: urllib.request.urlopen('http://127.0.0.1:8080' + path); print('GOT', path)\n"
        "    except urllib.error.HTTPError as error: print(path, error.code)\n"
        "print(os.listdir('/model'))\nX\npython3 /tmp/a.py"
    )
    done, loop = ran(up, repo, "--command", script, "--model", "local", "--limit", "passes=1", code=1)
    said = loop["passes"][0]["agent_output"]
    assert "You said: one two" in said
    assert "GOT" not in said
    assert said.count(" 404") == 5, said
    assert "['model.sock']" in said
    assert loop["passes"][0]["use"] == {"answers": 2, "read": 6, "written": 8, "cost": 0}
    assert done["state"] == "exhausted"
    text = up.cli("loop", "show", str(done["id"])).stdout
    assert "2 answers, 6 tokens read, 8 written" in text
    assert "14 of 200000" in text


def test_a_used_up_budget_ends_the_loop_exhausted_with_its_evidence(up: House, repo: Path) -> None:
    script = (
        f"cat > /tmp/a.py <<'X'\n{ASKS}\nwhile (said := ask(max_tokens=500))[0] == 200: pass\nprint(said)\nX\n"
        "python3 /tmp/a.py"
    )
    done, loop = ran(up, repo, "--command", script, "--model", "local", "--limit", "tokens=900", code=1)
    assert "429" in loop["passes"][-1]["agent_output"]
    assert "limit of 900 tokens is reached" in loop["passes"][-1]["note"]
    assert done["state"] == "exhausted"
    assert "tokens 9" in done["reason"] + done["result"]
    assert "of 900 (" in done["reason"] + done["result"]


def test_an_agent_that_goes_on_asking_is_ended(up: House, repo: Path) -> None:
    script = f"cat > /tmp/a.py <<'X'\n{ASKS}\nwhile True: ask(max_tokens=500)\nX\npython3 /tmp/a.py"
    done, loop = ran(up, repo, "--command", script, "--model", "local", "--limit", "tokens=600", code=1)
    assert "when nothing was left" in loop["passes"][-1]["note"]
    assert done["state"] == "exhausted"


def test_the_socket_comes_back_with_the_backend_and_what_was_used_is_remembered(up: House, repo: Path) -> None:
    script = (
        f"cat > /tmp/a.py <<'X'\n{ASKS}\nimport time\nask(max_tokens=50)\nopen('/workspace/asked', 'w').close()\n"
        "while not os.path.exists('/workspace/again'): time.sleep(0.05)\n"
        "for _ in range(600):\n"
        "    try: said = ask(max_tokens=3); break\n"
        "    except OSError: time.sleep(0.05)\n"
        "print(said)\nX\npython3 /tmp/a.py"
    )
    task = json.loads(
        up.cli(*asked(repo, "--yes", "--command", script, "--model", "local", "--limit", "passes=1")).stdout
    )
    tree = up.data / "workspaces" / str(task["id"]) / "tree"
    wait_until(lambda: (tree / "asked").exists(), 30, lambda: up.said())
    wait_until(lambda: shown(up, task["id"])["passes"][0]["use"]["written"] == 50, 10, lambda: up.said())
    assert up._backend is not None
    up._backend.kill()
    up._backend.wait()
    (tree / "again").write_text("")
    up.start()
    wait_until(lambda: shown(up, task["id"]).get("task", {}).get("state") == "exhausted", 60, lambda: up.said())
    (only,) = shown(up, task["id"])["passes"]
    assert "200, " in only["agent_output"], only
    assert (only["use"]["answers"], only["use"]["written"]) == (2, 53)
    assert not (up.data / "workspaces" / str(task["id"]) / "model" / "model.sock").exists(), "gone with the loop"


def shown(up: House, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(up.cli("loop", "show", str(number), "--json", code=None).stdout or "{}")
    return found


def mends(body: dict[str, Any]) -> dict[str, Any]:
    """What a model that knows the three bugs answers to the tools' questions."""
    wanted = body["response_format"]["json_schema"]["schema"]["properties"]
    if "old" in wanted:
        old = next(line for line in FIXES if line in wanted["old"]["enum"])
        return completion(json.dumps({"old": old, "new": FIXES[old]}), 400, 30)
    return completion(json.dumps({"why": "a bug", "step": "edit sums.py"}), 300, 20)


def test_an_endpoints_model_mends_it_with_the_tools_and_the_key_stays_outside(
    up: House, repo: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("sk-canary-4711\n")
    key.chmod(0o600)
    with endpoint(mends) as there:
        words = ("--agent", "openai", "--endpoint", there.url, "--model", "big", "--key-file", str(key))
        done, loop = ran(up, repo, *words, "--price", "1/2")
    assert (done["state"], [one["state"] for one in loop["passes"]]) == ("done", ["proven"])
    assert loop["passes"][0]["use"] == {"answers": 6, "read": 2_100, "written": 150, "cost": 2_400}
    assert "edit sums.py  (a bug)" in loop["passes"][0]["agent_output"]
    assert all(one[1]["authorization"] == "Bearer sk-canary-4711" for one in there.asked)
    told = up.data / "workspaces" / str(done["id"])
    found = subprocess.run(["grep", "-rl", "sk-canary", str(told), str(up.folder)], capture_output=True, text=True)
    assert found.stdout == "", "the key is in no file but its own"
    text = up.cli("loop", "show", str(done["id"])).stdout
    assert "$0.0024" in text
    assert (repo / "sums.py").read_text() == SUMS


def test_an_endpoint_that_costs_too_much_ends_it(up: House, repo: Path) -> None:
    with endpoint(completion(json.dumps({"why": "w", "step": "list"}), 5_000, 10)) as there:
        words = ("--agent", "openai", "--endpoint", there.url, "--model", "big", "--price", "1/1")
        done, loop = ran(up, repo, *words, "--limit", "cost=1", code=1)
    assert done["state"] == "exhausted"
    assert "cost 1 of 1 ($0.01" in done["reason"] + done["result"]
    assert loop["passes"][-1]["agent_output"].count("list") <= 3


def test_an_agent_behind_http_answers_with_a_diff_and_then_files(up: House, repo: Path) -> None:
    bad = "--- a/../../etc/x\n+++ b/../../etc/x\n@@ -0,0 +1 @@\n+x\n"
    diff = "--- a/sums.py\n+++ b/sums.py\n@@ -12,1 +12,1 @@\n-    return min(numbers)\n+    return max(numbers)\n"
    fixed = SUMS
    for old, new in FIXES.items():
        fixed = fixed.replace(old, old[: len(old) - len(old.lstrip())] + new.lstrip())
    answers = ({"diff": bad, "output": "evil"}, {"diff": diff}, {"files": {"sums.py": fixed}, "output": "all three"})
    with endpoint(*answers) as there:
        done, loop = ran(up, repo, "--agent", "http", "--endpoint", there.url)
    assert (done["state"], [one["state"] for one in loop["passes"]]) == ("done", ["blocked", "refuted", "proven"])
    assert "no path inside" in loop["passes"][0]["agent_output"]
    assert "1 file changed" in loop["passes"][1]["changed"]
    assert "all three\nwrote sums.py" in loop["passes"][2]["agent_output"]
    first, _, third = (one[2] for one in there.asked)
    assert first["files"]["sums.py"] == SUMS
    assert (third["pass"], third["goal"]) == (3, "make the tests pass")
    assert "FAILED" in third["last"]


def test_an_agent_behind_http_that_is_not_there_fails_with_a_sentence(up: House, repo: Path) -> None:
    done, _ = ran(up, repo, "--agent", "http", "--endpoint", "http://127.0.0.1:9/x", code=1)
    assert done["state"] == "failed"
    assert "The agent at 127.0.0.1:9 does not answer" in done["result"] + done["reason"]


def test_the_folder_of_an_ended_loop_is_removed_through_the_gate(up: House, repo: Path) -> None:
    done, _ = ran(up, repo, "--command", "true", "--limit", "passes=1", code=1)
    number, folder = str(done["id"]), up.data / "workspaces" / str(done["id"])
    assert (folder / "git").is_dir()
    wanted = up.cli("loop", "remove", number, "--yes", code=None)
    assert "needs its code" in wanted.stderr
    code = wanted.stderr.rpartition("--code ")[2].strip(" .\n")
    removed = json.loads(up.cli("loop", "remove", number, "--yes", "--wait", "--json", "--code", code).stdout)
    assert (removed["state"], removed["result"]) == ("done", f"Removed: loop {number}.")
    assert not folder.exists()
    assert "was removed" in up.cli("loop", "diff", number, code=None).stderr
    shown = json.loads(up.cli("loop", "show", number, "--json").stdout)
    assert (shown["folder"], len(shown["passes"])) == ("", 1)
    for words, says in (((number,), "gone already"), ((), "Name the loops"), (("--older", "1"), "No loop that ended")):
        failed = up.cli("loop", "remove", *words, "--yes", code=None)
        assert failed.returncode != 0
        assert says in failed.stderr


def test_what_cannot_be_asked_is_told_in_one_sentence(up: House, repo: Path) -> None:
    for words, says in (
        (("--agent", "openai"), "needs a model"),
        (("--agent", "openai", "--model", "m"), "needs an endpoint"),
        (("--agent", "local", "--endpoint", "https://a/v1", "--model", "m"), "no endpoint"),
        (("--agent", "rules", "--model", "m"), "takes no model"),
        (("--agent", "http", "--endpoint", "ftp://x"), "is no endpoint"),
        (("--agent", "openai", "--model", "m", "--endpoint", "https://a/v1"), "cost is not named"),
        (("--limit", "tokens=0"), "limit tokens is 0"),
        (("--limit", "cents=1"), "is no limit"),
        (("--file", "../x"), "no path inside"),
    ):
        failed = up.cli(*asked(repo, *words), code=None)
        assert failed.returncode != 0, words
        assert says in failed.stdout + failed.stderr, (words, failed.stderr)


@pytest.mark.engine
def test_a_scripted_agent_over_the_socket_with_the_real_engine(repo: Path) -> None:
    script = (
        f"cat > /tmp/a.py <<'X'\n{ASKS}\n"
        "form = {'type': 'json_schema', 'json_schema': {'schema': {'type': 'object', 'properties':\n"
        "        {'tool': {'enum': ['read', 'edit']}, 'why': {'type': 'string', 'maxLength': 20}}}}}\n"
        "print('CHOSE', json.loads(ask(max_tokens=80, response_format=form)[1])['choices'][0]['message']['content'])\n"
        "print('SAID', len(json.loads(ask(max_tokens=12)[1])['choices'][0]['message']['content']) > 0)\n"
        "X\npython3 /tmp/a.py; sed -i 's/min(/max(/; s/result = 1/result = 0/; s/ or / and /' sums.py"
    )
    with house(AISTACK_MODEL_ENABLED="true") as up:
        up.start()
        wait_until(lambda: ready(up), 90, lambda: up.said())
        done, loop = ran(up, repo, "--command", script, "--model", "local")
    (only,) = loop["passes"]
    assert done["state"] == "done", loop
    assert '"tool"' in only["agent_output"]
    assert "SAID True" in only["agent_output"]
    assert only["use"]["answers"] == 2
    assert only["use"]["read"] > 20
    assert 12 < only["use"]["written"] <= 92
    print(f"model {loop['request']['model']}: {only['use']}")


def ready(up: House) -> bool:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(up.socket))
        one.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        said = b"".join(iter(lambda: one.recv(65_536), b""))
    return b'"engine":"ready"' in said.replace(b'": "', b'":"')
