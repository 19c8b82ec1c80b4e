"""The action record: one canonical form, there and back, for any text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aistack_backend.approvals.action import Action, hash_bytes, parse
from aistack_backend.errors import BadInput
from aistack_backend.wire.actions import Target

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)
TARGETS = st.lists(st.builds(Target, type=TEXT, id=TEXT, name=TEXT, pin=TEXT), max_size=3).map(tuple)
ACTIONS = st.builds(
    Action,
    kind=TEXT,
    argv=st.lists(TEXT, max_size=4).map(tuple),
    script=TEXT,
    env=PAIRS,
    limits=PAIRS,
    mounts=st.lists(TEXT, max_size=2).map(tuple),
    targets=TARGETS,
    task_id=st.integers(0, 2**53),
)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(ACTIONS)
def test_there_and_back(action: Action) -> None:
    assert parse(action.canonical()) == action
    assert hash_bytes(action.canonical()) == action.hash()


@settings(max_examples=200, derandomize=True, deadline=None)
@given(ACTIONS, ACTIONS)
def test_two_actions_with_one_hash_are_the_same(one: Action, two: Action) -> None:
    assert (one == two) == (one.hash() == two.hash())


def test_the_form_does_not_change_between_versions() -> None:
    """Approvals that wait in a database of the last release must still fit: change this only with the domain tag."""
    action = Action(
        kind="container.stop",
        argv=("podman", "stop", "web"),
        targets=(Target(type="container", id="c1", name="wéb", pin="p"),),
        requester="agent:planner",
    )
    assert action.hash() == GOLDEN


GOLDEN = "7deee17ad786ffa36ef9bfb57ac8361240c93c9644c72f0cc79548bb308ff76c"


@pytest.mark.parametrize("odd", [{"script": "\udc80"}, {"argv": ("\ud800",)}, {"env": (("A", "\udfff"),)}])
def test_text_that_is_no_unicode_is_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="not valid Unicode"):
        Action(kind="shell.run", **odd).canonical()


@pytest.mark.parametrize(
    "stored",
    [
        b'{"kind":"x","kind":"y"}',
        Action(kind="x").canonical().replace(b'"x"', b'"x","extra":1'),
        Action(kind="x").canonical().replace(b'"task_id":0', b'"task_id":0.0'),
        Action(kind="x").canonical().replace(b'"task_id":0', b'"task_id":true'),
        Action(kind="x").canonical().replace(b'"x"', b"5"),
        Action(kind="x").canonical().replace(b'"argv":[]', b'"argv":[1]'),
        Action(kind="x").canonical().replace(b'"env":[]', b'"env":[["A",null]]'),
        Action(kind="x").canonical().replace(b'"targets":[]', b'"targets":[{"id":1,"name":"","pin":"","type":""}]'),
        Action(kind="x").canonical().replace(b":", b": ", 1),
        Action(kind="x").canonical()[:-1],
    ],
    ids=str,
)
def test_any_other_form_is_refused(stored: bytes) -> None:
    with pytest.raises(BadInput, match="stored action record"):
        parse(stored)
