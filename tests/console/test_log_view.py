"""Log lines are merged in a stable order, bounded with every loss counted, and shown without losing the place."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from aistack_backend.wire.containers import LogBatch, LogLine, LogStream
from aistack_console.present.log_fields import Level
from aistack_console.present.logs import LogRing, tied, wanted
from aistack_console.widgets.log_view import LogView


def batch(source: str, *lines: tuple[float | None, str], dropped: int = 0) -> LogBatch:
    made = tuple(LogLine(at=at, stream=LogStream.STDOUT, text=text) for at, text in lines)
    return LogBatch(id=source, lines=made, dropped=dropped)


def texts(ring: LogRing) -> list[str]:
    return [entry.text for entry in ring.view]


def test_lines_of_two_containers_stand_by_time() -> None:
    ring = LogRing()
    ring.add([batch("a", (1.0, "a1"), (3.0, "a3"))])
    ring.add([batch("b", (2.0, "b2"), (4.0, "b4"))])
    assert texts(ring) == ["a1", "b2", "a3", "b4"]


def test_a_clock_that_goes_back_does_not_reorder_a_container() -> None:
    ring = LogRing()
    ring.add([batch("a", (5.0, "first"), (3.0, "second"), (None, "third"), (6.0, "fourth"))])
    assert texts(ring) == ["first", "second", "third", "fourth"]


STAMPS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4)), max_size=30)


@given(STAMPS, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_who_arrived_first(lines: list[tuple[str, int]], rnd: random.Random) -> None:
    numbered = [(source, float(at), f"{source}{number}") for number, (source, at) in enumerate(lines)]
    one, two = LogRing(), LogRing()
    for ring in (one, two):
        for source in "abc":
            ring.source(source)
    one.add([batch(source, (at, text)) for source, at, text in numbered])
    queues = {source: [line for line in numbered if line[0] == source] for source in "abc"}
    while any(queues.values()):
        source = rnd.choice([source for source, queue in queues.items() if queue])
        _, at, text = queues[source].pop(0)
        two.add([batch(source, (at, text))])
    assert texts(one) == texts(two)
    for source in "abc":
        mine = [text for text in texts(one) if text[0] == source]
        assert mine == sorted(mine, key=lambda text: int(text[1:]))


def test_ties_are_told_only_where_nothing_measured_decides() -> None:
    ring = LogRing()
    ring.add([batch("a", (10.0, "a"), (11.5, "A")), batch("b", (10.4, "b"), (11.7, "B"))])
    pairs = list(itertools.pairwise(ring.view))
    assert [(one.text, other.text, tied(one, other)) for one, other in pairs] == [
        ("a", "b", True),
        ("b", "A", False),
        ("A", "B", False),
    ]


def test_the_ring_is_bounded_by_lines_and_counts_what_fell_out() -> None:
    ring = LogRing(max_lines=100)
    for number in range(250):
        ring.add([batch("a", (float(number), f"{number}"))])
    assert len(ring) <= 100
    assert ring.dropped + len(ring) == 250
    assert texts(ring)[-1] == "249"


def test_the_ring_is_bounded_by_characters() -> None:
    ring = LogRing(max_bytes=10_000)
    for number in range(100):
        ring.add([batch("a", (float(number), "x" * 1000))])
    assert ring.held <= 10_000
    assert ring.dropped + len(ring) == 100


def test_a_lower_limit_holds_at_once() -> None:
    ring = LogRing()
    ring.add([batch("a", *((float(number), f"{number}") for number in range(100)))])
    ring.limit(10)
    assert len(ring) <= 10
    assert ring.dropped + len(ring) == 100


def test_one_line_larger_than_the_ring_does_not_break_it() -> None:
    ring = LogRing(max_bytes=100)
    ring.add([batch("a", (1.0, "x" * 1000))])
    assert len(ring) == 0
    assert ring.dropped == 1


def test_what_the_backend_dropped_is_counted_apart() -> None:
    ring = LogRing()
    ring.add([batch("a", (1.0, "x"), dropped=7)])
    assert (ring.dropped, ring.lost) == (0, 7)


def test_a_filter_its_inverse_and_a_level() -> None:
    ring = LogRing()
    ring.add([batch("a", (1.0, "INFO up"), (2.0, "ERROR bind"), (3.0, "  at line 3"), (4.0, "plain bind"))])
    ring.want(wanted("bind"))
    assert texts(ring) == ["ERROR bind", "plain bind"]
    ring.add([batch("a", (5.0, "bind again"), (6.0, "other"))])
    assert texts(ring) == ["ERROR bind", "plain bind", "bind again"]
    ring.want(wanted("!bind"))
    assert texts(ring) == ["INFO up", "  at line 3", "other"]
    ring.want(wanted("", Level.ERROR))
    assert texts(ring) == ["ERROR bind", "  at line 3"]
    ring.want(wanted(""))
    assert len(texts(ring)) == 6


def test_a_filtered_view_loses_what_the_ring_loses() -> None:
    ring = LogRing(max_lines=100)
    ring.want(wanted("7"))
    for number in range(300):
        ring.add([batch("a", (float(number), f"{number}"))])
    assert texts(ring) == [str(number) for number in range(300 - len(ring), 300) if "7" in str(number)]


def test_forgetting_a_source_takes_its_lines_away() -> None:
    ring = LogRing()
    ring.add([batch("a", (1.0, "a")), batch("b", (1.0, "b"))])
    ring.forget("a")
    ring.forget("nobody")
    assert texts(ring) == ["b"]
    assert ring.held == 1


@pytest.mark.parametrize("typed", ["[", "(", "*x", "!("])
def test_what_is_no_regular_expression_is_looked_for_as_it_stands(typed: str) -> None:
    found = wanted(typed)
    assert "as it stands" in found.note
    assert found.pattern is not None
    assert found.pattern.search(f"say {typed.lstrip('!')} now")


def test_small_letters_match_capitals_and_capitals_only_themselves() -> None:
    small, capital = wanted("bind").pattern, wanted("Bind").pattern
    assert small
    assert small.search("BIND")
    assert capital
    assert not capital.search("bind")


class LogApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.ring = LogRing(max_lines=1000)

    def compose(self) -> ComposeResult:
        yield LogView(self.ring)

    def feed(self, *batches: LogBatch) -> None:
        self.ring.add(batches)
        self.query_one(LogView).show_new()


def lines_on(app: App[None]) -> list[str]:
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in line).rstrip() for line in strips]


async def test_it_follows_until_moved_and_then_keeps_the_line() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 10)) as pilot:
        view = app.query_one(LogView)
        view.focus()
        app.feed(batch("a", *((float(i), f"line {i}") for i in range(100))))
        await pilot.pause()
        assert lines_on(app)[-1].endswith("line 99")
        await pilot.press("k", "k")
        assert view.current is not None
        assert view.current.text == "line 97"
        assert not view.follow
        app.feed(batch("a", *((float(i), f"line {i}") for i in range(100, 2000))))
        await pilot.press("g")
        assert view.current is not None
        assert view.current.text == texts(app.ring)[0]
        await pilot.press("G")
        app.feed(batch("a", (2001.0, "newest")))
        await pilot.pause()
        assert lines_on(app)[-1].endswith("newest")


async def test_late_lines_above_do_not_move_what_is_read() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 10)) as pilot:
        view = app.query_one(LogView)
        view.focus()
        app.feed(batch("a", *((float(i), f"a{i}") for i in range(50))), batch("b", (0.5, "b0")))
        await pilot.press("k", "k", "k")
        before = view.current
        app.feed(batch("b", *((float(i) + 0.5, f"b{i}") for i in range(1, 20))))
        assert view.current is before


async def test_a_key_acts_on_what_is_shown_not_on_what_came_since() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 10)) as pilot:
        view = app.query_one(LogView)
        view.focus()
        app.feed(batch("a", *((float(i), f"line {i}") for i in range(900))))
        await pilot.pause()
        before = [line[1:] for line in lines_on(app)]
        app.ring.add([batch("a", *((float(i), f"line {i}") for i in range(900, 1050)))])
        assert app.ring.dropped
        view.toggle_follow()
        await pilot.pause()
        assert [line[1:] for line in lines_on(app)] == before
        assert view.current is not None
        assert view.current.text == "line 899"
        view.toggle_follow()
        await pilot.pause()
        assert lines_on(app)[-1].endswith("line 1049")
        app.ring.add([batch("a", (1050.0, "newest"))])
        await pilot.press("j")
        assert view.follow
        assert view.current.text == "newest"


async def test_lines_that_fall_out_above_do_not_move_what_is_read() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 10)) as pilot:
        view = app.query_one(LogView)
        view.focus()
        app.feed(batch("a", *((float(i), f"line {i}") for i in range(990))))
        await pilot.press("k", "k")
        before = lines_on(app)
        app.feed(batch("a", *((float(i), f"line {i}") for i in range(990, 1020))))
        assert app.ring.dropped
        await pilot.pause()
        assert lines_on(app) == before


async def test_rows_that_stay_as_they_are_are_not_drawn_again() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 10)) as pilot:
        view = app.query_one(LogView)
        view.focus()
        app.feed(batch("a", *((float(i), f"line {i}") for i in range(100))))
        await pilot.press("k", "k")
        before = [view.render_line(y) for y in range(10)]
        app.feed(batch("a", (101.0, "below what is shown")))
        assert [view.render_line(y) is before[y] for y in range(10)] == [True] * 10
        await pilot.press("k")
        assert [view.render_line(y) is before[y] for y in range(10)] == [True] * 6 + [False] * 2 + [True] * 2
        view.show_time = False
        view.show_new()
        assert not any(view.render_line(y) is before[y] for y in range(10))


async def test_a_wrapped_line_longer_than_the_page_is_shown() -> None:
    app = LogApp()
    async with app.run_test(size=(40, 5)) as pilot:
        view = app.query_one(LogView)
        view.focus()
        view.wrap_lines = True
        app.feed(batch("a", (1.0, "short"), (2.0, "BEGIN" + "x" * 1000)))
        await pilot.pause()
        assert "BEGIN" in lines_on(app)[0]
        app.ring.want(wanted("nothing like it"))
        view.toggle_follow()
        view.show_new()
        await pilot.pause()
        assert not any(lines_on(app))


async def test_wrap_shift_and_clock() -> None:
    app = LogApp()
    async with app.run_test(size=(40, 10)) as pilot:
        view = app.query_one(LogView)
        view.focus()
        app.feed(batch("a", (None, "x" * 50 + "END"), (1.0, "漢" * 30 + "FIN")))
        await pilot.pause()
        assert not [line for line in lines_on(app) if "END" in line]
        view.wrap_lines = True
        view.show_new()
        await pilot.pause()
        assert [line for line in lines_on(app) if "END" in line]
        assert [line for line in lines_on(app) if "FIN" in line]
        view.wrap_lines = False
        await pilot.press("l", "l")
        assert [line for line in lines_on(app) if "END" in line]
        assert lines_on(app)[0].startswith(" --:--:--")
        view.show_time = False
        await pilot.press("h", "h")
        assert lines_on(app)[0].startswith("    xxx")


async def test_n_finds_the_next_hit_and_highlights_it() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 10)) as pilot:
        view = app.query_one(LogView)
        view.focus()
        app.feed(batch("a", *((float(i), f"line {i}") for i in range(100))))
        assert not view.go_to_hit(-1)
        view.search = wanted("line 3\\d").pattern
        assert view.go_to_hit(-1)
        assert view.current is not None
        assert view.current.text == "line 39"
        assert view.go_to_hit(-1)
        assert not view.go_to_hit(1) or view.current.text == "line 39"
        await pilot.pause()
        styled = [segment for line in app.screen._compositor.render_strips() for segment in line]
        assert [segment.text for segment in styled if segment.style and segment.style.reverse]


async def test_an_empty_view_takes_every_key() -> None:
    app = LogApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.query_one(LogView).focus()
        for key in ("j", "k", "g", "G", "ctrl+d", "ctrl+u", "pagedown", "pageup", "l", "h"):
            await pilot.press(key)
        assert app.query_one(LogView).current is None
