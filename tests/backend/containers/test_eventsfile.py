"""Following a file of events: appended to, cut, rotated, removed."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aistack_backend.containers.eventsfile import FileTail, place
from aistack_backend.containers.models import Event

LINE = '{"ID":"%s","Name":"web","Status":"%s","Time":"2026-11-23T00:31:24.952132239Z","Type":"container"}\n'


class Reader:
    """Reads a tail in a thread and hands on what it yields."""

    def __init__(self, file: Path) -> None:
        self.tail = FileTail(file)
        self.box: queue.Queue[Event | str | None] = queue.Queue()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            for event in self.tail:
                self.box.put(event)
        except OSError:
            self.box.put("gone")

    def next(self) -> Event | str | None:
        return self.box.get(timeout=5)

    def close(self) -> None:
        self.tail.close()
        self.thread.join(1)
        assert not self.thread.is_alive()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "events" / "events.log"
    made.parent.mkdir()
    made.write_text(LINE % ("old", "start"))
    return made


@pytest.fixture
def reader(file: Path) -> Iterator[Reader]:
    made = Reader(file)
    # Only what is appended after the reader began counts: append until the first event arrives.
    for n in range(500):
        append(file, LINE % (f"warm{n}", "start"))
        try:
            assert isinstance(made.box.get(timeout=0.01), Event)
            break
        except queue.Empty:
            continue
    while True:
        try:
            made.box.get(timeout=0.05)
        except queue.Empty:
            break
    yield made
    made.close()


def append(file: Path, text: str) -> None:
    with file.open("a") as handle:
        handle.write(text)


def test_what_is_appended(file: Path, reader: Reader) -> None:
    append(file, LINE % ("a", "start"))
    event = reader.next()
    assert isinstance(event, Event)
    assert (event.id, event.action, event.nanos) == ("a", "start", 1795393884952132239)


def test_a_line_that_comes_in_pieces(file: Path, reader: Reader) -> None:
    line = LINE % ("b", "died")
    for piece in (line[:10], line[10:60], line[60:]):
        append(file, piece)
    event = reader.next()
    assert isinstance(event, Event)
    assert (event.id, event.action, event.exit_code) == ("b", "died", 0)


def test_rubbish_lines_are_passed_over(file: Path, reader: Reader) -> None:
    append(file, "rubbish\n\n[]\n\x00\xff\n" + LINE % ("c", "stop"))
    event = reader.next()
    assert isinstance(event, Event)
    assert event.id == "c"


def test_a_rotated_file_is_followed_and_the_gap_is_told(file: Path, reader: Reader) -> None:
    new = file.with_name("new")
    new.write_text(LINE % ("half", "start"))
    new.replace(file)
    assert reader.next() is None
    append(file, LINE % ("d", "start"))
    event = reader.next()
    assert isinstance(event, Event)
    assert event.id == "d"


def test_a_cut_file_is_followed_and_the_gap_is_told(file: Path, reader: Reader) -> None:
    os.truncate(file, 0)
    assert reader.next() is None
    append(file, LINE % ("e", "start"))
    event = reader.next()
    assert isinstance(event, Event)
    assert event.id == "e"


def test_the_folder_goes_away(file: Path, reader: Reader) -> None:
    file.unlink()
    file.parent.rmdir()
    assert reader.next() == "gone"


def test_closing_before_reading(file: Path) -> None:
    tail = FileTail(file)
    tail.close()
    tail.close()
    assert list(tail) == []


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be watched"):
        list(FileTail(tmp_path / "none" / "events.log"))


def test_no_socket_no_file(tmp_path: Path) -> None:
    assert place(str(tmp_path / "none.sock")) is None
