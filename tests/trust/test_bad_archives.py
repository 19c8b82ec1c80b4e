"""R4.10 and R5.13: every bad archive is refused, nothing is written outside, one flipped bit is noticed."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.trust.archives import BAD, FILES, Tar, contents, flips, good

from aistack_backend.containers.backup.archive import Limits, extract, pack
from aistack_backend.containers.backup.tarstream import BadArchive

LIMITS = Limits(total=32 << 20, count=500)


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_archive_is_refused_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    before = everything(tmp_path)
    with pytest.raises(BadArchive) as caught:
        extract(io.BytesIO(BAD[name]()), tmp_path / "in", LIMITS)
    assert everything(tmp_path) == before
    assert not Path("/tmp/aistack-evil").exists()
    assert caught.value.detail.endswith(".")
    assert caught.value.detail.isprintable()


def test_there_are_at_least_forty() -> None:
    assert len(BAD) >= 40


def test_a_good_one_comes_out_as_it_was(tmp_path: Path) -> None:
    told = extract(io.BytesIO(good()), tmp_path / "in", LIMITS)
    assert told == contents()
    for name, data in FILES.items():
        assert (tmp_path / "in" / name).read_bytes() == data
    modes = {path.stat().st_mode & 0o7777 for path in (tmp_path / "in").rglob("*")}
    assert modes == {0o600, 0o700}
    with (tmp_path / "packed.tar").open("wb") as file:
        pack(tmp_path / "in", file)
    with (tmp_path / "packed.tar").open("rb") as file:
        assert extract(file, tmp_path / "again", LIMITS) == told


def test_an_existing_folder_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "mine").write_text("keep")
    with pytest.raises(BadArchive):
        extract(io.BytesIO(good()), tmp_path / "in", LIMITS)
    assert everything(tmp_path) == ["in", "in/mine"]


def test_a_long_header_is_not_loaded(tmp_path: Path) -> None:
    raw = BAD["huge GNU name"]()
    tracemalloc.start()
    with pytest.raises(BadArchive):
        extract(io.BytesIO(raw), tmp_path / "in", LIMITS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize("make", [good, lambda: Tar(contents({"a": b"x"})).add("a", b"x").bytes()])
def test_one_flipped_bit_is_noticed(
    make: Callable[[], bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried, unnoticed = 0, []
    for number, raw in enumerate(flips(make(), 500)):
        tried += 1
        try:
            extract(io.BytesIO(raw), tmp_path / f"in{number}", LIMITS)
            unnoticed.append(number)
        except BadArchive:
            pass
    assert tried >= 500
    assert not unnoticed
    with capsys.disabled():
        print(f"\n  R5.13: {tried} archives with one flipped bit, {len(unnoticed)} unnoticed", end="")
