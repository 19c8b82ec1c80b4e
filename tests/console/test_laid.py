"""A request of one line is laid out field by field, and never says other than what is hashed."""

from __future__ import annotations

import json

import pytest
from tests.console.stage import NOW
from tests.console.world import approval

from aistack_console.present.approvals import evidence, script_of
from aistack_console.present.laid import laid_out
from aistack_console.present.para import wrap

LOOP = {
    "agent": "command",
    "checks": ["tests/test_sums.py"],
    "command": "python3 mend.py",
    "goal": "make the tests pass\nand leave the rest",
    "limits": {"passes": 10, "seconds": 3600},
    "proof": "python3 -m unittest",
}
SCRIPT = json.dumps(LOOP, separators=(",", ":"))


def test_each_field_stands_on_a_line_of_its_own() -> None:
    lines = laid_out(SCRIPT).splitlines()
    assert '  "command": "python3 mend.py",' in lines
    assert '  "goal": "make the tests pass\\nand leave the rest",' in lines, "a line break in a value starts no line"
    assert '    "passes": 10,' in lines
    assert json.loads("".join(lines)) == LOOP


@pytest.mark.parametrize(
    "script",
    [
        "ls -l",
        '{"a":1}',
        SCRIPT.replace(":10", ": 10"),
        SCRIPT[:-1] + ',"agent":"rules"}',
        SCRIPT.replace("mend", "\\u202emend"),
        SCRIPT.replace("mend", "\\u006dend"),
        SCRIPT + " ",
        SCRIPT[:-1],
        "{" + '"a":{' * 20_000,
        SCRIPT + "\nrm -rf /",
    ],
)
def test_what_would_not_give_its_own_text_again_stays_as_it_is(script: str) -> None:
    assert laid_out(script) == script


def test_the_dialog_shows_the_fields_and_the_record_stays_one_line() -> None:
    one = approval(kind="loop.run", script=SCRIPT)
    lines = ["".join(text for text, _ in line) for line in wrap(evidence(one, NOW), 76)]
    assert "SCRIPT, one line, shown field by field" in lines
    assert any('"proof": "python3 -m unittest"' in line for line in lines)
    assert one.script == SCRIPT
    assert script_of(one) == "", "what is edited and hashed comes from the record alone"
