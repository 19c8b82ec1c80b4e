"""``workflow`` on the command line: what is wrong is said in one sentence before any backend is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from aistack_console.cli import main
from aistack_console.verbs.exits import Exit


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "No workflow is named."),
        (["show"], "No workflow is named."),
        (["run", "x", "--input", "y"], "'y' is no input. Write NAME=VALUE"),
        (["run", "x", "--input", "=y"], "'=y' is no input."),
        (["run", "x", "--input", "p=@/nowhere/p"], "/nowhere/p cannot be read: No such file or directory."),
        (["rerun", "x", "step"], "No run is named."),
        (["rerun", "3"], "No step is named to begin at. workflow runs 3 names them."),
        (["stop", "x"], "No run is named."),
        (["runs", "x"], "No run is named."),
        (["check"], "No file is named."),
        (["check", "/nowhere/x.yml"], "/nowhere/x.yml cannot be read"),
    ],
)
def test_wrong_words_are_named(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["workflow", *words, "--no-start", "--data-dir", str(tmp_path)]) == Exit.USAGE
    out, err = capsys.readouterr()
    assert (out, said in err, err.count("\n")) == ("", True, 1), err


@pytest.mark.parametrize("words", [["run", "x"], ["rerun", "1", "a"], ["stop", "1"]])
def test_a_view_only_console_begins_and_stops_nothing(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--no-start", "--view-only", "--data-dir", str(tmp_path)]
    assert main(["workflow", *words, *options]) == Exit.NOT_ALLOWED
    assert "--view-only was given" in capsys.readouterr().err
