"""Models in words: one row, one card, what the engine holds; what was not measured is ``-``."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.models import ModelCard, Stage, StageState
from aistack_backend.wire.shelf import Measured, ModelShelf
from aistack_console.present.units import size, span, stamp

LIST_TITLES = ("ID", "STATE", "SIZE", "QUANT", "CONTEXT", "FITS", "TOK/S", "WHERE", "LICENCE")
MEASURED_TITLES = ("WHEN", "KIND", "TOK/S", "FIRST", "PROMPT", "TOKENS", "LOAD", "ENGINE")


def list_row(card: ModelCard) -> tuple[str, ...]:
    """Return one model as a line of the command line."""
    return (
        card.id,
        state(card),
        size(card.size),
        card.quantisation or "-",
        tokens(card.context_train),
        fits(card),
        rate(card.tokens_per_second),
        where(card),
        card.licence or "-",
    )


def state(card: ModelCard) -> str:
    """Return in a word or two what can be done with it now."""
    if card.active:
        return "in use"
    if card.fetching:
        return "fetching"
    if card.have is not None:
        return "broken off"
    if not card.path:
        return "offered"
    return "no chat" if card.cannot_chat else "here"


def where(card: ModelCard) -> str:
    """Return the stores that have it."""
    return ", ".join(dict.fromkeys(one.store for one in card.places)) or "-"


def fits(card: ModelCard) -> str:
    """Return whether it fits memory, and the GPU where one was measured."""
    memory = {True: "yes", False: "NO", None: "?"}[card.fits]
    return memory if card.fits_gpu is None else f"{memory}, gpu {'yes' if card.fits_gpu else 'NO'}"


def rate(value: float | None) -> str:
    """Return tokens a second."""
    return "-" if value is None else f"{value:.1f}"


def seconds(value: float | None) -> str:
    """Return a short time."""
    return "-" if value is None else f"{value:.2f}s"


def tokens(count: int | None) -> str:
    """Return a number of tokens: ``8k``, ``128k``, ``512``."""
    if count is None:
        return "-"
    return f"{count // 1024}k" if count >= 1024 else str(count)


def facts(card: ModelCard) -> list[tuple[str, str]]:
    """Return everything that is known of a model, by name; what is not known has an empty value."""
    needs = f"{size(card.needs)} of memory; fits: {fits(card)}" if card.needs is not None else ""
    return [
        ("id", card.id),
        ("state", state(card)),
        ("cannot", card.cannot_chat),
        ("licence", card.licence),
        ("origin", card.origin),
        ("kind", " ".join(filter(None, (card.architecture, card.quantisation)))),
        ("trained", f"{card.context_train:,} tokens of context" if card.context_train else ""),
        ("template", {True: "yes", False: "none", None: ""}[card.template]),
        ("size", f"{size(card.size)} ({card.size:,} bytes{f', {card.parts} parts' if card.parts > 1 else ''})"),
        ("fetched", f"{size(card.have)} so far" if card.have is not None else ""),
        ("needs", needs),
        ("sha256", card.sha256),
        *((one.store, f"{one.path}{f'   as {one.name}' if one.name else ''}") for one in card.places),
        ("note", card.note if card.note != card.cannot_chat else ""),
    ]


def measured_row(one: Measured) -> tuple[str, ...]:
    """Return one measurement."""
    return (
        stamp(one.at),
        one.kind,
        rate(one.tokens_per_second),
        seconds(one.first_token_after),
        "-" if one.prompt_tokens is None else str(one.prompt_tokens),
        str(one.tokens),
        "-" if one.load is None else f"{one.load:.1f}",
        one.adapter,
    )


def looks(shelf: ModelShelf, now: float) -> list[str]:
    """Return where was looked, how much was seen there, and what was not seen."""
    said = [
        f"{one.store}: {one.files} files in {one.path}{f'. {one.detail}' if one.detail else ''}" for one in shelf.looks
    ]
    if shelf.at is None:
        said.append("The disk has not been looked through yet.")
    else:
        said.append(f"looked {span(now - shelf.at)} ago")
    if shelf.left_out:
        said.append(f"{shelf.left_out} more models are here and not shown; models show ID shows each.")
    if shelf.hashing:
        said.append(f"The sha256 of {shelf.hashing} files is still being computed.")
    return said


def found(shelf: ModelShelf, word: str) -> tuple[ModelCard, ...]:
    """Return the models that a typed word can mean: that id, else every id or name that begins with it."""
    exact = tuple(card for card in shelf.cards if card.id == word)
    begins = tuple(card for card in shelf.cards if word and (card.id.startswith(word) or card.name == word))
    return exact or begins


def stage_of(card: ModelCard, stages: Sequence[Stage]) -> Stage | None:
    """Return how far the fetch of a model is; the newest stage of its name."""
    names = {f"model {card.name}", f"model {card.name}.gguf"}
    stem = f"model {card.name.removesuffix('.gguf')}-0"
    mine = [one for one in stages if one.name in names or (card.parts > 1 and one.name.startswith(stem))]
    running = [one for one in mine if one.state is StageState.RUNNING]
    found = running or mine
    return found[-1] if found else None


def progress(stage: Stage) -> str:
    """Return how far a fetch is, in tenths."""
    if not stage.total:
        return f"{stage.name}: {stage.detail or stage.state.value}"
    tenth = stage.done * 10 // stage.total
    return f"{stage.name}: {tenth * 10} % of {size(stage.total)}{f', {stage.detail}' if stage.detail else ''}"
