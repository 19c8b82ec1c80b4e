"""Stands in for Open-WebUI in a boot: its health, version and first page."""

from __future__ import annotations

import os

from face import WORD, Answer, find, home

ROUTES = (
    ("GET", "/", lambda _: home("Open-WebUI")),
    ("GET", "/health", lambda _: Answer({"status": True, "about": WORD})),
    ("GET", "/health/db", lambda _: Answer({"status": True, "about": WORD})),
    ("GET", "/api/version", lambda _: Answer({"version": "stand-in"})),
    ("GET", "/api/config", lambda _: Answer({"status": True, "name": f"Open WebUI ({WORD})", "version": "stand-in"})),
)
FACES = {int(os.environ.get("PORT", "8080")): lambda request: find(ROUTES, request)}
