"""An operator's key: made once, private, read strictly; its sha256 goes into the configuration."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from aistack_backend import cli
from aistack_backend.wire import operatorkey
from aistack_backend.wire.config import ConfigError
from aistack_backend.wire.configfile import load


def test_made_and_read(tmp_path: Path) -> None:
    digest = operatorkey.make("anna", tmp_path / "key")
    said = operatorkey.read(tmp_path / "key")
    assert said.startswith("anna:")
    assert hashlib.sha256(said.partition(":")[2].encode()).hexdigest() == digest
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        operatorkey.make("anna", tmp_path / "key")


@pytest.mark.parametrize("name", ["", "Anna", "1a", "a b", "a/b", "a:b", "a" * 33, "ä"])
def test_a_name_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="must be 1 to 32"):
        operatorkey.make(name, tmp_path / "key")
    assert not (tmp_path / "key").exists()


def test_what_is_no_key(tmp_path: Path) -> None:
    file = tmp_path / "key"
    with pytest.raises(ValueError, match="cannot be read"):
        operatorkey.read(file)
    for text in ("", "anna", "anna:short", "x" * 5000, "anna:" + "a" * 43 + "\nbert:" + "b" * 43):
        file.write_text(text)
        file.chmod(0o600)
        with pytest.raises(ValueError, match="holds no operator key"):
            operatorkey.read(file)
    file.chmod(0o640)
    with pytest.raises(ValueError, match="chmod 600"):
        operatorkey.read(file)
    link = tmp_path / "link"
    link.symlink_to(file)
    with pytest.raises(ValueError, match="cannot be read"):
        operatorkey.read(link)


def test_the_verb_says_what_to_configure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    where = ["--data-dir", str(tmp_path / "d"), "--config", str(config)]
    assert cli.main(["operator", "anna", str(tmp_path / "key"), *where]) == 0
    told = capsys.readouterr().out
    config.write_text(told[told.index("[operators]") : told.index("In the configuration of anna")])
    assert load(config, {}).config.operators.keys() == {"anna"}
    assert operatorkey.read(tmp_path / "key").partition(":")[2] not in told
    assert cli.main(["operator", "Anna", str(tmp_path / "other"), *where]) == 2
    assert "must be 1 to 32" in capsys.readouterr().err
    assert cli.main(["operator", "bert", str(tmp_path / "key"), *where]) == 1
    assert "File exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('Anna = "x"', ":2: operators.Anna must be 1 to 32"),
        ('anna = "x"', ":2: operators.anna must be the 64 hex digits"),
        ("anna = 5", ":2: operators.anna must be the 64 hex digits"),
    ],
)
def test_a_mistake_in_the_configuration_is_a_sentence(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "config.toml").write_text(f"[operators]\n{line}\n")
    with pytest.raises(ConfigError, match=says.replace(".", r"\.")):
        load(tmp_path / "config.toml", {})
