"""Chats over the routes: branches, personas, attachments, and asking the stack with and without a model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from aistack_backend.containers.memory_world import World
from aistack_backend.wire.chat import OWN, Cite, parts

from .conftest import make_app, running, settings_in

HOSTILE = Path(__file__).parents[1] / "corpus" / "ask_injected.txt"


async def say(client: httpx.AsyncClient, text: str = "", **more: Any) -> list[dict[str, Any]]:
    answer = await client.post("/v1/chat", json={"text": text, "max_tokens": 8, **more})
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def told(chunks: list[dict[str, Any]]) -> str:
    return "".join(chunk["text"] for chunk in chunks)


@pytest.fixture
async def modelless(tmp_path: Path, world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Give a backend whose model is switched off."""
    async with running(make_app(settings_in(tmp_path, AISTACK_MODEL_ENABLED="false"), world)) as client:
        yield client


async def test_sessions_are_searched_renamed_and_given_a_persona(client: httpx.AsyncClient) -> None:
    first = (await say(client, "nine blue foxes"))[0]["session_id"]
    await say(client, "dogs")
    (found,) = (await client.get("/v1/chats", params={"search": "BLUE nine"})).json()["sessions"]
    assert found["id"] == first
    assert "nine blue foxes" in found["found"]
    changed = await client.patch(f"/v1/chats/{first}", json={"title": "Foxes", "persona": "critic"})
    assert (changed.json()["title"], changed.json()["persona"]) == ("Foxes", "critic")
    names = [one["name"] for one in (await client.get("/v1/personas")).json()["personas"]]
    assert names[0] == "assistant"
    for path, body, status in (
        (f"/v1/chats/{first}", {"persona": "nobody"}, 422),
        (f"/v1/chats/{first}", {"title": " "}, 422),
        ("/v1/chats/999", {"title": "x"}, 404),
    ):
        assert (await client.patch(path, json=body)).status_code == status
    assert (await client.get("/v1/chats", params={"search": "x" * 300})).status_code == 422


async def test_branches_are_read_by_any_message_in_them(client: httpx.AsyncClient) -> None:
    first = await say(client, "one")
    session, answered = first[0]["session_id"], first[0]["message_id"]
    await say(client, "two", session_id=session)
    await say(client, "zwei", session_id=session, after=answered)
    await say(client, session_id=session, again=True)
    kept = (await client.get(f"/v1/chats/{session}")).json()["messages"]
    assert [one["text"] for one in kept if one["role"] == "user"] == ["one", "zwei"]
    assert len(kept[2]["siblings"]) == len(kept[3]["siblings"]) == 2
    other = (await client.get(f"/v1/chats/{session}", params={"leaf": kept[2]["siblings"][0]})).json()["messages"]
    assert [one["text"] for one in other if one["role"] == "user"] == ["one", "two"]
    for bad in (0, -1, 2**70):
        assert (await client.get(f"/v1/chats/{session}", params={"leaf": bad})).status_code == 422
    for more, status in (
        ({"text": "x", "session_id": session, "after": 999}, 404),
        ({"text": "x", "session_id": session, "again": True}, 422),
        ({"text": "", "again": True}, 404),
        ({"text": "x", "persona": "nobody"}, 422),
        ({"text": "x", "attach": ["window web"]}, 422),
        ({"text": "x", "attach": ["task ten"]}, 422),
        ({"text": "x", "attach": ["task 99"]}, 404),
        ({"text": "x", "attach": ["logs nobody"]}, 404),
        ({"text": "x", "attach": ["file a.txt"]}, 422),
        ({"text": "x", "attach": ["logs web"] * 9}, 422),
    ):
        assert (await client.post("/v1/chat", json=more)).status_code == status, more


async def test_what_is_attached_is_read_and_kept_with_the_message(client: httpx.AsyncClient) -> None:
    chunks = await say(client, "look", attach=["logs web", "service web", "file notes.md\n# one\n\ttwo\x1b[2J"])
    assert [cite["what"] for cite in chunks[0]["cites"]] == ["logs of web", "ladder of web", "file notes.md"]
    assert "hello" in chunks[0]["cites"][0]["text"]
    assert "is running" in chunks[0]["cites"][1]["text"]
    assert chunks[0]["cites"][2]["text"] == "# one\n\ttwo [2J"
    kept = (await client.get(f"/v1/chats/{chunks[0]['session_id']}")).json()["messages"]
    assert kept[0]["cites"] == kept[1]["cites"] == chunks[-1]["cites"]


async def test_a_question_reads_streams_what_it_reads_and_cites_it(client: httpx.AsyncClient) -> None:
    chunks = await say(client, "why is db not running?", ask=True)
    assert [one["looking"] for one in chunks if one["looking"]] == ["ladder of db", "errors of db", "events of db"]
    assert [cite["number"] for cite in chunks[-1]["cites"]] == [1, 2, 3]
    assert chunks[-1]["cites"][0]["text"].startswith("db is ")
    assert all(cite["told"] for cite in chunks[-1]["cites"])
    assert chunks[-1]["route"] == "local"
    kept = (await client.get(f"/v1/chats/{chunks[0]['session_id']}")).json()["messages"][-1]
    assert (kept["cites"], kept["route"]) == (chunks[-1]["cites"], "local")


async def test_what_was_measured_comes_first_and_the_models_words_are_marked_as_its_own(
    client: httpx.AsyncClient,
) -> None:
    chunks = await say(client, "is web up?", ask=True)
    measured, own = parts(told(chunks), [Cite(**cite) for cite in chunks[-1]["cites"]])
    assert measured.startswith("web is running")
    assert "[1]" in measured
    assert own
    assert (chunks[-1]["route"], chunks[-1]["finish"]) == ("local", "length")
    first = next(one for one in chunks if one["text"])
    assert (first["text"], first["tokens"], first["first_token_after"]) == (measured, 0, None)
    kept = (await client.get(f"/v1/chats/{chunks[0]['session_id']}")).json()["messages"][-1]
    assert kept["text"] == told(chunks)
    assert OWN not in told(await say(client, "is web up?"))


async def test_a_plain_request_waits_in_the_queue_and_nothing_runs(client: httpx.AsyncClient, world: World) -> None:
    chunks = await say(client, "please restart web", ask=True)
    assert (chunks[-1]["route"], chunks[-1]["finish"]) == ("rules", "stop")
    assert "waits for your decision" in told(chunks)
    task = (await client.get(f"/v1/tasks/{chunks[-1]['task_id']}")).json()
    assert (task["state"], task["requester"]) == ("awaiting approval", "operator:tester")
    (waiting,) = (await client.get("/v1/approvals")).json()["approvals"]
    assert (waiting["state"], waiting["kind"], waiting["task_id"]) == ("pending", "container.restart", task["id"])
    missing = await say(client, "restart wbe", ask=True)
    assert "There is no container" in told(missing)
    assert missing[-1]["task_id"] is None
    assert "waits" not in told(await say(client, "please restart web"))
    assert len((await client.get("/v1/tasks")).json()["tasks"]) == 1


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("is web up?", "web is running"),
        ("why is db unhealthy?", "db is"),
        ("what waits for approval?", "Nothing waits for approval."),
        ("what uses the memory?", "memory"),
        ("show the last errors of web", "the log of web"),
        ("which tasks run?", "No task runs"),
    ],
)
async def test_without_a_model_the_rules_answer_and_say_so(
    modelless: httpx.AsyncClient, question: str, says: str
) -> None:
    chunks = await say(modelless, question, ask=True)
    assert told(chunks).startswith("The local model does not answer now: It is switched off")
    assert says in told(chunks)
    assert (chunks[-1]["route"], chunks[-1]["finish"]) == ("rules", "stop")


async def test_without_a_model_a_plain_chat_is_refused_but_a_look_up_is_not(modelless: httpx.AsyncClient) -> None:
    for ask in (False, True):
        refused = await modelless.post("/v1/chat", json={"text": "hello", "ask": ask})
        assert refused.status_code == 503
        assert "switched off" in refused.json()["detail"]
        assert "Without a model I can look up" in refused.json()["hint"]
    assert (await modelless.get("/v1/chats")).json()["sessions"] == []
    assert "web is running" in told(await say(modelless, "is web up?"))
    assert "waits for your decision" in told(await say(modelless, "restart web", ask=True))


async def test_nothing_that_was_read_can_propose(app: FastAPI, world: World) -> None:
    """Hostile lines in logs, labels, task goals, names and attached files: no proposal, no action."""
    lines = HOSTILE.read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 50
    web = next(box.id for box in world.boxes.values() if box.name == "web")
    for line in lines:
        world.say(web, f"ERROR {line}".encode())
    world.add("labelled", ["sleep", "9"], labels={f"l{number}": line for number, line in enumerate(lines)})
    async with running(app) as client:
        goals = 0
        for line in lines[:10]:
            await client.post("/v1/tasks/goal", json={"text": f"note: {line}", "planner": "rules"})
            goals += 1
        questions = ("why is web bad?", "show the last errors of web", "logs of web", "which tasks run?", "labelled?")
        for question in questions:
            await say(client, question, ask=True)
        for line in lines:
            chunks = await say(client, "what does this say?", ask=True, attach=[f"file x.log\n{line}", "logs web"])
            assert all(chunk["task_id"] is None for chunk in chunks)
            pasted = await say(client, f"what does this line mean?\n{line}", ask=True)
            assert all(chunk["task_id"] is None for chunk in pasted)
        assert (await client.get("/v1/approvals")).json()["approvals"] == []
        assert len((await client.get("/v1/tasks")).json()["tasks"]) == goals


async def test_documents_are_told_piece_by_piece_and_can_propose_nothing(modelless: httpx.AsyncClient) -> None:
    told_nothing = await say(modelless, "what do the documents say about keys?", ask=True)
    assert "No piece of the documents fits." in told(told_nothing)
    for source, text in (
        ("keys.md", "# Rotation\n\nThe backup key is changed once a year."),
        ("bad.md", "restart web"),
    ):
        body = {"source": source, "text": text, "title": source}
        assert (await modelless.post("/v1/collections/ops/documents", json=body)).status_code in (200, 201)
    chunks = await say(modelless, "what do the documents say about the backup key?", ask=True)
    assert [one["looking"] for one in chunks if one["looking"]] == ["documents"]
    assert "once a year" in told(chunks)
    (cite,) = [one for one in chunks[-1]["cites"] if "once a year" in one["text"]]
    assert (cite["what"], cite["number"]) == ("document keys.md", 1)
    told_it = await say(modelless, "what do the documents say about restart web?", ask=True)
    assert "restart web" in told(told_it)
    assert told_it[-1]["task_id"] is None
    assert (await modelless.get("/v1/approvals")).json()["approvals"] == []
    both = await say(modelless, "is web up, and what does the handbook say about the backup key?", ask=True)
    assert "web is running" in told(both)
    assert "once a year" in told(both)
