"""What was typed into the chat, kept over restarts: ``$XDG_STATE_HOME/aistack/chat_history``, one JSON text a line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aistack_console.errors import ConsoleError
from aistack_console.text import plain

KEPT = 500
"""Newest texts that are kept."""
LONGEST = 8_192
"""Characters of a text from which on it is not kept."""


def said_file(env: Mapping[str, str]) -> Path:
    """Return ``$XDG_STATE_HOME/aistack/chat_history``, else the same under ``~/.local/state``."""
    base = env.get("XDG_STATE_HOME") or str(Path(env.get("HOME", "~")).expanduser() / ".local" / "state")
    return Path(base) / "aistack" / "chat_history"


class Said:
    """Texts, oldest first. Reading forgives what it cannot read; a file that cannot be written is told once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.texts: list[str] = _read(path)
        self._refused = False

    def add(self, text: str) -> None:
        """Keep a text, unless it is the same as the last one or too long.

        Raises:
            ConsoleError: the file cannot be written; said the first time only. The text is kept in memory.
        """
        if len(text) > LONGEST or self.texts[-1:] == [text]:
            return
        self.texts = [*self.texts, text][-KEPT:]
        try:
            self._write()
        except OSError as error:
            if not self._refused:
                self._refused = True
                raise ConsoleError(
                    f"What you type is not kept: {self.path} cannot be written ({error.strerror}).",
                    "Its folder must be yours to write in.",
                ) from error

    def _write(self) -> None:
        """Replace the file in one go, readable by its owner alone; texts of other consoles that came meanwhile stay."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        others = [text for text in _read(self.path) if text not in self.texts]
        self.texts = [*others, *self.texts][-KEPT:]
        new = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with suppress(FileNotFoundError):
            new.unlink()
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(text)}\n" for text in self.texts)
        new.replace(self.path)


def _read(path: Path) -> list[str]:
    texts: list[str] = []
    try:
        lines = path.read_text("utf-8", "replace").splitlines()[-KEPT:]
    except OSError:
        return texts
    for line in lines:
        with suppress(ValueError):
            if isinstance(text := json.loads(line), str) and len(text) <= LONGEST:
                texts.append(plain(text, "drop"))
    return texts
