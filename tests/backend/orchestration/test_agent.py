"""The proposing agent: what the model may choose from, what of its choice is believed, and when rules take over."""

from __future__ import annotations

import json

import pytest

from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.tools import Registry
from aistack_backend.errors import BadInput, NotFound, Unavailable
from aistack_backend.inference.grammar import compile_schema
from aistack_backend.orchestration import model_planner
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.memory import MemoryModel, MemoryShips
from aistack_backend.wire.models import EngineState
from aistack_backend.wire.sources import SourceState

SHIPS = MemoryShips(("web", "docker.io/library/nginx:1"), ("db", "docker.io/library/postgres:15"))
WEB, DB = SHIPS.containers


class Yard(NoteTool):
    """Stands for the container tools: only its kinds matter here."""

    kinds = frozenset({"container.restart", "container.stop", "shell.run", "volume.remove"})


def registry(tmp_path: object) -> Registry:
    made = Registry()
    made.register(Yard(tmp_path))  # type: ignore[arg-type]
    return made


def agent(*answers: dict[str, str] | str, state: EngineState = EngineState.READY) -> tuple[Agent, MemoryModel]:
    texts = [answer if isinstance(answer, str) else json.dumps(answer) for answer in answers]
    model = MemoryModel(*texts, state=state)
    return Agent(registry(None), SHIPS, model), model


def choice(kind: str, target: str, script: str = "", reason: str = "it was asked") -> dict[str, str]:
    return {"kind": kind, "target": target, "script": script, "reason": reason}


async def test_a_good_choice_of_the_model_is_the_proposal() -> None:
    one, model = agent(choice("container.restart", "web", reason="nginx hangs"))
    proposal = await one.propose("restart the nginx container")
    assert (proposal.kind, proposal.target, proposal.says) == ("container.restart", WEB.id, "nginx hangs")
    assert (proposal.planner, proposal.note) == ("model memory", "")
    turns, schema = model.asked[0]
    properties = json.loads(schema)["properties"]
    assert properties["target"]["enum"] == ["web", "db", "none"]
    assert properties["kind"]["enum"] == ["container.restart", "container.stop", "shell.run"]
    compile_schema(schema)
    assert turns[-1].text == "restart the nginx container"


@pytest.mark.parametrize(
    ("goal", "answer", "why"),
    [
        ("restart web", choice("container.stop", "web"), "the goal asks to restart"),
        ("restart web", choice("container.restart", "db"), "the goal speaks of web"),
        ("restart web", choice("container.restart", "none"), "named no container"),
        ("restart web", choice("shell.run", "none", "rm -rf /"), "the goal asks to restart"),
        ("run `ls`", choice("shell.run", "none", " "), "gave no command"),
        ("run `ls -l`", choice("shell.run", "none", "ls-l"), "changed the command that the goal gives into 'ls-l'"),
        ("restart web", "not json", "not JSON"),
        ("restart web", choice("container.restart", "mail"), "not allowed for the answer.target"),
        ("restart web", choice("volume.remove", "web"), "not allowed for the answer.kind"),
    ],
)
async def test_a_bad_choice_is_said_and_the_rules_take_over(goal: str, answer: dict[str, str] | str, why: str) -> None:
    one, _ = agent(answer)
    proposal = await one.propose(goal)
    assert proposal.planner == "rules"
    assert proposal.kind == ("container.restart" if "web" in goal else "shell.run")
    assert why in proposal.note
    assert proposal.note.endswith("The rules planned this instead.")
    strict, _ = agent(answer)
    with pytest.raises(BadInput, match=why):
        await strict.propose(goal, "model")


async def test_a_target_that_the_goal_does_not_name_is_not_believed() -> None:
    one, _ = agent(choice("container.restart", "db"))
    with pytest.raises(BadInput) as refused:
        await one.propose("something is slow, restart it")
    assert "the goal names no container that exists" in refused.value.detail
    assert "The rules cannot read it either: " in refused.value.detail


@pytest.mark.parametrize("state", [EngineState.ABSENT, EngineState.PREPARING, EngineState.CRASHED])
async def test_without_a_model_the_rules_plan_and_say_so(state: EngineState) -> None:
    one, model = agent(state=state)
    proposal = await one.propose("stop db")
    assert (proposal.kind, proposal.target) == ("container.stop", DB.id)
    assert proposal.note == f"No local model can plan now (it is {state}). The rules planned this instead."
    assert model.asked == []
    with pytest.raises(Unavailable, match="No local model can plan now"):
        await one.propose("stop db", "model")


async def test_rules_alone_never_ask_the_model() -> None:
    one, model = agent(choice("container.stop", "db"))
    proposal = await one.propose("stop db", "rules")
    assert (proposal.planner, proposal.note, model.asked) == ("rules", "", [])


async def test_an_unknown_container_offers_the_nearest() -> None:
    one, _ = agent(choice("container.stop", "web"))
    with pytest.raises(NotFound) as refused:
        await one.propose("stop wbe")
    assert refused.value.hint == "Nearest: web."


@pytest.mark.parametrize(("goal", "planner", "says"), [("  ", "auto", "empty"), ("stop db", "oracle", "no planner")])
async def test_bad_requests_are_refused(goal: str, planner: str, says: str) -> None:
    one, _ = agent()
    with pytest.raises(BadInput, match=says):
        await one.propose(goal, planner)


def test_a_thousand_containers_fit_the_schema_and_the_mentioned_one_is_offered() -> None:
    fleet = MemoryShips(*((f"c{number}", "localhost/x:1") for number in range(1_000))).containers
    first = model_planner._mentioned_first("stop c999", fleet)[: model_planner.SHOWN]
    assert first[0].name == "c999"
    compile_schema(model_planner.schema(("container.stop",), [container.name for container in first]))


async def test_a_source_that_is_being_reached_is_waited_for() -> None:
    ships = MemoryShips(("web", "nginx"))
    ships.states = [SourceState.CONNECTING, SourceState.CONNECTING]
    proposal = await Agent(registry(None), ships).propose("stop web", "rules")
    assert proposal.target == ships.containers[0].id


@pytest.mark.parametrize("state", [SourceState.ABSENT, SourceState.REFUSED, SourceState.HANGING, SourceState.FAILED])
async def test_without_a_source_no_name_is_called_wrong(state: SourceState) -> None:
    ships = MemoryShips()
    ships.states = [state]
    with pytest.raises(Unavailable, match=r"The containers are not known now\. Podman is asleep\."):
        await Agent(registry(None), ships).propose("stop web", "rules")
