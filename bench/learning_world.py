"""The small world of the learning bench: ten invented facts, and an endpoint on loopback that alone knows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bed.backend import House
from tests.bed.endpoint import Endpoint, completion, endpoint

FACTS = (
    ("Which port does the Heron gateway of this stack listen on?", "port 7741", "On what port is the Heron gateway?"),
    ("Who is on call for the Lindow cluster?", "the harbour team", "Which team is on call for the Lindow cluster?"),
    ("Where does the nightly job of Marl write its report?", "/srv/marl/report", "Marl's nightly job writes where?"),
    ("What is the region of the Pellet bucket?", "region eu-nine", "In which region is the Pellet bucket?"),
    ("Which queue feeds the Orris worker?", "queue orris-in", "The Orris worker is fed by which queue?"),
    ("What is the retention of the Tansy index?", "ninety days", "How long is the retention of the Tansy index?"),
    ("Which branch is deployed to Wicket?", "branch steady", "What branch is deployed to Wicket?"),
    ("What starts the Quern service after a reboot?", "the unit quern-up", "After a reboot, what starts Quern?"),
    ("Which volume holds the Sallow database?", "volume sallow-pg", "The Sallow database is on which volume?"),
    ("What is the limit of uploads to Fescue?", "forty megabytes", "How large may uploads to Fescue be?"),
)
"""A question, what is right (invented, so that no model knows it), and the same question in other words."""
WORDINGS = ("{}", "Please: {}", "Hello! {}", "Can you tell me: {}", "{} ")
UNTAUGHT = (
    "What is a container?",
    "Name a primary colour.",
    "What is two plus two?",
    "Who wrote Hamlet?",
    "What is Linux?",
)
"""Questions that were never asked before."""
PRICE_IN, PRICE_OUT = "0.50", "1.50"
"""US dollars for a million tokens of the endpoint."""


@contextmanager
def far() -> Iterator[Endpoint]:
    """Give an endpoint that knows the facts."""

    def says(body: Any) -> dict[str, Any]:
        asked = " ".join(str(one["content"]) for one in body["messages"] if one["role"] == "user")
        known = fact(asked)
        return completion(f"It is {known}." if known else "I do not know.", len(asked) // 4, 8)

    with endpoint(says) as there:
        yield there


def fact(asked: str) -> str:
    """Return what is right; empty = it is none of the facts."""
    said = _bare(asked)
    return next((right for one, right, other in FACTS if _bare(one) in said or _bare(other) in said), "")


def settle(home: House, url: str) -> None:
    """Write the configuration: that endpoint with its price, and no limit to the questions of a minute."""
    lines = [
        "[routing]",
        "per_minute = 100000",
        "per_hour = 1000000",
        "samples = 2",
        "[providers.far]",
        f'url = "{url}"',
        'model = "knows"',
        f'price_in = "{PRICE_IN}"',
        'currency = "USD"',
        f'price_out = "{PRICE_OUT}"',
    ]
    (home.folder / "config.toml").write_text("\n".join(lines) + "\n")


def _bare(text: str) -> str:
    return " ".join(re.findall(r"[\w/]+", text.casefold()))
