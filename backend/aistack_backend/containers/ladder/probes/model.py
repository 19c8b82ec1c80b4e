"""``model``: a model server in OpenAI's form names its model, and the model makes one token.

Without a model there is nothing to check, and that is what is said. Nor is a model that answers somebody else a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from aistack_backend.audit.redact import shortened
from aistack_backend.containers.ladder.probes import http, web
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import PORT, Key

KEYS: Mapping[str, Key] = {"port": PORT}
MODELS, CHAT = "/v1/models", "/v1/chat/completions"
BUSY = "busy"
LISTS = 2.0
"""Seconds for the list of models, which costs the model nothing."""


class Wrong(Exception):
    """The server's answer is not what it should be; the text says how."""


def run(options: Options, reach: Reach) -> Finding:
    """Ask which model is loaded, then for one token of it."""
    where = reach.address(options["port"])
    try:
        if (loaded := _loaded(where)) is None:
            return Finding(ok=True, none=True, evidence="No model is loaded: nothing to ask.")
        name, state = loaded
        if state == BUSY:
            return Finding(ok=True, none=True, evidence=f"{name} is answering somebody else: it was not asked.")
        try:
            return _one_token(where, name, reach.seconds)
        except TimeoutError:
            if (_loaded(where) or ("", ""))[1] != BUSY:
                raise
            said = f"{name} made no token within {reach.seconds:g} s, and is still at work."
            return Finding(ok=True, none=True, evidence=said)
    except Wrong as wrong:
        return Finding(ok=False, evidence=str(wrong), next_step="Read its log.")
    except (OSError, HTTPException) as error:
        return Finding(ok=False, evidence=f"Port {options['port']} {web.said(error)}.", next_step="Read its log.")


def _loaded(where: tuple[str, int]) -> tuple[str, str] | None:
    """Return id and state of the model that answers, the state empty where the server tells none; None = no model."""
    answer = web.ask(where, MODELS, LISTS)
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise Wrong(f"{MODELS} answers {answer.status}: {_short(answer)}")
    rows = _at(answer, "data")
    if not isinstance(rows, list):
        raise Wrong(f"{MODELS} answers without a list of models.")
    named = [one for one in rows if isinstance(one, Mapping) and one.get("id")]
    telling = [one for one in named if one.get("state")]
    best = next(iter(telling or named), None)
    return None if best is None else (str(best["id"]), str(best.get("state") or ""))


def _one_token(where: tuple[str, int], name: str, seconds: float) -> Finding:
    body = {"model": name, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1, "temperature": 0}
    answer = web.ask(where, CHAT, seconds, method="POST", body=body)
    if answer.status != 200:
        evidence = f"{CHAT} answers {answer.status}: {_short(answer)}"
        return Finding(ok=False, evidence=evidence, next_step=http.hint(answer.status))
    made = _at(answer, "usage.completion_tokens")
    if not isinstance(made, int) or made < 1 or _at(answer, "choices.0.message.content") is None:
        raise Wrong(f"{name} was asked for a token and made none.")
    return Finding(ok=True, evidence=f"{name} made a token.")


def _at(answer: web.Answer, path: str) -> Any:
    try:
        return http.value_at(answer.json(), path)
    except ValueError:
        raise Wrong("Its answer is no JSON.") from None


def _short(answer: web.Answer) -> str:
    return shortened(" ".join(answer.text().split()), 120) or "nothing"
