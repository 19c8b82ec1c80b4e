"""The verbs and their arguments as data: the parser, the completions and ``docs/cli.md`` are made of it.

Nothing here imports what a verb needs to run, so that help and completions come at once.
"""

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


WAIT = flag("--timeout", help="seconds to wait for it (default 120)", type=float, default=120.0, metavar="SECONDS")
APPROVAL = word("id", "number of the approval", type=int, metavar="ID")

VERBS: tuple[Verb, ...] = (
    Verb("status", "how the backend and its sources are doing", "status", json=True),
    Verb("containers", "the containers, as Podman tells now", "containers", json=True),
    Verb(
        "logs",
        "print a container's log",
        "logs",
        (
            word("container", "name, or the beginning of its id"),
            flag("-f", "--follow", help="go on as lines come"),
            flag("-n", "--tail", help="how many lines from the end (default 100)", type=int, default=100, metavar="N"),
            flag("--since", help="only the last SECONDS", type=float, metavar="SECONDS"),
        ),
        json=True,
        example="logs web -f",
    ),
    Verb(
        "run",
        "ask for something in words; an agent proposes, a person decides",
        "run",
        (
            word("goal", "what is wanted"),
            flag("--planner", help="who proposes", choices=("auto", "model", "rules"), default="auto"),
            flag("--no-wait", help="do not wait for the proposal"),
            flag("--until-done", help="wait until it was decided and has ended"),
            WAIT,
        ),
        json=True,
        example='run "restart web"',
    ),
    Verb("tasks", "the newest tasks, or one", "tasks", (word("id", "number", type=int, nargs="?"),), json=True),
    Verb("stop", "stop a task", "stop", (word("id", "number of the task", type=int, metavar="ID"),), json=True),
    Verb(
        "approvals",
        "what waits for a decision, and what was decided",
        "approvals",
        (word("id", "print one in full", type=int, nargs="?"), flag("--all", help="the decided ones too")),
        json=True,
    ),
    Verb(
        "approve",
        "print the whole action, then let it run",
        "decide",
        (
            APPROVAL,
            flag("--yes", help="do not ask; needed where nobody can answer"),
            flag("--code", help="the code that high risk asks for", default=""),
            flag("--name", help="the object's name, which data loss asks for", default=""),
            flag("--until-done", help="wait until it has ended"),
            WAIT,
        ),
        json=True,
        example="approve 12 --code 9f3a",
    ),
    Verb(
        "deny",
        "say no; the reason goes to who asked",
        "decide",
        (APPROVAL, flag("--reason", help="why", required=True)),
        json=True,
        example='deny 12 --reason "not during the backup"',
    ),
    Verb("ask", "ask the local model", "ask", (word("question", "the question; - reads it from stdin"),), json=True),
    Verb("doctor", "what is right and wrong with this machine, and the fix", "doctor", json=True),
    Verb(
        "audit",
        "verify the audit log, also of a folder with no backend",
        "audit",
        (
            word("what", "verify: walk the chain and its witness", choices=("verify",)),
            word("dir", "data directory (default: the one in use)", nargs="?"),
        ),
        json=True,
        example="audit verify",
    ),
    Verb(
        "config",
        "every setting, its value and where it came from",
        "config",
        (word("what", "explain", choices=("explain",)),),
        json=True,
    ),
    Verb("keys", "every action, its key and what it does", "keys", json=True),
    Verb(
        "completions",
        "print the completions for a shell",
        "completions",
        (word("shell", "which", choices=("bash", "zsh", "fish")),),
        example="completions bash > ~/.local/share/bash-completion/completions/aistack-console",
    ),
    Verb("reset-terminal", "mend a terminal that a crash left in a bad state", "terminal"),
)

OPTIONS: tuple[Argument, ...] = (
    flag("--data-dir", help="data directory whose backend is used", metavar="DIR"),
    flag("--config", help="config file to read", metavar="FILE"),
    flag("--theme", help="theme of the screens", metavar="NAME"),
    flag("--view-only", help="offer and send nothing that changes anything"),
    flag("--no-start", help="do not start a backend when none answers"),
)


def verb(name: str) -> Verb:
    """Return the verb of that name.

    Raises:
        KeyError: there is none.
    """
    return {item.name: item for item in VERBS}[name]
