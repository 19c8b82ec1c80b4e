"""Loops: where they stand, pass by pass, with their proof and their limits."""

from __future__ import annotations

from aistack_backend.wire.loops import Gauge, Loop, LoopPass, ModelUse, PassState
from aistack_console.present.para import Para, fact, para, text_lines, title
from aistack_console.present.table import Cell, Tone
from aistack_console.present.units import many, span

HEADINGS = ("ID", "STATE", "PASSES", "AGENT", "PROOF", "GOAL")
WORDS: dict[PassState, tuple[str, Tone]] = {
    PassState.WORKING: ("WORKING", "accent"),
    PassState.PROVING: ("PROVING", "accent"),
    PassState.PROVEN: ("PROVEN", "ok"),
    PassState.REFUTED: ("NOT PROVEN", "warn"),
    PassState.BLOCKED: ("BLOCKED", "warn"),
    PassState.INTERRUPTED: ("INTERRUPTED", "dim"),
    PassState.UNKNOWN: ("UNKNOWN", "warn"),
}
"""Pass states as words."""


def row(loop: Loop) -> tuple[str, ...]:
    """Return one loop as the cells of a list."""
    last = WORDS[loop.passes[-1].state][0] if loop.passes else "-"
    passes = f"{len(loop.passes)}/{loop.request.limits.passes}"
    state = loop.task.state.value
    return (str(loop.task.id), state, passes, loop.request.agent.value, last, loop.request.goal)


def pass_words(one: LoopPass) -> list[str]:
    """Return one pass in lines: what it changed, what the agent and the proof said."""
    took = span(one.ended_at - one.began_at) if one.ended_at else "now"
    lines = [f"pass {one.number}  {WORDS[one.state][0]}  {took}  {one.changed or 'no change'}"]
    facts = (
        ("guided", one.guidance),
        ("note", one.note),
        ("model", used(one.use)),
        ("put back", ", ".join(one.restored)),
        ("agent", _ended(one.agent_code, one.agent_output)),
        ("proof", _ended(one.proof_code, one.proof_output)),
    )
    return lines + [f"  {name:<9}" + text.replace("\n", "\n" + " " * 11) for name, text in facts if text]


def used(use: ModelUse) -> str:
    """Return what a pass had of its model; "" when it asked none."""
    if not use.answers:
        return ""
    paid = f", ${use.cost / 1_000_000:.4f}" if use.cost else ""
    return f"{many(use.answers, 'answer')}, {many(use.read, 'token')} read, {use.written:,} written{paid}"


def pager(loop: Loop, shown: int) -> Para:
    """Return the passes as one line, the shown one in brackets, each in the tone of how it stands."""
    cells: list[Cell] = [("passes ", "dim")]
    for one in loop.passes:
        mark = f"[{one.number}]" if one.number == shown else f" {one.number} "
        cells.append((mark, WORDS[one.state][1]))
    return para(*cells, (f"  of {loop.request.limits.passes}   h l other passes", "dim"))


def breaker(gauges: tuple[Gauge, ...]) -> tuple[Para, ...]:
    """Return every limit as it stands; one that is reached is bad, one that is more than half used a warning."""
    return tuple(_gauge(one) for one in gauges)


def _gauge(one: Gauge) -> Para:
    tone: Tone = "bad" if one.used >= one.limit else "warn" if 2 * one.used > one.limit else "plain"
    return para(
        (f"  {one.name:<11}", "dim"), (f"{one.used} of {one.limit}", tone), (f"  {one.evidence}", "dim"), hang=" " * 13
    )


def loop_detail(loop: Loop, number: int, patch: str | None) -> tuple[Para, ...]:
    """Return one pass of a loop: proof and agent, then the limits; or, with ``patch``, what the pass changed."""
    one = next((each for each in loop.passes if each.number == number), None)
    if one is None:
        return (para(("No pass has begun.", "dim")), *breaker(loop.gauges))
    word, tone = WORDS[one.state]
    took = span(one.ended_at - one.began_at) if one.ended_at else "now"
    paras = [pager(loop, number), para(f"pass {number} ", (word, tone), f"  {took}  {one.changed or 'no change'}")]
    if patch is not None:
        return (*paras, title(f"diff of pass {number}"), *(_changed(line) for line in patch.split("\n")))
    paras += [fact(name, value, kind) for name, value, kind in _said(one) if value]
    paras.append(fact("proof", loop.request.proof))
    if one.proof_code is not None:
        paras += [title(f"proof ended with {one.proof_code}"), *text_lines(one.proof_output or "(no output)")]
    ended = "works" if one.agent_code is None else f"ended with {one.agent_code}"
    paras += [title(f"agent {loop.request.agent.value} {ended}"), *text_lines(one.agent_output or "(no output)")]
    return (*paras, title("limits"), *breaker(loop.gauges), fact("folder", loop.folder))


def _said(one: LoopPass) -> tuple[tuple[str, str, Tone], ...]:
    restored = ", ".join(one.restored)
    return (
        ("guided", one.guidance, "accent"),
        ("note", one.note, "warn"),
        ("model", used(one.use), "plain"),
        ("put back", restored and f"{restored} (the agent had changed it)", "warn"),
    )


def _changed(line: str) -> Para:
    tones: dict[str, Tone] = {"+": "ok", "-": "bad", "@": "accent"}
    return para((line, tones.get(line[:1], "plain")))


def _ended(code: int | None, output: str) -> str:
    return output if code is None else f"exit code {code}\n{output}".rstrip()
