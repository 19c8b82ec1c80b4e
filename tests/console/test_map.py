"""The map: layers by what is needed, ties that are drawn, and every service within reach of h j k l."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.console import stacked
from tests.console.stage import NOW, until
from tests.console.test_stack_screens import dress
from tests.console.world import console, stage

from aistack_backend.wire.stack import Stack
from aistack_backend.wire.traffic import Answered, Edge
from aistack_console.present import map as show
from aistack_console.present import traffic
from aistack_console.present.para import Para
from aistack_console.present.table import Cell

WIDTHS = (26, 79, 105)


def lines(paras: tuple[Para, ...]) -> list[str]:
    return ["".join(cell if isinstance(cell, str) else cell[0] for cell in one.cells) for one in paras]


def drawn(chosen: str, marked: tuple[str, ...] = (), width: int = 79, of: Stack = stacked.FAULT) -> list[str]:
    return lines(show.graph(of, chosen, marked, width, down=None, now=NOW))


def test_a_service_stands_above_all_that_it_needs() -> None:
    plan = show.layout(stacked.HEALTHY, 79)
    for one in stacked.HEALTHY.services:
        assert all(plan.places[one.id].line < plan.places[need].line for need in one.depends_on), one.id


@pytest.mark.parametrize("width", WIDTHS)
def test_every_service_is_on_the_map_with_its_word(width: int) -> None:
    text = "\n".join(drawn("redis", width=width))
    for one in stacked.FAULT.services:
        assert one.id[:11] in text, one.id
    assert "BAD]" in text
    assert ">[redis OK]<" in text
    assert all(len(line) == width for line in text.split("\n"))


def test_ties_of_the_chosen_one_end_with_arrows_at_what_it_needs() -> None:
    text = "\n".join(drawn("hybrid-coordinator"))
    for need in ("postgres", "redis", "qdrant", "llama-cpp"):
        assert f"▶[{need} OK]" in text
    assert "▶[jaeger" not in text


def test_the_blast_radius_is_everything_above() -> None:
    assert show.blast(stacked.FAULT, "hybrid-coordinator") == ("ralph-wiggum", "code-machine", "nginx")
    assert show.blast(stacked.FAULT, "nginx") == ()
    text = "\n".join(drawn("postgres", show.blast(stacked.FAULT, "postgres")))
    assert "*[nginx OK*]*" in text


def test_a_ring_of_needs_is_cut_and_drawn() -> None:
    first, second = stacked.HEALTHY.services[:2]
    ring = replace(
        stacked.HEALTHY,
        services=(replace(first, depends_on=(second.id, first.id)), replace(second, depends_on=(first.id, "gone"))),
    )
    assert set(show.depths(ring)) == {first.id, second.id}
    assert "postgres" in "\n".join(drawn(first.id, of=ring))
    assert show.blast(ring, first.id) == (second.id,)


def test_j_and_k_walk_along_ties_and_h_and_l_reach_everything() -> None:
    stack = stacked.FAULT
    assert show.step(stack, "nginx", "j", 79) in {"ralph-wiggum", "open-webui", "aidb"}
    assert show.step(stack, "hybrid-coordinator", "k", 79) in {"ralph-wiggum", "code-machine"}
    assert show.step(stack, "redis", "j", 79) == "redis", "it needs nothing"
    seen, at = set(), "nginx"
    for _ in stack.services:
        at = show.step(stack, at, "l", 79)
        seen.add(at)
    assert seen == {one.id for one in stack.services}
    assert show.step(stack, "gone", "j", 79)


def test_the_list_has_the_same_facts() -> None:
    rows = {row.key: row.cells for row in show.rows(stacked.FAULT, down=None, now=NOW)}
    assert len(rows) == 20
    assert rows["hybrid-coordinator"][1] == ("BAD", "bad")
    assert rows["hybrid-coordinator"][2] == "qdrant postgres redis llama-cpp"
    assert rows["hybrid-coordinator"][3] == "ralph-wiggum code-machine"


def told(service: str, of: Stack = stacked.BUSY, now: float = NOW) -> list[str]:
    return lines(traffic.paras(of, service, now))


def test_the_ties_of_the_chosen_one_carry_their_traffic_at_every_width() -> None:
    labels = traffic.labels(stacked.BUSY, NOW)
    for width in WIDTHS:
        found = lines(show.graph(stacked.BUSY, "hybrid-coordinator", (), width, down=None, now=NOW, labels=labels))
        text = "\n".join(found)
        for words in (" 12/min 502 100% ", " 0/min ", " 3 open ", " 0.4/min 500 12% ", " not measured "):
            assert words in text, (width, words)
        assert all(len(line) == width for line in found)
    below = drawn_lines("hybrid-coordinator", labels)
    node = next(n for n, line in enumerate(below) if "[ralph-wiggum" in line)
    assert below[node + 1].index("12/min") > below[node].index("[ralph-wiggum")


def drawn_lines(chosen: str, labels: Mapping[tuple[str, str], Cell]) -> list[str]:
    return lines(show.graph(stacked.BUSY, chosen, (), 79, down=None, now=NOW, labels=labels))


def test_the_pane_tells_rate_codes_last_good_answer_and_age_or_why_not() -> None:
    text = told("hybrid-coordinator")
    assert text[0] == "-- traffic --"
    ralph = next(line for line in text if line.startswith("from ralph"))
    assert "12 req/min, 4.0 of them checks  502 100%  502 x8 503 x4 in 1m00, counted by hybrid-coordinator" in ralph
    assert ralph.endswith("1 connection open 3s ago")
    assert "last ok" in ralph
    assert next(line for line in text if line.startswith("from outside")).endswith("not declared")
    code = next(line for line in text if line.startswith("from code-machine"))
    assert "0 req/min  none in 1m00" in code
    postgres = next(line for line in text if line.startswith("to postgres"))
    assert "requests not measured: postgres counts no callers.  3 connections open" in postgres
    assert "to redis  requests not measured" in text
    assert "nobody was seen" in told("grafana", replace(stacked.BUSY, services=()))[1]


def test_an_old_measurement_is_told_as_old_everywhere() -> None:
    late = NOW + 300
    assert traffic.labels(stacked.BUSY, late)["ralph-wiggum", "hybrid-coordinator"] == ("old", "warn")
    assert traffic.labels(stacked.BUSY, late)["hybrid-coordinator", "postgres"] == ("not measured", "dim")
    assert "OLD: 12 req/min was measured 5m03 ago" in "\n".join(told("hybrid-coordinator", now=late))


@pytest.mark.parametrize(
    ("edge", "words"),
    [
        (Edge(user="a", need="b"), "not measured"),
        (Edge(user="a", need="b", requests=0.0, at=NOW), "0/min"),
        (Edge(user="a", need="b", requests=0.01, errors=0.0, at=NOW), "<0.1/min err 0%"),
        (Edge(user="a", need="b", requests=900.0, errors=0.001, at=NOW), "900/min err <1%"),
        (Edge(user="a", need="b", requests=900.0, errors=0.999, at=NOW), "900/min err >99%"),
        (Edge(user="a", need="b", requests=2.0, errors=0.0, codes=(Answered(status=499, count=2),), at=NOW),
         "2.0/min err 0%"),
        (Edge(user="a", need="b", connections=0, connections_at=NOW), "0 open"),
    ],
)  # fmt: skip
def test_the_words_of_an_edge_never_round_to_nothing_or_all(edge: Edge, words: str) -> None:
    assert traffic.label(edge, NOW)[0] == words


def test_the_list_has_the_traffic_too() -> None:
    rows = {row.key: row.cells for row in show.rows(stacked.BUSY, down=None, now=NOW, with_traffic=True)}
    assert rows["hybrid-coordinator"][3].startswith("ralph-wiggum 12/min 502 100%; code-machine 0/min")
    assert "+outside the stack 4.0/min err 0%" in rows["hybrid-coordinator"][3]
    assert rows["hybrid-coordinator"][2] == "postgres 3 open; llama-cpp 0.4/min 500 12%; qdrant ?; redis ?"
    assert rows["postgres"][2] == "-"


def test_one_fault_is_one_line() -> None:
    line = lines((Para(show.cause_line(stacked.FAULT, down=None, now=NOW)),))[0]
    assert "1 fault, 3 symptoms (ralph-wiggum code-machine nginx)" in line
    assert lines((Para(show.cause_line(stacked.HEALTHY, down=None, now=NOW)),)) == ["no root cause: no service is BAD"]
    told = lines((Para(show.cause_line(stacked.FAULT, down=NOW - 60, now=NOW)),))[0]
    assert told == f"no root cause known: {(count := len(stacked.FAULT.services))} of {count} services UNKNOWN"


async def test_the_map_begins_at_the_root_cause_and_walks() -> None:
    async with stage() as one:
        dress(one)
        async with console(one) as screen:
            await screen.press("7")
            await screen.sees("BAD]<")
            await screen.press("k")
            await until(lambda: screen.app.screen.at in {"ralph-wiggum", "code-machine"})
            await screen.press("b", "j")
            await screen.sees("BLAST RADIUS 3")
            await screen.press("V")
            await screen.sees("NEEDS")
            await screen.press("j")
            await until(lambda: screen.app.screen.at == "grafana")
            await screen.press("enter")
            await until(lambda: screen.app.current_mode == "services")
            await screen.sees("grafana  no container")


async def test_t_writes_the_traffic_on_the_ties_in_the_pane_and_in_the_list() -> None:
    async with stage() as one:
        dress(one, stacked.BUSY)
        async with console(one) as screen:
            await screen.press("7")
            await screen.sees("BAD]<")
            assert "/min" not in screen.text
            await screen.press("t")
            await screen.sees(" 12/min 502 100% ")
            await screen.sees("-- traffic --")
            await screen.press("V")
            await screen.sees("ralph-wiggum 12/min")
            await screen.press("t")
            await until(lambda: "12/min" not in screen.text)


async def test_without_a_stack_the_map_says_how_one_comes() -> None:
    async with stage() as one, console(one) as screen:
        await screen.press("7")
        await screen.sees("aistack-console --stack FILE")
        await screen.press("j", "b", "V", "enter")
        assert screen.app.is_running
