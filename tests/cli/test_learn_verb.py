"""``learn`` on the command line: what is wrong is said in one sentence before any backend is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from aistack_console.cli import main
from aistack_console.verbs.exits import Exit


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status", "x"], "learn takes no words."),
        (["patterns", "x"], "learn patterns takes no words."),
        (["pattern"], "Say the number of one pattern."),
        (["pattern", "x"], "'x' is no number of a pattern."),
        (["rollback"], "Say the number of one pattern."),
        (["retry", "-"], "'-' is no number of a pattern."),
        (["review", "x"], "learn review takes no words."),
        (["accept"], "Say the number of one sample."),
        (["drop", "1", "2"], "Say the number of one sample."),
        (["edit", "1"], "Say what is to change."),
        (["judge", "1"], "Say a number, and good, bad or corrected."),
        (["judge", "x", "good"], "Say a number, and good, bad or corrected."),
        (["judge", "1", "nice"], "Say a number, and good, bad or corrected."),
        (["judge", "1", "corrected"], "What would be right goes with corrected, and only there."),
        (["judge", "1", "good", "--answer", "x"], "What would be right goes with corrected, and only there."),
        (["run", "x"], "learn run takes no words."),
        (["pause", "x"], "learn pause takes no words."),
        (["export"], "Say one file to write."),
    ],
)
def test_wrong_words_are_named(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", *words, "--no-start", "--data-dir", str(tmp_path)]) == Exit.USAGE
    out, err = capsys.readouterr()
    assert (out, said in err, err.count("\n")) == ("", True, 1), err


@pytest.mark.parametrize("words", [["run"], ["rollback", "1"], ["judge", "1", "good"], ["accept", "1"], ["pause"]])
def test_looking_only_changes_nothing(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["learn", *words, "--view-only", "--no-start", "--data-dir", str(tmp_path)])
    assert (code, "--view-only was given" in capsys.readouterr().err) == (Exit.NOT_ALLOWED, True)
