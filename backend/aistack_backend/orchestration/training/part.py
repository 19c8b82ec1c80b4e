"""From a wish to learn to one action that says all of it: dataset, base model, recipe and limits."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.learning.training import dataset, verdict
from aistack_backend.learning.training.dataset import Dataset
from aistack_backend.orchestration.training import asked
from aistack_backend.wire.actions import Target
from aistack_backend.wire.training import TrainRequest

KIND = "model.train"


class Models(Protocol):
    """The models of this machine."""

    def base(self, name: str) -> tuple[str, Path, str]:
        """Return id, file and sha256 of a model; an empty name = the one that is in use. Reads the whole file once.

        Raises:
            NotFound, Conflict, Unavailable: there is none; one sentence.
        """
        ...

    def site(self) -> Path:
        """Return the engine's folder.

        Raises:
            Unavailable: the engine is not built here.
        """
        ...


class TrainPart:
    """Prepares ``model.train``; the script is the request as JSON, the targets pin dataset and model."""

    kinds = frozenset({KIND})

    def __init__(self, models: Models) -> None:
        self._models = models

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Read the dataset through, and pin it and the model.

        Raises:
            BadInput: the request or the dataset cannot be. NotFound, Conflict, Unavailable: no such file or model.
        """
        request = asked.read(script)
        if target not in ("", request.dataset):
            raise BadInput(f"The training is on {request.dataset}, not on {target}.")
        read = _dataset(Path(request.dataset))
        self._models.site()
        card, path, digest = self._models.base(request.model)
        action = record(
            request,
            Target(type="dataset", id=request.dataset, name=Path(request.dataset).name, pin=read.sha256),
            Target(type="model", id=str(path), name=card, pin=digest),
            requester,
            task_id,
        )
        title = f"learn an adapter for {card} from {Path(request.dataset).name}"
        undo = "remove its folder below adapters in the data folder; the model itself is not written"
        return action, Evidence(title=title, effect=_effect(request, read), undo=undo, managed=True)


def record(request: TrainRequest, lines: Target, model: Target, requester: str, task_id: int) -> Action:
    """Return the action record: the same request on the same files gives the same one."""
    return Action(
        kind=KIND,
        script=asked.canonical(request),
        network="none",
        limits=(
            ("memory", f"{request.megabytes} MB"),
            ("minutes", str(request.minutes)),
            ("processes", "one child, at low priority"),
        ),
        targets=(lines, model),
        requester=requester,
        task_id=task_id,
    )


def _dataset(path: Path) -> Dataset:
    try:
        if not path.is_file():
            raise NotFound(f"There is no dataset {path}.", "learn export writes one.")
        if path.stat().st_size > dataset.MOST_BYTES:
            raise BadInput(f"The dataset {path.name} has over {dataset.MOST_BYTES} bytes.", "Export fewer lines.")
        return dataset.parse(path.read_bytes(), path.name)
    except OSError as error:
        raise BadInput(f"The dataset {path} cannot be read: {error.strerror}.") from error


def _effect(request: TrainRequest, read: Dataset) -> str:
    bar = f"at least {verdict.MARGIN} nats a token and {verdict.ERRORS:g} standard errors less loss on them"
    control = "" if request.tone else ", also than after learning the same answers dealt to other questions"
    return (
        f"reads {len(read.examples)} lines, learns from {len(read.learned)} and holds {len(read.held)} out; writes an "
        f"adapter into the data folder only if it has {bar}{control}. No model uses it by that. One processor is busy "
        f"meanwhile."
    )
