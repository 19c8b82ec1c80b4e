"""Puts into the workspace what an agent behind HTTP answered: ``python3 /loop/apply.py``, inside the sandbox.

``/loop/answer.json`` has ``files`` (path → whole text, or null to remove it) or ``diff`` (a unified diff). All of it is
worked out before anything is written; one path or hunk that does not fit, and nothing is. Paths are relative, and no
link is followed, neither as a folder nor as a file. It needs only the standard library.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from pathlib import Path

ROOT, ANSWER = Path("/workspace"), Path("/loop/answer.json")
BLOCKED = 2
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
FILE = os.O_NOFOLLOW | os.O_NONBLOCK
MOST = 500
"""Files of one answer."""
HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class Odd(ValueError):
    """The answer cannot be put in; the text says why."""


def parts(path: str) -> list[str]:
    """Return the parts of a relative path.

    Raises:
        Odd: it leads out, or into a repository's own folder.
    """
    found = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") or part.lower() == ".git" for part in found):
        raise Odd(f"{path!r} is no path inside the folder")
    return found


def parent(root: Path, folders: list[str], *, make: bool) -> int:
    """Return the descriptor of a folder below ``root``; no link is followed.

    Raises:
        OSError: a part is missing (unless it is to be made), or is no folder.
    """
    fd = os.open(root, FOLDER)
    for name in folders:
        try:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o755, dir_fd=fd)
            below = os.open(name, FOLDER, dir_fd=fd)
        finally:
            os.close(fd)
        fd = below
    return fd


def text_of(root: Path, path: str) -> str:
    """Return a file's text.

    Raises:
        Odd: there is no such regular file, or it is no UTF-8.
    """
    *folders, name = parts(path)
    try:
        fd = parent(root, folders, make=False)
        try:
            held = os.open(name, os.O_RDONLY | FILE, dir_fd=fd)
        finally:
            os.close(fd)
        with os.fdopen(held, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Odd(f"{path} cannot be read: {error}") from error


def put(root: Path, path: str, text: str | None) -> None:
    """Write a file, or remove it.

    Raises:
        Odd: the place is a link or a folder.
    """
    *folders, name = parts(path)
    try:
        fd = parent(root, folders, make=text is not None)
        try:
            if text is None:
                os.unlink(name, dir_fd=fd)
                return
            held = os.open(name, os.O_WRONLY | os.O_CREAT | FILE, 0o644, dir_fd=fd)
        finally:
            os.close(fd)
        with os.fdopen(held, "w", encoding="utf-8", newline="") as file:
            file.truncate()
            file.write(text)
    except (OSError, UnicodeEncodeError) as error:
        raise Odd(f"{path} cannot be written: {error}") from error


def patched(root: Path, diff: str) -> dict[str, str | None]:
    """Return path → new text of a unified diff; None = removed.

    Raises:
        Odd: it does not fit.
    """
    found: dict[str, str | None] = {}
    lines = diff.splitlines(keepends=True)
    at = 0
    while at < len(lines):
        if not lines[at].startswith("--- ") or at + 1 >= len(lines) or not lines[at + 1].startswith("+++ "):
            at += 1
            continue
        old, new = name_of(lines[at], "a/"), name_of(lines[at + 1], "b/")
        at += 2
        body: list[str] = []
        while at < len(lines) and not lines[at].startswith(("diff --git ", "--- ")):
            body.append(lines[at])
            at += 1
        before = "" if old is None else found.get(old) or text_of(root, old)
        after = hunks(before, body, old or new or "?")
        if old is not None and old != new:
            found[old] = None
        if new is not None:
            found[new] = after
    if not found:
        raise Odd("the diff names no file")
    return found


def name_of(line: str, prefix: str) -> str | None:
    """Return the path of a ``---`` or ``+++`` line; None = /dev/null."""
    name = line[4:].split("\t")[0].strip()
    if name == "/dev/null":
        return None
    name = name.removeprefix(prefix)
    parts(name)
    return name


def hunks(text: str, body: list[str], path: str) -> str:
    """Return a text with its hunks put in, each where its lines stand nearest to where it says.

    Raises:
        Odd: a hunk is broken, or its lines are not there.
    """
    lines, shift, at = text.splitlines(keepends=True), 0, 0
    while at < len(body):
        head = HUNK.match(body[at])
        at += 1
        if head is None:
            continue
        old: list[str] = []
        new: list[str] = []
        while at < len(body) and not HUNK.match(body[at]):
            mark, rest = body[at][:1], body[at][1:]
            if mark in (" ", "-", "\n"):
                old.append(rest if mark != "\n" else "\n")
            if mark in (" ", "+", "\n"):
                new.append(rest if mark != "\n" else "\n")
            if mark == "\\":  # no newline at the end of the file, said of the line before
                cut(old, new, body[at - 1][:1])
            at += 1
        where = place(lines, old, int(head[1]) - 1 + shift)
        if where is None:
            raise Odd(f"a hunk does not fit {path}: {''.join(old)[:80]!r} is not there")
        lines[where : where + len(old)] = new
        shift += len(new) - len(old)
    return "".join(lines)


def cut(old: list[str], new: list[str], mark: str) -> None:
    """Take the newline off the last line of what the mark belongs to."""
    for one, marks in ((old, " -"), (new, " +")):
        if one and mark in marks:
            one[-1] = one[-1].removesuffix("\n")


def place(lines: list[str], old: list[str], wanted: int) -> int | None:
    """Return where ``old`` stands in ``lines``, nearest to ``wanted``; None = nowhere."""
    if not old:
        return max(0, min(wanted + 1, len(lines)))
    spots = [at for at in range(len(lines) - len(old) + 1) if lines[at : at + len(old)] == old]
    return min(spots, key=lambda at: abs(at - wanted), default=None)


def answered(root: Path, answer: object) -> dict[str, str | None]:
    """Return path → new text of an answer; nothing is written yet.

    Raises:
        Odd: it has neither files nor a diff, or they do not fit.
    """
    if not isinstance(answer, dict):
        raise Odd("the answer is no JSON object")
    files, diff = answer.get("files"), answer.get("diff")
    if isinstance(diff, str) and diff.strip() and not files:
        return patched(root, diff)
    if not isinstance(files, dict) or not 1 <= len(files) <= MOST or diff:
        raise Odd(f"the answer has neither a diff nor 1 to {MOST} files")
    for path, text in files.items():
        parts(path)
        if not isinstance(text, str | None):
            raise Odd(f"{path}: neither a text nor null")
    return files


def main(root: Path = ROOT, answer: Path = ANSWER) -> int:
    """Put the answer in; return the exit code: 2 when it was not."""
    try:
        found = answered(root, json.loads(answer.read_text()))
        for path, text in found.items():
            put(root, path, text)
            print(f"{'removed' if text is None else 'wrote'} {path}")
    except (Odd, ValueError) as error:
        print(f"Nothing more was put in: {error}.")
        return BLOCKED
    return 0


if __name__ == "__main__":
    sys.exit(main())
