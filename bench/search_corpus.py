"""The corpus of ``bench search``: docstrings of ten packages that our own lock file pins, so it is on every machine.

A docstring's first paragraph is the question and is not in the text; the paragraphs after it are the document. So a
search must find the explanation by its summary, which it has never seen.
"""

from __future__ import annotations

import ast
import hashlib
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("graphql", "mcp", "mypy", "numpy", "openai", "pip", "pydantic", "setuptools", "sqlalchemy", "textual")
SHORTEST = 120
"""Characters of a document at least."""
QUESTIONS = 200
ASKED = range(25, 201)
"""Characters of a question."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document and its question."""

    source: str
    text: str
    question: str


def corpus() -> list[Entry]:
    """Return every document, in the order of the files."""
    root = Path(sysconfig.get_paths()["purelib"])
    seen: set[str] = set()
    found: list[Entry] = []
    for package in PACKAGES:
        if not (root / package).is_dir():
            raise OSError(f"{package} is not installed; scripts/setup.sh dev installs what the corpus is made of")
        for file in sorted((root / package).rglob("*.py")):
            for entry in _of(file, str(file.relative_to(root))):
                if entry.text not in seen:
                    seen.add(entry.text)
                    found.append(entry)
    return found


def questions(entries: list[Entry]) -> list[Entry]:
    """Return those whose question is asked: one sentence that no other document has, spread by a hash."""
    often: dict[str, int] = {}
    for entry in entries:
        often[entry.question] = often.get(entry.question, 0) + 1
    good = [one for one in entries if len(one.question) in ASKED and often[one.question] == 1]
    return sorted(good, key=lambda one: hashlib.sha256(one.source.encode()).digest())[:QUESTIONS]


def _of(file: Path, name: str) -> Iterator[Entry]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            first, _, rest = (ast.get_docstring(node) or "").partition("\n\n")
            if len(rest.strip()) >= SHORTEST:
                line = getattr(node, "lineno", 0)
                yield Entry(f"{name}:{line}", rest.strip(), " ".join(first.split()))
