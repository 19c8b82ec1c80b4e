"""The Models screen: the engine's figures, the list, and each key, at both sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.provider_scene import FAR
from tests.console.shell import Shell
from tests.console.stage import NOW, stage, until

from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState, ModelCard, ModelPlace, ModelStatus, Slot, Stage, StageState
from aistack_backend.wire.shelf import Measured, ModelDetail, ModelShelf, StoreLook
from aistack_console.present import models as words
from aistack_console.present.engine import engine_paras
from aistack_console.screens.models import ModelsScreen
from aistack_console.screens.resources import ResourcesScreen
from aistack_console.widgets.question import Question

SMOL = ModelCard(
    id="smol", name="SmolLM2 135M", licence="Apache-2.0", origin="hub", size=98_000_000, fits=True,
    path="/m/smol.gguf", needs=400 << 20, active=True, architecture="llama", quantisation="Q4_1", context_train=8192,
    template=True, removable=True, tokens_per_second=41.0, first_token_after=0.05, measured_at=NOW - 60,
    places=(ModelPlace(store="our cache", path="/m/smol.gguf"),),
)  # fmt: skip
PULLED = ModelCard(
    id="llama-1", name="llama3.2:3b", licence="Llama 3.2", origin="Ollama", size=2 << 30, path="/o/b", fits=False,
    quantisation="Q4_K_M", context_train=131_072, template=True, places=(ModelPlace(store="Ollama", path="/o/b"),),
)  # fmt: skip
BASE = ModelCard(
    id="base-1", name="base", licence="", origin="LM Studio", size=1 << 30, path="/l/b", template=False,
    cannot_chat="It has no chat template, so it cannot chat.", places=(ModelPlace(store="LM Studio", path="/l/b"),),
)  # fmt: skip
HALF = ModelCard(
    id="half-1", name="half.gguf", licence="", origin="o/r", size=1000, have=400, fetching=True, removable=True
)
OFFER = ModelCard(id="qwen", name="Qwen2.5", licence="Apache-2.0", origin="Qwen", size=1 << 30, fits=True)
SHELF = ModelShelf(
    at=NOW - 9,
    cards=(SMOL, PULLED, BASE, HALF, OFFER),
    looks=(StoreLook(store="Ollama", path="/o", files=1, detail="/o/x cannot be read: Permission denied."),),
    stages=(Stage(name="model half.gguf", state=StageState.RUNNING, done=400, total=1000, unit="bytes"),),
)
BARE = ModelStatus(engine=EngineState.READY, since=NOW - 60, adapter="llama 0.3", model="smol", cards=(SMOL,))
FULL = replace(
    BARE, context_size=4096, context_used=1024, tokens_per_second=40.5, waiting=2, memory=392 << 20, layers=30,
    layers_on_gpu=0,
    slots=(Slot(number=0, rank="person", prompt=90, prompt_done=90, tokens=7), Slot(number=1, held=50)),
)  # fmt: skip
DETAIL = ModelDetail(
    card=SMOL, measured=(Measured(at=NOW - 60, kind="bench", adapter="llama 0.3", tokens=48, tokens_per_second=41.0),)
)


def on_shelf(on: object) -> None:
    on.topics |= {Topic.MODEL: FULL, Topic.SHELF: SHELF}  # type: ignore[attr-defined]
    on.answers |= {f"GET /v1/models/{card.id}": ModelDetail(card=card) for card in SHELF.cards}  # type: ignore[attr-defined]
    on.answers["GET /v1/models/smol"] = DETAIL  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_engine_list_and_the_chosen_model_are_shown(size: tuple[int, int]) -> None:
    async with stage() as on:
        on_shelf(on)
        app = Shell(on, ModelsScreen)
        async with app.run_test(size=size) as pilot:
            await until(lambda: "41.0 tok/s" in app.text)
            for word in (
                "1.0k/4.1k",
                "1/2",
                "40.5",
                "392M",
                "0/30",
                "in use",
                "fetch 40%",
                "no chat",
                "llama3.2:3b",
                "NO",
            ):
                assert word in app.text
            assert ("Llama 3.2" in app.text) == (size[0] == 160)
            await pilot.press("j", "j")
            await until(lambda: "no chat template" in app.text)


async def test_each_key_does_what_it_says_or_says_why_not() -> None:
    async with stage() as on:
        on_shelf(on)
        on.answers |= {
            "POST /v1/models/llama-1/use": FULL,
            "POST /v1/models/smol/bench": DETAIL.measured[0],
            "POST /v1/models/half-1/cancel": SHELF,
            "POST /v1/models": ModelDetail(card=HALF),
            "GET /v1/shelf": SHELF,
        }
        app = Shell(on, ModelsScreen)

        def asked(what: str) -> bool:
            return any(one == what for one, _ in on.asked)

        async with app.run_test(size=(120, 40)) as pilot:
            await until(
                lambda: app.store.shelf is not None and isinstance(app.screen, ModelsScreen) and app.screen.chosen
            )
            await pilot.press("b", "r")
            await until(lambda: asked("POST /v1/models/smol/bench") and asked("GET /v1/shelf"))
            await pilot.press("u", "X", "c")
            await until(lambda: len([one for one in app.said if "loaded" in one or "not being fetched" in one]) == 3)
            await pilot.press("j", "enter")
            await until(lambda: isinstance(app.screen, Question))
            question = app.screen
            assert isinstance(question, Question)
            question.action_answer(True)
            await until(lambda: asked("POST /v1/models/llama-1/use"))
            await pilot.press("j", "u", "j", "c")
            await until(lambda: any("no chat template" in one for one in app.said))
            await until(lambda: asked("POST /v1/models/half-1/cancel"))


async def test_a_source_is_typed_and_confirmed_and_a_removal_is_typed() -> None:
    async with stage() as on:
        on_shelf(on)
        on.topics[Topic.SHELF] = replace(SHELF, cards=(replace(SMOL, active=False),))
        on.answers |= {"POST /v1/models": ModelDetail(card=HALF), "POST /v1/models/smol/remove": SHELF}
        app = Shell(on, ModelsScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(
                lambda: app.store.shelf is not None and isinstance(app.screen, ModelsScreen) and app.screen.chosen
            )
            await pilot.press("a", *"o/r", "colon", "x", "enter")
            await until(lambda: isinstance(app.screen, Question))
            question = app.screen
            assert isinstance(question, Question)
            question.action_answer(True)
            await until(lambda: ("POST /v1/models", {"source": "o/r:x", "sha256": ""}) in on.asked)
            await pilot.press("X", *"smol", "enter")
            await until(lambda: ("POST /v1/models/smol/remove", {"typed_name": "smol"}) in on.asked)


async def test_the_filter_leaves_what_fits_and_escape_clears_it() -> None:
    async with stage() as on:
        on_shelf(on)
        app = Shell(on, ModelsScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "llama3.2:3b" in app.text)
            await pilot.press("slash", *"ollama", "enter")
            await until(lambda: "Qwen2.5" not in app.text and "llama3.2:3b" in app.text)
            await pilot.press("escape")
            await until(lambda: "Qwen2.5" in app.text)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_endpoints_elsewhere_are_shown_as_measured(size: tuple[int, int]) -> None:
    async with stage() as on:
        on_shelf(on)
        on.answers["GET /v1/providers"] = FAR
        app = Shell(on, ModelsScreen)
        async with app.run_test(size=size):
            await until(lambda: "Providers" in app.text and "41.0 tok/s" in app.text)
            (cloud,) = [line for line in app.lines if "api.example.com" in line]
            assert cloud.split() == ["cloud", "api.example.com", "ok", "0.42s", "cost", "0.0042+", "USD"]
            (shed,) = [line for line in app.lines if "127.0.0.1:8080" in line]
            assert shed.split() == ["shed", "127.0.0.1:8080", "open,", "30s", "-", "cost", "-"]
            assert ("not asked yet" in app.text) == (size[0] == 160)
            assert ("1 more: aistack-console providers" in app.text) == (size[0] == 80)


async def test_resources_leads_to_the_models() -> None:
    async with stage() as on:
        app = Shell(on, ResourcesScreen)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("M")
            await until(lambda: app.went == [("models", "")])


def test_what_the_engine_did_not_say_is_unknown_and_never_nought() -> None:
    said = " ".join(
        cell if isinstance(cell, str) else cell[0] for one in engine_paras(BARE, NOW, slots=True) for cell in one.cells
    )
    assert "kv  [??????] -/-" in said
    assert "slots  -" in said
    assert "queue  -" in said
    assert "gpu layers  -/-" in said
    assert "mem  -" in said
    assert " 0" not in said.replace("llama 0.3", "")
    assert engine_paras(None, NOW, slots=True)


def test_whom_the_slots_serve_and_how_fast_all_together_is_told() -> None:
    busy = (
        Slot(number=0, rank="person", prompt=90, prompt_done=90, tokens=7, tokens_per_second=4.5),
        Slot(number=1, rank="agent", prompt=300, prompt_done=100),
        Slot(number=2, rank="agent", prompt=10, prompt_done=10, tokens=9, tokens_per_second=6.0),
        Slot(number=3, held=50),
    )

    def said(status: ModelStatus, slots: bool) -> str:
        cells = [cell for one in engine_paras(status, NOW, slots=slots) for cell in one.cells]
        return "".join(cell if isinstance(cell, str) else cell[0] for cell in cells)

    assert "serving 1 person, 2 agents; 200 of 400 tokens of prompts to read" in said(replace(FULL, slots=busy), False)
    assert "tok/s 10.5 now" in said(replace(FULL, slots=busy), False)
    assert "slot 1  agent  read 100/300, wrote 0  - tok/s" in said(replace(FULL, slots=busy), True)
    assert "tok/s 40.5 last" in said(FULL, False)
    assert "tok/s -" in said(replace(FULL, model="", engine=EngineState.LOADING), False)
    assert "serving" not in said(replace(FULL, slots=busy[3:]), False)


def test_words_of_a_list() -> None:
    assert [words.state(card) for card in SHELF.cards] == ["in use", "here", "no chat", "fetching", "offered"]
    assert words.state(replace(SHELF.cards[0], loading=True)) == "not loaded", "it is on its way in"
    assert words.state(replace(HALF, fetching=False)) == "broken off"
    assert words.fits(replace(SMOL, fits_gpu=False)) == "yes, gpu NO"
    assert [card.id for card in words.found(SHELF, "qw")] == ["qwen"]
    assert words.found(SHELF, "") == ()
    assert "not been looked through" in " ".join(words.looks(ModelShelf(at=None), NOW))
    assert "3 more models" in " ".join(words.looks(replace(SHELF, left_out=3, hashing=2), NOW))
