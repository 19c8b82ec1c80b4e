"""Text saved to a file of the operator's."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from aistack_console.errors import ConsoleError


def save_lines(folder: Path, kind: str, lines: Iterable[str], ending: str = "txt") -> Path:
    """Write lines to a new file ``aistack-KIND-DATE-TIME.ENDING`` in the folder (made if need be), for its owner only.

    Raises:
        ConsoleError: the file cannot be written; the sentence says where and why.
    """
    name = f"aistack-{kind}-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 0
    while True:
        path = folder / f"{name}{f'-{number}' if number else ''}.{ending}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return _write(path, lines)
        except FileExistsError:
            if not folder.is_dir():
                raise ConsoleError(f"{folder} is a file, and a folder is needed.", "Move it away.") from None
            number += 1
        except OSError as error:
            raise _not_written(path, error) from error


def save_as(path: Path, text: str) -> Path:
    """Write a text to a new file of that name, for its owner only; a file that is there stays as it is.

    Raises:
        ConsoleError: there is one already, or it cannot be written; the sentence says where and why.
    """
    try:
        return _write(path.expanduser(), text.split("\n"))
    except FileExistsError:
        raise ConsoleError(f"{path} is there already.", "Choose another name: nothing is overwritten.") from None
    except OSError as error:
        raise _not_written(path, error) from error


def _write(path: Path, lines: Iterable[str]) -> Path:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise ConsoleError(f"{path} is incomplete: {error.strerror}.", "Make room on the disk.") from error
    return path


def _not_written(path: Path, error: OSError) -> ConsoleError:
    return ConsoleError(f"{path} cannot be written: {error.strerror}.", "Its folder must be yours to write in.")
