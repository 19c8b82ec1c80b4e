"""The house bar as a gate: sizes, annotations, docstrings, names, and what tests may not do."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("console", "backend")
ALL = (*ROOMS, "tests", "scripts", "bench")
LONGEST_FILE, MEDIAN_FILE, LONGEST_FUNCTION = 350, 120, 40
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources(*folders: str) -> tuple[Path, ...]:
    """Every Python file of our own in these folders."""
    return tuple(sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(), str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function of a file, nested ones too."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def where(path: Path, node: ast.AST | None = None) -> str:
    """File and line, to be clicked on."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def listing(faults: list[str]) -> str:
    """The faults, one a line."""
    return "\n".join(["", *faults])


def lines(path: Path) -> int:
    """Lines of a file."""
    return len(path.read_text().splitlines())


def test_files_are_short() -> None:
    """One concept a file."""
    faults = [f"{where(path)} {lines(path)} lines" for path in sources(*ALL) if lines(path) > LONGEST_FILE]
    assert not faults, listing(faults)
    median = statistics.median([count for path in sources(*ROOMS) if (count := lines(path)) > 1])
    assert median <= MEDIAN_FILE, f"the median file has {median} lines"


def length(node: Function) -> int:
    """Lines of a function, without what its docstring promises."""
    first = node.body[0]
    said = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node) else 0
    return (node.end_lineno or 0) - node.lineno + 1 - said


def test_functions_are_short() -> None:
    """A function fits a screen."""
    faults = [
        f"{where(path, node)} {node.name} has {length(node)} lines"
        for path in sources(*ALL)
        for node in functions(path)
        if length(node) > LONGEST_FUNCTION
    ]
    assert not faults, listing(faults)


def unannotated(node: Function) -> list[str]:
    """Names of arguments without a type, and ``return``."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [extra for extra in (node.args.vararg, node.args.kwarg) if extra]
    bare = [item.arg for item in arguments if item.annotation is None and item.arg not in ("self", "cls", "mcs")]
    return bare if node.returns is not None else [*bare, "return"]


def test_everything_is_annotated() -> None:
    """Types are written, not guessed."""
    faults = [
        f"{where(path, node)} {node.name}: {', '.join(bare)}"
        for path in sources(*ALL)
        for node in functions(path)
        if (bare := unannotated(node))
    ]
    assert not faults, listing(faults)


def public(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """Public classes and functions of a body, and those of the classes in it: a private class is used too."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef):
            yield from public(node.body)


def test_public_things_say_what_they_promise() -> None:
    """Every public module, class and function of the two packages has a docstring."""
    faults = []
    for path in sources(*ROOMS):
        if path.read_text().strip() and not ast.get_docstring(tree(path)):
            faults.append(f"{where(path)} the module says nothing")
        for node in public(tree(path).body):
            overloaded = any("overload" in ast.unparse(item) for item in node.decorator_list)
            if not ast.get_docstring(node) and not overloaded:
                faults.append(f"{where(path, node)} {node.name} says nothing")
    assert not faults, listing(faults)


def test_names_say_what_a_thing_is() -> None:
    """No manager, helper or utils."""
    empty = re.compile(r"(?i)(manager|helper|util)s?$")
    faults = []
    for path in sources(*ALL):
        if empty.search(path.stem):
            faults.append(where(path))
        faults += [
            f"{where(path, node)} {node.name}"
            for node in ast.walk(tree(path))
            if isinstance(node, Function | ast.ClassDef) and empty.search(node.name)
        ]
    assert not faults, listing(faults)


def sleeps(node: ast.AST) -> bool:
    """Whether a call waits for time to pass instead of for an event."""
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func)
    if name.endswith("pilot.pause"):
        return bool(node.args or node.keywords)
    zero = bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
    return name in ("time.sleep", "asyncio.sleep", "anyio.sleep", "trio.sleep") and not zero


def test_tests_wait_for_events_and_mock_nothing() -> None:
    """No sleep in a test, and no mock: what is tested is the real thing."""
    faults = []
    for path in sources("tests"):
        for node in ast.walk(tree(path)):
            if sleeps(node):
                faults.append(f"{where(path, node)} sleeps: {ast.unparse(node)}")
            if isinstance(node, ast.Import | ast.ImportFrom) and "mock" in ast.unparse(node):
                faults.append(f"{where(path, node)} mocks: {ast.unparse(node)}")
    assert not faults, listing(faults)


def tracked() -> list[Path]:
    """Every file that git tracks."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.fail("this gate reads the list of tracked files from git, and git does not answer here")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_machine_and_no_registry_is_named() -> None:
    """The repository names no folder of the machine it was written on, and no package registry's host."""
    machine = "|".join(("/" + "work/(?:main|shared)", "/var/tmp/" + "aistack", "/" + r"root/\.pyenv", "/" + "Users/"))
    hosts = "|".join(
        re.escape(name) for name in ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.", "crates" + ".io")
    )
    wrong = re.compile(f"{machine}|{hosts}")
    faults = []
    for path in tracked():
        if path.suffix in (".svg", ".png", ".gguf"):
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if found := wrong.search(line):
                faults.append(f"{path.relative_to(ROOT)}:{number} {found.group()}")
    assert not faults, listing(faults)
