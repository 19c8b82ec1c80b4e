"""What the command line hands to the console: where the backend is, and how to draw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Choices made on the command line; they win over the environment and the config file."""

    data_dir: Path
    """The data directory whose backend is used (``wire.rendezvous.data_dir`` when none was given)."""
    config_file: Path
    """The config file that is read, whether or not it exists."""
    view_only: bool = False
    """Nothing that changes anything is offered or sent."""
    theme: str = ""
    """Name of a theme; empty = what the config file says."""
    start_backend: bool = True
    """Start a backend when none answers; False = say so instead."""
    stack_file: str = ""
    """The stack's Compose file that the backend is to use, several with ``:`` between; empty = what it uses already."""
