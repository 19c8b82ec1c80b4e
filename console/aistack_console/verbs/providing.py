"""The verb of providers as data."""

from __future__ import annotations

from aistack_console.verbs.verb import Verb, flag, word

PROVIDERS = Verb(
    "providers",
    "the endpoints elsewhere of [providers.NAME]: state, latency, tokens and cost as measured; or check one now",
    "providers",
    (
        word(
            "what",
            "what to do; nothing = list, which sends nothing; check: asks it for its list of models",
            choices=("list", "check"),
            nargs="?",
            default="list",
        ),
        word("name", "check: which one", nargs="?", default="", metavar="NAME"),
        flag("--ask", help="check: have it also answer one word, which costs a few tokens"),
    ),
    json=True,
    example="providers check cloud --ask",
)
