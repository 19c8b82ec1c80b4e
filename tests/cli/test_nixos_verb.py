"""``nixos`` and ``knowledge import`` on the command line: what is wrong is one sentence before any backend is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from aistack_backend.wire.nixos import NixAnswer, NixHit, NixKind
from aistack_console.cli import main
from aistack_console.verbs.exits import Exit
from aistack_console.verbs.knowledge import files
from aistack_console.verbs.nixos import _said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nixos", "status", "x"], "nixos status takes no words."),
        (["nixos", "search"], "Say what to look for."),
        (["nixos", "package"], "Say what to look for."),
        (["nixos", "option"], "Say what to look for."),
        (["nixos", "import"], "Say one file or one URL."),
        (["nixos", "import", "a", "b"], "Say one file or one URL."),
        (["nixos", "import", "/none/at/all.json"], "There is no /none/at/all.json."),
        (["knowledge", "import"], "Say one URL, or the path of a repository."),
        (["knowledge", "import", "a", "b"], "Say one URL, or the path of a repository."),
    ],
)
def test_wrong_words_are_named(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--no-start", "--data-dir", str(tmp_path)]) == Exit.USAGE
    out, err = capsys.readouterr()
    assert (out, said in err, err.count("\n")) == ("", True, 1), err


def test_too_many_files_are_refused_before_any_is_added(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for at in range(4):
        (tmp_path / f"{at}.md").write_text("x")
    words = ["knowledge", "add", str(tmp_path), "--files", "3", "--no-start", "--data-dir", str(tmp_path / "d")]
    assert main(words) == Exit.USAGE
    assert "There are more than 3 files." in capsys.readouterr().err


def test_patterns_and_links_of_a_folder(tmp_path: Path) -> None:
    for name in ("a.md", "b.txt", "docs/c.txt", "docs/d.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    (tmp_path / "link.md").symlink_to("/etc/passwd")

    def found(*only: str) -> list[str]:
        return [str(one.relative_to(tmp_path)) for one in files(tmp_path, only)]

    assert found() == ["a.md", "b.txt", "docs/c.txt", "docs/d.md"]
    assert found("*.md") == ["a.md", "docs/d.md"]
    assert found("docs/*") == ["docs/c.txt", "docs/d.md"]


def test_a_hit_shows_what_the_file_says_and_no_control_character() -> None:
    hit = NixHit(kind=NixKind.OPTION, name="a.b\x1b[31m", text="x" * 400, type="boolean", default="false", source="s")
    told = _said(NixAnswer(hits=(hit,), searched=3, took=0.002, sources=(), detail="Old."))
    assert told.startswith("1 of 3 entries, 2 ms. Old.")
    assert "\x1b" not in told
    assert "    default: false" in told
    assert "x" * 320 + "…" in told
