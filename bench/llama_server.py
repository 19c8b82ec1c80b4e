"""llama.cpp's own server, built from the very source tree that the engine's wheel is built from, for comparison alone.

``python -m bench.llama_server`` builds it (about a quarter of an hour of one core) and prints where it is. It lies in
the cache under the engine's own key, so another version or another processor gets another one.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.inference.packages import Stopper, bytes_done, only_one, pinned, pip
from aistack_backend.inference.progress import Tell, printing
from aistack_backend.inference.wheel import cache_key, compiler_flags
from aistack_backend.wire import rendezvous

OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DLLAMA_BUILD_SERVER=ON",
    *(f"-DLLAMA_{what}=OFF" for what in ("BUILD_UI", "USE_PREBUILT_UI", "OPENSSL", "BUILD_TESTS")),
    *(f"-DLLAMA_BUILD_{what}=OFF" for what in ("EXAMPLES", "APP")),
)
"""The tree's defaults, which the engine's wheel has too, without pages, tests and what is not the server."""
_STEP = re.compile(r"\[(\d+)/(\d+)\]")


def program(cache: Path) -> Path:
    """Return where the server lies, or will lie, for this machine."""
    return cache / "bench" / cache_key() / "llama-server"


def prepare(cache: Path, tell: Tell, stopper: Stopper) -> Path:
    """Return the server; fetch its source and build it, at low priority, when it is not there.

    Raises:
        Unavailable: no CMake or no compiler, no network, or the build failed.
    """
    made = program(cache)
    if made.is_file():
        return made
    if not shutil.which("cmake"):
        raise Unavailable("Building llama-server needs CMake.", "Install it (Debian, Ubuntu: apt install cmake g++).")
    made.parent.mkdir(parents=True, exist_ok=True)
    with (
        only_one(made.parent / "lock", "llama-server", tell, stopper),
        tempfile.TemporaryDirectory(prefix="tmp-", dir=made.parent) as folder,
    ):
        if not made.is_file():
            _build(_source(Path(folder), tell, stopper), Path(folder) / "build", tell, stopper).rename(made)
    return made


def _source(folder: Path, tell: Tell, stopper: Stopper) -> Path:
    """Return the vendored tree, unpacked from the pinned source package."""

    def follow(line: str) -> None:
        if done := bytes_done(line):
            tell("llama-server source", done[0], done[1], "bytes", "")

    wanted = ["--no-deps", "--no-binary", "llama-cpp-python", "-d", str(folder), *pinned("engine-source.txt")]
    pip(["download", *wanted], stopper, follow, {"TMPDIR": str(folder)})
    with tarfile.open(next(folder.glob("llama_cpp_python-*.tar.gz"))) as archive:
        archive.extractall(folder / "source", filter="data")
    return next((folder / "source").glob("*/vendor/llama.cpp"))


def _build(source: Path, build: Path, tell: Tell, stopper: Stopper) -> Path:
    """Return the one file that is left of the build: everything is linked into it."""
    flags = {name: f"{os.environ.get(name, '')} {compiler_flags()}".strip() for name in ("CFLAGS", "CXXFLAGS")}
    maker = ("-G", "Ninja") if shutil.which("ninja") else ()
    jobs = str(len(os.sched_getaffinity(0)))
    for command in (
        ["cmake", "-S", str(source), "-B", str(build), "-DBUILD_SHARED_LIBS=OFF", *maker, *OPTIONS],
        ["cmake", "--build", str(build), "--target", "llama-server", "-j", jobs],
    ):
        last = ""
        with stopper.watching(command, {**os.environ, **flags}) as child:
            assert child.stdout is not None
            for line in child.stdout:
                last = line.strip() or last
                if step := _STEP.search(line):
                    tell("llama-server build", int(step[1]), int(step[2]), "steps", "")
        stopper.check()
        if child.returncode:
            raise Unavailable(
                f"llama-server cannot be built: {last[:300]}", "Read the compiler's words, and try again."
            )
    return build / "bin" / "llama-server"


def main() -> int:
    """Build it on the command line; 0 when it is there."""
    try:
        sys.stdout.write(f"{prepare(rendezvous.cache_dir(os.environ), printing(sys.stderr), Stopper())}\n")
    except (BackendError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
