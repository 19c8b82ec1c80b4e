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
