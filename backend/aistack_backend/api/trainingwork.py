"""The wiring of training: the models that can be learned for, the tool, and what prepares it."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

from aistack_backend.api.parts import Parts
from aistack_backend.errors import BadInput, Conflict, Unavailable
from aistack_backend.inference import wheel
from aistack_backend.inference.splits import place
from aistack_backend.learning.training.adapters import Adapters
from aistack_backend.learning.training.rows import Trainings
from aistack_backend.orchestration.training.part import TrainPart
from aistack_backend.orchestration.training.tool import TrainTool
from aistack_backend.store.database import Database
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import ModelStatus

FOLDER = "adapters"
"""In the data folder."""


class Bases:
    """The models of this backend, as training asks for them; any thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int, int], str] = {}

    def base(self, name: str) -> tuple[str, Path, str]:
        """See ``Models.base``."""
        status: ModelStatus | None = self._parts.bus.latest(Topic.MODEL)
        wanted = name or (status.model if status else "")
        if not wanted:
            raise Conflict("No model is in use.", "Name one with --model; aistack-console models lists them.")
        card = self._parts.library.get().detail(wanted).card
        if not card.path:
            raise Conflict(f"{card.name} is not on this machine.", "Fetch it first.")
        path = Path(card.path)
        if place(path.name)[2] > 1:
            raise BadInput(f"{card.name} lies in several files; it can be learned for a model in one.")
        return card.id, path, self._sha256(path)

    def site(self) -> Path:
        """See ``Models.site``."""
        site = wheel.site_folder(self._parts.settings.cache_dir)
        if not site.is_dir():
            raise Unavailable("The engine is not built on this machine.", "Use a model once: that builds it.")
        return site

    def _sha256(self, path: Path) -> str:
        try:
            found = path.stat()
            key = (str(path), found.st_size, found.st_mtime_ns)
            with self._lock:
                if key not in self._known:
                    with path.open("rb") as file:
                        self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
                return self._known[key]
        except OSError as error:
            raise Unavailable(f"The model {path} cannot be read: {error.strerror}.") from error


@dataclass(frozen=True, kw_only=True)
class TrainingParts:
    """What the engine and the routes need of training."""

    tool: TrainTool
    part: TrainPart
    trainings: Trainings


def build(parts: Parts, database: Database) -> TrainingParts:
    """Wire it; runs that an earlier backend left are told to be over."""
    bases, adapters = Bases(parts), Adapters(parts.settings.data_dir / FOLDER)
    trainings = Trainings(database, parts.clock, adapters)

    def changed() -> None:
        if (tasks := parts.tasks.part) is not None:
            parts.bus.publish(Topic.TASKS, tasks.list())

    trainings.settle()
    log = parts.settings.data_dir / "logs" / "training.log"
    tool = TrainTool(bases, trainings, adapters, log, changed)
    return TrainingParts(tool=tool, part=TrainPart(bases), trainings=trainings)
