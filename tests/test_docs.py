"""The pages made from the code are fresh, the commands in prose exist, and every licence is named."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from aistack_console.verbs.table import VERBS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """``scripts/gen_docs.py`` as a module."""
    spec = importlib.util.spec_from_file_location("gen_docs", ROOT / "scripts" / "gen_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["cli", "config", "keys", "api"])
def test_the_made_pages_are_fresh(maker: ModuleType, name: str) -> None:
    written = (ROOT / "docs" / f"{name}.md").read_text()
    assert written == maker.PAGES[name](), "run `make docs`"


def test_every_command_in_prose_exists() -> None:
    known = {verb.name for verb in VERBS}
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for verb in re.findall(r"^aistack-console ([a-z][a-z-]+)", page.read_text(), re.MULTILINE):
            assert verb in known, f"{page.name} names the verb {verb}"


def test_every_make_target_in_prose_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        assert set(re.findall(r"^make ([a-z]+)", page.read_text(), re.MULTILINE)) <= targets


def test_every_package_that_is_installed_has_its_licence_named() -> None:
    pinned = re.findall(r"^([a-z][a-z0-9-]*)==", (ROOT / "requirements" / "run.txt").read_text(), re.MULTILINE)
    notice = set(re.findall(r"[a-z][a-z0-9-]*", (ROOT / "NOTICE").read_text()))
    assert set(pinned) <= notice


def test_no_link_inside_the_repository_is_dead() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for name in re.findall(r"`((?:docs|tests|scripts|backend|console)/[\w./-]+)`", page.read_text()):
            assert (ROOT / name).exists(), f"{page.relative_to(ROOT)} names {name}"


def test_each_decision_has_a_number_of_its_own() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(numbers) == len(set(numbers))
    for page in pages:
        assert re.match(rf"# {page.name[:4]}\b", page.read_text()), page.name
