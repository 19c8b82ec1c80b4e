"""One commit of a git repository, fetched by git into an empty bare one and read object by object.

Nothing is checked out, so that no filter, no link and no submodule comes into play; hooks, credentials, proxies and
every configuration but ours are off; the protocol is the one that the place needs and no other.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.knowledge.confine import Bounds, Child

REF = re.compile(r"(?!-)[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}")
HELD = "refs/heads/held"
MOST_ENTRIES = 200_000
"""Entries of a tree that are looked through."""
PLAIN = frozenset({"100644", "100755"})
"""Modes of a file; links (120000) and submodules (160000) have others."""
MEMORY = 2 << 30
SETTINGS = (
    *(
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "credential.helper=",
        "-c",
        "core.askPass=",
        "-c",
        "core.fsmonitor=false",
    ),
    *(
        "-c",
        "http.followRedirects=false",
        "-c",
        "http.proxy=",
        "-c",
        "http.emptyAuth=false",
        "-c",
        "http.maxRequests=1",
    ),
    *("-c", "transfer.fsckObjects=true", "-c", "fetch.unpackLimit=1", "-c", "pack.threads=1", "-c", "index.threads=1"),
    *("-c", "core.bigFileThreshold=8m", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "protocol.version=2"),
    *("-c", "submodule.recurse=false", "-c", "fetch.recurseSubmodules=false", "-c", "fetch.writeCommitGraph=false"),
)
_PINS = (2, 37)
"""The first git that can be told to which address it connects."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the commit."""

    path: str
    size: int
    object: str


def git_version() -> tuple[int, ...]:
    """Return the version of the machine's git.

    Raises:
        Unavailable: there is none.
    """
    if not (program := shutil.which("git")):
        raise Unavailable("The program git is not on this machine.", "Install git, and ask again.")
    with Child([program, "--version"], Bounds(seconds=20, memory=MEMORY, file=0), {}) as child:
        found = re.search(rb"(\d+)\.(\d+)", child.output.read(200))
    return (int(found[1]), int(found[2])) if found else (0, 0)


class Repository:
    """A bare repository in a folder of its own that holds one commit of another. Methods block; ``stop`` ends them."""

    def __init__(self, folder: Path, bytes_at_most: int, seconds: float = 300.0) -> None:
        self._folder = folder
        self._bounds = Bounds(seconds=seconds, memory=MEMORY, file=bytes_at_most)
        self._child: Child | None = None
        self._stopped = False

    def fetch(self, place: str, ref: str, protocol: str, pinned: Sequence[str] = ()) -> str:
        """Fetch the newest commit of ``ref`` (empty = HEAD) and return its id. ``pinned`` says ``host:port:address``,
        and git connects there and nowhere else.

        Raises:
            BadInput: the ref cannot be, or git says no; one sentence. Unavailable: there is no git that can do it.
        """
        if ref and not (REF.fullmatch(ref) and ".." not in ref):
            raise BadInput(f"{ref[:80]!r} is no branch or tag.", "Give e.g. main or v1.2.")
        if git_version() < _PINS and pinned:
            raise Unavailable("This machine's git cannot be told to which address it connects.", "Install git 2.37.")
        self._run("init", "--quiet", "--bare", "--template=", str(self._folder))
        where = [word for one in pinned for word in ("-c", f"http.curloptResolve={one}")]
        asked = f"+{ref or 'HEAD'}:{HELD}"
        words = ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance")
        self._run(*words, "--", place, asked, before=where, protocol=protocol)
        return self._run("rev-parse", "--verify", f"{HELD}^{{commit}}").decode().strip()

    def files(self) -> Iterator[Entry]:
        """Yield the plain files, by path.

        Raises:
            BadInput: the tree is too large or broken.
        """
        seen = 0
        with self._start("ls-tree", "-r", "-l", "-z", "--full-tree", HELD) as child:
            for line in _parts(child):
                seen += 1
                if seen > MOST_ENTRIES:
                    raise BadInput(f"The repository has more than {MOST_ENTRIES} files.", "Import a part of it.")
                about, _, name = line.partition(b"\t")
                mode, kind, number, size = about.decode().split()
                if kind == "blob" and mode in PLAIN:
                    yield Entry(name.decode(errors="backslashreplace"), int(size), number)
            self._ended(child)

    def contents(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        """Yield the bytes of these files.

        Raises:
            BadInput: an object cannot be read.
        """
        with self._start("cat-file", "--batch") as child:
            for entry in entries:
                child.input.write(f"{entry.object}\n".encode())
                child.input.flush()
                head = child.output.readline().split()
                if len(head) != 3 or head[1] != b"blob" or int(head[2]) != entry.size:
                    raise BadInput(f"git cannot read {entry.path}.", child.said())
                data = child.output.read(entry.size)
                child.output.read(1)
                if len(data) != entry.size:
                    raise BadInput(f"git ended while it read {entry.path}.", child.said())
                yield entry, data

    def stop(self) -> None:
        """End what runs, and let nothing more begin; from any thread."""
        self._stopped = True
        if self._child is not None:
            self._child.end()

    def _start(self, *words: str, before: Sequence[str] = (), protocol: str = "none") -> Child:
        if self._stopped:
            raise Unavailable("The import was ended.")
        program = shutil.which("git")
        if program is None:
            raise Unavailable("The program git is not on this machine.", "Install git, and ask again.")
        env = _environment(self._folder, protocol)
        self._child = Child([program, *SETTINGS, *before, *words], self._bounds, env)
        return self._child

    def _run(self, *words: str, before: Sequence[str] = (), protocol: str = "none") -> bytes:
        with self._start(*words, before=before, protocol=protocol) as child:
            child.input.close()
            said = child.output.read(65_536)
            self._ended(child)
        return said

    def _ended(self, child: Child) -> None:
        code = child.wait()
        if self._stopped:
            raise Unavailable("The import was ended.")
        if child.late:
            raise BadInput(f"git did not end within {self._bounds.seconds:g} s.", "Import a part, or try again.")
        if code:
            why = child.said().removeprefix("fatal: ").rstrip(".")
            most = f"{self._bounds.file / 1e6:g} MB at most may come"
            raise BadInput(f"git could not do it: {why or f'it ended with {code}'}.", f"Look at the place; {most}.")


def _environment(folder: Path, protocol: str) -> Mapping[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_DIR": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "SSH_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": protocol,
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def _parts(child: Child) -> Iterator[bytes]:
    """Yield what stands between zero bytes."""
    rest = b""
    while block := child.output.read1(65_536):  # type: ignore[attr-defined]
        *whole, rest = (rest + block).split(b"\0")
        yield from whole
    if rest:
        raise BadInput("git ended in the middle of a name.")
