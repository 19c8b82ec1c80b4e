"""The verb of chats as data."""

from __future__ import annotations

from aistack_console.verbs.verb import Verb, flag, word

CHATS = Verb(
    "chats",
    "the chat sessions: list them, search in them, show one, or export one",
    "chats",
    (
        word(
            "what",
            "what to do; nothing = list",
            choices=("list", "search", "show", "export"),
            nargs="?",
            default="list",
        ),
        word("rest", "search: the words; show, export: the number", nargs="*"),
        flag("--format", help="export: as what", choices=("md", "json"), default="md"),
        flag("--output", help="export: into this new file; none = print it", default="", metavar="FILE"),
    ),
    json=True,
    example="chats export 7 --output night.md",
)
