"""The real model without a terminal: an answer as it comes, and an agent's proposal that waits for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.boxes import Boxes

from aistack_backend.wire.chat import OWN

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]


@pytest.fixture
def talking() -> Iterator[House]:
    """A house whose model is ready."""
    with house(AISTACK_MODEL_ENABLED="true") as made:
        made.start()
        wait_until(lambda: ready(made), 90, made.said)
        yield made


def ready(home: House) -> bool:
    """Whether a question is answered."""
    return home.cli("ask", "hi", code=None).returncode == 0


def test_an_answer_comes_in_pieces(talking: House) -> None:
    pieces = [json.loads(line) for line in talking.cli("ask", "Count from one to five.", "--json").stdout.splitlines()]
    assert len(pieces) > 2
    assert [piece["finish"] for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert pieces[-1]["finish"] in ("stop", "length")
    assert pieces[-1]["first_token_after"] > 0
    said = talking.cli("ask", "-", typed="Say hello.").stdout
    assert said.strip()


@pytest.mark.podman
def test_a_plain_look_up_begins_with_what_was_measured(talking: House, boxes: Boxes) -> None:
    web = boxes.run("web")
    wait_until(lambda: web in talking.cli("containers", code=None).stdout, 20, "the backend never saw it")
    said = talking.cli("ask", f"is {web} up?").stdout
    assert said.startswith(f"{web} is running")
    assert f"Read for it:\n[1] ladder of {web}, at " in said
    assert said.index("[1]") < said.index(OWN)


@pytest.mark.podman
def test_the_model_proposes_and_nothing_runs(talking: House, boxes: Boxes) -> None:
    web = boxes.run("web")
    started = boxes.started_at(web)
    wait_until(lambda: web in talking.cli("containers", code=None).stdout, 20, "the backend never saw it")
    task = json.loads(
        talking.cli("run", f"restart the {web} container", "--planner", "model", "--json", code=None).stdout
    )
    assert task["state"] in ("awaiting approval", "failed"), task  # a model this small may choose badly; it says so
    assert task["reason"] or task["approval_id"]
    assert boxes.started_at(web) == started
