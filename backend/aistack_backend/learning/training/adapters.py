"""The folder of adapters that were kept: one folder an adapter, with its manifest; it appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path

from aistack_backend.errors import Unavailable
from aistack_backend.store.files import replace_file
from aistack_backend.wire.training import Training

FILE, MANIFEST = "adapter.gguf", "manifest.json"
DRAFT = ".draft-"
_ODD = re.compile(r"[^a-z0-9]+")


class Adapters:
    """Belongs to any thread; two runs never share a name, which ends with the task's number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._digests: dict[tuple[str, int, int], str] = {}

    def name(self, dataset: str, task_id: int) -> str:
        """Return the name of the adapter of a task."""
        plain = _ODD.sub("-", Path(dataset).stem.lower()).strip("-")[:40].strip("-")
        return f"{plain or 'adapter'}-{task_id}"

    def draft(self, task_id: int) -> Path:
        """Return where the adapter of a task is to be written; what an earlier try left there is gone.

        Raises:
            Unavailable: the folder cannot be made.
        """
        place = self._draft(task_id)
        try:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise Unavailable(f"The folder {place} cannot be made: {error.strerror}.") from error
        return place / FILE

    def drop(self, task_id: int) -> None:
        """Remove the draft of a task."""
        shutil.rmtree(self._draft(task_id), ignore_errors=True)

    def drop_all(self) -> None:
        """Remove every draft: nothing runs now."""
        for place in self.folder.glob(f"{DRAFT}*"):
            shutil.rmtree(place, ignore_errors=True)

    def keep(self, one: Training) -> str:
        """Give the draft its name, with its manifest; return the sha256 of the adapter.

        Raises:
            Unavailable: it cannot be written.
        """
        place = self._draft(one.task_id)
        try:
            digest = hashlib.sha256((place / FILE).read_bytes()).hexdigest()
            told = {**asdict(one), "adapter_sha256": digest, "form": "aistack-adapter-1"}
            with replace_file(place / MANIFEST) as file:
                file.write(json.dumps(told, indent=1, sort_keys=True).encode() + b"\n")
            shutil.rmtree(self.folder / one.name, ignore_errors=True)  # of this very task, before it was cut off
            place.rename(self.folder / one.name)
        except OSError as error:
            raise Unavailable(f"The adapter cannot be kept in {self.folder}: {error.strerror}.") from error
        return digest

    def path(self, name: str, sha256: str) -> str:
        """Return where an adapter lies; empty when it is gone or is not the file that was kept."""
        file = self.folder / name / FILE
        try:
            whole = name and self._digest(file) == sha256
        except OSError:
            return ""
        return str(file) if whole else ""

    def _digest(self, file: Path) -> str:
        """Read a file once for each of its times: the list is read again and again while a run goes on."""
        found = file.stat()
        known = (str(file), found.st_size, found.st_mtime_ns)
        if known not in self._digests:
            self._digests[known] = hashlib.sha256(file.read_bytes()).hexdigest()
        return self._digests[known]

    def _draft(self, task_id: int) -> Path:
        return self.folder / f"{DRAFT}{task_id}"
