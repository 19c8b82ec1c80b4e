"""A trace as a waterfall: a tree by beginnings, bars that are measured, and nothing said of what has no end."""

from __future__ import annotations

import pytest

from aistack_backend.wire.traces import Linked, Sending, Span, SpanLink, Trace, TraceList, TraceRow
from aistack_console.present import traces as words
from aistack_console.verbs.traces import listed

TRACE = Trace(
    id="a" * 32,
    tasks=(7,),
    spans=(
        Span(id="1", parent_id="f", service="backend", name="POST /v1/x", start=100.0, seconds=0.004),
        Span(id="2", parent_id="1", service="backend", name="task.submit", start=100.001, seconds=0.002),
        Span(id="4", parent_id="2", service="worker-a", name="tool x", start=105.0),
        Span(
            id="3",
            parent_id="2",
            service="backend",
            name="approval.wait",
            start=100.003,
            seconds=5.0,
            failed=True,
            detail="late",
            attributes={"approval": "3"},
        ),
    ),
)


def test_it_is_a_tree_with_measured_bars() -> None:
    lines = words.waterfall(TRACE, 110.0, 10)
    assert lines == (
        f"trace {'a' * 32}  task 7",
        lines[1],
        "",
        "   AFTER     TOOK            WHAT",
        "  0.00ms   4.00ms =......... POST /v1/x",
        "  1.00ms   2.00ms =.........   task.submit",
        "  3.00ms    5.00s =====.....     approval.wait FAILED late  (approval 3)",
        "   5.00s  goes on .....====>     tool x",
    )
    assert lines[1].startswith("4 spans of backend, worker-a, from ")
    assert lines[1].endswith(", 10.00s in all, 1 failed")


def test_what_belongs_below_nothing_that_is_kept_is_a_root() -> None:
    assert [(one.depth, one.orphan) for one in words.laid(TRACE)] == [(0, True), (1, False), (2, False), (2, False)]


def test_a_ring_of_parents_ends() -> None:
    ring = (
        Span(id="1", parent_id="2", service="s", name="a", start=1.0, seconds=0.0),
        Span(id="2", parent_id="1", service="s", name="b", start=1.0, seconds=0.0),
        Span(id="3", parent_id="3", service="s", name="c", start=1.0, seconds=0.0),
    )
    assert [one.span.name for one in words.laid(Trace(id="a", spans=ring))] == ["c"]


def test_nothing_is_drawn_of_nothing() -> None:
    empty = Trace(id="a" * 32)
    assert words.laid(empty) == ()
    assert words.length(empty, 5.0) == 0.0
    assert len(words.waterfall(empty, 5.0, 10)) == 4


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "-"), (0.0, "0.00ms"), (0.00042, "0.42ms"), (0.0123, "12ms"), (1.239, "1.24s"), (372.0, "6m12")],
)
def test_a_time_has_three_digits(seconds: float | None, said: str) -> None:
    assert words.took(seconds) == said


def test_the_list_says_how_the_sending_goes_and_why_it_is_empty() -> None:
    row = TraceRow(id="a" * 32, name="POST /v1/x", start=100.0, seconds=0.5, spans=3, failed=0)
    sending = Sending(url="http://127.0.0.1:4318/v1/traces", sent=3, lost=2, last_at=100.0, fault="It answered 503.")
    told = listed(TraceList(kept=True, traces=(row,), sending=sending), 100.0)
    assert told.splitlines()[1].split()[0] == "-"
    assert "3 spans, last " in told
    assert told.endswith(", 2 lost. It answered 503.")
    assert "begins one" in listed(TraceList(kept=True), 100.0)
    assert "traces.keep" in listed(TraceList(kept=False), 100.0)
    lost = TraceList(kept=True, console_lost=4)
    assert listed(lost, 100.0).endswith("4 of consoles' own spans were lost.")


def test_a_link_is_shown_below_its_span_with_its_own_times_and_trace() -> None:
    wait = Span(
        id="2", parent_id="1", service="backend", name="approval.wait", start=100.0, seconds=8.0,
        links=(SpanLink(trace_id="b" * 32, span_id="8"), SpanLink(trace_id="c" * 32, span_id="gone")),
    )  # fmt: skip
    request = Span(id="8", parent_id="7", service="backend", name="POST /d", start=107.0, seconds=2.0)
    console = Span(id="7", service="console", name="console approve", start=98.0, seconds=11.0)
    trace = Trace(
        id="a" * 32,
        spans=(Span(id="1", service="backend", name="POST /x", start=100.0, seconds=1.0), wait),
        linked=(Linked(trace_id="b" * 32, span=console), Linked(trace_id="b" * 32, span=request)),
    )
    assert words.waterfall(trace, 110.0, 8)[4:] == (
        "  0.00ms    1.00s =....... POST /x",
        "  0.00ms    8.00s ========   approval.wait",
        f"  -2.00s   11.00s ========     linked: console approve  (trace {'b' * 32})",
        f"   7.00s    2.00s .......=       linked: POST /d  (trace {'b' * 32})",
    )
