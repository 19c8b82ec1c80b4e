"""``route`` on the command line: what is wrong is said first; figures are told as they were measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from aistack_backend.wire.routing import Route, RouteAnswer, Routed, Tried
from aistack_console.cli import main
from aistack_console.present import routes as words
from aistack_console.verbs.exits import Exit


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["ask"], "The question is empty."),
        (["list", "x"], "route list takes no words."),
        (["ask", "x", "--prefer", "mars"], "invalid choice: 'mars'"),
    ],
)
def test_a_wrong_call_is_one_sentence(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: int = main(["route", *given, "--no-start", "--data-dir", str(tmp_path)])
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == Exit.USAGE
    assert said in capsys.readouterr().err


def test_what_was_not_measured_is_a_dash() -> None:
    one = Routed(id=3, at=0.0, query="a\nb", answer="", route=Route.NONE, reason="", task_class="other")
    assert words.row(one) == ["3", "none", "-", "-", "-", "-", "a␊b"]
    answer = RouteAnswer(id=3, answer="", route=Route.LOCAL, reason="r", task_class="other", cost="0")
    shown = dict(words.figures(answer))
    assert (shown["confidence"], shown["tokens"], shown["cost"]) == ("-", "- in, - out", "0")


def test_each_step_says_whether_it_was_asked() -> None:
    left = Tried(route=Route.REMOTE, name="far", asked=False, ok=False, detail="The way out is locked.")
    slow = Tried(route=Route.LOCAL, name="tiny", asked=True, ok=False, detail="It is being loaded.", latency=2.0)
    assert words.step(left) == "far (remote) was not asked: The way out is locked."
    assert words.step(slow) == "tiny (local) did not answer after 2.0 s: It is being loaded."
