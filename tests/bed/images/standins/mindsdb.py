"""Stands in for MindsDB in a boot: its status, and SQL only as far as ``SELECT 41 + 1``."""

from __future__ import annotations

import re

from face import WORD, Answer, Request, find, home


def status(_: Request) -> Answer:
    """Answer a health check, and say what this is."""
    return Answer({"environment": WORD, "mindsdb_version": "stand-in", "auth": {"http_auth_enabled": False}})


def sql(request: Request) -> Answer:
    """Answer a sum of numbers; of everything else say that it is not known."""
    query = re.fullmatch(r"\s*select\s+([\d\s+]+?)(?:\s+as\s+(\w+))?\s*;?\s*", request.json().get("query", ""), re.I)
    if query is None:
        return Answer({"type": "error", "error_code": 0, "error_message": f"This {WORD} knows SELECT 41 + 1 only."})
    value = sum(int(number) for number in query[1].split("+"))
    return Answer({"type": "table", "column_names": [query[2] or query[1]], "data": [[value]], "context": {}})


ROUTES = (
    ("GET", "/", lambda _: home("MindsDB")),
    ("GET", "/api/status", status),
    ("GET", "/api/util/ping", lambda _: Answer({"status": "ok", "about": WORD})),
    ("POST", "/api/sql/query", sql),
)
FACES = {47334: lambda request: find(ROUTES, request)}
