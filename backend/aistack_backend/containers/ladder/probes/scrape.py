"""``scrape``: Prometheus reaches its active targets, and the newest scrape of each is fresh."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPException
from typing import Any

from aistack_backend.containers.ladder.probes import http, web
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import Key

KEYS: Mapping[str, Key] = {"port": Key((int,), required=True), "fresh": Key((int, float)), "job": Key((str,))}
"""``fresh``: seconds that a scrape may be old; ``job``: only the targets of this job must be up, default its own."""
FRESH = 60.0
OWN = "prometheus"


def run(options: Options, reach: Reach) -> Finding:
    """Ask for the active targets; the job's must be up and fresh, and what others are down is told beside it."""
    try:
        answer = web.ask(reach.address(options["port"]), "/api/v1/targets?state=active", reach.seconds)
        targets = _targets(answer.json()) if answer.status == 200 else None
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        return Finding(ok=False, evidence=f"Prometheus {web.said(error)}.", next_step="Read its log.")
    if targets is None:
        return Finding(ok=False, evidence=f"It answers {answer.status}.", next_step=http.hint(answer.status))
    job, limit = str(options.get("job", OWN)), float(options.get("fresh", FRESH))
    wanted = [one for one in targets if one["labels"].get("job") == job]
    if not wanted:
        return Finding(ok=False, evidence=f"It has no target of the job {job}.", next_step="Look at its configuration.")
    for one in wanted:
        if fault := _fault(one, limit):
            return Finding(ok=False, evidence=fault, next_step="Look at that target, then at its configuration.")
    down = sum(one.get("health") != "up" for one in targets)
    tail = f"; {down} of {len(targets)} targets are down" if down else ""
    return Finding(ok=True, evidence=f"Its newest scrape of {job} is fresh{tail}.")


def _targets(said: Any) -> list[Mapping[str, Any]]:
    found = said["data"]["activeTargets"]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError("its answer lists no targets")
    return [{**one, "labels": labels if isinstance(labels := one.get("labels"), dict) else {}} for one in found]


def _fault(target: Mapping[str, Any], limit: float) -> str:
    name = str(target.get("scrapeUrl") or target["labels"].get("instance"))
    if target.get("health") != "up":
        return f"{name} is {target.get('health')}: {target.get('lastError') or 'no reason given'}"
    at = _when(str(target.get("lastScrape") or ""))
    if at <= 0:
        return f"{name} has not been scraped yet."
    age = time.time() - at
    return f"The newest scrape of {name} is {age:.0f} s old; {limit:.0f} would be right." if age > limit else ""


def _when(stamp: str) -> float:
    """Read RFC 3339 with nanoseconds, which Python does not."""
    head, dot, tail = stamp.partition(".")
    digits = "".join(c for c in tail if c.isdigit())[:6] if dot else ""
    zone = tail[next((i for i, c in enumerate(tail) if c in "Z+-"), len(tail)) :] if dot else ""
    try:
        return datetime.fromisoformat(f"{head}.{digits}{zone}" if dot else head).timestamp()
    except ValueError:
        return 0.0
