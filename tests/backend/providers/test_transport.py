"""The transport against an endpoint that does what none should: one sentence each, in bounds, and never followed."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from tests.bed.endpoint import DONE, Wire, completion, endpoint, head, piece, streamed, usage
from tests.bed.far_world import ASK, CANARY, collected, transport

from aistack_backend.errors import BackendError, BadInput
from aistack_backend.inference.providers import exchange, sse
from aistack_backend.inference.providers.faults import Busy, KeyRefused, ProviderDown, Rejected
from aistack_backend.inference.providers.models import Ask, Tokens
from aistack_backend.wire.chat import Finish


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text(f"{CANARY}\n")
    file.chmod(0o600)
    return file


async def test_a_stream_is_asked_for_and_read(secret: Path) -> None:
    with endpoint(streamed("hel", "lo ", "wörld", read=12, written=4, reason="length")) as there:
        text, last = await collected(transport(there.url, key_file=str(secret), max_tokens=7))
    assert (text, last.finish, last.tokens) == ("hello wörld", Finish.LENGTH, Tokens(12, 4))
    assert last.first_after is not None
    assert last.first_after > 0
    ((path, headers, body),) = there.asked
    assert (path, headers["authorization"]) == ("/v1/chat/completions", f"Bearer {CANARY}")
    assert headers["host"] == there.url.split("/")[2]
    assert body["stream_options"] == {"include_usage": True}
    assert (body["model"], body["max_tokens"]) == ("big", 7), "the provider's own limit holds"


async def test_a_whole_answer_a_schema_and_stops() -> None:
    ask = Ask(turns=ASK.turns, schema='{"type":"object"}', stop=("END",))
    with endpoint(completion("{}", 5, 2)) as there:
        part = await transport(there.url).whole(ask)
    assert (part.text, part.finish, part.tokens, part.streamed) == ("{}", Finish.STOP, Tokens(5, 2), False)
    ((_, headers, body),) = there.asked
    assert "authorization" not in headers
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert (body["stop"], "stream" in body) == (["END"], False)


async def test_one_that_does_not_stream_is_taken_whole() -> None:
    with endpoint(Wire((head(kind="application/json"), json.dumps(completion("hi", 3, 1)).encode()))) as there:
        text, last = await collected(transport(there.url))
    assert (text, last.tokens, last.streamed) == ("hi", Tokens(3, 1), False)


@pytest.mark.parametrize(
    ("blocks", "text", "tokens"),
    [
        ((piece("a"), piece(None, "stop"), DONE), "a", None),
        ((piece("a"), piece(None, "stop", usage=None), DONE), "a", None),
        ((piece("a"), piece(None, "stop")), "a", None),
        ((piece("a"), DONE), "a", None),
        ((piece("a", usage={"prompt_tokens": 1, "completion_tokens": 1}), piece("b", "stop")), "ab", Tokens(1, 1)),
        ((b": keep alive\n\n", piece("a"), b"event: x\nid: 3\nretry: 5\n\n", usage(7, 1), DONE), "a", Tokens(7, 1)),
        ((piece("a").replace(b"\n\n", b"\r\n\r\n"), DONE), "a", None),
        ((b'data: {"choices":\ndata: [{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n',), "a", None),
        ((b'data:{"choices":[{"delta":{"content":"a"}}]}\n\n', DONE), "a", None),
        ((b'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n', piece("a", "stop")), "a", None),
        ((b'data: {"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":-1}}\n\n',), "", None),
        ((b'data: {"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":true}}\n\n',), "", None),
        ((b'data: {"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1e99}}\n\n',), "", None),
        ((b'data: {"choices":[{"finish_reason":"stop"}],"usage":[1]}\n\n',), "", None),
        ((piece("a"), piece(None, "stop"), DONE, b"data: not read any more\n\n"), "a", None),
    ],
)
async def test_streams_of_other_makers(blocks: tuple[bytes, ...], text: str, tokens: Tokens | None) -> None:
    with endpoint(Wire((head(), *blocks))) as there:
        said, last = await collected(transport(there.url))
    assert (said, last.tokens, last.finish) == (text, tokens, Finish.STOP)


async def test_every_cut_of_the_bytes_reads_the_same() -> None:
    whole = piece("héllo") + piece(" world", "stop") + usage(2, 2) + DONE
    for at in range(1, len(whole), 7):
        with endpoint(Wire((head(), whole[:at], whole[at:]))) as there:
            text, last = await collected(transport(there.url))
        assert (text, last.tokens) == ("héllo world", Tokens(2, 2))


@pytest.mark.parametrize(
    ("blocks", "reset", "words"),
    [
        ((piece("a"),), False, "broke off in the middle"),
        ((), False, "broke off in the middle"),
        ((piece("a"),), True, "broke off in the middle"),
        ((piece("a"), b"data: {\n\n"), False, "no chat completion"),
        ((b"data: \xff\n\n",), False, "no chat completion"),
        ((b"data: 3\n\n",), False, "no chat completion"),
        ((b"data: " + b"[" * 5_000 + b"\n\n",), False, "no chat completion"),
        ((b'data: {"choices":[{"delta":{"content":7}}]}\n\n',), False, "no chat completion"),
        ((piece("a"), b'data: {"error":{"message":"out of memory"}}\n\n'), False, "an error: out of memory"),
        ((b'data: {"error":"no"}\n\n',), False, "an error: no"),
        ((b"data: " + b"x" * (sse.LINE + 1) + b"\n\n",), False, "too long"),
        ((b"x" * (sse.LINE + 1),), False, "too long"),
        ((b"data: " + b"y" * 1000 + b"\n") * (sse.LINE // 1000 + 1), False, "too long"),
    ],
)
async def test_a_stream_that_is_none(blocks: Any, reset: bool, words: str) -> None:
    blocks = (blocks,) if isinstance(blocks, bytes) else blocks
    with endpoint(Wire((head(), *blocks), reset)) as there:
        with pytest.raises(ProviderDown, match=words):
            await collected(transport(there.url))
        assert len(there.asked) == 1


async def test_a_stream_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LARGEST", 100_000)
    blocks = (head(), *([piece("x" * 1_000)] * 200), DONE)
    with endpoint(Wire(blocks)) as there, pytest.raises(ProviderDown, match="is over 100000 bytes"):
        await collected(transport(there.url))


OPENAI = {"error": {"message": "Model 'big' does not\nexist\x1b[31m", "type": "invalid_request_error", "code": "x"}}


@pytest.mark.parametrize(
    ("status", "headers", "said", "kind", "words", "hint"),
    [
        (
            401,
            {},
            {"error": {"message": f"Incorrect key {CANARY}."}},
            KeyRefused,
            r"401: Incorrect key \[key\]\.$",
            "key",
        ),
        (403, {}, {}, KeyRefused, "answers 403.$", "Look at the key in"),
        (404, {}, OPENAI, Rejected, r"404: Model 'big' does not exist \[31m\.$", "url and model"),
        (400, {}, {"detail": "too long"}, Rejected, "400: too long.$", ""),
        (413, {}, {"message": "x" * 5_000}, Rejected, "413", ""),
        (422, {}, b"<html>", Rejected, "answers 422.$", ""),
        (429, {}, {"error": "slow"}, Busy, "429: slow", "less often"),
        (429, {"Retry-After": "17"}, {}, Busy, "429", "17 s"),
        (503, {"Retry-After": "3"}, {}, Busy, "503", "3 s"),
        (503, {}, {}, ProviderDown, "503", ""),
        (500, {}, {"error": {"message": ["odd"]}}, ProviderDown, "answers 500.$", ""),
        (408, {}, {}, ProviderDown, "408", ""),
        (302, {"Location": "http://127.0.0.1:1/"}, {}, ProviderDown, "302 and points elsewhere", "not followed"),
        (307, {"Location": "/v1/other"}, {}, ProviderDown, "307 and points elsewhere", "not followed"),
        (204, {}, b"", ProviderDown, "204", ""),
        (200, {"Content-Encoding": "gzip"}, b"", ProviderDown, "packed", ""),
    ],
)
async def test_each_status_says_whose_fault_it_is(
    status: int, headers: dict[str, str], said: Any, kind: type[BackendError], words: str, hint: str, secret: Path
) -> None:
    with endpoint(said, status=status, headers=headers) as there:
        for call in (lambda one: one.whole(ASK), lambda one: one.models(), lambda one: one.embed(["a"]), collected):
            with pytest.raises(kind, match=words) as raised:
                await call(transport(there.url, key_file=str(secret)))
            assert type(raised.value) is kind
            assert hint in raised.value.hint
            assert "canary" not in raised.value.detail + raised.value.hint
            assert raised.value.detail.isprintable()
            assert len(raised.value.detail) < 500
    assert len(there.asked) == 4, "nothing is followed and nothing tried again"


@pytest.mark.parametrize(
    ("text", "wait"),
    [("5", 5.0), ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0), ("Fri, 17 Nov 2000 00:00:00 GMT", 0.0), ("soon", None),
     ("-3", None), ("99999999", 3600.0), ("9" * 400, None), ("", None), ("٣", None)],
)  # fmt: skip
async def test_how_long_it_wants_to_be_left_alone(text: str, wait: float | None) -> None:
    blocks = (head(429).replace(b"\r\n\r\n", f"\r\nRetry-After: {text}\r\n\r\n".encode()),)
    with endpoint(Wire(blocks)) as there, pytest.raises(Busy) as raised:
        await transport(there.url).models()  # the hand clock says 14 Nov 2023, 22:13:20
    assert raised.value.wait == wait


async def test_silence_slowness_and_nobody_there() -> None:
    hold = threading.Event()
    with endpoint(Wire((head(), piece("a"), hold))) as there:
        try:
            with pytest.raises(ProviderDown, match=r"sent nothing for 0\.3 s"):
                await collected(transport(there.url, read_timeout=0.3))
            with pytest.raises(ProviderDown, match=r"did not end its answer within 0\.4 s"):
                await collected(transport(there.url, timeout=0.4))
        finally:
            hold.set()
    for url in ("http://127.0.0.1:9/v1", "http://[::1]:9/v1", "http://localhost:9/v1"):
        with pytest.raises(ProviderDown, match="does not answer"):
            await collected(transport(url))


async def test_closing_cancels_and_the_endpoint_sees_it() -> None:
    hold = threading.Event()
    with endpoint(Wire((head(), piece("a"), *([piece("b" * 100_000), hold] * 400)))) as there:
        async with aclosing(transport(there.url).stream(ASK)) as parts:
            assert (await anext(parts)).text == "a"
        hold.set()
        assert await asyncio.to_thread(there.left.wait, 60), "its writing fails: nobody listens"


async def test_what_speaks_no_http_is_told_without_its_words() -> None:
    for said in (b"SSH-2.0-OpenSSH_9 \x1b[2J sk-canary\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nX: \x00sk-canary\r\n\r\n"):
        with endpoint(Wire((said,))) as there, pytest.raises(ProviderDown) as raised:
            await transport(there.url).models()
        assert "canary" not in raised.value.detail


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"data": [{"embedding": [1.0], "index": 0}]}, "1 vectors came for 2 texts"),
        ({"data": [{"embedding": [1.0], "index": 0}, {"embedding": [1.0], "index": 0}]}, "not one for each"),
        ({"data": [{"embedding": [1.0], "index": 0}, {"embedding": [1.0, 2.0], "index": 1}]}, "several lengths"),
        ({"data": [{"embedding": [], "index": 0}, {"embedding": [], "index": 1}]}, "several lengths, or none"),
        ({"data": "x"}, "no embeddings"),
        (b'{"data":[{"embedding":[1e999],"index":0},{"embedding":[1],"index":1}]}', "no embeddings"),
        (b"[]", "no embeddings"),
    ],
)
async def test_what_are_no_embeddings(said: Any, words: str) -> None:
    with endpoint(said) as there, pytest.raises(ProviderDown, match=words):
        await transport(there.url).embed(["a", "b"])


async def test_embeddings_and_models() -> None:
    vectors = {
        "data": [{"embedding": [0, 1], "index": 1}, {"embedding": [1.5, 0], "index": 0}],
        "usage": {"prompt_tokens": 4},
    }
    with endpoint(vectors, {"data": [{"id": "a"}, {"id": "b", "object": "model"}]}, {"data": [{}]}) as there:
        found = await transport(there.url).embed(["x", "y"])
        assert (found.vectors, found.tokens) == (((1.5, 0.0), (0.0, 1.0)), Tokens(4, 0))
        assert await transport(there.url).models() == ("a", "b")
        with pytest.raises(ProviderDown, match="no list of models"):
            await transport(there.url).models()
    assert [one[0] for one in there.asked] == ["/v1/embeddings", "/v1/models", "/v1/models"]


async def test_a_key_file_that_cannot_be_used_sends_nothing(secret: Path) -> None:
    os.chmod(secret, 0o644)  # noqa: PTH101
    with endpoint({"data": []}) as there, pytest.raises(BadInput, match="only you can read"):
        await transport(there.url, key_file=str(secret)).models()
    assert there.asked == []


async def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with endpoint({"data": []}) as there:
        assert await transport(there.url).models() == ()


async def test_the_key_is_in_no_log_error_or_repr(secret: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"error": {"message": f"Bearer {CANARY} is wrong, {CANARY}!"}}
    made = []
    with endpoint(echo, echo, status=401) as there:
        asked = transport(there.url, key_file=str(secret))
        for _ in range(2):
            with pytest.raises(KeyRefused) as raised:
                await asked.models()
            made += [str(raised.value), repr(raised.value), raised.value.hint, repr(raised.value.args)]
    with endpoint(Wire((head(), f'data: {{"error":"{CANARY}"}}\n\n'.encode()))) as there:
        with pytest.raises(ProviderDown) as failed:
            await collected(transport(there.url, key_file=str(secret)))
        made += [str(failed.value)]
    made += [repr(asked), repr(vars(asked)), repr(asked.provider), caplog.text]
    assert there.asked[0][1]["authorization"].endswith(CANARY), "it was really sent"
    assert "canary" not in " ".join(made)
