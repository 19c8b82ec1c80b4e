"""The verb of models as data."""

from __future__ import annotations

from aistack_console.verbs.verb import Verb, flag, word

MODELS = Verb(
    "models",
    "the models on this machine and those that are offered: what they are, whether they fit, and how fast they were",
    "models",
    (
        word(
            "what",
            "what to do; nothing = list",
            choices=("list", "show", "use"),
            nargs="?",
            default="list",
        ),
        word(
            "id",
            "the model, or the beginning of its id",
            nargs="?",
            default="",
            metavar="ID",
        ),
        flag("--no-wait", help="use: do not wait until it is loaded"),
    ),
    json=True,
    example="models use smollm2",
)
