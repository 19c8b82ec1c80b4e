"""``proxy``: one hop through a proxy reaches what stands behind it; 502 and 504 are the proxy's own complaint."""

from __future__ import annotations

from collections.abc import Mapping

from aistack_backend.containers.ladder.probes import http
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import TEXT, Key

KEYS: Mapping[str, Key] = {**http.KEYS, "through": TEXT}
"""``through``: the service behind; while that is not well, a hop that fails is its symptom, not the proxy's fault."""


def run(options: Options, reach: Reach) -> Finding:
    """Ask as ``http`` does; any answer of the upstream's own counts, also its refusal or its 503."""
    wish: dict[str, object] = {"status": [200, 204, 301, 302, 307, 401, 403, 404, 503], **options}
    wish.pop("through", None)
    found = http.run(wish, reach)
    path = options.get("path", "/")
    return Finding(ok=True, evidence=f"A hop to {path} arrived.") if found.ok else found
