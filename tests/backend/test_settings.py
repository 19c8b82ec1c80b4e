"""Settings: defaults, file, environment, and one clear sentence for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from aistack_backend.settings import resolve
from aistack_backend.wire.config import Config, ConfigError
from aistack_backend.wire.configfile import load


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_a_missing_file_gives_the_defaults(tmp_path: Path) -> None:
    loaded = load(tmp_path / "none.toml", {})
    assert loaded.config == Config()
    assert {row.source for row in loaded.rows} == {"default"}


def test_rows_say_where_each_value_comes_from(tmp_path: Path) -> None:
    path = write(tmp_path, '# ours\n[model]\ncontext = 2048\n[keys]\nrestart = "f5"\n')
    loaded = load(path, {"AISTACK_MODEL_THREADS": "2", "RALPH_APPROVAL_THRESHOLD": "high"})
    rows = {row.key: (row.value, row.source) for row in loaded.rows}
    assert rows["model.context"] == ("2048", f"{path}:3")
    assert rows["model.threads"] == ("2", "$AISTACK_MODEL_THREADS")
    assert rows["approvals.threshold"] == ("high", "$RALPH_APPROVAL_THRESHOLD")
    assert rows["keys.restart"] == ("f5", f"{path}:5")
    assert rows["console.theme"] == ("", "default")
    assert loaded.config.keys == {"restart": "f5"}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[modle]\n", 1, "no section [modle]; did you mean model?"),
        ("\n[model]\ncontxt = 1\n", 3, "no key model.contxt; did you mean context?"),
        ("[model]\ncontext = 'big'\n", 2, "model.context must be a whole number, not big"),
        ("[model]\ncontext = true\n", 2, "must be a whole number, not true"),
        ("[model]\ncontext = 5\n", 2, "must be between 512 and 1.04858e+06, not 5"),
        ("[approvals]\nthreshold = 'some'\n", 2, "must be one of none, low, medium, high, not 'some'"),
        ("[approvals]\nexpire_after = 'soon'\n", 2, "must be a number"),
        ("[keys]\nquit = 3\n", 2, 'keys.quit must be text, e.g. "ctrl+r", not 3'),
        ("[personas]\nPoet = 'verse'\n", 2, "personas.Poet must be 1 to 32 of a-z"),
        ("[personas]\npoet = 3\n", 2, "personas.poet must be text of 1 to 4000 characters"),
        ("[personas]\npoet = ' '\n", 2, "personas.poet must be text of 1 to 4000 characters"),
        ("model = 3\n", 1, "model must be a section"),
        ("model.contxt = 3\n", 1, "no key model.contxt"),
    ],
)
def test_a_mistake_names_file_line_key_and_the_right_thing(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert says in str(caught.value)


@pytest.mark.parametrize("content", [b"[model\n", b"\xff\xfe"])
def test_what_is_no_toml_is_said_with_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"config\.toml"):
        load(path, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RALPH_APPROVAL_THRESHOLD", "extreme"),
        ("RALPH_REQUIRE_APPROVAL", "maybe"),
        ("AISTACK_MODEL_CONTEXT", "many"),
        ("AISTACK_APPROVALS_EXPIRE_AFTER", "0"),
    ],
)
def test_a_bad_variable_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"^\${name} must be"):
        resolve({name: value, "HOME": str(tmp_path)})


def test_the_audit_log_cannot_be_switched_off(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^\$RALPH_AUDIT_LOG: the audit log cannot be switched off"):
        resolve({"RALPH_AUDIT_LOG": "false", "HOME": str(tmp_path)})


def test_not_requiring_approval_is_threshold_none() -> None:
    settings = resolve({"RALPH_REQUIRE_APPROVAL": "false", "HOME": "/nowhere"})
    assert (settings.threshold, settings.require_approval) == ("none", False)


def test_defaults_follow_xdg_and_the_trust_sheet(tmp_path: Path) -> None:
    settings = resolve({"XDG_DATA_HOME": str(tmp_path), "HOME": "/nowhere"})
    assert settings.data_dir == tmp_path / "aistack"
    assert settings.database_url == f"sqlite:///{tmp_path}/aistack/aistack.db"
    assert (settings.threshold, settings.approval_ttl, settings.start_ttl) == ("medium", 900.0, 300.0)
    assert settings.socket == tmp_path / "aistack/run/backend.sock"


def test_a_socket_path_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="set AISTACK_DATA_DIR to a shorter folder"):
        resolve({"HOME": "/"}, data_dir=tmp_path / ("x" * 120))


def test_arguments_win(tmp_path: Path) -> None:
    env = {"HOME": "/", "AISTACK_DATA_DIR": "/elsewhere", "CONTAINER_HOST": "unix:///a"}
    settings = resolve(env, data_dir=tmp_path, podman_url="unix:///b")
    assert (settings.data_dir, settings.podman_url) == (tmp_path, "unix:///b")
