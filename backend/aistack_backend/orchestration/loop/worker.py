"""The agent with a model: a program of the sandbox that has the model choose one tool after another.

The tools are ``list``, ``read``, ``edit`` (one line), ``write`` (a whole file), ``prove`` and ``finish``. Each answer
is held to a JSON schema that offers only what is there and makes sense now: the files, the lines, no step twice in a
row. A change after which more tests fail is undone. It acts on nothing but ``/workspace``, because there is nothing
else: no network, no other folder that it may write. The model is asked over the mounted socket. It is started as
``python3 /loop/worker.py`` and needs only the standard library.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOLD, ROOT, SOCKET = Path("/loop"), Path("/workspace"), "/model/model.sock"
BLOCKED = 2
STEPS = 24
"""Choices of one pass."""
SECONDS = 600
"""For one answer of the model."""
FILES, LINES, LONGEST_LINE = 60, 250, 160
TEXT = 4_000
"""Characters of a file that the model writes whole."""
SEEN = 6_000
"""Characters of what happened so far that the model is told again: the last ones."""
WORST = 1_000_000
HEAD = re.compile(r"\s*(def|class|async|import|from)\b|\s*@|\s*\"\"\"")
UNDONE, CHANGED = "undone", "changed"
SKIPPED = {".git", "__pycache__", ".pytest_cache", "node_modules"}
SYSTEM = (
    "You mend a small program. You work in steps, one at a time. Tools: list (all files),"
    " read (a file), edit (replace one line of a file), write (a whole file), prove (run the check), finish (nothing"
    " more to do). Read a file before you edit it. After each edit the check is run by itself."
)


class NoMore(Exception):
    """The model gives no further answer; the text says why."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


class Local(http.client.HTTPConnection):
    """HTTP over the mounted socket."""

    def __init__(self) -> None:
        super().__init__("localhost", timeout=SECONDS)

    def connect(self) -> None:
        """Connect to it."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(SOCKET)


def ask(said: str, properties: dict[str, Any], most: int) -> dict[str, str]:
    """Return the model's answer, held to a schema of these properties.

    Raises:
        NoMore: it cannot or may not answer. ValueError: the answer is not what was asked for.
    """
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    body = {
        "model": (TOLD / "model.txt").read_text(),
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": said}],
        "max_tokens": most,
        "temperature": min(0.8, 0.2 * int((TOLD / "pass.txt").read_text())),  # a pass must not repeat the last one
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "step", "strict": True, "schema": schema},
        },
    }
    connection = Local()
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        status, data = answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoMore(f"The model cannot be reached: {error}", BLOCKED) from error
    finally:
        connection.close()
    if status == 429:
        raise NoMore(why(data), 0)
    if status != 200:
        raise NoMore(f"The model does not answer ({status}): {why(data)}", BLOCKED)
    return fitting(data["choices"][0]["message"]["content"], properties)


def why(data: Any) -> str:
    """Return the sentence of an error in OpenAI's form."""
    error = data.get("error") if isinstance(data, dict) else None
    return str(error.get("message") if isinstance(error, dict) else data)


def fitting(text: str, properties: dict[str, Any]) -> dict[str, str]:
    """Return the answer as JSON of these properties; a fence around it is taken off.

    Raises:
        ValueError: it is none.
    """
    found = re.search(r"\{.*\}", text or "", re.DOTALL)
    value = json.loads(found.group()) if found else None
    if not isinstance(value, dict) or any(not isinstance(value.get(name), str) for name in properties):
        raise ValueError("the answer was cut off or is not what was asked for")
    for name, rule in properties.items():
        if "enum" in rule and value[name] not in rule["enum"]:
            raise ValueError(f"{value[name]!r} is no {name}")
    return {name: value[name] for name in properties}


def files() -> list[str]:
    """Return the files that it may work on, relative: neither links nor the checks, which are put back anyway."""
    checks = [one for one in (TOLD / "checks.txt").read_text().splitlines() if one]
    found = []
    for path in walk(ROOT):
        name = str(path.relative_to(ROOT))
        if not any(name == one or name.startswith(f"{one}/") for one in checks):
            found.append(name)
    wanted = [one for one in (TOLD / "files.txt").read_text().splitlines() if one]
    return [one for one in sorted(found) if not wanted or one in wanted][:FILES]


def walk(folder: Path) -> Iterator[Path]:
    """Yield the regular files below a folder; links are not followed."""
    for path in folder.iterdir():
        if path.is_symlink() or path.name in SKIPPED:
            continue
        if path.is_dir():
            yield from walk(path)
        elif path.is_file():
            yield path


def read(name: str) -> str:
    """Return a file's text with its lines numbered, as far as it is shown."""
    text = (ROOT / name).read_text(errors="replace")
    lines = [f"{number}: {line[:LONGEST_LINE]}" for number, line in enumerate(text.splitlines()[:LINES], start=1)]
    return "\n".join(lines) or "(empty)"


def lines_of(name: str, refused: set[tuple[str, str]]) -> list[str]:
    """Return the different lines of a file that can be named for an edit."""
    text = (ROOT / name).read_text(errors="replace")
    kept = [line for line in text.splitlines()[:LINES] if line.strip() and len(line) <= LONGEST_LINE]
    if name.endswith(".py"):  # the head of a block in one line has never been its repair
        kept = [line for line in kept if not HEAD.match(line)]
    return [line for line in dict.fromkeys(kept) if (name, line) not in refused]


def edit(name: str, told: str, refused: set[tuple[str, str]]) -> str:
    """Have the model replace one line; return what came of it. A line whose edit was not kept is not offered again."""
    lines = lines_of(name, refused)
    if not lines:
        return f"{name} has no line that can be edited; write it."
    said = f"{told}\n\n{name}:\n{read(name)}\n\nName the one line of {name} to replace, and its new text."
    chosen = ask(said, {"old": {"enum": lines}, "new": {"type": "string", "maxLength": 200}}, 300)
    old, new = chosen["old"], chosen["new"]
    if not new.startswith((" ", "\t")):  # the indent is the old line's unless another one was given
        new = old[: len(old) - len(old.lstrip())] + new
    if new == old:
        refused.add((name, old))
        return f"edit {name}: {UNDONE}, the new line is the old one."
    text = (ROOT / name).read_text(errors="replace")
    came = put(name, text.replace(old, new, 1), f"edit {name}:\n-{old}\n+{new}")
    if old in (ROOT / name).read_text(errors="replace").splitlines():
        refused.add((name, old))
    return came


def write(name: str, told: str) -> str:
    """Have the model write a whole file; return what came of it."""
    said = f"{told}\n\n{name} is now:\n{read(name)}\n\nWrite the whole new text of {name}."
    chosen = ask(said, {"text": {"type": "string", "maxLength": TEXT}}, 1_500)
    return put(name, chosen["text"].rstrip("\n") + "\n", f"write {name}")


def put(name: str, text: str, done: str) -> str:
    """Write a file unless it would be no Python any more, and run the proof; undo it when more fails then."""
    if name.endswith(".py"):
        try:
            compile(text, name, "exec")
        except (SyntaxError, ValueError) as error:
            return f"{done}\n{UNDONE}, it is no Python then: {error}"
    before, old = prove()[0], (ROOT / name).read_text(errors="surrogateescape")
    (ROOT / name).write_text(text)
    now, said = prove()
    if now > before:
        (ROOT / name).write_text(old, errors="surrogateescape")
        return f"{done}\n{UNDONE}, the check was worse with it:\n{said[-600:]}"
    return f"{done}\n{said}"


def failing(code: int, said: str) -> int:
    """Return how many tests fail, by what unittest or pytest says, those twice that broke; ``WORST`` when the check
    broke otherwise."""
    if code == 0:
        return 0
    failed = re.findall(r"failures=(\d+)", said) + re.findall(r"(\d+) failed", said)
    broke = re.findall(r"errors=(\d+)", said) + re.findall(r"(\d+) error", said)
    return sum(map(int, failed)) + 2 * sum(map(int, broke)) or WORST


def prove() -> tuple[int, str]:
    """Run the proof here; return how much fails, and the end of what it said. What counts is the proof that is run
    afterwards, elsewhere."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            ["/bin/sh", str(TOLD / "proof.sh")],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return WORST, "the check did not end within 60 s"
    said = done.stdout.decode(errors="replace")[-1_500:]
    return failing(done.returncode, said), f"the check ended with {done.returncode}:\n{said}"


def offered(names: list[str], done: list[str]) -> list[str]:
    """Return the steps that make sense after these: nothing that was just done and told, no finish before a change."""
    steps = [f"{tool} {name}" for tool in ("edit", "read", "write") for name in names] + ["prove", "list"]
    told = {one for one in done[-3:] if one.startswith("read ")} | ({"prove", "list"} & set(done))
    return [one for one in steps if one not in told] + (["finish"] if CHANGED in done else [])


def step(names: list[str], told: str, done: list[str], refused: set[tuple[str, str]]) -> str:
    """Have the model choose one step and do it; return what came of it, "" when it finishes."""
    chosen = ask(
        f"{told}\n\nChoose the next step.",
        {"step": {"enum": offered(names, done)}, "why": {"type": "string", "maxLength": 80}},
        160,
    )
    done.append(chosen["step"])
    print(f"{chosen['step']}  ({chosen['why']})", flush=True)
    tool, _, name = chosen["step"].partition(" ")
    if tool == "finish":
        return ""
    if tool == "list":
        return "files: " + ", ".join(names)
    if tool == "prove":
        return prove()[1]
    if tool == "read":
        return f"{name}:\n{read(name)}"
    return edit(name, told, refused) if tool == "edit" else write(name, told)


def goal() -> str:
    """Return what is asked for, as the model is told at each step."""
    parts = [f"Goal: {(TOLD / 'goal.txt').read_text()}", f"The check: {(TOLD / 'proof.sh').read_text()}"]
    if guidance := (TOLD / "guidance.txt").read_text().strip():
        parts.append(f"A person says: {guidance}")
    return "\n".join(parts)


def work() -> int:
    """Work one pass; return the exit code."""
    names = files()
    if not names:
        print("There is no file to work on.")
        return BLOCKED
    seen = [prove()[1], "files: " + ", ".join(names)]
    done: list[str] = []
    refused: set[tuple[str, str]] = set()
    for _ in range(STEPS):
        told = f"{goal()}\n\nSo far:\n" + "\n\n".join(seen)[-SEEN:]
        try:
            came = step(names, told, done, refused)
        except ValueError as error:
            came = f"That step was not done: {error}."
        if not came:
            break
        print("  " + came.replace("\n", "\n  "), flush=True)
        if not prove()[0]:
            print("The check passes.")
            break
        seen.append(came)
        if done[-1:] and done[-1].startswith(("edit ", "write ")) and UNDONE not in came:
            done.append(CHANGED)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(work())
    except NoMore as end:
        print(end)
        sys.exit(end.code)
