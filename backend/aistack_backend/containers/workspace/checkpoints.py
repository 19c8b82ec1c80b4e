"""Checkpoints of a workspace in a bare git repository beside it: git itself never looks into the workspace.

We walk the folder and hand git the contents through a pipe (``fast-import``), so that no hook, configuration,
attribute, filter or nested repository of the workspace is ever read by a program of ours.
"""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aistack_backend.containers.workspace.walk import walk
from aistack_backend.errors import Unavailable

BRANCH = "refs/heads/loop"
PATCH = 2_000_000
"""Most bytes of a patch that is given out."""
SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.allow=never", "gc.auto=0", "diff.external=")
SECONDS = 120


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One commit, and the digest of what it holds: the same contents have the same ``tree``."""

    commit: str
    tree: str


class Checkpoints:
    """The repository of one workspace. Its methods block; each raises ``Unavailable`` when git fails or is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def commit(self, root: Path, message: str) -> Checkpoint:
        """Record what a folder holds now as the branch's next commit; nothing runs in it meanwhile."""
        if not self._folder.exists():
            self._git("init", "--bare", "--quiet", "--template=", str(self._folder))
        earlier = self._head()
        importing = subprocess.Popen(
            self._command("fast-import", "--quiet", "--done", "--force"),
            env=self._env(),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert importing.stdin is not None  # noqa: S101  what Popen promises
        try:
            _told(importing.stdin, root, message, earlier)
            _, said = importing.communicate(timeout=SECONDS)
        except BaseException:
            importing.kill()
            importing.communicate()
            raise
        if importing.returncode:
            raise Unavailable(f"git could not record the workspace: {said.decode(errors='replace').strip()[:300]}")
        commit, tree = self._git("rev-parse", BRANCH, f"{BRANCH}^{{tree}}").decode().split()
        return Checkpoint(commit, tree)

    def stat(self, earlier: str, later: str) -> str:
        """Return what changed between two commits in one line, e.g. ``2 files changed, 3 insertions(+)``; or ""."""
        return self._git("diff", *_PLAIN, "--shortstat", earlier, later).decode(errors="replace").strip()

    def patch(self, earlier: str, later: str) -> str:
        """Return the difference of two commits as a patch that ``git apply`` takes, cut at ``PATCH`` bytes."""
        found = self._git("diff", *_PLAIN, "--binary", "--full-index", earlier, later)
        cut = "\n(cut here: fetch the branch for the rest)\n" if len(found) > PATCH else ""
        return found[:PATCH].decode(errors="replace") + cut

    def _head(self) -> str:
        try:
            return self._git("rev-parse", "--verify", "--quiet", BRANCH).decode().strip()
        except Unavailable:
            return ""

    def _git(self, *words: str) -> bytes:
        try:
            done = subprocess.run(
                self._command(*words), env=self._env(), capture_output=True, check=False, timeout=SECONDS
            )
        except FileNotFoundError as error:
            raise Unavailable(
                "git is not installed here.", "Install git; loops keep their checkpoints in it."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"git {words[0]} did not end within {SECONDS} s.") from error
        if done.returncode:
            raise Unavailable(f"git {words[0]} failed: {done.stderr.decode(errors='replace').strip()[:300]}")
        return done.stdout

    def _command(self, *words: str) -> list[str]:
        options = [part for setting in SAFE for part in ("-c", setting)]
        return ["git", *options, *words]

    def _env(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            "GIT_DIR": str(self._folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }


_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames")


def _told(pipe: IO[bytes], root: Path, message: str, earlier: str) -> None:
    """Write fast-import's stream: each file's content, then the commit that names them."""
    names = []
    for number, entry in enumerate(walk(root), start=1):
        if not (entry.is_file or entry.is_link):
            continue
        body = os.fsencode(entry.target()) if entry.is_link else entry.data()
        mode = b"120000" if entry.is_link else b"100755" if entry.info.st_mode & 0o100 else b"100644"
        pipe.write(b"blob\nmark :%d\ndata %d\n%b\n" % (number, len(body), body))
        names.append(b"M %b :%d %b\n" % (mode, number, quoted(entry.path)))
    text = message.encode(errors="replace")
    pipe.write(b"commit %b\ncommitter aistack <loop@localhost> %d +0000\n" % (BRANCH.encode(), int(time.time())))
    pipe.write(b"data %d\n%b\n" % (len(text), text))
    if earlier:
        pipe.write(b"from %b\n" % earlier.encode())
    pipe.write(b"deleteall\n")
    pipe.writelines(names)
    pipe.write(b"done\n")


def quoted(path: str) -> bytes:
    """Return a path as git quotes it: every byte but plain ASCII letters, digits and ``-._/`` as octal."""
    plain = b"-._/0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return b'"' + b"".join(bytes((c,)) if c in plain else b"\\%03o" % c for c in os.fsencode(path)) + b'"'
