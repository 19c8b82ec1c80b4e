"""The verb of learning as data."""

from __future__ import annotations

from aistack_console.verbs.verb import Verb, flag, word

LEARN = Verb(
    "learn",
    "what was learned from what was asked: patterns, their trials, the review queue, runs; judge, roll back, export",
    "learn",
    (
        word(
            "what",
            "what to do; nothing = show how it stands",
            choices=(
                "status",
                "patterns",
                "pattern",
                "rollback",
                "retry",
                "review",
                "accept",
                "drop",
                "edit",
                "judge",
                "run",
                "pause",
                "resume",
                "export",
            ),
            nargs="?",
            default="status",
        ),
        word(
            "rest",
            "pattern, rollback, retry, accept, drop, edit: a number; judge: a number and good, bad or corrected; "
            "export: a file",
            nargs="*",
        ),
        flag("--state", help="patterns, review: only of this state", default="", metavar="STATE"),
        flag("--reason", help="rollback: why", default="", metavar="TEXT"),
        flag("--question", help="edit: the question as it should be (default: as it is)", default="", metavar="TEXT"),
        flag("--answer", help="edit, judge corrected: the answer as it should be", default="", metavar="TEXT"),
    ),
    json=True,
    example="learn judge 12 corrected --answer 'It listens on 6333.'",
)
