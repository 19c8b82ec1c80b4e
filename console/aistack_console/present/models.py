"""Models in words: one row, one card, what the engine holds; what was not measured is ``-``."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.models import ModelCard, Stage, StageState
from aistack_backend.wire.shelf import Measured, ModelShelf
from aistack_console.present.chat import stage_cells
from aistack_console.present.para import Para, fact, para, title
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import day_clock, many, size, span, stamp

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
    if card.loading:
        return "not loaded"
    if card.active:
        return "in use"
    if card.fetching:
        return "fetching"
    if card.have is not None:
        return "broken off"
    if not card.path:
        return "offered"
    if card.cannot_chat:
        return "vectors" if card.kind == "embedding" else "no chat"
    return "here"


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
    first = f", first token after {seconds(card.first_token_after)}"
    speed = f"{rate(card.tokens_per_second)} tok/s{first}" if card.tokens_per_second is not None else ""
    return [
        ("id", card.id),
        ("state", state(card)),
        ("cannot", card.cannot_chat),
        ("speed", speed),
        ("licence", card.licence),
        ("origin", card.origin),
        ("kind", " ".join(filter(None, (card.kind, card.architecture, card.quantisation)))),
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
        f"{one.store}: {many(one.files, 'file')} in {one.path}{f'. {one.detail}' if one.detail else ''}"
        for one in shelf.looks
    ]
    if shelf.at is None:
        said.append("The disk has not been looked through yet.")
    else:
        said.append(f"looked {span(now - shelf.at)} ago")
    if shelf.left_out:
        said.append(f"{shelf.left_out} more models are here and not shown; models show ID shows each.")
    if shelf.hashing:
        said.append(f"The sha256 of {many(shelf.hashing, 'file')} is still being computed.")
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


COLUMNS = (
    Column("MODEL", 0),
    Column("STATE", 10),
    Column("SIZE", 5, "right"),
    Column("QUANT", 7),
    Column("CTX", 5, "right"),
    Column("FITS", 4),
    Column("TOK/S", 6, "right"),
    Column("WHERE", 14, min_screen_width=100),
    Column("LICENCE", 18, min_screen_width=140),
)
_FITS: dict[bool | None, Cell] = {True: ("yes", "ok"), False: ("NO", "bad"), None: ("?", "dim")}
_STATES: dict[str, Tone] = {
    "in use": "ok",
    "not loaded": "warn",
    "fetching": "accent",
    "broken off": "warn",
    "offered": "accent",
    "no chat": "dim",
    "here": "plain",
}


def rows(shelf: ModelShelf | None, stages: Sequence[Stage], text: str) -> tuple[Row, ...]:
    """Return the models whose name, store, licence or kind holds ``text``."""
    return tuple(_row(card, stages) for card in shown(shelf, text))


def shown(shelf: ModelShelf | None, text: str) -> tuple[ModelCard, ...]:
    """Return the models that a filter leaves."""
    wanted = text.lower()
    return tuple(
        card
        for card in (shelf.cards if shelf else ())
        if wanted in f"{card.id} {card.name} {where(card)} {card.licence} {card.architecture}".lower()
    )


def _row(card: ModelCard, stages: Sequence[Stage]) -> Row:
    word, stage = state(card), stage_of(card, stages)
    said = word
    if card.fetching and stage and stage.total:
        said = f"fetch {stage.done * 100 // stage.total}%"
    cells: tuple[Cell, ...] = (
        card.name,
        (said, _STATES.get(word, "plain")),
        size(card.size or None),
        card.quantisation or "-",
        tokens(card.context_train),
        _FITS[card.fits],
        rate(card.tokens_per_second),
        where(card),
        card.licence or "-",
    )
    return Row(card.id, cells)


def head(shelf: ModelShelf | None, text: str, now: float) -> tuple[Cell, ...]:
    """Return the line above the list: how many, where was looked, how long ago."""
    if shelf is None:
        return (("Models  ", "accent"), ("not looked yet", "dim"))
    here = sum(bool(card.path) for card in shelf.cards) + shelf.left_out
    stores = f"{len(shelf.looks)} {'store' if len(shelf.looks) == 1 else 'stores'}"
    age = "not looked yet" if shelf.at is None else f"looked {span(now - shelf.at)} ago"
    cells: list[Cell] = [("Models  ", "accent"), f"{here} here, {len(shelf.cards) + shelf.left_out - here} not  "]
    cells.append((f"{stores}, {age}", "dim"))
    if shelf.hashing:
        cells.append((f"  {shelf.hashing} sha256 to come", "dim"))
    return (*cells, (f"  /{text}", "warn")) if text else tuple(cells)


def card_paras(card: ModelCard, measured: Sequence[Measured], stages: Sequence[Stage], now: float) -> tuple[Para, ...]:
    """Return all that is known of one model, the way of its fetch, and what was measured of it."""
    paras = [title(card.name)]
    if stage := stage_of(card, stages):
        paras.append(para(*stage_cells(stage, now), hang="    "))
    paras += [fact(name, value, "warn" if name == "cannot" else "plain", 11) for name, value in facts(card) if value]
    if card.path:
        paras.append(title("measured"))
    paras += [
        para(
            (f"{day_clock(one.at, now)}  ", "dim"),
            f"{one.kind}  {rate(one.tokens_per_second)} tok/s  first {seconds(one.first_token_after)}  ",
            (f"{one.tokens} tokens after {'-' if one.prompt_tokens is None else one.prompt_tokens}, ", "dim"),
            (f"load {'-' if one.load is None else f'{one.load:.1f}'}, {one.adapter}", "dim"),
        )
        for one in measured[:12]
    ]
    if card.path and not measured and card.tokens_per_second is None:
        paras.append(para(("never; b measures the loaded model", "dim")))
    return tuple(paras)


def store_paras(shelf: ModelShelf | None, now: float) -> tuple[Para, ...]:
    """Return where was looked, and what could not be seen."""
    if shelf is None:
        return ()
    return (title("looked into"), *(para((line, "dim")) for line in looks(shelf, now)))
