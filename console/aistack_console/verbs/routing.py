"""The verb of the coordinator as data."""

from __future__ import annotations

from aistack_console.verbs.verb import Verb, flag, word

ROUTE = Verb(
    "route",
    "ask a question by the best way there is: what was learned, a model here, or one elsewhere; or look at the ways",
    "route",
    (
        word(
            "what",
            "what to do; nothing = the newest questions",
            choices=("ask", "list", "show", "status", "stats", "sent", "lock", "unlock", "replay", "judge"),
            nargs="?",
            default="list",
        ),
        word(
            "rest",
            "ask: the question, - reads it from stdin; show, sent, replay: a number; judge: a number and good or bad",
            nargs="*",
        ),
        flag("--local-only", help="ask: nothing of it may leave this machine"),
        flag("--prefer", help="ask: who is asked first where both may be", choices=("local", "remote"), default=""),
        flag("--session", help="ask: go on with a conversation of this name", default="", metavar="NAME"),
        flag("--fresh", help="ask: have a model answer though the answer was learned"),
        flag("--correction", help="judge: the answer as it should have been", default="", metavar="TEXT"),
        flag("--most", help="list, sent: rows at most (default 20)", type=int, default=20, metavar="N"),
    ),
    json=True,
    example="route ask What is NixOS?",
)
