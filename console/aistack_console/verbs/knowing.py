"""The verbs of documents, and of what is published about NixOS, as data."""

from __future__ import annotations

from aistack_console.verbs.gating import GATE
from aistack_console.verbs.verb import Verb, flag, word

KNOWLEDGE = Verb(
    "knowledge",
    "documents to look things up in: add files, import pages and repositories, search, list, remove",
    "knowledge",
    (
        word(
            "what",
            "what to do; nothing = list the collections",
            choices=("list", "add", "import", "search", "documents", "remove", "reindex", "surplus", "sweep"),
            nargs="?",
            default="list",
        ),
        word(
            "rest",
            "add: files and folders; import: a URL, or a repository's path; search: the words; documents, reindex, "
            "surplus: a collection; sweep: a collection and numbers; remove: a number",
            nargs="*",
        ),
        flag(
            "--collection",
            help="add, import: into which; search: only there (default: docs; all)",
            default="",
            metavar="NAME",
        ),
        flag("--mode", help="search: by what", choices=("both", "words", "meaning"), default="both"),
        flag("--most", help="search: hits at most (default 10)", type=int, default=10, metavar="N"),
        flag(
            "--keep-days",
            help="add, import: after so many days it is found no more",
            type=float,
            default=None,
            metavar="DAYS",
        ),
        flag(
            "--only",
            help="add, import: only files of this pattern, e.g. '*.md'; may be said again",
            action="append",
            default=[],
            metavar="PATTERN",
        ),
        flag("--files", help="add, import: files at most (default 2000)", type=int, default=2000, metavar="N"),
        flag("--git", help="import: what lies there is a git repository"),
        flag("--ref", help="import: the repository's branch or tag", default="", metavar="REF"),
        flag(
            "--megabytes", help="import: of the files together at most (default 64)", type=int, default=64, metavar="N"
        ),
        *GATE,
    ),
    json=True,
    example="knowledge add README.md guides --collection notes",
)

NIXOS = Verb(
    "nixos",
    "what is published about NixOS, as it lies here: packages, options, manuals, with their dates",
    "nixos",
    (
        word(
            "what",
            "what to do; nothing = what is in the index and how old it is",
            choices=("status", "search", "package", "option", "import"),
            nargs="?",
            default="status",
        ),
        word("rest", "search, package, option: the name or the words; import: a file, or a URL", nargs="*"),
        flag(
            "--channel", help="only there; import: as which (default: all; nixos-unstable)", default="", metavar="NAME"
        ),
        flag("--most", help="hits at most (default 10)", type=int, default=10, metavar="N"),
        flag(
            "--kind",
            help="import: what the file is (default: by what is in it)",
            choices=("package", "option", "manual"),
            default="",
        ),
        *GATE,
    ),
    json=True,
    example="nixos option services.nginx",
)
