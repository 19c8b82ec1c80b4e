"""``http``: a route answers with the wanted status, and with the wanted text or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from aistack_backend.audit.redact import shortened
from aistack_backend.containers.ladder.probes import web
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import FLAG, MAPPING, PORT, TEXT, Key

KEYS: Mapping[str, Key] = {
    "port": PORT,
    "path": TEXT,
    "method": Key((str,), choices=("GET", "POST", "PUT", "HEAD")),
    "status": Key((int, list)),
    "tls": FLAG,
    "host": TEXT,
    "headers": MAPPING,
    "secret_headers": MAPPING,
    "body": Key((dict, list, str)),
    "contains": TEXT,
    "json": MAPPING,
}
"""``secret_headers``: header to ``[prefix ]{secret}``, where ``secret`` names one of the service's secrets;
``json``: dotted path in the answer to the value that it must have."""


def run(options: Options, reach: Reach) -> Finding:
    """Ask, and compare."""
    path = str(options.get("path", "/"))
    wanted = options.get("status", 200)
    statuses = tuple(wanted) if isinstance(wanted, list) else (wanted,)
    body = options.get("body")
    try:
        answer = web.ask(
            reach.address(options["port"]),
            path,
            reach.seconds,
            method=str(options.get("method", "GET")),
            body=body.encode() if isinstance(body, str) else body,
            headers={**options.get("headers", {}), **headers(options.get("secret_headers", {}), reach)},
            tls=bool(options.get("tls")),
            host=str(options.get("host", "")),
        )
    except (OSError, HTTPException) as error:
        return Finding(ok=False, evidence=f"Port {options['port']} {web.said(error)}.", next_step="Read its log.")
    if answer.status not in statuses:
        right = " or ".join(str(status) for status in statuses)
        said = shortened(" ".join(answer.text().split()), 120)
        evidence = f"{path} answers {answer.status}; {right} would be right. It says: {said or 'nothing'}"
        return Finding(ok=False, evidence=evidence, next_step=hint(answer.status))
    if fault := _content(answer, options):
        return Finding(ok=False, evidence=f"{path} answers {answer.status}, but {fault}", next_step="Read its log.")
    return Finding(ok=True, evidence=f"{path} answers {answer.status}.")


def headers(wish: Mapping[str, str], reach: Reach) -> dict[str, str]:
    """Return headers with the values of secrets in their place: ``{"api-key": "{qdrant-key}"}``."""
    found = {}
    for name, template in wish.items():
        prefix, _, rest = str(template).partition("{")
        found[name] = prefix + reach.secret(rest.rstrip("}"))
    return found


def hint(status: int) -> str:
    """Return the next step for a status that was not wanted."""
    if status in (401, 403):
        return "Its password or key differs from the one in its secret."
    if status == 404:
        return "It runs, but does not know this path: compare its version with the manifest."
    if status in (502, 503, 504):
        return "What stands behind it does not answer: look at its dependencies."
    return "Read its log."


def value_at(document: Any, path: str) -> Any:
    """Return what lies at a dotted path (numbers index lists); None when there is nothing."""
    for part in path.split("."):
        if isinstance(document, Mapping):
            document = document.get(part)
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def _content(answer: web.Answer, options: Options) -> str:
    text = options.get("contains")
    if text is not None and str(text) not in answer.text():
        return f"its body does not contain {text!r}."
    for path, wanted in options.get("json", {}).items():
        try:
            found = value_at(answer.json(), path)
        except ValueError:
            return "its body is no JSON."
        if found != wanted:
            return f"{path} is {found!r}; {wanted!r} would be right."
    return ""
