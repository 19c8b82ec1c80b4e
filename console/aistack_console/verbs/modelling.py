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
            choices=("list", "show", "fetch", "cancel", "use", "bench", "remove"),
            nargs="?",
            default="list",
        ),
        word(
            "id",
            "the model, or the beginning of its id; fetch: also a URL, hf:OWNER/REPO/FILE or OWNER/REPO:FILE",
            nargs="?",
            default="",
            metavar="ID",
        ),
        flag("--sha256", help="fetch by URL: what it must be", default="", metavar="HEX"),
        flag("--name", help="remove: the model's id once more", default=""),
        flag("--yes", help="fetch: do not ask; needed where nobody can answer"),
        flag("--no-wait", help="fetch, use: do not wait for the end"),
        flag("--timeout", help="seconds to wait for it (default 3600)", type=float, default=3600.0, metavar="SECONDS"),
    ),
    json=True,
    example="models fetch owner/repo:file.gguf",
)
