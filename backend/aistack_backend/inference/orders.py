"""Requests as the worker gets them, and its reports as an answer's pieces."""

from __future__ import annotations

import os

import psutil

from aistack_backend.inference.models import Piece, Request
from aistack_backend.inference.protocol import Do, Is, Order, Report
from aistack_backend.wire.chat import Finish


def order_of(number: int, request: Request, compiled: str) -> Order:
    """Return the worker's order for a request."""
    return Order(
        do=Do.SAY,
        id=number,
        turns=tuple((turn.role.value, turn.text) for turn in request.turns),
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        grammar=compiled,
        rank=int(request.rank),
        prompt=request.prompt,
    )


def compute_threads() -> int:
    """Return one thread for each physical core that this process may use."""
    allowed = len(os.sched_getaffinity(0))
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def piece_of(report: Report) -> Piece:
    """Return what a report brought of an answer."""
    return Piece(
        text=report.text,
        finish=Finish(report.finish) if report.what is Is.END else None,
        tokens=report.tokens,
        tokens_per_second=report.tokens_per_second,
        prompt_tokens=report.prompt_tokens,
        reused_tokens=report.reused_tokens,
        dropped_turns=report.dropped_turns,
        context_used=report.context_used,
        context_size=report.context_size,
    )
