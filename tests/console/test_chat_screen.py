"""Chat streams, is silent at once when cancelled, sends goals to the queue, and says why nobody answers yet."""

from __future__ import annotations

import time

import pytest
from tests.console.shell import Shell
from tests.console.stage import NOW, stage, until

from aistack_backend.wire.chat import OWN, Chunk, Cite, Finish, Message, Role, Session, SessionList, Transcript
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState, ModelCard, ModelStatus, Stage, StageState
from aistack_backend.wire.problems import Problem
from aistack_backend.wire.routing import Route, Routed
from aistack_backend.wire.tasks import Task, TaskList, TaskState
from aistack_console.present import slash
from aistack_console.screens.chat import ChatScreen
from aistack_console.widgets.prompt import Prompt
from aistack_console.widgets.question import Question
from aistack_console.widgets.turn import Turn

READY = ModelStatus(
    engine=EngineState.READY,
    since=NOW,
    model="SmolLM2",
    context_size=4096,
    cards=(
        ModelCard(id="smol", name="SmolLM2", licence="Apache-2.0", origin="H", size=93 << 20, path="/m", active=True),
        ModelCard(id="qwen", name="Qwen2.5", licence="Apache-2.0", origin="Qwen", size=1 << 30, fits=True),
    ),
)
TASK = Task(
    id=12,
    goal="restart web",
    requester="operator:me",
    state=TaskState.AWAITING,
    created_at=NOW,
    updated_at=NOW,
    approval_id=4,
    action_title="restart container web",
)


SESSION = Session(id=1, title="ports", created_at=NOW, updated_at=NOW, messages=2)


def piece(text: str, **more: object) -> Chunk:
    return Chunk(session_id=3, message_id=1, text=text, **more)  # type: ignore[arg-type]


async def test_an_answer_is_formatted_while_it_streams() -> None:
    async with stage() as on:
        on.topics[Topic.MODEL] = READY
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(lambda: app.store.model is not None)
            await pilot.press(*"hi", "enter")
            on.chat.put_nowait(piece("**loud** and "))
            await until(lambda: "loud and" in app.text)
            assert "**" not in app.text
            end = {"finish": Finish.STOP, "tokens": 9, "tokens_per_second": 41.2, "first_token_after": 0.31}
            on.chat.put_nowait(piece("clear", **end, context_used=120, context_size=4096))
            on.chat.put_nowait(None)
            await until(lambda: "loud and clear" in app.text and "9 tokens  41.2 tok/s  first after 0.31s" in app.text)
            await until(lambda: "ctx 120/4.1k" in app.text)  # painted when the sessions were listed again
            said = next(body for asked, body in on.asked if asked == "POST /v1/chat")
            assert (said["session_id"], said["text"], said["max_tokens"]) == (0, "hi", 512)
            await pilot.press(*"b", "enter")
            await until(lambda: [body["session_id"] for asked, body in on.asked if asked == "POST /v1/chat"] == [0, 3])


async def test_what_was_measured_stands_apart_from_the_models_own_words() -> None:
    cite = Cite(number=1, what="ladder of redis", at=NOW, text="redis is running.", told=True)
    async with stage() as on:
        on.topics[Topic.MODEL] = READY
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: app.store.model is not None)
            await pilot.press(*"up", "enter")
            on.chat.put_nowait(piece("", cites=(cite,)))
            on.chat.put_nowait(piece("redis is running. [1]", route="local"))
            await until(lambda: "measured by the stack" in app.text and "has not said anything" in app.text)
            assert OWN not in app.text
            on.chat.put_nowait(piece(f"\n\n{OWN}\n\nThe answer:", route="local"))
            on.chat.put_nowait(piece(" no.", finish=Finish.STOP, tokens=4))
            on.chat.put_nowait(None)
            await until(lambda: "The answer: no." in app.text and "4 tokens" in app.text)
            lines = app.text.splitlines()
            at = [next(i for i, line in enumerate(lines) if part in line) for part in ("running. [1]", OWN, "no.")]
            assert at == sorted(at)
            answer = list(app.screen.query(Turn))[-1]
            assert answer.text == f"redis is running. [1]\n\n{OWN}\n\nThe answer: no."


async def test_esc_silences_at_once() -> None:
    async with stage() as on:
        on.topics[Topic.MODEL] = READY
        on.answers["POST /v1/chats/3/cancel"] = {}
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(lambda: app.store.model is not None)
            await pilot.press(*"hi", "enter")
            on.chat.put_nowait(piece("first "))
            await until(lambda: "first" in app.text)
            began = time.monotonic()
            await pilot.press("escape")
            await until(lambda: any(asked == "POST /v1/chats/3/cancel" for asked, _ in on.asked))
            took = time.monotonic() - began
            on.chat.put_nowait(piece("NEVER SHOWN "))
            on.chat.put_nowait(piece("", finish=Finish.CANCELLED, tokens=3))
            on.chat.put_nowait(None)
            await until(lambda: "cancelled" in app.text)
            assert "NEVER SHOWN" not in app.text
            assert took < 1.0
            await pilot.pause()
            await pilot.press("escape")
            assert app.focused is not app.screen.query_one(Prompt)


async def test_a_goal_goes_to_the_queue_and_its_state_is_followed() -> None:
    async with stage() as on:
        on.topics[Topic.MODEL] = ModelStatus(engine=EngineState.ABSENT, since=NOW)
        on.answers["POST /v1/tasks/goal"] = TASK
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(lambda: app.store.model is not None)
            await pilot.press("exclamation_mark", *"up", "enter")
            await until(lambda: "approval 4" in app.text)
            assert ("POST /v1/tasks/goal", {"text": "up", "planner": "auto", "require_approval": False}) in on.asked
            on.push(
                Topic.TASKS,
                TaskList(
                    tasks=(
                        Task(
                            id=12,
                            goal="g",
                            requester="r",
                            state=TaskState.DONE,
                            created_at=NOW,
                            updated_at=NOW,
                            result="restarted",
                        ),
                    )
                ),
            )
            await until(lambda: "task 12 DONE" in app.text)


async def test_view_only_sends_nothing() -> None:
    async with stage() as on:
        on.topics[Topic.MODEL] = READY
        app = Shell(on, ChatScreen, view_only=True)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(lambda: app.store.model is not None)
            await pilot.press(*"hi", "enter")
            await until(lambda: bool(app.said))
            assert "--view-only" in app.said[-1]
            assert app.screen.query_one(Prompt).text == "hi"
            assert not [asked for asked, _ in on.asked if asked.startswith("POST")]


async def test_an_answer_is_judged_by_one_key() -> None:
    def told(verdict: str) -> Transcript:
        said = Message(id=1, role=Role.USER, text="Which port?", at=NOW)
        ended = {"finish": Finish.STOP, "interaction_id": 7, "verdict": verdict}
        answer = Message(id=2, role=Role.ASSISTANT, text="6333", at=NOW, parent_id=1, **ended)  # type: ignore[arg-type]
        return Transcript(session=SESSION, messages=(said, answer))

    async with stage() as on:
        on.topics[Topic.MODEL] = READY
        on.answers |= {"GET /v1/chats": SessionList(sessions=(SESSION,)), "GET /v1/chats/1": told("")}
        on.answers["POST /v1/feedback"] = Routed(
            id=7, at=NOW, query="Which port?", answer="6333", route=Route.LOCAL, reason="", task_class="lookup"
        )
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(160, 45)) as pilot:
            await until(lambda: "6333" in app.text)
            await pilot.press("escape")
            await until(lambda: "good" in app.text)
            for key, verdict in (("B", "bad"), ("g", "good")):
                on.answers["GET /v1/chats/1"] = told(verdict)
                await pilot.press(key)
                await until(lambda word=verdict: f"judged {word}" in app.text)  # type: ignore[misc]
            sent = [body for asked, body in on.asked if asked == "POST /v1/feedback"]
            assert [(one["interaction_id"], one["verdict"]) for one in sent] == [(7, "bad"), (7, "good")]


async def test_a_refused_question_says_why() -> None:
    async with stage() as on:
        on.topics[Topic.MODEL] = READY
        on.answers["POST /v1/tasks/goal"] = Problem(
            type="x", title="no", status=422, detail="The goal names no container.", hint="Name one."
        )
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(lambda: app.store.model is not None)
            await pilot.press("exclamation_mark", *"x", "enter")
            await until(lambda: "The goal names no container." in app.text)
            await pilot.press(*"hi", "enter")
            on.chat.put_nowait(None)
            await until(lambda: "The answer broke off." in app.text)


async def test_sessions_are_opened_listed_and_deleted_after_one_key() -> None:
    async with stage() as on:
        on.topics[Topic.MODEL] = READY
        one = Session(id=7, title="ops", created_at=NOW, updated_at=NOW, messages=2)
        two = Session(id=8, title="nix", created_at=NOW, updated_at=NOW - 5, messages=1)
        on.answers["GET /v1/chats"] = SessionList(sessions=(one, two))
        messages = (
            Message(id=1, role=Role.USER, text="why?", at=NOW),
            Message(id=2, role=Role.ASSISTANT, text="# Because", at=NOW, finish=Finish.LENGTH, tokens=2),
        )
        on.answers["GET /v1/chats/7"] = Transcript(session=one, messages=messages)
        on.answers["GET /v1/chats/8"] = Transcript(session=two, messages=messages[:1] * 50)
        on.answers["DELETE /v1/chats/7"] = {}
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(160, 45)) as pilot:
            await until(lambda: "stopped at the length limit" in app.text and "Because" in app.text)
            assert "ops" in app.text
            await pilot.press("escape", "left_square_bracket")
            await until(lambda: "why?" in app.text and "Because" not in app.text)
            assert len(app.screen.query(Turn)) == 40
            await pilot.press("right_square_bracket")
            await until(lambda: "stopped at the length limit" in app.text and "Because" in app.text)
            await pilot.press("X")
            await until(lambda: isinstance(app.screen, Question))
            await pilot.press("escape", "ctrl+n")
            await until(lambda: "new session" in app.text)


async def test_the_models_are_a_screen_of_their_own() -> None:
    async with stage() as on:
        on.topics[Topic.MODEL] = READY
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(160, 45)) as pilot:
            await until(lambda: app.store.model is not None)
            await pilot.press("escape", "M")
            await until(lambda: app.went == [("models", "")])


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_preparation_is_shown_with_measured_progress(size: tuple[int, int]) -> None:
    async with stage() as on:
        stages = (
            Stage(name="engine", state=StageState.RUNNING, done=60, total=200, unit="steps", started_at=NOW - 80),
            Stage(name="model", state=StageState.FAILED, detail="the disk is full"),
            Stage(name="other", state=StageState.RUNNING, done=3 << 20, unit="bytes"),
        )
        on.topics[Topic.MODEL] = ModelStatus(engine=EngineState.PREPARING, since=NOW - 90, stages=stages)
        app = Shell(on, ChatScreen)
        async with app.run_test(size=size) as pilot:
            await until(lambda: "60 of 200" in app.text)
            await pilot.pause()
            assert "the disk is full" in app.text
            assert "[??????????] 3.0M of ?" in app.text


async def test_newlines_and_history_in_the_prompt() -> None:
    async with stage() as on:
        on.topics[Topic.MODEL] = READY
        on.answers["POST /v1/tasks/goal"] = TASK
        app = Shell(on, ChatScreen)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(lambda: bool(app.screen.query(Prompt)))
            prompt = app.screen.query_one(Prompt)
            await pilot.press("exclamation_mark", "a", "ctrl+j", "b")
            assert prompt.text == "!a\nb"
            await pilot.press("enter", "up")
            assert prompt.text == "!a\nb"
            await pilot.press("down")
            assert prompt.text == ""
            await pilot.press("enter")
            assert prompt.text == ""


@pytest.mark.parametrize(
    ("typed", "goal"),
    [
        ("!up", "up"),
        ("/do restart web", "restart web"),
        ("/do", ""),
        ("hello", None),
        ("/dot x", None),
        ("/etc/hosts is what?", None),
        ("why !", None),
    ],
)
def test_what_is_a_goal(typed: str, goal: str | None) -> None:
    assert (found.rest if (found := slash.typed(typed)) and found.name == "do" else None) == goal
