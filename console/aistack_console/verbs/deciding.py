"""The verbs of the gate: what waits, yes, no, edit, and the rules; data, as in ``table``."""

from __future__ import annotations

from aistack_console.verbs.verb import Verb, flag, word

WAIT = flag("--timeout", help="seconds to wait for it (default 120)", type=float, default=120.0, metavar="SECONDS")
APPROVAL = word("id", "number of the approval", type=int, metavar="ID")


DECIDING_VERBS: tuple[Verb, ...] = (
    Verb(
        "approvals",
        "what waits for a decision, and what was decided",
        "approvals",
        (
            word("id", "print one in full", type=int, nargs="?"),
            flag("--all", help="the decided ones too"),
            flag("--report", help="how people decided lately: times and shares"),
            flag("--wait", help="wait until something waits for a decision"),
            WAIT,
        ),
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
            flag("--go-on", help="after a pause: you have read what you approve"),
            flag("--until-done", help="wait until it has ended"),
            WAIT,
        ),
        json=True,
        example="approve 12 --code 9f3a",
    ),
    Verb(
        "edit",
        "put another text in place of a waiting shell command: a new request, judged and decided anew",
        "edit",
        (
            APPROVAL,
            flag("--script", help="file with the whole new text; - reads it from stdin", required=True, metavar="FILE"),
        ),
        json=True,
        example="edit 12 --script smaller.sh",
    ),
    Verb(
        "rules",
        "what people allowed in advance; rehearse a rule like a request, make it, revoke it",
        "rules",
        (
            word(
                "what",
                "what to do; nothing = list",
                choices=("list", "rehearse", "allow", "revoke"),
                nargs="?",
                default="list",
            ),
            word("id", "number of the approval it is made from, or of the rule to revoke", type=int, nargs="?"),
            flag("--pattern", help="the command's words, * for one that may differ", default="", metavar="WORDS"),
            flag("--any-task", help="in every task of the same asker, not only in this one"),
            flag("--seconds", help="how long it holds (default 3600, at most 86400)", type=float, default=3600.0),
            flag("--yes", help="do not ask; needed where nobody can answer"),
        ),
        json=True,
        example='rules rehearse 12 --pattern "journalctl -n *"',
    ),
    Verb(
        "deny",
        "say no; the reason goes to who asked",
        "decide",
        (APPROVAL, flag("--reason", help="why", required=True)),
        json=True,
        example='deny 12 --reason "not during the backup"',
    ),
)
"""In the order of the help."""
