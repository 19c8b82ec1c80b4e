"""Fine-tuning: what was learned from which dataset for which model, and whether it does better on what was held out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainWish:
    """How to learn; what is not given has its default."""

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
    """One run that came to a verdict, and the adapter when it was kept."""

    name: str
    """Of the adapter; empty = it was refused."""
    at: float
    task_id: int
    dataset: str
    dataset_sha256: str
    model: str
    """Id of the base model."""
    model_sha256: str
    target: str
    """The tensor that the adapter changes."""
    wish: TrainWish
    figures: Figures
    verdict: str
    """One sentence."""
    approved_by: str = ""
    here: bool = False
    """The adapter lies in the data folder, with the sha256 that it was kept with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingList:
    """Every run that came to a verdict, the newest first."""

    trainings: tuple[Training, ...] = ()
