"""What the model engine holds, in a few lines: the loaded model, its slots and queue, memory; unknown is ``-``."""

from __future__ import annotations

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
    """Return the engine's state; with ``slots`` each of them on a line of its own."""
    if status is None:
        return (para(("The engine has not said anything yet.", "dim")),)
    state = (status.engine.value.upper(), TONES.get(status.engine, "bad"))
    first = para(
        (status.model or "no model", "accent"),
        "  ",
        state,
        (f" {span(now - status.since)}", "dim"),
        (f"  {status.adapter or 'no engine'}", "dim"),
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
    return tuple(paras)


def _figures(status: ModelStatus) -> Para:
    used, full = status.context_used, status.context_size
    share = used / full if used is not None and full else None
    busy = sum(bool(one.rank) for one in status.slots)
    pairs = (
        ("kv ", f"{bar(share, 6)} {count(used)}/{count(full)}"),
        ("slots ", f"{busy}/{len(status.slots)}" if status.slots else "-"),
        ("queue ", str(status.waiting) if status.slots else "-"),
        ("tok/s ", rate(status.tokens_per_second)),
        ("mem ", size(status.memory)),
        ("gpu ", f"{count(status.layers_on_gpu)}/{count(status.layers)}"),
    )
    return para(*(cell for name, value in pairs for cell in ((name, "dim"), f"{value}  ")))


def _slot(one: Slot) -> Para:
    if not one.rank:
        return para((f"slot {one.number}  free, holds {one.held} tokens", "dim"))
    done = f"prompt {one.prompt_done}/{one.prompt}  {one.tokens} tokens  {rate(one.tokens_per_second)} tok/s"
    return para((f"slot {one.number}  ", "dim"), f"{one.rank}  {done}  holds {one.held}")


def count(value: int | None) -> str:
    """Return a number of tokens or layers, short."""
    return "-" if value is None else f"{value / 1000:.1f}k" if value >= 1000 else str(value)
