"""Text saved to a file of the operator's."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from aistack_console.errors import ConsoleError


def save_lines(folder: Path, kind: str, lines: Iterable[str]) -> Path:
    """Write lines to a new file ``aistack-KIND-DATE-TIME.txt`` in the folder (made if need be), for its owner only.

    Raises:
        ConsoleError: the file cannot be written; the sentence says where and why.
    """
    name = f"aistack-{kind}-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 0
    while True:
        path = folder / f"{name}{f'-{number}' if number else ''}.txt"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            if not folder.is_dir():
                raise ConsoleError(f"{folder} is a file, and a folder is needed.", "Move it away.") from None
            number += 1
            continue
        except OSError as error:
            raise ConsoleError(
                f"{path} cannot be written: {error.strerror}.", "Its folder must be yours to write in."
            ) from error
        break
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise ConsoleError(f"{path} is incomplete: {error.strerror}.", "Make room on the disk.") from error
    return path
