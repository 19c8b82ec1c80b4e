"""Variables of a Compose file, and a file that changes under the one who reads it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.bed.composed import only_web, refusal, web, written

from aistack_backend.containers.stack.load import load
from aistack_backend.containers.stack.place import ManifestError
from aistack_backend.containers.stack.source import ManifestSource, bundled


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A", "one"),
        ("${A}", "one"),
        ("${A:-d}", "one"),
        ("${E:-d}", "d"),
        ("${E-d}", ""),
        ("${U-d}", "d"),
        ("${U:-}", ""),
        ("${U:-${A}}", "one"),
        ("${U:-${V:-x}}", "x"),
        ("${A:?gone}", "one"),
        ("${A:+yes}${U+no}", "yes"),
        ("$$A $${A}", "$A ${A}"),
        ("a${A}b$A/c", "aonebone/c"),
    ],
)
def test_variables(tmp_path: Path, text: str, value: str) -> None:
    assert web(tmp_path, f"hostname: 'x{text}'", {"A": "one", "E": ""}).hostname == f"x{value}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("$U", "uses the variable U, which is not set"),
        ("${U:?set it in .env}", "needs the variable U: set it in .env"),
        ("${E:?}", "needs the variable E"),
        ("5$", "write $$"),
        ("${1}", "write $$"),
        ("${U", "write $$"),
    ],
)
def test_variables_that_are_not_there(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, only_web(f"hostname: '{text}'"), {"E": ""})


def test_the_environment_goes_before_the_env_file_and_that_before_the_one_beside(tmp_path: Path) -> None:
    file = written(tmp_path, "services: {a: {image: '${IMAGE:-none}'}}")
    assert load([file], {}).services["a"].image == "none"
    (tmp_path / ".env").write_text("IMAGE=beside\n")
    assert load([file], {}).services["a"].image == "beside"
    other = tmp_path / "other.env"
    other.write_text("# a comment\nexport IMAGE='named' # why\n")
    assert load([file], {}, other).services["a"].image == "named"
    assert load([file], {"IMAGE": "shell"}, other).services["a"].image == "shell"


def test_an_env_file_of_a_service(tmp_path: Path) -> None:
    (tmp_path / "e.env").write_text("A=1\nB='$raw'\nC=\"${A}2\"\nD=a#b # no\n\n")
    found = web(tmp_path, "env_file: [e.env]\nenvironment: [A=over, X, Y]", {"X": "x"})
    assert dict(found.environment) == {"A": "over", "B": "$raw", "C": "12", "D": "a#b", "X": "x"}
    (tmp_path / "e.env").write_text("A=1\nnonsense\n")
    assert "e.env, whose line 2 is not NAME=value" in refusal(tmp_path, only_web("env_file: e.env"))
    assert web(tmp_path, "env_file: [{path: none.env, required: false}]").environment == ()


def test_a_source_reads_again_when_a_file_changes(tmp_path: Path) -> None:
    file = written(tmp_path, "services: {a: {image: one}}")
    source = ManifestSource([file], {})
    first = source.get()
    assert source.get() is first
    file.write_text("services: {a: {image: three}}")
    assert source.get().services["a"].image == "three"
    file.write_text("services: {a: {imag: three}}")
    for _ in range(2):
        with pytest.raises(ManifestError, match="did you mean image"):
            source.get()
    (tmp_path / ".env").write_text("X=four\n")
    file.write_text("services: {a: {image: '$X'}}")
    assert source.get().services["a"].image == "four"
    (tmp_path / ".env").write_text("X=5\n")
    os.utime(tmp_path / ".env", ns=(1, 1))
    assert source.get().services["a"].image == "5"


def test_our_own_file_is_found() -> None:
    assert bundled().name == "stack.yml"
    assert bundled().parent.name == "compose"
