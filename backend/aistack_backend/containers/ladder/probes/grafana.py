"""``grafana``: log in with the secret, and have Grafana ask its provisioned data source for us."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from http.client import HTTPException
from urllib.parse import quote

from aistack_backend.audit.redact import shortened
from aistack_backend.containers.ladder.probes import http, web
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import TEXT, Key

KEYS: Mapping[str, Key] = {
    "port": Key((int,)),
    "user": TEXT,
    "secret": Key((str,), required=True),
    "source": Key((str,), required=True),
}
"""``source``: the data source's uid; ``user``: who logs in with the secret, default ``admin``."""
PORT = 3000


def run(options: Options, reach: Reach) -> Finding:
    """Ask for the health of the data source: Grafana really queries it then, and says what it got."""
    port, uid = int(options.get("port", PORT)), str(options["source"])
    pair = f"{options.get('user', 'admin')}:{reach.secret(options['secret'])}"
    headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    path = f"/api/datasources/uid/{quote(uid, safe='')}/health"
    try:
        answer = web.ask(reach.address(port), path, reach.seconds, headers=headers)
    except (OSError, HTTPException) as error:
        return Finding(ok=False, evidence=f"Port {port} {web.said(error)}.", next_step="Read its log.")
    if answer.status == 404:
        evidence = f"It has no data source {uid}."
        return Finding(ok=False, evidence=evidence, next_step="Look at its provisioning.")
    status, said = _told(answer)
    if answer.status == 200 and status == "OK":
        return Finding(ok=True, evidence=f"Its data source {uid} answers it.")
    if status == "ERROR":
        evidence = f"Its data source {uid} does not answer it: {said or 'no reason given'}"
        return Finding(ok=False, evidence=evidence, next_step=f"Look at {uid}, then at its provisioning.")
    evidence = f"{path} answers {answer.status}. It says: {said or 'nothing that can be read.'}"
    return Finding(ok=False, evidence=evidence, next_step=http.hint(answer.status))


def _told(answer: web.Answer) -> tuple[str, str]:
    """Return status and message of Grafana's answer; empty where it has none."""
    try:
        said = answer.json()
    except ValueError:
        return "", ""
    if not isinstance(said, Mapping):
        return "", ""
    return str(said.get("status") or ""), shortened(" ".join(str(said.get("message") or "").split()), 160)
