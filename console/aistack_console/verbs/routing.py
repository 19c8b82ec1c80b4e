"""The verb of the coordinator as data."""

from __future__ import annotations

from aistack_console.verbs.verb import Verb, flag, word

ROUTE = Verb(
    "route",
    "ask a question by the best way there is: what was learned, a model here, or one elsewhere; or look at the ways",
    "route",
    (
        word("what", "what to do; nothing = the newest questions", choices=("ask", "list"), nargs="?", default="list"),
        word("rest", "ask: the question; - reads it from stdin", nargs="*"),
        flag("--local-only", help="ask: nothing of it may leave this machine"),
        flag("--prefer", help="ask: who is asked first where both may be", choices=("local", "remote"), default=""),
        flag("--session", help="ask: go on with a conversation of this name", default="", metavar="NAME"),
        flag("--fresh", help="ask: have a model answer though the answer was learned"),
        flag("--most", help="list: rows at most (default 20)", type=int, default=20, metavar="N"),
    ),
    json=True,
    example="route ask What is NixOS?",
)
