"""The socket that gives an agent its model: two routes, a budget, bounds; nothing else answers on it."""

from __future__ import annotations

import json
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.bed.speaking import LOOP, Client, Repeats, call, served

from aistack_backend.errors import Conflict, Refused
from aistack_backend.orchestration.loop.meter import Meter
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.wire.loops import AgentKind, ModelUse

CHAT = "/v1/chat/completions"
SAY: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ("x" * 120) / "model"  # longer than the address of a socket can be
    made.mkdir(parents=True)
    return made


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return Path()


@pytest.fixture
def meter(folder: Path) -> Iterator[Meter]:
    with served(folder, Repeats()) as meter:
        yield meter


def test_the_model_is_listed_and_answers(here: Path, meter: Meter) -> None:
    status, said = call(here, "GET", "/v1/models")
    assert (status, [one["id"] for one in said["data"]]) == (200, ["small"])
    status, said = call(here, "POST", CHAT, {**SAY, "model": "gpt-9", "max_tokens": 3})
    assert (status, said["model"]) == (200, "small"), "who answers is the approved one, whatever was asked for"
    assert said["choices"][0]["message"]["content"] == "You said: hello "
    assert meter.taken()[1] == ModelUse(answers=1, read=said["usage"]["prompt_tokens"], written=3)


def test_an_answer_streams_and_counts(here: Path, meter: Meter) -> None:
    status, said = call(here, "POST", CHAT, {**SAY, "stream": True, "max_tokens": 5})
    assert status == 200
    assert said.endswith("data: [DONE]\n\n")
    assert meter.taken()[1].written == 5


def test_a_schema_holds_the_answer(here: Path, meter: Meter) -> None:
    schema = {"type": "object", "properties": {"tool": {"enum": ["read", "edit"]}}}
    form = {"type": "json_schema", "json_schema": {"name": "step", "schema": schema}}
    status, said = call(here, "POST", CHAT, {**SAY, "response_format": form})
    assert (status, said["choices"][0]["message"]["content"]) == (200, '{"tool": "read"}')


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in ("/", "/health", "/metrics", "/v1", "/v1/status", "/v1/events", "/v1/approvals")),
        *(("GET", path) for path in ("/v1/tasks", "/v1/audit", "/v1/openapi.json", "/docs", "/llama/v1/models")),
        *(("GET", path) for path in ("/v1/models/", "//v1/models", "/v1/models/x", "/v1/../v1/models", "/V1/MODELS")),
        *(("GET", path) for path in ("/v1/models%2f..%2fstatus", "/v1/%6dodels/", "/etc/passwd", "/../../etc/passwd")),
        *(("POST", path) for path in ("/v1/approvals/1/decision", "/v1/tasks/action", "/v1/tasks/goal", "/execute")),
        *(("POST", path) for path in ("/v1/shutdown", "/v1/loops", "/v1/completions", "/v1/embeddings", "/v1/models")),
        *(("POST", path) for path in ("/v1/models/x/use", "/v1/chat", "/v1/chat/completions/", "/v1/tasks/stop-all")),
        ("GET", CHAT),
        ("HEAD", "/v1/models"),
        ("PUT", CHAT),
        ("DELETE", "/v1/models"),
        ("OPTIONS", CHAT),
        ("PATCH", CHAT),
        ("TRACE", "/v1/models"),
    ],
)
def test_no_other_route_answers(here: Path, meter: Meter, method: str, path: str) -> None:
    status, _ = call(here, method, path, SAY if method in ("POST", "PUT", "PATCH") else None)
    assert status in (404, 405)
    assert meter.taken()[1] == ModelUse()


def test_a_connect_and_a_switch_get_nowhere(here: Path, meter: Meter) -> None:
    for head in (
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n",
        b"GET http://127.0.0.1:22/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ):
        client = Client(here)
        client.connect()
        assert client.sock is not None
        client.sock.sendall(head)
        first = client.sock.recv(64).split(b"\r\n")[0]
        client.close()
        assert not first.startswith((b"HTTP/1.1 101", b"HTTP/1.1 502"))
        assert b" 200 " not in first or b"models" in head


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        {"messages": []},
        {"messages": "x"},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"messages": [{"role": "user"}]},
        {**SAY, "stream": "yes"},
        {**SAY, "max_tokens": "many"},
        {**SAY, "n": 2},
        {**SAY, "tools": [{}]},
        {**SAY, "functions": [{}]},
        {**SAY, "response_format": {"type": "xml"}},
        {**SAY, "response_format": {"type": "json_schema"}},
        {**SAY, "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "array", "not": {}}}}},
        {**SAY, "response_format": "json"},
    ],
)
def test_what_is_no_request_is_told_in_one_sentence(here: Path, meter: Meter, body: Any) -> None:
    status, said = call(here, "POST", CHAT, body)
    assert (status, said["error"]["type"]) == (400, "invalid_request_error")
    assert said["error"]["message"].endswith(".")
    assert meter.taken()[1] == ModelUse()


def test_other_hosts_and_pages_are_refused(here: Path, meter: Meter) -> None:
    assert call(here, "GET", "/v1/models", Host="evil.example")[0] == 421
    assert call(here, "GET", "/v1/models", Origin="http://localhost")[0] == 403
    assert call(here, "POST", CHAT, SAY, **{"Content-Type": "text/plain"})[0] == 415
    assert call(here, "GET", "/v1/models", Host="127.0.0.1:8080")[0] == 200


def test_a_body_over_its_size_is_refused_with_and_without_a_length(here: Path, meter: Meter) -> None:
    for length in (str((1 << 20) + 1), "1" * 30):
        with suppress(ConnectionResetError):  # it is cut off when the body was on its way already
            assert call(here, "POST", CHAT, b"{}", **{"Content-Length": length})[0] in (400, 413)
    client = Client(here)
    client.connect()
    assert client.sock is not None
    client.sock.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    first = b""
    try:
        for _ in range(20):
            client.sock.sendall(chunk)
        first = client.sock.recv(64)
    except OSError:
        first = first or b"cut off"
    client.close()
    assert first.startswith((b"HTTP/1.1 413", b"cut off"))
    assert meter.taken()[1] == ModelUse()


def test_when_the_budget_is_used_up_it_says_so_and_stays_so(folder: Path, here: Path) -> None:
    with served(folder, Repeats(), tokens=1_000) as meter:
        while (answer := call(here, "POST", CHAT, {**SAY, "max_tokens": 8_000}))[0] == 200:
            assert answer[1]["choices"][0]["finish_reason"] in ("length", "stop")
        assert (answer[0], answer[1]["error"]["message"]) == (
            429,
            f"The loop's limit of 1,000 tokens is reached ({meter.taken()[1].tokens:,} used).",
        )
        assert call(here, "POST", CHAT, {**SAY, "stream": True})[0] == 429
        assert meter.refused == 2
        assert 1_000 <= meter.taken()[1].tokens <= 1_010, "over by one prompt at most"


def test_a_prompt_over_what_is_left_is_cut_off(folder: Path, here: Path) -> None:
    with served(folder, Repeats(), tokens=100) as meter:
        status, said = call(here, "POST", CHAT, {"messages": [{"role": "user", "content": "word " * 500}]})
        assert (status, said["choices"][0]["finish_reason"]) == (200, "length")
        assert said["usage"]["completion_tokens"] == 1
        assert meter.taken()[1].tokens == 501
        assert call(here, "POST", CHAT, SAY)[0] == 429


def test_many_at_once_take_turns_and_none_is_uncounted(here: Path, meter: Meter) -> None:
    got: list[int] = []
    ask = lambda: got.append(call(here, "POST", CHAT, {**SAY, "max_tokens": 10})[0])  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [200] * 8
    assert meter.taken()[1] == ModelUse(answers=8, read=8, written=80)


def test_who_does_not_read_holds_nobody_up(folder: Path, here: Path) -> None:
    long = {"messages": [{"role": "user", "content": "word " * 400}], "stream": True, "max_tokens": 8_000}
    with served(folder, Repeats(), tokens=1_000_000) as meter:
        stuck = Client(here)
        stuck.request("POST", CHAT, json.dumps(long), {"Content-Type": "application/json"})
        begun = stuck.getresponse()
        assert call(here, "POST", CHAT, {**SAY, "max_tokens": 3})[0] == 200
        assert meter.taken()[1].answers == 2, "the answer that nobody reads was made to its end, and counted"
        begun.close()
        stuck.close()


def test_who_leaves_ends_the_answer(folder: Path, here: Path) -> None:
    long = {"messages": [{"role": "user", "content": "word " * 400}], "stream": True, "max_tokens": 8_000}
    with served(folder, Repeats(stuck=1), tokens=1_000_000) as meter:
        gone = Client(here)
        gone.request("POST", CHAT, json.dumps(long), {"Content-Type": "application/json"})
        answer = gone.getresponse()
        assert answer.read(100)
        answer.close()
        gone.close()
        assert call(here, "POST", CHAT, {**SAY, "max_tokens": 5})[0] == 200
        assert meter.taken()[1].written == 3 + 5, "what was made of it counts"


def test_another_model_than_the_approved_one_does_not_answer(folder: Path, here: Path) -> None:
    model = Repeats()
    with served(folder, model):
        model.name = "other"
        status, said = call(here, "POST", CHAT, SAY)
    assert (status, said["error"]["message"]) == (503, "The model other is loaded; this loop was approved for small.")


def test_the_socket_lies_in_its_folder_and_goes_with_the_loop(folder: Path, here: Path) -> None:
    with served(folder, Repeats()):
        assert [one.name for one in folder.iterdir()] == ["model.sock"]
        assert stat.S_IMODE((folder / "model.sock").stat().st_mode) == 0o666
    assert not list(folder.iterdir())


def test_a_socket_that_a_killed_backend_left_is_bound_anew(folder: Path, here: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind("model.sock")
    left.close()
    with served(folder, Repeats()):
        assert call(here, "GET", "/v1/models")[0] == 200


def test_what_is_no_socket_of_ours_is_left_alone(folder: Path, here: Path) -> None:
    (folder / "model.sock").write_text("mine")
    with pytest.raises(Refused), served(folder, Repeats()):
        pass
    assert (folder / "model.sock").read_text() == "mine"
    (folder / "model.sock").unlink()
    (folder / "model.sock").symlink_to("/etc/passwd")
    with pytest.raises(Refused), served(folder, Repeats()):
        pass
    assert (folder / "model.sock").is_symlink()


def test_two_do_not_serve_the_same_socket(folder: Path, here: Path) -> None:
    with served(folder, Repeats()), pytest.raises(Conflict), served(folder, Repeats()):
        pass


def test_a_model_elsewhere_is_under_the_lock_of_the_coordinator(here: Path, folder: Path) -> None:
    there = replace(LOOP, agent=AgentKind.OPENAI, endpoint="https://93.184.215.14/v1")
    with served(folder, Repeats(), request=there, way=WayOut(lambda: None)):
        status, said = call(here, "POST", CHAT, SAY)
    assert status == 503
    assert "Nothing goes to 93.184.215.14, since nothing may leave this machine." in said["error"]["message"]
