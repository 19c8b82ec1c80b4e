"""What is typed into the chat: commands, what is attached, ways to go on, what is kept, and what is exported."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from tests.console.stage import NOW

from aistack_backend.wire.chat import Chunk, Cite, Finish, Message, Role, Session, Transcript
from aistack_backend.wire.models import EngineState, ModelStatus
from aistack_console import attached
from aistack_console.errors import ConsoleError
from aistack_console.present import slash, talk
from aistack_console.present.completing import Names, file_offers, offers
from aistack_console.present.exported import exported
from aistack_console.present.mention import Mention, mentions
from aistack_console.said import KEPT, LONGEST, Said, said_file
from aistack_console.saving import save_as

NAMES = Names(
    services=(("redis", "OK"), ("qdrant", "BAD")),
    containers=(("far/web", "running"), ("web two", "exited")),
    tasks=(("41", "done: restart web"),),
    personas=(("usual", "Answer."), ("terse", "Be short.")),
)


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [("/help", "help", ""), ("/he", "help", ""), ("!up", "do", "up"), ("/ask why\nso", "ask", "why\nso")],
)
def test_a_command_or_the_beginning_of_one_is_known(text: str, name: str, rest: str) -> None:
    assert slash.typed(text) == slash.Typed(name, rest)


def test_what_is_no_command_is_said_or_is_a_message() -> None:
    assert "/help lists them" in (slash.typed("/xyz") or slash.Typed()).why
    assert "/ask, /again" in (slash.typed("/a") or slash.Typed()).why
    assert slash.typed("/etc/hosts is what?") is None
    assert slash.typed("why?") is None


def test_what_is_attached_is_found_where_it_is_named() -> None:
    text = 'why is @service redis down, see @logs far/web. and @file "a b.txt" @file x.py @service redis'
    assert mentions(text) == (
        Mention("service", "redis"),
        Mention("logs", "far/web"),
        Mention("file", "a b.txt"),
        Mention("file", "x.py"),
    )
    assert mentions("mail me@logs.example or @other thing, @service") == ()


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("/ex", ["/export "]),
        ("/persona t", ["terse"]),
        ("see @s", ["@service "]),
        ("@service re", ["@service redis "]),
        ("@service dr", ["@service qdrant "]),
        ("@logs web", ['@logs "web two" ', "@logs far/web "]),
        ("@task 4", ["@task 41 "]),
        ("@service redis and", []),
        ("hello", []),
    ],
)
def test_ways_to_go_on(before: str, found: list[str]) -> None:
    assert [one.text for one in offers(before, NAMES).found] == found


def test_files_are_offered_by_their_paths(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").touch()
    (tmp_path / "ab").mkdir()
    (tmp_path / "a\x1bc").touch()
    wanted = offers(f"see @file {tmp_path}/a", NAMES)
    assert wanted.files == f"{tmp_path}/a"
    made = file_offers(wanted.start, attached.names(wanted.files))
    assert [one.text for one in made.found] == [f"@file {tmp_path}/ab/", f'@file "{tmp_path}/a b.txt" ']
    assert attached.names(f"{tmp_path}/nowhere/x") == ()


def test_a_text_file_is_read_and_anything_else_refused(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("a = 1\n")
    assert attached.read_file(str(tmp_path / "x.py")) == "file x.py\na = 1\n"
    (tmp_path / "big").write_bytes(b"x" * (attached.LARGEST + 1))
    (tmp_path / "nul").write_bytes(b"a\0b")
    (tmp_path / "latin").write_bytes(b"\xe9")
    for name, why in [
        ("big", "bigger than 64 KiB"),
        ("nul", "not text"),
        ("latin", "not text"),
        ("none", "No such file"),
    ]:
        with pytest.raises(ConsoleError, match=why):
            attached.read_file(str(tmp_path / name))
    with pytest.raises(ConsoleError, match="not a plain file"):
        attached.read_file("/dev/null")


def test_what_was_typed_is_kept_bounded_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = said_file({"XDG_STATE_HOME": str(tmp_path)})
    said = Said(path)
    for number in range(KEPT + 5):
        said.texts.append(f"n{number}")
    said.add("two\nlines")
    said.add("two\nlines")
    said.add("x" * (LONGEST + 1))
    again = Said(path)
    assert again.texts[-1] == "two\nlines"
    assert len(again.texts) == KEPT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text('not json\n7\n"fine"\n')
    assert Said(path).texts == ["fine"]


def test_a_history_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = Said(tmp_path / "file" / "chat_history")
    with pytest.raises(ConsoleError, match="is not kept"):
        said.add("one")
    said.add("two")
    assert said.texts == ["one", "two"]


def transcript() -> Transcript:
    cite = Cite(number=1, what="logs of web", at=NOW - 12, text="```\nbad")
    answer = Message(id=2, role=Role.ASSISTANT, text="It **fails** [1]", at=NOW, tokens=4, route="local", cites=(cite,))
    return Transcript(
        session=Session(id=7, title="ops", created_at=NOW, updated_at=NOW, persona="terse"),
        messages=(Message(id=1, role=Role.USER, text="why?", at=NOW), answer),
    )


def test_a_chat_is_exported_whole() -> None:
    text = exported(transcript(), "md")
    assert text.startswith("# ops\n\nsession 7, begun ")
    assert "why?\n" in text
    assert "It **fails** [1]\n\n*local, 4 tokens*\n\n[1] logs of web, read " in text
    assert "````text\n```\nbad\n````" in text
    assert json.loads(exported(transcript(), "json"))["messages"][1]["cites"][0]["what"] == "logs of web"


def test_an_export_tells_what_was_measured_from_what_the_model_said() -> None:
    kept = transcript()
    cite = replace(kept.messages[1].cites[0], told=True)
    answer = replace(kept.messages[1], cites=(cite,), model="small")
    assert "## measured by the stack, then small, " in exported(replace(kept, messages=(answer,)), "md")
    assert talk.speaker(answer) == ("measured by the stack", "ok")
    paper = replace(cite, what="document Keys")
    assert talk.speaker(replace(answer, cites=(paper,))) == ("found in the documents", "ok")
    assert talk.speaker(replace(answer, cites=(cite, paper))) == ("measured, and found in documents", "ok")
    assert talk.speaker(kept.messages[1]) == ("model", "ok")
    assert talk.speaker(replace(kept.messages[1], route="rules")) == ("stack", "ok")


def test_nothing_is_overwritten_by_an_export(tmp_path: Path) -> None:
    assert save_as(tmp_path / "a.md", "x\ny").read_text() == "x\ny\n"
    with pytest.raises(ConsoleError, match="is there already"):
        save_as(tmp_path / "a.md", "z")
    with pytest.raises(ConsoleError, match="cannot be written"):
        save_as(tmp_path / "none" / "a.md", "z")


def test_the_meter_warns_from_four_fifths_on() -> None:
    model = ModelStatus(engine=EngineState.READY, since=NOW, model="m", context_size=1000)

    def head(used: int) -> str:
        last = Chunk(session_id=1, message_id=1, context_used=used, context_size=1000, route="local")
        cells = talk.head_cells(model, last, session="s", persona="terse", ask=True)
        return "".join(cell if isinstance(cell, str) else cell[0] for cell in cells)

    assert "ctx 799/1.0k [####.]  - tok/s  route local  ASKS THE STACK  as terse  s" in head(799)
    assert "80% FULL" in head(800)
    assert "ctx -/1.0k" in "".join(
        cell if isinstance(cell, str) else cell[0]
        for cell in talk.head_cells(model, None, session="s", persona="", ask=False)
    )


def test_who_waits_is_told_what_for() -> None:
    waits = Chunk(session_id=1, message_id=1, ahead=2)
    assert talk.running(waits, 1.0)[0][0] == "waiting: 2 requests are served before this one"
    looks = Chunk(session_id=1, message_id=1, looking="logs of web")
    assert talk.running(looks, 1.0)[0][0] == "looking at logs of web"
    assert talk.turn_head(Message(id=5, role=Role.USER, text="", at=NOW, siblings=(3, 5, 8)), False)[2][0] == "  2/3"
    failed = Message(id=1, role=Role.ASSISTANT, text="", at=NOW, finish=Finish.ERROR)
    assert talk.message_foot(failed) == (("ended in an error", "bad"),)
