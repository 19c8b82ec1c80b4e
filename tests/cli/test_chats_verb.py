"""``chats`` on the command line: what is wrong is said in one sentence before any backend is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from aistack_console.cli import main
from aistack_console.verbs.exits import Exit


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["search"], "Say the words to search for."),
        (["list", "disk"], "chats list takes no words, and got 'disk'."),
        (["show"], "Say the number of one chat."),
        (["export", "x"], "Say the number of one chat."),
        (["export", "1", "2"], "Say the number of one chat."),
    ],
)
def test_wrong_words_are_named(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chats", *words, "--no-start", "--data-dir", str(tmp_path)]) == Exit.USAGE
    out, err = capsys.readouterr()
    assert (out, said in err, err.count("\n")) == ("", True, 1), err
