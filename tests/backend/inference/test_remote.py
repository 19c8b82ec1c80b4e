"""A model of an endpoint: asked with the key of a file, never followed elsewhere, counted as the endpoint counts."""

from __future__ import annotations

import os
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from tests.bed.endpoint import completion, endpoint

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference.models import Piece, Turn
from aistack_backend.inference.remote import LARGEST, RemoteModel, key
from aistack_backend.wire.chat import Finish, Role

TURNS = (Turn(role=Role.SYSTEM, text="Be short."), Turn(role=Role.USER, text="hello"))


async def answered(model: RemoteModel, schema: str = "") -> list[Piece]:
    async with aclosing(model.answer(TURNS, 20, 0.5, schema)) as pieces:
        return [piece async for piece in pieces]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text("sk-canary\n")
    file.chmod(0o600)
    return file


async def test_it_asks_and_counts(secret: Path) -> None:
    with endpoint(completion("hi", 12, 2, "length")) as there:
        (piece,) = await answered(RemoteModel(there.url, "big", str(secret)), '{"type":"object"}')
    assert (piece.text, piece.finish, piece.prompt_tokens, piece.tokens) == ("hi", Finish.LENGTH, 12, 2)
    ((path, headers, body),) = there.asked
    assert (path, headers["authorization"]) == ("/v1/chat/completions", "Bearer sk-canary")
    assert (body["model"], body["max_tokens"], body["messages"][1]["content"]) == ("big", 20, "hello")
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}


async def test_without_a_key_none_is_sent() -> None:
    with endpoint(completion("hi")) as there:
        await answered(RemoteModel(there.url, "big"))
    assert "authorization" not in there.asked[0][1]


@pytest.mark.parametrize(
    ("said", "status", "headers", "words"),
    [
        ({"choices": []}, 200, {}, "without a choice"),
        ({"choices": [{"message": {"content": "x"}}]}, 200, {}, "how many tokens"),
        ({"choices": [{"message": {"content": 1}}]}, 200, {}, "no chat completion"),
        (b"<html>", 200, {}, "no chat completion"),
        (b"\xff", 200, {}, "no chat completion"),
        (b"x" * (LARGEST + 1), 200, {}, "is over"),
        ({"error": "sk-canary"}, 401, {}, "answers 401"),
        ({}, 302, {"Location": "http://127.0.0.1:1/"}, "answers 302"),
        ({}, 500, {}, "answers 500"),
    ],
)
async def test_what_is_no_answer_is_told_in_one_sentence(
    said: Any, status: int, headers: dict[str, str], words: str, secret: Path
) -> None:
    with endpoint(said, status=status, headers=headers) as there:
        with pytest.raises(Unavailable, match=words) as raised:
            await answered(RemoteModel(there.url, "big", str(secret)))
        assert len(there.asked) == 1, "it is not followed and not tried again"
    assert "canary" not in raised.value.detail + raised.value.hint


async def test_nobody_there() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        await answered(RemoteModel("http://127.0.0.1:9/v1", "big"))


@pytest.mark.parametrize("text", ["", "\n", "a b\n", "é\n", "x" * 4_097])
def test_what_is_no_key(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(BadInput, match="no key"):
        key(str(file))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_can_read_is_not_used(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    with pytest.raises(BadInput, match="only you can read"):
        key(str(secret))


def test_a_key_is_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for place in (tmp_path / "none", tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(BadInput):
            key(str(place))
