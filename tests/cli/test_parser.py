"""The command line as a person types it, and what it says when that is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from aistack_console.cli import main, options, parser
from aistack_console.verbs.completions import script
from aistack_console.verbs.exits import MEANING, Exit
from aistack_console.verbs.table import VERBS


def test_options_are_taken_before_and_after_the_verb(tmp_path: Path) -> None:
    before = options(parser().parse_args(["--data-dir", str(tmp_path), "--view-only", "status"]))
    after = options(parser().parse_args(["status", "--data-dir", str(tmp_path), "--view-only"]))
    assert before == after
    assert before.data_dir == tmp_path
    assert before.view_only


def test_the_data_directory_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AISTACK_DATA_DIR", str(tmp_path / "d"))
    assert options(parser().parse_args([])).data_dir == tmp_path / "d"


@pytest.mark.parametrize(
    "words", [["nothing"], ["approve", "x"], ["approve"], ["deny", "1"], ["config"], ["completions", "ksh"]]
)
def test_wrong_usage_is_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as wrong:
        main(words)
    assert wrong.value.code == Exit.USAGE
    assert "usage: aistack-console" in capsys.readouterr().err


def test_help_names_every_verb_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--help"])
    assert done.value.code == 0
    said = capsys.readouterr().out
    assert all(verb.name in said for verb in VERBS)
    assert all(meaning in said for meaning in MEANING.values())
    assert set(MEANING) == set(Exit)


def test_without_a_backend_it_says_so_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--no-start", "--data-dir", str(tmp_path)]) == Exit.NO_BACKEND
    said = capsys.readouterr()
    assert not said.out
    assert said.err.count("\n") == 1
    assert str(tmp_path) in said.err


def test_a_data_directory_too_long_for_a_socket_says_what_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--no-start", "--data-dir", str(tmp_path / ("d" * 120))]) == Exit.USAGE
    assert "AISTACK_DATA_DIR" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["run", "restart web"], ["approve", "1", "--yes"], ["deny", "1", "--reason", "x"]])
def test_view_only_changes_nothing(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--view-only", "--no-start", "--data-dir", str(tmp_path)]) == Exit.NOT_ALLOWED
    assert "--view-only" in capsys.readouterr().err


def test_config_explain_names_value_and_origin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[approvals]\nthreshold = "high"\n')
    assert main(["config", "explain", "--config", str(file)]) == Exit.OK
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("approvals.threshold"))
    assert "high" in line
    assert f"{file}:2" in line


def test_an_unknown_key_is_one_sentence_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[approvals]\ntreshold = 'high'\n")
    assert main(["config", "explain", "--config", str(file)]) == Exit.USAGE
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{file}:2" in said
    assert "threshold" in said


def test_reset_terminal_wants_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reset-terminal"]) == Exit.USAGE
    assert "\x1b" not in capsys.readouterr().out


def test_bash_completes_verbs_and_their_flags(tmp_path: Path) -> None:
    file = tmp_path / "completions"
    file.write_text(script("bash"))
    program = (
        f"source {file}; COMP_WORDS=(aistack-console approve --c); COMP_CWORD=2; _aistack_console; "
        'echo "${COMPREPLY[*]}"; COMP_WORDS=(aistack-console appr); COMP_CWORD=1; _aistack_console; '
        'echo "${COMPREPLY[*]}"'
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True, timeout=10)
    assert done.stdout.splitlines() == ["--code --config", "approvals approve"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_knows_every_verb(shell: str) -> None:
    text = script(shell)
    assert all(verb.name in text for verb in VERBS)
