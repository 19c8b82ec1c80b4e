"""The dialog shows the whole record and every fact around it, with source and time; unknown is a warning."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.console.stage import NOW
from tests.console.world import approval

from aistack_backend.wire.actions import Fact
from aistack_backend.wire.base import Raw
from aistack_console.present.approvals import evidence
from aistack_console.present.para import wrap
from aistack_console.verbs.approvals import whole

FACTS = (
    Fact(name="blast radius", text="2 that run now need it: aidb ok, web ok", source="the ladder", at=NOW - 4),
    Fact(name="backup", text="unknown: no service of this stack", known=False),
    Fact(
        name="retry", text="#3 was denied (no). Changed since:\nscript:\n-rm a\n+rm b", source="approval 3", at=NOW - 60
    ),
    Fact(name="newer", text="of a newer backend"),
)
RECORD = {
    "kind": "shell.run", "argv": ["/bin/sh", "-c", "ls"], "script": "ls", "cwd": "/w", "image": "sha256:1",
    "env": [["LANG", "ab12"]], "mounts": ["/a: rw"], "network": "none", "user": "65534",
    "limits": [["memory", "1 GiB"], ["seconds", "600"]], "targets": [], "requester": "a", "task_id": 7, "step": "1",
    "policy": "1", "invented\x1b": ["by a newer \u202e backend"],
}  # fmt: skip


def shown(one: object, width: int = 76) -> list[str]:
    return ["".join(text for text, _ in line) for line in wrap(evidence(one, NOW), width)]  # type: ignore[arg-type]


def test_each_fact_has_its_source_and_time() -> None:
    lines = "\n".join(shown(approval(facts=FACTS), 200))
    assert "HITS      2 that run now need it: aidb ok, web ok   (the ladder, at " in lines
    assert "BACKUP    unknown: no service of this stack" in lines
    assert "NEWER     of a newer backend" in lines
    assert "\n          -rm a\n          +rm b\n" in lines
    unknown = [line for line in wrap(evidence(approval(facts=FACTS), NOW), 200) if "unknown:" in line[-1][0]]
    assert unknown[0][-1][1] == "warn"


def test_the_command_line_tells_them_too() -> None:
    told = whole(approval(facts=FACTS))
    assert "aidb ok, web ok   (the ladder, at " in told
    assert "+rm b" in told


def leaves(value: object) -> Iterator[str]:
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from leaves(one)
    if isinstance(value, str):
        yield value


def test_nothing_of_the_record_is_missing() -> None:
    record = json.dumps(RECORD)
    one = approval(
        kind="shell.run", argv=("/bin/sh", "-c", "ls"), script="ls", cwd="/w", image="sha256:1", user="65534",
        targets=(), requester="a", payload=Raw(record),
    )  # fmt: skip
    text = "\n".join(shown(one, 300))
    told = {"1", "by a newer \u202e backend"}  # step and policy are the record's own; the last is made visible
    assert [leaf for leaf in leaves(RECORD) if leaf not in text and leaf not in told] == []
    assert "INVENTED<U+001B>" in text or "INVENTED␛" in text
    assert "by a newer <U+202E> backend" in text
    assert "\x1b" not in text


def test_a_record_that_is_none_adds_nothing() -> None:
    for payload in ("", "{", "[1]", "5"):
        assert shown(approval(payload=Raw(payload))) == shown(approval())
