"""What the model engine holds, in a few lines: the loaded model, its slots and queue, memory; unknown is ``-``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from aistack_backend.wire.models import EngineState, ModelStatus, Slot
from aistack_console.present.models import rate
from aistack_console.present.para import Para, para
from aistack_console.present.table import Tone
from aistack_console.present.units import bar, percent, size, span

TONES: dict[EngineState, Tone] = {
    EngineState.READY: "ok",
    EngineState.BUSY: "ok",
    EngineState.LOADING: "accent",
    EngineState.PREPARING: "accent",
    EngineState.NO_MODEL: "warn",
    EngineState.ABSENT: "warn",
    EngineState.UNKNOWN: "warn",
}


def engine_paras(status: ModelStatus | None, now: float, *, slots: bool) -> tuple[Para, ...]:
    """Return the engine's state; with ``slots`` each of them on a line of its own, else whom it serves on one."""
    if status is None:
        return (para(("The engine has not said anything yet.", "dim")),)
    state = (status.engine.value.upper(), TONES.get(status.engine, "bad"))
    first = para(
        (status.model or "no model", "accent"),
        "  ",
        state,
        (f" {span(now - status.since)}", "dim"),
        (f"  {status.adapter or 'no engine'}  mem ", "dim"),
        size(status.memory),
    )
    paras = [first]
    if status.load_share is not None:
        paras.append(para(f"loading {bar(status.load_share)} {percent(100 * status.load_share)} %"))
    paras.append(_figures(status))
    paras += [para((text, "warn")) for text in (status.detail, status.hint, status.gpu_hint) if text]
    if status.embedding_model:
        paras.append(
            para(("embeddings ", "dim"), f"{status.embedding_model} {count(status.embedding_dimensions)} wide")
        )
    if slots:
        paras += [_slot(one) for one in status.slots]
    elif served := _served(status.slots):
        paras.append(para(("serving ", "dim"), served))
    return tuple(paras)


def _served(slots: Sequence[Slot]) -> str:
    """Return whom the busy slots serve, and how much of their prompts is still to be read."""
    busy = [one for one in slots if one.rank]
    ranks = Counter(one.rank for one in busy)
    said = ", ".join(f"{many} {rank}{'s' if many > 1 else ''}" for rank, many in sorted(ranks.items(), reverse=True))
    done, of = sum(one.prompt_done for one in busy), sum(one.prompt for one in busy)
    return f"{said}; {count(of - done)} of {count(of)} tokens of prompts to read" if done < of else said


def _figures(status: ModelStatus) -> Para:
    used, full = status.context_used, status.context_size
    share = used / full if used is not None and full else None
    busy = sum(bool(one.rank) for one in status.slots)
    pairs = (
        ("kv ", f"{bar(share, 6)} {count(used)}/{count(full)}"),
        ("slots ", f"{busy}/{len(status.slots)}" if status.slots else "-"),
        ("queue ", str(status.waiting) if status.slots else "-"),
        ("tok/s ", _speed(status)),
        ("gpu layers ", f"{count(status.layers_on_gpu)}/{count(status.layers)}"),
    )
    return para(*(cell for name, value in pairs for cell in ((name, "dim"), f"{value}  ")))


def _speed(status: ModelStatus) -> str:
    """Return what all slots write together now, else the rate of the last answer."""
    rates = [one.tokens_per_second for one in status.slots if one.rank and one.tokens_per_second is not None]
    if rates:
        return f"{rate(sum(rates))} now"
    if status.tokens_per_second is None or not status.model:  # else it is the rate of a model that is gone
        return "-"
    return f"{rate(status.tokens_per_second)} last"


def _slot(one: Slot) -> Para:
    if not one.rank:
        return para((f"slot {one.number}  free, holds {one.held} tokens", "dim"))
    done = f"read {one.prompt_done}/{one.prompt}, wrote {one.tokens}  {rate(one.tokens_per_second)} tok/s"
    return para((f"slot {one.number}  ", "dim"), f"{one.rank}  {done}  holds {one.held} tokens")


def count(value: int | None) -> str:
    """Return a number of tokens or layers, short."""
    return "-" if value is None else f"{value / 1000:.1f}k" if value >= 1000 else str(value)
