"""What one child is asked to learn, and how it ended: plain values that cross a pipe as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.training import Figures

READING_HELD = "reading what is held out"
"""The stage of which the loss is that of the model alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that the child needs; the sha256 are of what was approved."""

    name: str
    dataset: str
    dataset_sha256: str
    model: str
    """A GGUF file."""
    model_sha256: str
    site: str
    """The engine's folder."""
    out: str
    """Where the adapter is written; its folder is there."""
    steps: int = 60
    rank: int = 8
    seed: int = 1
    tone: bool = False
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A verdict was reached."""

    refused: str = ""
    """Why the adapter was not kept; empty = it lies at ``Job.out``."""
    target: str
    """The tensor that it changes."""
    figures: Figures
