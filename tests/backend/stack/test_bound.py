"""An edit of a mounted configuration file is a reason to make that service again, and no other; nothing else is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backend.stack.yard import IMAGE, Yard

from aistack_backend.containers.stack import bound
from aistack_backend.containers.stack.plan import ACTING
from aistack_backend.containers.stack.spec import FILES
from aistack_backend.containers.update.part import _pin
from aistack_backend.wire.boot import StepKind

WITH = f"""
web: {{image: '{IMAGE}', volumes: ['./config/web:/etc/web:ro', './site.conf:/etc/site.conf:ro,z', './data:/data']}}
db: {{image: '{IMAGE}', volumes: ['./config/db.conf:/etc/db.conf:ro', '/usr/share:/usr/share/other:ro']}}
plain: {{image: '{IMAGE}'}}
"""


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    folder = tmp_path / "compose"
    (folder / "config" / "web" / "parts").mkdir(parents=True)
    (folder / "data").mkdir()
    for name in ("config/web/web.conf", "config/web/parts/a.conf", "config/db.conf", "site.conf", "data/rows"):
        (folder / name).write_text(f"{name}\n")
    made = Yard(folder)
    made.write(WITH)
    made.up()
    yield made
    made.close()


def reasons(yard: Yard) -> dict[str, str]:
    return {step.service.id: step.why for step in yard.plan().steps if step.kind in ACTING}


def folder(yard: Yard) -> Path:
    return yard.file.parent


def test_what_was_not_edited_leaves_nothing_to_do(yard: Yard) -> None:
    assert reasons(yard) == {}
    for name in ("config/web/web.conf", "config/db.conf"):
        os.utime(folder(yard) / name, (1, 1))
    assert reasons(yard) == {}, "the same content at another time is the same"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("config/web/web.conf", {"web": "its configuration compose/config/web changed"}),
        ("config/web/parts/a.conf", {"web": "its configuration compose/config/web changed"}),
        ("config/web/new.conf", {"web": "its configuration compose/config/web changed"}),
        ("site.conf", {"web": "its configuration compose/site.conf changed"}),
        ("config/db.conf", {"db": "its configuration compose/config/db.conf changed"}),
        ("data/rows", {}),
        ("README", {}),
    ],
)
def test_an_edit_names_the_service_and_the_file_alone(yard: Yard, name: str, told: dict[str, str]) -> None:
    (folder(yard) / name).write_text("edited\n")
    assert reasons(yard) == told
    assert {step.kind for step in yard.plan().steps if step.service.id in told} <= {StepKind.RECREATE}
    yard.up()
    assert reasons(yard) == {}, "made again, it has what is on disk"


def test_a_file_that_goes_and_one_that_comes_back(yard: Yard) -> None:
    gone = folder(yard) / "config" / "web" / "web.conf"
    text = gone.read_text()
    gone.unlink()
    assert set(reasons(yard)) == {"web"}
    gone.write_text(text)
    assert reasons(yard) == {}


def test_what_was_made_before_files_were_noted_is_let_be(yard: Yard) -> None:
    for box in yard.memory.world.boxes.values():
        box.labels.pop(FILES, None)
    (folder(yard) / "site.conf").write_text("edited\n")
    assert reasons(yard) == {}


@pytest.mark.parametrize("noted", [None, "", "{", "[]", "7", '{"compose/site.conf": 7}'])
def test_a_label_that_says_nothing_sensible_ends_nothing(noted: str | None) -> None:
    assert bound.edited(noted, {"compose/other": "a"}) == ()


def test_an_approval_is_bound_to_the_files(yard: Yard) -> None:
    (folder(yard) / "site.conf").write_text("one\n")
    action = yard.ask()
    assert yard.tool.recheck(action) == ""
    (folder(yard) / "site.conf").write_text("two\n")
    assert yard.tool.recheck(action).startswith("web is not what was approved any more")
    manifest = yard.source.get()
    assert _pin(manifest, manifest.services["web"], "a", "b") != _pin(manifest, manifest.services["plain"], "a", "b")


def test_big_files_and_many_files_are_told_by_size_and_time(yard: Yard) -> None:
    big = folder(yard) / "config" / "db.conf"
    big.write_bytes(b"x" * (bound.LARGEST + 1))
    for number in range(bound.MANY):
        (folder(yard) / "config" / "web" / f"{number:03}.conf").write_text("x")
    yard.up()
    assert reasons(yard) == {}
    os.utime(big, (1, 1))
    os.utime(folder(yard) / "config" / "web" / "007.conf", (1, 1))
    assert set(reasons(yard)) == {"web", "db"}


def test_of_a_huge_folder_only_so_much_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound, "MOST", 3)
    for name in "abcde":
        (tmp_path / name).write_text(name)
    assert [name for name, _ in bound._files(tmp_path)] == ["a", "b", "c"]


def test_links_are_told_by_where_they_lead_and_odd_files_block_nothing(yard: Yard) -> None:
    web = folder(yard) / "config" / "web"
    (web / "link").symlink_to("/nowhere")
    (web / "loop").symlink_to(web, target_is_directory=True)
    os.mkfifo(web / "pipe")
    (web / "shut").write_text("x")
    (web / "shut").chmod(0)
    yard.up()
    assert reasons(yard) == {}
    (web / "link").unlink()
    (web / "link").symlink_to("/elsewhere")
    assert set(reasons(yard)) == {"web"}


def test_an_edit_whose_time_was_set_back_is_seen(yard: Yard) -> None:
    file = folder(yard) / "site.conf"
    before = file.stat()
    file.write_text("SITE.conf\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "site.conf" in reasons(yard)["web"]
