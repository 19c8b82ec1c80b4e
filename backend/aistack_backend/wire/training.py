"""Fine-tuning: what was learned from which dataset for which model, and whether it does better on what was held out."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class TrainState(Word):
    """Where a run stands."""

    RUNNING = "running"
    KEPT = "kept"
    REFUSED = "refused"
    """It came to a verdict, and the adapter was not good enough."""
    FAILED = "failed"
    """It came to none: the dataset or the model cannot be used, a limit was reached, or it was stopped."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What to learn from and how; what is not given has its default."""

    dataset: str
    """Path of a file of chat lines on the backend's machine."""
    model: str = ""
    """Id of a model on this machine; empty = the one that is in use."""
    steps: int = 60
    rank: int = 8
    seed: int = 1
    tone: bool = False
    """The dataset teaches a tone, so that its answers need not follow from its questions: no control is learned."""
    minutes: int = 60
    """Most time."""
    megabytes: int = 4096
    """Most memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured on lines that were never learned from: nats a token, the mean over the lines."""

    base: float
    """The model alone, by llama.cpp."""
    adapted: float
    """The model with the adapter, by llama.cpp."""
    control: float | None = None
    """The same recipe on the same lines with their answers dealt to other questions; None = none was learned."""
    gain: float
    """``base - adapted``."""
    error: float
    """Standard error of the gain, over the held-out lines."""
    over_control: float | None = None
    over_error: float | None = None
    learned: int
    """Lines that were learned from."""
    held: int
    """Lines that were held out."""
    tokens: int
    """Tokens of the answers that were learned from."""
    first: float
    """Loss of the first step's rows, by our own forward pass."""
    last: float
    """Loss of the last step's rows."""
    seconds: float
    memory: int
    """Most bytes that the child held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One run, and the adapter when it was kept."""

    task_id: int
    at: float
    """When it began."""
    state: TrainState
    request: TrainRequest
    dataset_sha256: str
    model_sha256: str
    stage: str = ""
    """Of a running one: what it does."""
    done: int = 0
    total: int = 0
    """Of the stage; 0 = not known."""
    loss: float | None = None
    """Of a running one: nats a token, of the last step's rows, or the mean of the lines read; None = not measured."""
    base: float | None = None
    """Of a running one: the loss of the model alone on the held-out lines that were read; None = none was yet."""
    memory: int | None = None
    """Of a running one: bytes that the child held when it was last looked at; None = not measured."""
    name: str = ""
    """Of the adapter; empty = none was kept."""
    path: str = ""
    """Where the adapter lies; empty = none was kept, or it is no longer the file that was kept."""
    target: str = ""
    """The tensor that the adapter changes."""
    figures: Figures | None = None
    """None = it came to no verdict."""
    verdict: str = ""
    """One sentence."""
    approved_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingList:
    """Runs, the newest first, at most 200."""

    trainings: tuple[Training, ...] = ()
