"""A patch read by rules: which files it changes, and which of its lines are worth a look. No model, no git."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aistack_backend.audit.formats import TOKENS
from aistack_backend.errors import BadInput

LONG = 400
"""Changed lines after which a patch is called long."""
SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a mark of an unfinished merge", re.compile(r"^(<{7}|={7}|>{7})( |$)")),
    ("runs text as code", re.compile(r"\b(eval|exec)\s*\(")),
    ("gives a line to a shell", re.compile(r"shell\s*=\s*True|os\.system\s*\(|child_process\.exec\b")),
    ("switches a check of certificates off", re.compile(r"verify\s*=\s*False|--insecure\b|InsecureSkipVerify:\s*true")),
    ("leaves a debugger or a print for debugging", re.compile(r"\bbreakpoint\(\)|\bpdb\.set_trace|console\.log\(")),
    ("swallows every error", re.compile(r"^\s*except(\s+\w*Exception)?\s*:\s*(pass)?\s*$")),
    ("says that it is not finished", re.compile(r"\b(TODO|FIXME|XXX)\b")),
    ("ends with blanks", re.compile(r"\S[ \t]+$")),
)
"""What the rules look for in added lines."""
HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")
TEST = re.compile(r"(^|/)(tests?|spec)(/|$)|(^|/)test_|_test\.|\.(test|spec)\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the rules found in a patch."""

    files: tuple[str, ...]
    added: int
    removed: int
    findings: tuple[str, ...]
    """``FILE:LINE what``, in the patch's order."""

    def text(self) -> str:
        """Return it for a person."""
        files = f"{len(self.files)} file{'' if len(self.files) == 1 else 's'}"
        lines = f"{self.added} line{'' if self.added == 1 else 's'} added, {self.removed} removed"
        head = f"{files}, {lines}: {', '.join(self.files)}"
        return "\n".join((head, *(self.findings or ("The rules found nothing worth a look.",))))


def review(patch: str) -> Review:
    """Read a unified diff.

    Raises:
        BadInput: it is none.
    """
    files: list[str] = []
    found: list[str] = []
    added = removed = number = 0
    for line in patch.splitlines():
        if line.startswith("+++ "):
            files.append(_path(line))
        elif line.startswith(("--- ", "diff ", "index ")) or not files:
            continue
        elif hunk := HUNK.match(line):
            number = int(hunk[1])
        elif line.startswith("+"):
            added += 1
            found += [f"{files[-1]}:{number} {what}" for what in _signs(line[1:])]
            number += 1
        elif line.startswith("-"):
            removed += 1
        else:
            number += 1
    if not files or not (added or removed):
        raise BadInput("This is no unified diff: it changes no line of a file.", "Give what `git diff` prints.")
    return Review(files=tuple(files), added=added, removed=removed, findings=(*found, *_whole(files, added + removed)))


def _signs(line: str) -> list[str]:
    signs = [what for what, shape in SIGNS if shape.search(line)]
    return [*signs, "holds what looks like a key or a token"] if TOKENS.search(line) else signs


def _whole(files: list[str], changed: int) -> list[str]:
    found = []
    if changed > LONG:
        found.append(f"The patch changes {changed} lines: it may be easier to judge in parts.")
    code = [one for one in files if one.rpartition(".")[2] in ("py", "js", "ts", "go", "rs", "c", "sh")]
    if code and not any(TEST.search(one) for one in files):
        found.append("It changes code and no test.")
    return found


def _path(line: str) -> str:
    path = line[4:].split("\t")[0].strip()
    return path.removeprefix("b/")
