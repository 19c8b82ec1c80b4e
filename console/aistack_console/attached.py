"""Files that a person attaches to a message: read here, by the console, never by the backend."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from aistack_console.errors import ConsoleError

LARGEST = 64 * 1024
"""Most bytes of a file that can be attached."""
LISTED = 200
"""Most names of a folder that are looked at for a completion."""


def read_file(name: str) -> str:
    """Return what the backend gets of an attached file: ``file NAME``, and its text after a newline.

    Raises:
        ConsoleError: it is not there, not a plain file, too big, or not text; the sentence says which.
    """
    path = Path(name).expanduser()
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ConsoleError(f"{name} cannot be attached: {error.strerror}.") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ConsoleError(f"{name} cannot be attached: it is not a plain file.", "Attach a file with text in it.")
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ConsoleError(
            f"{name} cannot be attached: it is bigger than {LARGEST // 1024} KiB.", "Attach a part of it."
        )
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ConsoleError(f"{name} cannot be attached: it is not text.", "Attach a file with UTF-8 text in it.")
    return f"file {path.name}\n{text}"


def names(begun: str) -> tuple[tuple[str, str], ...]:
    """Return ``(path, what it is)`` of the files and folders whose path begins so; none where nothing can be read."""
    folder, _, start = begun.rpartition("/")
    base = Path(f"{folder}/" if "/" in begun else ".").expanduser()
    found = []
    try:
        with os.scandir(base) as entries:
            for entry, _ in zip(entries, range(LISTED * 10), strict=False):
                hidden = entry.name.startswith(".") and not start
                if entry.name.startswith(start) and entry.name.isprintable() and not hidden:
                    found.append((entry.name, entry.is_dir()))
    except OSError:
        return ()
    shown = sorted(found, key=lambda one: (not one[1], one[0]))[:LISTED]
    lead = f"{folder}/" if "/" in begun else ""
    return tuple((f"{lead}{name}{'/' if is_dir else ''}", "folder" if is_dir else "file") for name, is_dir in shown)
