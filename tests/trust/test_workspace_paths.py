"""R4.9: a hostile workspace is copied, measured, restored and recorded without one read or write outside it."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aistack_backend.containers.workspace.checkpoints import Checkpoints, quoted
from aistack_backend.containers.workspace.copy import copy, fingerprint, inside, measure, remove, restore
from aistack_backend.containers.workspace.walk import DEEPEST, walk
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.orchestration.loop.home import NOBODY

MOST = 1 << 20
SECRET = b"the secret of the person\n"
BAD = [
    *(
        "",
        ".",
        "..",
        "/",
        "/etc",
        "../x",
        "a/../b",
        "a/..",
        "./a",
        "a/./b",
        "a//b",
        "a/",
        "//a",
        "a\0b",
        ".git",
        "x/.GIT",
    ),
    *(f"{'../' * depth}etc/passwd" for depth in range(1, 60)),
    *(f"a/{'../' * depth}etc/passwd" for depth in range(1, 60)),
    *(f"/{'../' * depth}etc/passwd" for depth in range(60)),
    *(f"{name}/config" for name in (".git", ".Git", ".gIT")),
]


class Ground:
    """A folder with a secret beside it."""

    def __init__(self, folder: Path) -> None:
        self.outside = folder / "outside"
        self.outside.mkdir()
        self.secret = self.outside / "secret"
        self.secret.write_bytes(SECRET)
        self.root = folder / "root"
        self.root.mkdir()
        self.base = folder / "base"
        (self.base / "tests" / "deep").mkdir(parents=True)
        (self.base / "tests" / "check.py").write_text("real")
        (self.base / "tests" / "deep" / "one.py").write_text("one")
        self.spare = folder / "spare"
        self.git = folder / "git"

    def untouched(self) -> bool:
        """Whether nothing outside was written."""
        return self.secret.read_bytes() == SECRET and [one.name for one in self.outside.iterdir()] == ["secret"]


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


@pytest.mark.parametrize("path", BAD)
def test_no_path_leads_out(path: str, ground: Ground) -> None:
    with pytest.raises(BadInput, match="no path inside"):
        inside(path)
    with pytest.raises(BadInput):
        restore(ground.base, ground.root, (path,))
    assert ground.untouched()


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(BAD) + len(TRAPS) * 5 >= 200


def fifo(path: Path, _: Ground) -> None:
    os.mkfifo(path)


def listening(path: Path, _: Ground) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


TRAPS: dict[str, Callable[[Path, Ground], object]] = {
    "link to a file": lambda path, ground: path.symlink_to(ground.secret),
    "link to a folder": lambda path, ground: path.symlink_to(ground.outside),
    "relative link": lambda path, _: path.symlink_to("../outside/secret"),
    "link to itself": lambda path, _: path.symlink_to(path.name),
    "dangling link": lambda path, _: path.symlink_to("/nowhere/at/all"),
    "link to proc": lambda path, _: path.symlink_to("/proc/self/root"),
    "fifo": fifo,
    "socket": listening,
}


@pytest.mark.parametrize("name", TRAPS)
@pytest.mark.timeout(10)
def test_traps_are_neither_followed_nor_waited_for(name: str, ground: Ground) -> None:
    TRAPS[name](ground.root / "trap", ground)
    assert measure(ground.root).files == 1
    assert len(fingerprint(ground.root)) == 64
    assert SECRET not in b"".join(entry.data() for entry in walk(ground.root))
    made = Checkpoints(ground.git).commit(ground.root, "trap")
    shown = subprocess.run(
        ["git", "--git-dir", str(ground.git), "show", made.commit], capture_output=True, check=True
    ).stdout
    assert SECRET.strip() not in shown
    remove(ground.root)
    assert not ground.root.exists()
    assert ground.untouched()


@pytest.mark.parametrize("name", TRAPS)
@pytest.mark.parametrize("where", ["tests", "tests/check.py", "tests/deep", "tests/deep/one.py"])
def test_checks_are_put_back_over_any_trap(name: str, where: str, ground: Ground) -> None:
    copy(ground.base, ground.spare, MOST)
    place = ground.spare / where
    remove(place) if place.is_dir() else place.unlink()
    TRAPS[name](place, ground)
    assert restore(ground.base, ground.spare, ("tests",)) == ("tests",)
    assert fingerprint(ground.spare) == fingerprint(ground.base)
    assert ground.untouched()


@pytest.mark.parametrize("name", ["fifo", "socket"])
def test_a_source_with_anything_else_is_refused(name: str, ground: Ground) -> None:
    TRAPS[name](ground.root / "trap", ground)
    with pytest.raises(BadInput, match="neither a file"):
        copy(ground.root, ground.spare, MOST)


def test_links_are_copied_as_links(ground: Ground) -> None:
    (ground.root / "link").symlink_to(ground.secret)
    copy(ground.root, ground.spare, MOST)
    assert (ground.spare / "link").readlink() == ground.secret


def test_a_folder_that_is_a_link_is_no_folder(ground: Ground) -> None:
    link = ground.root / "link"
    link.symlink_to(ground.outside)
    with pytest.raises(BadInput, match="no folder"):
        list(walk(link))
    with pytest.raises(NotFound):
        list(walk(ground.root / "none"))


def test_limits(ground: Ground) -> None:
    (ground.root / "big").write_bytes(bytes(MOST + 1))
    with pytest.raises(BadInput, match="holds more than 1 MB"):
        copy(ground.root, ground.spare, MOST)
    with (ground.root / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert measure(ground.root).bytes > 1 << 40, "a sparse file counts by its length"
    deep = ground.base
    for _ in range(DEEPEST + 2):
        deep = deep / "d"
        deep.mkdir()
    with pytest.raises(BadInput, match="nested"):
        measure(ground.base)


def test_names_of_every_kind_survive(ground: Ground) -> None:
    names = ["a b", 'quote"', "back\\slash", "new\nline", "\t", "-n", "é", unicodedata.normalize("NFD", "é"), "A", "a"]
    raw = [os.fsencode(name) for name in names] + [b"\xff\xfe", b"\x80"]
    for number, name in enumerate(raw):
        with open(os.fsencode(ground.root) + b"/" + name, "wb") as file:  # noqa: PTH123  bytes
            file.write(b"%d" % number)
    made = Checkpoints(ground.git).commit(ground.root, "names")
    listed = subprocess.run(
        ["git", "--git-dir", str(ground.git), "ls-tree", "-z", "--name-only", made.commit],
        capture_output=True,
        check=True,
    ).stdout
    assert set(listed.split(b"\0")) - {b""} == set(raw)
    assert quoted('a"b') == b'"a\\042b"'


def test_git_reads_nothing_of_the_workspace(ground: Ground) -> None:
    marker = ground.outside.parent / "ran"
    act = f"touch {marker}"
    git = ground.root / ".git"
    (git / "hooks").mkdir(parents=True)
    for hook in ("pre-commit", "post-commit", "reference-transaction", "post-index-change"):
        (git / "hooks" / hook).write_text(f"#!/bin/sh\n{act}\n")
        (git / "hooks" / hook).chmod(0o755)
    (git / "config").write_text(
        f'[core]\nfsmonitor = "{act}"\n[filter "x"]\nclean = {act}\n[diff "x"]\ncommand = {act}\n'
    )
    (ground.root / ".gitattributes").write_text("* filter=x diff=x\n")
    (ground.root / ".gitmodules").write_text('[submodule "s"]\npath = s\nurl = ext::sh -c touch% /tmp/x\n')
    nested = ground.root / "s" / ".git"
    nested.mkdir(parents=True)
    (nested / "config").write_text(f'[core]\nfsmonitor = "{act}"\n')
    points = Checkpoints(ground.git)
    first = points.commit(ground.root, "one")
    (ground.root / "s" / "file").write_text("x")
    second = points.commit(ground.root, "two")
    assert "1 file changed" in points.stat(first.commit, second.commit)
    assert "+x" in points.patch(first.commit, second.commit)
    assert not marker.exists()


def test_rights_that_were_taken_away_hide_nothing(ground: Ground) -> None:
    hidden = ground.root / "hidden"
    hidden.mkdir()
    (hidden / "file").write_text("x")
    (hidden / "file").chmod(0)
    hidden.chmod(0)
    assert [entry.path for entry in walk(ground.root)] == ["hidden", "hidden/file"]
    remove(ground.root)
    assert not ground.root.exists()


@pytest.fixture
def somebody() -> Iterator[Path]:
    """A folder of a user who is not root, whose eyes we look through."""
    place = Path(tempfile.mkdtemp(prefix="ai-", dir="/tmp"))
    place.chmod(0o755)
    if os.getuid() == 0:
        os.chown(place, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield place
    finally:
        os.seteuid(os.getuid())
        shutil.rmtree(place)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_persons_rights_are_left_alone(somebody: Path, what: str) -> None:
    (somebody / "d").mkdir()
    (somebody / "d" / "f").write_text("x")
    closed = somebody / "d" if what == "folder" else somebody / "d" / "f"
    closed.chmod(0)
    for look in (fingerprint, lambda root, **of: copy(root, root.with_name(f"{root.name}-copy"), MOST, **of)):
        with pytest.raises(BadInput, match="may not be read"):
            look(somebody, theirs=True)
    shutil.rmtree(somebody.with_name(f"{somebody.name}-copy"))
    assert stat.S_IMODE(closed.lstat().st_mode) == 0
    closed.chmod(0o700)


@pytest.mark.parametrize("rounds", [400, pytest.param(10_000, marks=pytest.mark.soak)])
@pytest.mark.timeout(300)
def test_a_folder_that_is_swapped_with_a_link_all_the_time(ground: Ground, rounds: int) -> None:
    place, other = ground.root / "d", ground.root / "other"
    place.mkdir()
    (place / "secret").write_bytes(b"mine")
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            place.rename(other)
            place.symlink_to(ground.outside)
            place.unlink()
            other.rename(place)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for _ in range(rounds):
            for entry in walk(ground.root):
                assert entry.data() != SECRET if entry.is_file else True
    finally:
        over.set()
        swapper.join()
    assert ground.untouched()
