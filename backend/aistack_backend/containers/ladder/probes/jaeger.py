"""``jaeger``: send one span by OTLP over HTTP, and find it by the query API.

The span goes in from inside the container, by the image's ``wget``: the intake is published nowhere. Jaeger deletes no
trace, so that each probe leaves one of one span, as the service ``aistack-probe``.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from aistack_backend.audit.redact import shortened
from aistack_backend.containers.ladder.probes import http, web
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import Key

KEYS: Mapping[str, Key] = {"port": Key((int,)), "intake_port": Key((int,))}
PORT, INTAKE = 16686, 4318
AGAIN = 0.1
"""Seconds between two questions for the span: Jaeger takes spans in by batches, each 0.2 s."""
SERVICE, SPAN = "aistack-probe", "probe"
LOST = "It took a span and did not give it back within {seconds:g} s."


def run(options: Options, reach: Reach) -> Finding:
    """Send, and ask until it is there or the time is over."""
    until = time.monotonic() + reach.seconds
    port, trace = int(options.get("port", PORT)), secrets.token_hex(16)
    if refused := _send(int(options.get("intake_port", INTAKE)), trace, reach):
        return refused
    where = reach.address(port)
    while (left := until - time.monotonic()) > 0:
        try:
            answer = web.ask(where, f"/api/traces/{trace}", left)
            found = answer.status == 200 and trace in _ids(answer.json())
        except (OSError, HTTPException, ValueError) as error:
            return Finding(ok=False, evidence=f"Port {port} {web.said(error)}.", next_step="Read its log.")
        if found:
            return Finding(ok=True, evidence="It took a span and gave it back.")
        if answer.status not in (200, 404):
            evidence = f"/api/traces answers {answer.status}: {shortened(' '.join(answer.text().split()), 120)}"
            return Finding(ok=False, evidence=evidence, next_step=http.hint(answer.status))
        time.sleep(min(AGAIN, max(0.0, until - time.monotonic())))
    return Finding(ok=False, evidence=LOST.format(seconds=reach.seconds), next_step="Look at its storage and its log.")


def span(trace: str, at: float) -> dict[str, Any]:
    """Return an OTLP request in JSON with one span of a millisecond that ends at ``at`` (epoch seconds)."""
    end = int(at * 1e9)
    one = {
        "traceId": trace,
        "spanId": trace[:16],
        "name": SPAN,
        "kind": 1,
        "startTimeUnixNano": str(end - 1_000_000),
        "endTimeUnixNano": str(end),
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": SERVICE}, "spans": [one]}]}]}


def _send(port: int, trace: str, reach: Reach) -> Finding | None:
    body = json.dumps(span(trace, time.time()))
    url = f"http://127.0.0.1:{port}/v1/traces"
    command = ("wget", "-q", "-O", "-", "--header=Content-Type: application/json", f"--post-data={body}", url)
    result = reach.exec(command, reach.seconds)
    if result.exit_code == 0:
        return None
    if result.exit_code == 127:
        return Finding(ok=False, evidence="There is no command wget in it.", next_step="Look at its image.")
    said = shortened(" ".join((result.err + result.out).decode("utf-8", "replace").split()), 160)
    evidence = f"It takes no span on port {port}: {said or 'wget says nothing'}"
    return Finding(ok=False, evidence=evidence, next_step="Look at the receivers in its configuration.")


def _ids(said: Any) -> set[str]:
    """Return the traces in Jaeger's answer that have a span; it shortens ids by their leading zeros."""
    data = said.get("data") if isinstance(said, Mapping) else None
    rows = data if isinstance(data, list) else ()
    return {str(one.get("traceID")).zfill(32) for one in rows if isinstance(one, Mapping) and one.get("spans")}
