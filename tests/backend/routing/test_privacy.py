"""What is private stays here: 100 planted secrets and 50 personal texts, before an endpoint that keeps all."""

from __future__ import annotations

import base64
import time
from contextlib import suppress
from urllib.parse import quote

import pytest
from tests.backend.audit.test_redact import SAMPLES
from tests.backend.learning.personal import NONE, PERSONAL

from aistack_backend.audit.redact import Redactor
from aistack_backend.orchestration.routing.limits import refuse_patterns
from aistack_backend.orchestration.routing.models import Pattern
from aistack_backend.orchestration.routing.private import Private
from aistack_backend.store.database import Database
from aistack_backend.wire.routing import Route

from .ground import ask, both, elsewhere, recording, saying, standing

PRIVATE = Private(Redactor(b"k" * 32, ["tr0ub4dor&3"]))
PEM = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----"
AROUND = ("Why is {} refused?", "line one\n  token={}\nline three")
PLANTED = [
    *(AROUND[number].format(make()) for make in SAMPLES.values() for number in (0, 1)),
    f"Is this key good?\n{PEM}",
    "connect to postgresql://app:s3cr3tw0rd@db/x",
    "curl -H 'Authorization: Bearer abcdef0123456789'",
    "the passphrase tr0ub4dor&3 does not open it",
]


def test_there_are_a_hundred_secrets_and_fifty_personal_texts() -> None:
    assert (len(PLANTED) >= 100, len(PERSONAL)) == (True, 50)


async def test_none_of_them_leaves_this_machine(database: Database) -> None:
    texts = (*PLANTED, *(one for one, _ in PERSONAL))
    async with both(database, saying("From here."), saying("From afar."), known=["tr0ub4dor&3"]) as (held, near, far):
        for text in texts:
            said = await ask(held, text, prefer="remote")
            assert (said.route, said.answer) == (Route.LOCAL, "From here."), text
            assert said.private, text
        assert (len(near.bodies), far.bodies) == (len(texts), [])
        said = await ask(held, "What is NixOS?", prefer="remote")
        assert said.route is Route.REMOTE, "the way is open to what holds nothing private"
    print(f"{len(PLANTED)} secrets and {len(PERSONAL)} personal texts: {len(far.bodies) - 1} left")


@pytest.mark.parametrize(
    "more",
    [
        {"context": {"password": "hunter2hunter2"}},
        {"context": {"log": [{"line": "mail from jo@example.org"}]}},
        {"context": {"jo@example.org": 1}},
    ],
)
async def test_what_is_told_beside_the_question_counts_too(database: Database, more: dict[str, object]) -> None:
    async with recording(saying("x")) as far, standing(database, (elsewhere(far),)) as coordinator:
        said = await ask(coordinator, "What is this?", prefer="remote", **more)
    assert (said.route, far.bodies) == (Route.NONE, [])
    assert "so it stays on this machine" in said.reason


async def test_what_was_said_before_counts_too(database: Database) -> None:
    async with both(database, saying("y"), saying("x")) as (held, _, far):
        await ask(held, "I am jo@example.org, hello", session="a")
        said = await ask(held, "And what now?", session="a", prefer="remote")
        assert (said.route, said.private, far.bodies) == (Route.LOCAL, ("email",), [])
        said = await ask(held, "And what now?", session="b", prefer="remote")
        assert said.route is Route.REMOTE


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(b"the key is sk-" + b"proj-" + b"A1b2C3d4" * 4).decode(),
        quote("mail jo@example.org", safe=""),
        "jo\u200b@exam\u200bple.org",
        "ｊｏ＠ｅｘａｍｐｌｅ．ｏｒｇ",
        "jane [at] example.com",
        "jane at example dot com",
        ("the password = " + "x" * 30).encode().hex(),
        "x" * 7_900 + " mail jo@example.org " + "y" * 7_900,
        "2 69 05 49 588 157 80",
        "86 095 742 719",
        "44051401458",
        "111.444.777-35",
        "12345678Z",
        "Name: Jane Doe",
        "customer: Miller",
        "home address: somewhere",
    ],
)
def test_written_in_another_way_it_is_still_found(text: str) -> None:
    assert PRIVATE.kinds([text])


@pytest.mark.parametrize(
    "text",
    [
        *NONE,
        "What is NixOS?",
        "How do I set a password in nginx?",
        "name: redis",
        "version 1.2.3-4567 of 2024-01-02 12:30:45",
        "uuid 550e8400-e29b-41d4-a716-446655440000",
        "password: hmac:0123456789ab",
        "def add(a, b):\n    return a + b",
        "timestamp 1732741234567",
    ],
)
def test_what_is_none_is_left_alone(text: str) -> None:
    assert PRIVATE.kinds([text]) == ()


@pytest.mark.parametrize("piece", ["Aa-", "a.", "1 ", "<", "'", "1.", "my name is ", "://a:", "%41", "name: ", "+1 2"])
def test_a_hostile_text_takes_no_long_time(piece: str) -> None:
    text = (piece * 32_768)[: 32 * 1024]
    began = time.process_time()
    PRIVATE.kinds([text])
    with suppress(Pattern):
        refuse_patterns(text[: 10 * 1024])
    assert time.process_time() - began < 10, "seconds of the processor; it takes about one"
