"""Workflow files: what is read, and that every fault is told with file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aistack_backend.errors import BadInput
from aistack_backend.orchestration.flows.checks import Known
from aistack_backend.orchestration.flows.inputs import given as filled
from aistack_backend.orchestration.flows.library import Library, bundled
from aistack_backend.orchestration.flows.models import FlowDecl, Kind
from aistack_backend.orchestration.flows.reader import Read, read

ACTIONS = ("container.restart", "shell.run", "stack.up", "stack.backup", "backup.verify")
KNOWN = Known(actions=ACTIONS, engines=("qwen-coder",), workflows={})
GOOD = """\
title: Look and restart
engines: [qwen-coder]
inputs:
  name: {about: a service}
  lines: 40
  restart: true
steps:
  facts:
    parallel:
      ladder:
        read: service
        with: {service: "${inputs.name}"}
      log:
        read: logs
        with: {container: "${inputs.name}", lines: "${inputs.lines}"}
  think:
    ask: "Why? ${steps.facts.text}"
    otherwise: ${steps.facts.ladder.text}
  mend:
    if: inputs.restart and not steps.ladder.well
    needs: think
    action: container.restart
    target: ${steps.ladder.container}
    on_denied: skip
outputs:
  answer: ${steps.think.text}
"""


def flow(text: str) -> FlowDecl:
    found = read("mine", text, "mine.yml", KNOWN)
    assert found.faults == (), [one.detail for one in found.faults]
    assert found.flow is not None
    return found.flow


def faults(text: str, known: Known = KNOWN) -> list[str]:
    return [f"{one.detail} {one.hint}".rstrip() for one in read("mine", text, "mine.yml", known).faults]


def test_a_file_is_a_graph() -> None:
    made = flow(GOOD)
    assert list(made.steps) == ["ladder", "log", "facts", "think", "mend"]
    assert made.steps["facts"].kind is Kind.PARALLEL
    assert made.steps["facts"].members == ("ladder", "log")
    assert made.steps["think"].needs == ("facts",)
    assert made.steps["mend"].needs == ("think", "ladder")
    assert made.below("log") == {"log", "facts", "think", "mend"}
    assert made.below("think") == {"think", "mend"}
    assert made.below("facts") == {"ladder", "log", "facts", "think", "mend"}


BAD = """\
titel: x
engines: [gpt]
inputs:
  many: {type: list, default: 3}
steps:
  look:
    read: sevice
  log:
    read: logs
    with: {lines: 3, tail: 4}
  act:
    action: container.restrat
    target: ${steps.lok.text}
    on_denied: never
  ask:
    ask: ${inputs.question}
    engine: gpt
    temperature: 3
  both: {read: host, ask: x}
  none: {needs: [look]}
  a: {read: host, needs: b}
  b: {read: host, needs: [a, nobody]}
outputs:
  x: ${steps.log.colour}
"""


def test_every_fault_of_a_file_is_told_at_once_with_its_line_and_key() -> None:
    assert faults(BAD) == [
        "mine.yml:1: titel is not a known key; did you mean title?",
        "mine.yml:2: engines names the engine 'gpt', which is not known; it may be qwen-coder.",
        "mine.yml:4: inputs.many.default must be a list, not 3.",
        "mine.yml:7: steps.look.read is 'sevice', which cannot be read; did you mean service?",
        "mine.yml:10: steps.log.with.tail is nothing that logs takes; it may be container, lines.",
        "mine.yml:10: steps.log.with does not say container, which logs needs.",
        "mine.yml:12: steps.act.action is 'container.restrat', which is no action; did you mean container.restart?",
        "mine.yml:13: steps.act.target uses steps.lok.text; did you mean look?",
        "mine.yml:14: steps.act.on_denied is 'never'; it may be end, skip.",
        "mine.yml:16: steps.ask.ask uses inputs.question; it may be many.",
        "mine.yml:17: steps.ask.engine names the engine 'gpt', which is not known; it may be qwen-coder.",
        "mine.yml:18: steps.ask.temperature is not a known key; it may be ask, engine, if, needs, on_denied, "
        "on_failed, otherwise, system, tokens.",
        "mine.yml:19: steps.both is read and ask at once; a step does one thing.",
        "mine.yml:20: steps.none does nothing; a step has one of action, ask, read, workflow, parallel.",
        "mine.yml:21: steps.a waits for itself: a → b → a.",
        "mine.yml:22: steps.b.needs names the step 'nobody'; it may be a, act, ask, b, both, log, look, none.",
        "mine.yml:24: outputs.x uses steps.log.colour; it may be errors, state, text, why.",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: [", "mine.yml:1: not YAML"),
        ("- a\n", "a workflow is a mapping with the key steps."),
        ("title: x\n", "the file has no steps."),
        ("steps: {}\n", "mine.yml:1: steps holds no step."),
        ("steps:\n  Look: {read: host}\n", "mine.yml:2: steps.Look is no id of a step"),
        ("steps:\n  a: {read: host}\n  a: {read: host}\n", "steps.a stands twice, in line 3 again"),
        ("steps:\n  a: {read: host, if: 'inputs.'}\n", "mine.yml:2: steps.a.if is no expression"),
        ("steps:\n  a: {ask: 'x ${'}\n", "mine.yml:2: steps.a.ask has a ${ that does not end"),
        ("steps:\n  a:\n    parallel:\n      b: {parallel: {c: {read: host}}}\n", "is a group in a group"),
        ("steps:\n  a: {workflow: b}\n", "steps.a.workflow is 'b', which is no workflow"),
        ("steps:\n  a: {raed: host}\n", "steps.a.raed is not a known key; did you mean read?"),
        ("steps:\n  a: {needs: []}\n", "steps.a does nothing; a step has one of action, ask, read"),
        ("steps:\n  a: {read: !!python/object:os.system x}\n", "has the tag"),
        ("inputs: {x: {type: colour}}\nsteps:\n  a: {read: host}\n", "inputs.x.type is 'colour'"),
    ],
)
def test_faults_say_what_would_be_right(text: str, said: str) -> None:
    assert said in "\n".join(faults(text))


def test_steps_that_wait_for_one_another_are_named() -> None:
    text = "steps:\n  a: {read: host, needs: b}\n  b: {ask: '${steps.c.text}'}\n  c: {read: host, needs: [a]}\n"
    assert faults(text) == ["mine.yml:2: steps.a waits for itself: a → b → c → a."]
    assert faults("steps:\n  a: {ask: '${steps.a.text}'}\n") == ["mine.yml:2: steps.a waits for itself: a → a."]


def test_a_called_workflow_is_given_what_it_needs() -> None:
    called = flow("inputs: {who: {}}\nsteps: {a: {ask: '${inputs.who}'}}\n")
    known = Known(actions=ACTIONS, engines=("qwen-coder",), workflows={"other": called, "broken": None})
    assert faults("steps: {a: {workflow: other, with: {who: x}}, b: {workflow: broken, with: {y: 1}}}\n", known) == []
    assert "does not say who, which other needs" in faults("steps: {a: {workflow: other}}\n", known)[0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "mine needs the input 'name'."),
        ({"nam": "x"}, "mine has no input 'nam'. For it: did you mean name?"),
        ({"name": 3}, "The input 'name' of mine must be a text, not 3."),
        ({"name": "x", "lines": "many"}, "The input 'lines' of mine must be a number, not 'many'."),
        ({"name": "x", "restart": 1}, "The input 'restart' of mine must be a flag, not 1."),
    ],
)
def test_wrong_inputs_are_named(values: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput) as wrong:
        filled(flow(GOOD), values)
    assert said in f"{wrong.value.detail} {wrong.value.hint}"


def test_texts_are_read_as_what_the_input_is() -> None:
    made = filled(flow(GOOD), {"name": "x", "lines": "12", "restart": "no"})
    assert made == {"name": "x", "lines": 12, "restart": False}


@given(st.text(max_size=200))
def test_any_text_is_a_workflow_or_has_a_fault(text: str) -> None:
    found: Read = read("mine", text, "mine.yml", KNOWN)
    assert (found.flow is None) is bool(found.faults)


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(["", " ", "x", ":", "$", "{", "}", "'", "\n", "\t", "- ", "&a "]))
def test_one_wrong_letter_breaks_nothing(at: int, letter: str) -> None:
    found = read("mine", GOOD[:at] + letter + GOOD[at + 1 :], "mine.yml", KNOWN)
    assert (found.flow is None) is bool(found.faults)
    for one in found.faults:
        assert re.match(r"mine\.yml(:\d+)?: ", one.detail), one.detail


def test_our_own_files_have_no_fault(tmp_path: Path) -> None:
    entries = Library(bundled(), tmp_path, ACTIONS, ("qwen-coder",)).all()
    assert "simple_query" in {one.name for one in entries}
    assert [fault.detail for one in entries for fault in one.found.faults] == []
