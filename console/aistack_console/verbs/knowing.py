"""The verb of documents as data."""

from __future__ import annotations

from aistack_console.verbs.verb import Verb, flag, word

KNOWLEDGE = Verb(
    "knowledge",
    "documents to look things up in: add files, search them, list them, remove them",
    "knowledge",
    (
        word(
            "what",
            "what to do; nothing = list the collections",
            choices=("list", "add", "search", "documents", "remove", "reindex"),
            nargs="?",
            default="list",
        ),
        word(
            "rest",
            "add: files and folders; search: the words; documents, reindex: a collection; remove: a number",
            nargs="*",
        ),
        flag(
            "--collection", help="add: into which; search: only there (default: docs; all)", default="", metavar="NAME"
        ),
        flag("--mode", help="search: by what", choices=("both", "words", "meaning"), default="both"),
        flag("--most", help="search: hits at most (default 10)", type=int, default=10, metavar="N"),
        flag(
            "--keep-days", help="add: after so many days it is found no more", type=float, default=None, metavar="DAYS"
        ),
    ),
    json=True,
    example="knowledge add docs README.md",
)
