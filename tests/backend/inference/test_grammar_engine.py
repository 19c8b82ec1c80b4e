"""llama.cpp itself takes every grammar that the compiler writes, and each takes what its schema takes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, seed, settings
from tests.backend.inference.schemas import schema, schemas

from aistack_backend.inference.conform import example
from aistack_backend.inference.grammar import compile_schema
from aistack_backend.inference.schema import read_schema

pytestmark = pytest.mark.engine
PROBE = Path(__file__).parents[2] / "bed" / "grammar_probe.py"


class Probe:
    """llama.cpp in a child: a segmentation fault there is a failed test here."""

    def __init__(self, site: Path, model: Path) -> None:
        command = [sys.executable, str(PROBE), str(site), str(model)]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def takes(self, wanted: str, text: str) -> bool:
        """Return whether the grammar of a schema takes a text; it must at least be made."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps({"grammar": compile_schema(wanted), "text": text}) + "\n")
        self._child.stdin.flush()
        said = self._child.stdout.readline()
        assert said, f"llama.cpp died of the grammar of {wanted}"
        found: dict[str, bool] = json.loads(said)
        assert found["made"], f"llama.cpp refuses the grammar of {wanted}"
        return found["taken"]

    def end(self) -> None:
        """End the child."""
        self._child.kill()
        self._child.communicate()


@pytest.fixture(scope="module")
def probe(site: Path, smollm: Path) -> Iterator[Probe]:
    made = Probe(site, smollm)
    yield made
    made.end()


def test_every_grammar_is_made_and_takes_its_example(probe: Probe) -> None:
    @given(schemas())
    @seed(20261127)
    @settings(max_examples=300, deadline=None, database=None)
    def each(made: dict[str, Any]) -> None:
        wanted = json.dumps(made)
        text = json.dumps(example(read_schema(wanted)), ensure_ascii=False, separators=(",", ":"))
        assert probe.takes(wanted, text), (wanted, text)

    each()


MIXED = schema(
    a={"type": "string", "maxLength": 3},
    b={"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 9}, "minItems": 1, "maxItems": 2},
    c={"anyOf": [{"type": "null"}, {"type": "number"}]},
)
OPTIONAL = json.dumps(
    {"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}, "required": []}
)


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        (MIXED, '{"a":"äö","b":[1,2],"c":-1.5e3}', '{"a":"abcd","b":[1],"c":null}'),
        (MIXED, '{"a": "", "b": [0], "c": null}', '{"a":"","b":[],"c":null}'),
        (MIXED, '{"a":"\\n","b":[9],"c":0}', '{"a":"","b":[1,2,3],"c":0}'),
        (MIXED, '{"a":"x","b":[9],"c":0.5}', '{"a":"x","b":[9],"c":01}'),
        (OPTIONAL, "{}", '{"a":1,}'),
        (OPTIONAL, '{"b":2,"c":3}', '{"c":3,"b":2}'),
        (OPTIONAL, '{"a":1,"c":3}', '{"a":1"c":3}'),
        ('{"type":"object"}', '{"a":[{"b":null},true,"x"]}', '["a"]'),
        ('{"type":"object","additionalProperties":false}', "{}", '{"a":1}'),
        ('{"type":"array"}', "[[],{},1e5]", "[1,]"),
        ('{"type":["integer","null"]}', "-12", "1.5"),
        ('{"type":"boolean"}', "true", "True"),
    ],
)
def test_a_grammar_takes_what_its_schema_takes(probe: Probe, wanted: str, good: str, bad: str) -> None:
    assert probe.takes(wanted, good)
    assert not probe.takes(wanted, bad)


@pytest.mark.parametrize(
    "biggest",
    [
        schema(**{f"p{n}": {"type": "string", "maxLength": 200} for n in range(50)}),
        schema(a={"enum": [f"{n:04}" + "x" * 70 for n in range(500)]}),
        json.dumps({"type": "array", "maxItems": 200, "items": {"type": "array", "maxItems": 200}}),
        schema(a={"type": "string", "minLength": 8_000}),
        json.dumps({"type": "object", "properties": {f"p{n}": {"type": "null"} for n in range(50)}, "required": []}),
        json.dumps({"anyOf": [{"type": "string", "maxLength": n} for n in range(1, 201)]}),
    ],
)
def test_the_biggest_that_are_taken_do_not_kill_it(probe: Probe, biggest: str) -> None:
    text = json.dumps(example(read_schema(biggest)), separators=(",", ":"))
    assert probe.takes(biggest, text)
