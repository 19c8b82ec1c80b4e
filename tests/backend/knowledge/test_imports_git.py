"""A real repository is fetched into an empty one and read object by object: nothing of it runs, nothing is followed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from tests.bed.gits import Origin, git, served

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.knowledge.imports.choosing import checked, fits, source, source_of
from aistack_backend.knowledge.imports.repository import Repository

SPACE = 8_000_000


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    made = Origin(tmp_path / "origin")
    made.write(README_md="# Hello\n", docs__a_txt="a", src__b_py="b = 1\n")
    return made


def fetched(tmp_path: Path, place: str, ref: str = "", protocol: str = "file", space: int = SPACE) -> Repository:
    made = Repository(tmp_path / f"bare{len(list(tmp_path.iterdir()))}", space, 60)
    made.commit = made.fetch(place, ref, protocol)  # type: ignore[attr-defined]
    return made


def test_a_commit_is_read_and_links_and_submodules_are_not_files(origin: Origin, tmp_path: Path) -> None:
    (origin.folder / "link.md").symlink_to("/etc/passwd")
    inner = Origin(tmp_path / "inner")
    inner.write(x_txt="x")
    inner.commit()
    git(origin.folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.folder), "sub")
    commit = origin.commit()
    git(origin.folder, "tag", "v1")
    origin.write(later_txt="later")
    origin.commit()
    held = fetched(tmp_path, f"file://{origin.folder}", "v1")
    assert held.commit == commit  # type: ignore[attr-defined]
    entries = list(held.files())
    assert [one.path for one in entries] == [".gitmodules", "README.md", "docs/a.txt", "src/b.py"]
    assert {entry.path: data for entry, data in held.contents(entries)}["README.md"] == b"# Hello\n"


def test_nothing_of_it_runs(origin: Origin, tmp_path: Path) -> None:
    sign = tmp_path / "ran"
    script = f"#!/bin/sh\ntouch {sign}\n"
    for name in ("post-checkout", "post-merge", "reference-transaction", "pre-auto-gc", "post-update"):
        hook = origin.folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(script)
        hook.chmod(0o755)
    (origin.folder / ".gitattributes").write_text("* filter=evil\n")
    origin.commit()
    git(origin.folder, "config", "filter.evil.smudge", f"touch {sign}")
    git(origin.folder, "config", "core.fsmonitor", f"touch {sign}")
    git(origin.folder, "config", "core.sshCommand", f"touch {sign}")
    sign.unlink(missing_ok=True)  # the bed's own commit may have run it
    held = fetched(tmp_path, f"file://{origin.folder}")
    assert len(list(held.contents(list(held.files())))) == 4
    assert not sign.exists()


@pytest.mark.parametrize(
    ("place", "ref", "protocol", "why"),
    [
        ("file:///nonexistent", "", "file", "does not appear to be a git repository"),
        ("ext::sh -c true", "", "file", "transport 'ext' not allowed"),
        ("ssh://localhost/x", "", "https", "transport 'ssh' not allowed"),
        ("file://ORIGIN", "", "https", "transport 'file' not allowed"),
        ("file://ORIGIN", "none", "file", "couldn't find remote ref none"),
        ("file://ORIGIN", "--upload-pack=x", "file", "is no branch or tag"),
        ("file://ORIGIN", "a..b", "file", "is no branch or tag"),
    ],
)
def test_what_git_says_no_to(origin: Origin, tmp_path: Path, place: str, ref: str, protocol: str, why: str) -> None:
    origin.commit()
    with pytest.raises(BadInput, match=why):
        fetched(tmp_path, place.replace("ORIGIN", str(origin.folder)), ref, protocol)


def test_an_empty_one_one_that_is_too_large_and_one_with_a_broken_object(origin: Origin, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="couldn't find remote ref HEAD"):
        fetched(tmp_path, f"file://{origin.folder}")
    origin.write(big_bin=os.urandom(300_000))
    origin.commit()
    with pytest.raises(BadInput, match="git could not do it"):
        fetched(tmp_path, f"file://{origin.folder}", space=100_000)
    held = fetched(tmp_path, f"file://{origin.folder}")
    (entry,) = [one for one in held.files() if one.path == "big.bin"]
    (pack,) = (held._folder / "objects" / "pack").glob("*.pack")
    pack.chmod(0o600)
    pack.write_bytes(pack.read_bytes()[:200] + bytes(1000) + pack.read_bytes()[1200:])
    with pytest.raises(BadInput, match=r"big\.bin"):
        list(held.contents([entry]))


def test_a_stopped_one_begins_nothing_more(origin: Origin, tmp_path: Path) -> None:
    origin.commit()
    held = fetched(tmp_path, f"file://{origin.folder}")
    files = held.files()
    next(files)
    stopping = threading.Thread(target=held.stop)
    stopping.start()
    stopping.join()
    with pytest.raises((Unavailable, BadInput, ValueError)):
        list(files)
    with pytest.raises(Unavailable, match="was ended"):
        list(held.files())


def test_gits_own_server_by_the_address_that_was_checked(origin: Origin, tmp_path: Path) -> None:
    commit = origin.commit()
    with served(tmp_path) as (port, seen):
        held = Repository(tmp_path / "bare", SPACE, 60)
        pin = (f"repo.example:{port}:127.0.0.1",)
        assert held.fetch(f"http://repo.example:{port}/origin", "", "http", pin) == commit
        assert seen[0].startswith("/origin/info/refs")
        for path, why in (
            ("away/origin", "302"),
            ("secret/origin", "terminal prompts disabled|could not read Username"),
        ):
            with pytest.raises(BadInput, match=why):
                Repository(tmp_path / path, SPACE, 60).fetch(f"http://repo.example:{port}/{path}", "", "http", pin)
        assert not [one for one in seen if one.startswith("//")]  # the redirect was not followed


def test_which_files_are_read() -> None:
    assert [fits(one, ()) for one in ("a.md", ".x", "a/.b/c", "node_modules/a", "a/vendor/b", "vendor")] == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]
    assert [fits(one, ("*.md", "docs/*")) for one in ("a.md", "x/b.md", "docs/c.txt", "d.txt")] == [
        True,
        True,
        True,
        False,
    ]
    for bad in (("",), ("/etc/*",), ("a\n",), ("x" * 201,), ("*",) * 51):
        with pytest.raises(BadInput):
            checked(bad)
    named = source("https://h/r", "a" * 40, "b@c:d.md")
    assert (source_of(named, "https://h/r"), source_of(named, "https://h"), source_of("x", "https://h/r")) == (
        "b@c:d.md",
        None,
        None,
    )
