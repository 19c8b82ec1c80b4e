"""The engine cache: llama-cpp-python built once for this kind of machine, unpacked where only the child looks.

``python -m aistack_backend.inference.wheel [--cache FOLDER] [--wheel FILE] [--model ID]`` prepares it, fetches that
model of the catalogue too, and prints where they are.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from aistack_backend.errors import BackendError, BadInput, Unavailable
from aistack_backend.inference import interim
from aistack_backend.inference.catalogue import MODELS
from aistack_backend.inference.fetch import fetch
from aistack_backend.inference.packages import Stopper, bytes_done, only_one, pinned, pip
from aistack_backend.inference.progress import Tell, printing
from aistack_backend.wire import rendezvous

VERSION = "0.3.36"
CMAKE_ARGS = "-DLLAVA_BUILD=OFF"
"""Without the image part: 18 % less to compile."""
NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
"""Compiler flags for a CPU that names AMX: virtual machines name it, grant it, and fault at its first instruction."""
ROOM = 1_500_000_000
"""Bytes that a build may need for a while."""
_STEP = re.compile(r"^\s*\[(\d+)/(\d+)\]")
_MATTERS = re.compile(r"^(sse|ssse|avx|amx|fma|f16c|bmi|neon|asimd|sve|sme|i8mm|bf16|fphp|vsx|v$|zv)")


def cache_key() -> str:
    """Name what a built engine depends on: version, machine, the CPU flags that compilers use, CMake arguments."""
    digest = hashlib.sha256(f"{' '.join(cpu_flags())}\n{CMAKE_ARGS}{compiler_flags()}".encode()).hexdigest()[:12]
    return f"llama_cpp_python-{VERSION}-{platform.machine()}-{digest}"


def cpu_flags() -> list[str]:
    """Return the sorted instruction set flags of this CPU that matter to a native build."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        name, _, flags = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return sorted(flag for flag in flags.split() if _MATTERS.match(flag))
    return []


def compiler_flags() -> str:
    """Return what the compiler is told beside "for this CPU"; empty where nothing has to be said."""
    return NO_AMX if any(flag.startswith("amx") for flag in cpu_flags()) else ""


def site_folder(cache: Path) -> Path:
    """Return where the unpacked engine lies, or will lie, for this machine and this Python."""
    return cache / "engine" / cache_key() / f"site-cp{sys.version_info[0]}{sys.version_info[1]}"


def prepare(cache: Path, tell: Tell, stopper: Stopper, wheel: Path | None = None) -> Path:
    """Return the folder with ``llama_cpp`` and what it needs; build and fetch what is missing.

    ``wheel`` is a ready wheel to take instead of building one. Several processes may ask at once: one builds.

    Raises:
        BadInput: ``wheel`` is not a wheel of this version.
        Unavailable: no compiler, no network, no room, or the build failed.
    """
    site = site_folder(cache)
    if site.is_dir():
        return site
    try:
        site.parent.mkdir(parents=True, exist_ok=True)
        with only_one(cache / "engine" / "lock", "engine build", tell, stopper):
            if site.is_dir():
                return site
            for leftover in site.parent.glob("tmp-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix="tmp-", dir=site.parent))
            try:
                built = _wheel(site.parent, folder, tell, stopper, wheel)
                _unpack(built, folder / "site", folder, tell, stopper)
                (folder / "site").rename(site)
            finally:
                if not stopper.event.is_set():  # a stopping backend does not wait for thousands of files to go
                    shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise Unavailable(f"The engine cannot be stored in {cache}: {error.strerror}.", "Free some space.") from error
    return site


def _wheel(home: Path, folder: Path, tell: Tell, stopper: Stopper, given: Path | None) -> Path:
    kept = next(iter(home.glob("llama_cpp_python-*.whl")), None)
    if given is not None:
        if not re.fullmatch(rf"llama_cpp_python-{VERSION}-.*\.whl", given.name) or not zipfile.is_zipfile(given):
            raise BadInput(f"{given} is not a wheel of llama-cpp-python {VERSION}.")
        kept = Path(shutil.copy(given, folder)).rename(home / given.name)
    if kept is None:
        built = _build(folder, tell, stopper)
        kept = built.rename(home / built.name)
    return kept


def _build(folder: Path, tell: Tell, stopper: Stopper) -> Path:
    if not (shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")):
        raise Unavailable(
            "The engine must be compiled and this machine has no C++ compiler.",
            "Install one (Debian, Ubuntu: apt install g++), or set AISTACK_ENGINE_WHEEL to a ready wheel.",
            kind="no-compiler",
        )
    if shutil.disk_usage(folder).free < ROOM:
        raise Unavailable(
            f"Building the engine needs {ROOM // 1_000_000} MB for a while and {folder} has less.",
            "Free some space, or set AISTACK_CACHE_DIR to another disk.",
            kind="disk-full",
        )

    fetched: list[bool] = []

    def follow(line: str) -> None:
        if (done := bytes_done(line)) and not fetched:
            tell("engine source", done[0], done[1], "bytes", "")
            if done[0] == done[1]:
                fetched.append(True)
                tell("engine build", 0, None, "steps", "Preparing the compiler.")
        elif step := _STEP.match(line):
            tell("engine build", int(step[1]), int(step[2]), "steps", "")

    temporary = folder / "t"
    temporary.mkdir()
    env = {"CMAKE_ARGS": CMAKE_ARGS, "TMPDIR": str(temporary)}
    if flags := compiler_flags():  # before -march=native and yet stronger, for GCC and Clang alike
        env |= {name: f"{os.environ.get(name, '')} {flags}".strip() for name in ("CFLAGS", "CXXFLAGS")}
    tell("engine source", 0, None, "bytes", "")
    pip(
        # without pip's cache: it would hand out a wheel that was built with other arguments
        ["wheel", "--no-deps", "--no-cache-dir", "-v", "-w", str(folder), *pinned("engine-source.txt")],
        stopper,
        follow,
        env,
    )
    return next(folder.glob("llama_cpp_python-*.whl"))


def _unpack(wheel: Path, site: Path, folder: Path, tell: Tell, stopper: Stopper) -> None:
    tell("engine libraries", 0, None, "bytes", "")
    with zipfile.ZipFile(wheel) as archive:  # its top-level lib/ and include/ are second copies
        wanted = [name for name in archive.namelist() if name.startswith(("llama_cpp/", "llama_cpp_python-"))]
        archive.extractall(site, wanted)

    def follow(line: str) -> None:
        if done := bytes_done(line):
            tell("engine libraries", done[0], done[1], "bytes", "")

    pip(
        ["install", "--no-deps", "--only-binary=:all:", "--target", str(site), *pinned("engine-libraries.txt")],
        stopper,
        follow,
        {"TMPDIR": str(folder)},
    )


def main() -> int:
    """Prepare the engine on the command line; 0 when it is there."""
    parser = argparse.ArgumentParser(description="Prepare the inference engine in the cache.")
    parser.add_argument("--cache", type=Path, default=rendezvous.cache_dir(os.environ))
    parser.add_argument("--wheel", type=Path, default=given_wheel())
    parser.add_argument("--model", choices=[model.id for model in MODELS], help="also fetch this model")
    given = parser.parse_args()
    tell = printing(sys.stderr)
    try:
        sys.stdout.write(f"{interim.prepare(given.cache, tell, Stopper())}\n")
        sys.stdout.write(f"{prepare(given.cache, tell, Stopper(), given.wheel)}\n")
        for wanted in (model for model in MODELS if model.id == given.model):
            sys.stdout.write(f"{fetch(wanted, given.cache, tell, Stopper())}\n")
    except BackendError as error:
        sys.stderr.write(f"{error.detail} {error.hint}\n")
        return 1
    return 0


def given_wheel() -> Path | None:
    """Return the ready wheel that ``AISTACK_ENGINE_WHEEL`` names, or None."""
    named = os.environ.get("AISTACK_ENGINE_WHEEL")
    return Path(named) if named else None


if __name__ == "__main__":
    sys.exit(main())
