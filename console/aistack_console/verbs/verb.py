"""What a verb is: data that the parser, the completions and ``docs/cli.md`` are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; ``options`` are argparse's own keywords."""

    names: tuple[str, ...]
    help: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb; ``module`` of this package has ``run(context) -> int``."""

    name: str
    help: str
    module: str
    arguments: tuple[Argument, ...] = ()
    json: bool = False
    """Prints wire types as JSON with ``--json``."""
    example: str = ""
    """Arguments of a typical call."""


def flag(*names: str, help: str, **options: Any) -> Argument:  # noqa: A002 - argparse's own word
    """Return an argument; a switch where no action is given."""
    return Argument(names, help, options or {"action": "store_true"})


def word(name: str, help: str, **options: Any) -> Argument:  # noqa: A002 - argparse's own word
    """Return a positional argument."""
    return Argument((name,), help, options)
