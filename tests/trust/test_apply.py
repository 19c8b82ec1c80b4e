"""An answer of an agent behind HTTP, put into a workspace: never outside it, never through a link, all or nothing."""

from __future__ import annotations

import difflib
import json
import os
import random
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from aistack_backend.orchestration.loop.apply import BLOCKED, main

OUTSIDE = (
    "../x",
    "/etc/x",
    "a/../../x",
    "..",
    ".",
    "",
    "a//b",
    "./a",
    "a/.",
    ".git/config",
    "a/.GIT/hooks/x",
    "a\0b",
    "link/x",
    "linked",
    "a/link/x",
    "loop",
    "pipe",
    "folder",
    "file/x",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with every trap in it, beside a folder that must stay as it is."""
    made, out = tmp_path / "w", tmp_path / "out"
    (made / "a").mkdir(parents=True)
    (made / "folder").mkdir()
    out.mkdir()
    (out / "x").write_text("mine")
    (made / "file").write_text("one\ntwo\nthree\n")
    (made / "link").symlink_to(out)
    (made / "a" / "link").symlink_to("../../out")
    (made / "linked").symlink_to("../out/x")
    (made / "loop").symlink_to("loop")
    os.mkfifo(made / "pipe")
    return made


def put(root: Path, answer: Any) -> int:
    told = root.parent / "answer.json"
    told.write_text(answer if isinstance(answer, str) else json.dumps(answer))
    return main(root, told)


def untouched(root: Path) -> None:
    assert [one.name for one in (root.parent / "out").iterdir()] == ["x"]
    assert (root.parent / "out" / "x").read_text() == "mine"
    assert sorted(one.name for one in root.parent.iterdir()) == ["answer.json", "out", "w"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("text", ["evil", None])
def test_no_path_leads_out(root: Path, path: str, text: str | None) -> None:
    if (path, text) in {("linked", None), ("loop", None), ("pipe", None)}:
        assert put(root, {"files": {path: text}}) == 0, "the link itself goes, not what it leads to"
    else:
        assert put(root, {"files": {path: text}}) == BLOCKED
    untouched(root)


@pytest.mark.parametrize("path", [one for one in OUTSIDE if one and "\0" not in one])
def test_no_diff_leads_out(root: Path, path: str) -> None:
    for old in (f"a/{path}", "/dev/null"):
        assert put(root, {"diff": f"--- {old}\n+++ b/{path}\n@@ -0,0 +1 @@\n+evil\n"}) == BLOCKED
    assert put(root, {"diff": f"--- a/{path}\n+++ /dev/null\n@@ -1 +0,0 @@\n-mine\n"}) == BLOCKED
    untouched(root)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "[]",
        "null",
        "{}",
        {"files": {}},
        {"files": []},
        {"files": {"file": 1}},
        {"files": {"file": "x"}, "diff": "y"},
        {"files": {str(n): "" for n in range(501)}},
        {"diff": "nothing here"},
        {"diff": "--- a/file\n+++ b/file\n@@ -1 +1 @@\n-absent\n+x\n"},
        {"diff": "--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+x\n"},
        {"files": {"file": "\ud800"}},
    ],
)
def test_what_does_not_fit_changes_nothing(root: Path, answer: Any) -> None:
    assert put(root, answer) == BLOCKED
    assert (root / "file").read_text() in ("one\ntwo\nthree\n", "")
    untouched(root)


def test_one_bad_path_stops_all(root: Path) -> None:
    assert put(root, {"files": {"good": "x", "../bad": "x"}}) == BLOCKED
    assert not (root / "good").exists()


def test_files_are_written_made_and_removed(root: Path) -> None:
    assert put(root, {"files": {"file": "new\r\n", "b/c/d": "é", "pipe": None}}) == 0
    assert (root / "file").read_bytes() == b"new\r\n"
    assert (root / "b" / "c" / "d").read_text() == "é"
    assert not (root / "pipe").exists()


def test_a_diff_is_put_in_where_its_lines_are_now(root: Path) -> None:
    diff = "--- a/file\t2026\n+++ b/file\n@@ -90,2 +90,3 @@\n two\n-three\n+drei\n+vier\n\\ No newline at end of file\n"
    made = "diff --git a/new b/new\n--- /dev/null\n+++ b/new\n@@ -0,0 +1,2 @@\n+x\n+y\n"
    moved = "--- a/folder/old\n+++ b/folder/new\n@@ -1 +1 @@\n-a\n+b\n"
    (root / "folder" / "old").write_text("a\n")
    assert put(root, {"diff": diff + made + moved}) == 0
    assert (root / "file").read_text() == "one\ntwo\ndrei\nvier"
    assert (root / "new").read_text() == "x\ny\n"
    assert [one.name for one in (root / "folder").iterdir()] == ["new"]


def test_what_difflib_makes_comes_back(root: Path) -> None:
    rand = random.Random(7)
    for _ in range(200):
        old = [f"{rand.randrange(6)}\n" for _ in range(rand.randrange(1, 40))]
        new = [line for line in old if rand.random() > 0.2]
        new[rand.randrange(len(new) + 1) : 0] = [f"{rand.randrange(6)}\n"]
        (root / "file").write_text("".join(old))
        diff = "".join(difflib.unified_diff(old, new, "a/file", "b/file"))
        assert put(root, {"diff": diff}) == 0 or not diff
        assert not diff or (root / "file").read_text() == "".join(new)


def test_a_link_that_is_swapped_in_meanwhile_is_not_followed(root: Path) -> None:
    over, names = threading.Event(), count()

    def swap() -> None:
        while not over.is_set():
            with suppress(OSError):  # it makes the folder anew in between: then there is none to put back
                (root / "a").rename(root / f"b{next(names)}")
                (root / "a").symlink_to(root.parent / "out")
                (root / "a").unlink()

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for number in range(2_000):
            put(root, {"files": {f"a/f{number % 3}": "x"}})
    finally:
        over.set()
        thread.join()
    untouched(root)
