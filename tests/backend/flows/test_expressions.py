"""Expressions and templates: what they mean, what they refuse, and that nothing in them is run."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aistack_backend.orchestration.flows import expressions, templates
from aistack_backend.orchestration.flows.expressions import ExpressionFault

KNOWN: dict[str, Any] = {
    "inputs": {"name": "web", "count": 3, "yes": True, "words": ["a", "b"]},
    "steps": {
        "look": {"state": "done", "text": "one\ntwo\nthree", "why": "", "well": False},
        "held": {"state": "skipped", "text": "", "why": "Its condition does not hold."},
    },
}


def means(text: str) -> Any:
    return expressions.value(expressions.parse(text), KNOWN)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("inputs.name == 'web'", True),
        ("inputs.name != 'web' or inputs.count >= 3", True),
        ("not steps.look.well and inputs.yes", True),
        ("not (inputs.yes and inputs.count < 3)", True),
        ("'a' in inputs.words", True),
        ("contains(steps.look.text, 'two')", True),
        ("first(steps.look.text, 2)", "one\ntwo"),
        ("last(steps.look.text, 1)", "three"),
        ("count(inputs.words) == 2", True),
        ("either(steps.held.text, inputs.name)", "web"),
        ("steps.held.latest", ""),
        ("quote('it\\'s; rm -rf /')", "'it'\"'\"'s; rm -rf /'"),
        ("trim('  a ')", "a"),
        ("-1.5 < 0", True),
        ("true == inputs.yes", True),
    ],
)
def test_it_means_what_it_says(text: str, meant: Any) -> None:
    assert means(text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it ends there"),
        ("inputs", "a name is inputs.NAME"),
        ("__import__('os')", "the functions are contains"),
        ("inputs.name.__class__", "inputs.name is a text"),
        ("steps.look.__class__", "has no value"),
        ("open('/etc/passwd')", "the functions are"),
        ("inputs.name = 'web'", "is no expression"),
        ("inputs.name == 'web", "is no expression"),
        ("(inputs.name", "it ends there"),
        ("first(inputs.name)", "it takes 2"),
        ("inputs.name < 3", "cannot be used with a text, a number"),
        ("steps.look.colour", "steps.look is state, text, well, why"),
        ("os.environ.HOME", "a name is inputs.NAME"),
        ("(" * 30 + "1" + ")" * 30, "nested too deeply"),
        ("not " * 30 + "true", "nested too deeply"),
        ("'" + "a" * 1000 + "'", "1000 are allowed"),
    ],
)
def test_what_it_cannot_read_it_refuses(text: str, said: str) -> None:
    with pytest.raises(ExpressionFault) as refused:
        means(text)
    assert said in refused.value.detail


def test_what_is_decided_by_the_left_is_not_looked_up_on_the_right() -> None:
    assert means("false and steps.look.nothing") is False
    assert means("true or steps.look.nothing") is True


def test_templates_keep_the_kind_of_one_expression_alone() -> None:
    def filled(text: str) -> Any:
        return templates.parse(text).value(KNOWN)

    assert filled("${inputs.words}") == ["a", "b"]
    assert filled("${inputs.count}") == 3
    assert filled("n=${inputs.count}, ${inputs.yes}: ${inputs.words}") == "n=3, true: a\nb"
    assert filled("echo $HOME $${HOME} ${'}'}") == "echo $HOME ${HOME} }"
    assert templates.parse("").fixed == ""
    assert templates.parse("a $${b}").fixed == "a ${b}"
    with pytest.raises(ExpressionFault, match="does not end"):
        templates.parse("a ${inputs.name")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (expressions.parse, templates.parse):
        with suppress(ExpressionFault):
            read(text)
