"""Who is asked in which order, what kind of question it is, what is taken, and how an answer was judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aistack_backend.clock import HandClock
from aistack_backend.errors import BadInput
from aistack_backend.learning.models import Hints, Verdict
from aistack_backend.orchestration.routing import classes, limits, rules
from aistack_backend.orchestration.routing.far import named
from aistack_backend.orchestration.routing.feedback import verdict
from aistack_backend.orchestration.routing.models import Pattern, TooOften
from aistack_backend.wire.routing import Budget, BudgetState, FeedbackRequest, Lock, Route, RouteRequest

OPEN = rules.Known(
    task_class="lookup",
    class_why="it begins with 'what'",
    hints=Hints(),
    lock=Lock(locked=False, why="Nobody closed it."),
    far=("far",),
)
BOTH, AWAY_FIRST, HERE = (Route.LOCAL, Route.REMOTE), (Route.REMOTE, Route.LOCAL), (Route.LOCAL,)
WARNED = Budget(currency="USD", period="month", limit="10", spent="9", state=BudgetState.WARNED, share=0.9)


@pytest.mark.parametrize(
    ("more", "routes", "why"),
    [
        ({}, BOTH, "This machine is asked first."),
        ({"prefer": "remote"}, AWAY_FIRST, "The asker prefers remote."),
        ({"prefer": "local", "remote_first": ("lookup",)}, BOTH, "The asker prefers local."),
        ({"remote_first": ("lookup",)}, AWAY_FIRST, "go elsewhere first (routing.remote_first)"),
        ({"remote_first": ("code",)}, BOTH, "This machine is asked first."),
        ({"hints": Hints(prefer="remote", why="It won 9 of 10.")}, AWAY_FIRST, "Learned: It won 9 of 10."),
        ({"hints": Hints(prefer="mars")}, BOTH, "This machine is asked first."),
        ({"prefer": "local", "hints": Hints(prefer="remote")}, BOTH, "The asker prefers local."),
        ({"prefer": "remote", "budgets": (WARNED,)}, BOTH, "90% of the month's 10 USD are used"),
        ({"lock": Lock(locked=True, why="root closed it."), "prefer": "remote"}, HERE, "locked: root closed it."),
        ({"local_only": True, "prefer": "remote"}, HERE, "The asker keeps it on this machine."),
        ({"private": ("email", "secret")}, HERE, "It holds an email and a secret, so it stays on this machine."),
        ({"far": ()}, HERE, "No endpoint elsewhere is configured."),
    ],
)
def test_the_rules(more: dict[str, Any], routes: tuple[Route, ...], why: str) -> None:
    found = rules.order(replace(OPEN, **more))
    assert found.routes == routes
    assert why in " ".join(found.reasons)
    assert bool(found.shut) is (routes == HERE)
    assert found.reasons[0] == "A question of the kind lookup: it begins with 'what'."


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("What is NixOS?", "lookup"),
        ("who owns port 8080", "lookup"),
        ("How many containers run?", "lookup"),
        ("Explain flakes", "explain"),
        ("Why does it restart?", "explain"),
        ("what is the difference between podman and docker?", "explain"),
        ("Summarize this: …", "summarise"),
        ("tl;dr please", "summarise"),
        ("Write a bash script that lists ports", "code"),
        ("def f(x):\n  return x", "code"),
        ("Fix the failing test in store.py", "code"),
        ("Hello there", "other"),
        ("", "other"),
    ],
)
def test_kinds_of_questions(query: str, kind: str) -> None:
    found, why = classes.classify(query)
    assert found == kind
    assert why


def test_kinds_that_go_elsewhere_first_are_checked() -> None:
    assert rules.classes("code, explain,") == ("code", "explain")
    with pytest.raises(BadInput, match=r"routing\.remote_first names 'poems'"):
        rules.classes("code,poems")


def test_kinds_of_private_things_in_words() -> None:
    assert named(("email",)) == "an email"
    assert named(("card", "iban", "secret")) == "a card, an iban and a secret"


def test_sixty_a_minute_and_a_thousand_an_hour_for_each_client() -> None:
    clock = HandClock()
    rates = limits.Rates(clock, 60, 1_000)
    for _ in range(60):
        rates.count("a")
    with pytest.raises(TooOften, match="60 questions a minute are the most") as told:
        rates.count("a")
    assert (told.value.status, told.value.hint) == (429, "Ask again in 60 s.")
    rates.count("b")
    asked = 60
    while asked < 1_000:
        clock.steady += 61
        for _ in range(min(60, 1_000 - asked)):
            rates.count("a")
            asked += 1
    clock.steady += 61
    with pytest.raises(TooOften, match="1000 questions an hour are the most"):
        rates.count("a")
    clock.steady += 3_600
    rates.count("a")


def test_clients_are_forgotten_and_memory_is_bounded() -> None:
    rates = limits.Rates(HandClock(), 60, 1_000)
    for number in range(limits.CLIENTS + 10):
        rates.count(f"client {number}")
    assert len(rates._asked) == limits.CLIENTS


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE users; --", "1' OR '1'='1", "x' UNION SELECT password FROM users", "a; TRUNCATE TABLE x",
        "../../etc/passwd", "..\\..\\windows\\system32", "%2e%2e%2f%2e%2e%2fetc", "..%c0%af", "../etc/shadow",
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "${jndi:ldap://x/a}",
        "x; cat /etc/passwd", "a\0b", "a%00b", "<iframe src=x>",
    ],
)  # fmt: skip
def test_attacks_are_refused_in_question_and_context(text: str) -> None:
    for request in (
        RouteRequest(query=f"tell me {text}"),
        RouteRequest(query="a", context={"k": [text]}),
        RouteRequest(query="a", context={text: 1}),
    ):
        with pytest.raises(Pattern, match="The text holds"):
            limits.looked_over(request)


@pytest.mark.parametrize(
    "text",
    [
        "How do I drop a table in PostgreSQL?",
        "What does cd .. do? And ../lib?",
        "Explain the SQL UNION of two selects",
        "What is a script tag in HTML?",
        "Why is select * from users slow?",
        "def f(a): return a or 1",
        "what does `a && b; c` do in bash",
        "Is 1 = 1 true or false?",
    ],
)
def test_questions_about_such_things_are_taken(text: str) -> None:
    limits.looked_over(RouteRequest(query=text))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"verdict": "good"}, Verdict.GOOD),
        ({"outcome": "failure"}, Verdict.BAD),
        ({"user_feedback": 0.5}, Verdict.GOOD),
        ({"user_feedback": -1}, Verdict.BAD),
        ({"outcome": "success", "user_feedback": 1}, Verdict.GOOD),
        ({"correction": "It is 5432."}, Verdict.CORRECTED),
        ({"correction": "It is 5432.", "outcome": "failure"}, Verdict.CORRECTED),
    ],
)
def test_feedback_in_every_form(said: dict[str, Any], found: Verdict) -> None:
    assert verdict(FeedbackRequest(interaction_id=1, **said)) is found


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "Nothing was judged."),
        ({"user_feedback": 0}, "Nothing was judged."),
        ({"user_feedback": 2}, "user_feedback is a number from -1 to 1."),
        ({"verdict": "fine"}, "'fine' is no verdict."),
        ({"outcome": "partial"}, "'partial' is no outcome that judges."),
        ({"outcome": "success", "user_feedback": -1}, "It says bad and good at once."),
        ({"outcome": "success", "correction": "x"}, "A good answer has no correction."),
    ],
)
def test_feedback_that_judges_nothing(said: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why.replace(".", r"\.")):
        verdict(FeedbackRequest(interaction_id=1, **said))
