"""``knowledge`` on the command line: what is wrong is said in one sentence before any backend is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from aistack_console.cli import main
from aistack_console.verbs.exits import Exit
from aistack_console.verbs.knowledge import files


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "x"], "knowledge list takes no words."),
        (["add"], "Say the files and folders to add."),
        (["add", "/none/at/all"], "There is no /none/at/all. Name a file or a folder."),
        (["search"], "Say the words to search for."),
        (["documents"], "Say one collection."),
        (["documents", "a", "b"], "Say one collection."),
        (["remove"], "Say the number of one document."),
        (["remove", "x"], "'x' is no number of a document."),
        (["reindex"], "Say one collection."),
        (["surplus"], "Say one collection."),
        (["sweep"], "Say a collection and the numbers of documents."),
        (["sweep", "docs"], "Say the numbers of the documents that may go."),
        (["sweep", "docs", "x"], "Say the numbers of the documents that may go."),
    ],
)
def test_wrong_words_are_named(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["knowledge", *words, "--no-start", "--data-dir", str(tmp_path)]) == Exit.USAGE
    out, err = capsys.readouterr()
    assert (out, said in err, err.count("\n")) == ("", True, 1), err


def test_a_folder_is_every_file_in_it_but_the_hidden(tmp_path: Path) -> None:
    for name in ("b.md", "a.md", ".hidden", "inner/c.txt", ".git/d.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert [str(one.relative_to(tmp_path)) for one in files(tmp_path)] == ["a.md", "b.md", "inner/c.txt"]
    assert list(files(tmp_path / ".hidden")) == [tmp_path / ".hidden"]
