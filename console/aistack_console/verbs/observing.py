"""The verbs of self-observation as data."""

from __future__ import annotations

from aistack_console.verbs.verb import Verb, word

TRACES = Verb(
    "traces",
    "what was done for each request and task, with its times; or one trace, as a waterfall",
    "traces",
    (word("id", "a task's number, or a trace's 32 hex digits", nargs="?", default="", metavar="ID"),),
    json=True,
    example="traces 12",
)

ALERTS = Verb(
    "alerts",
    "the alarms that fire and the newest that are over; the rules and whether each is live; or a word to one",
    "alerts",
    (
        word(
            "what",
            "what to do; nothing = list; rules: every rule and target; ack: a person has seen it; snooze: later",
            choices=("list", "rules", "ack", "snooze"),
            nargs="?",
            default="list",
        ),
        word("number", "ack, snooze: which one", type=int, nargs="?", metavar="N"),
        word("minutes", "snooze: for how long", type=int, nargs="?", metavar="MINUTES"),
    ),
    json=True,
    example="alerts snooze 3 60",
)
