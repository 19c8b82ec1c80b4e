"""Stands in for Grafana: health, login, the provisioned data sources and dashboards, and real queries of Prometheus."""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import secrets
import socket
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from face import TEXT, WORD, Answer, Fault, Request, find, home

PORT = int(os.environ.get("GF_SERVER_HTTP_PORT", "3000"))
PROVISIONING = Path(os.environ.get("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning"))
KEYS = ("name", "uid", "type", "url", "isDefault")
SESSIONS: set[str] = set()


def setting(name: str, default: str) -> str:
    """Return ``GF_SECURITY_…``, or what the file that ``…__FILE`` names holds."""
    file = os.environ.get(f"{name}__FILE")
    return Path(file).read_text().strip() if file else os.environ.get(name, default)


def sources() -> list[dict[str, Any]]:
    """Return the provisioned data sources, as far as a reader of lines can tell them from YAML."""
    found: list[dict[str, Any]] = []
    for file in sorted((PROVISIONING / "datasources").glob("*.y*ml")):
        text = file.read_text().partition("\ndatasources:")[2]
        for block in re.split(r"(?m)^\s*- (?=name:|uid:|type:)", text)[1:]:
            pairs = dict(re.findall(r"(?m)^\s*(\w+):[ \t]*['\"]?([^'\"#\n]*?)['\"]?[ \t]*$", block))
            one = {key: pairs[key] for key in KEYS if key in pairs}
            one["url"] = re.sub(r"\$\{?(\w+)\}?", lambda name: os.environ.get(name[1], ""), one.get("url", ""))
            found.append({"id": len(found) + 1, "uid": one.get("name", ""), "access": "proxy", **one})
    return found


def source(uid: str) -> dict[str, Any]:
    """Return the data source of that uid, or 404."""
    for one in sources():
        if one["uid"] == uid:
            return one
    raise Fault(Answer({"message": "Data source not found"}, 404))


def ask(url: str, path: str) -> tuple[int, bytes]:
    """GET a path below a data source's URL."""
    place = urlsplit(url)
    connection = HTTPConnection(place.hostname or "", place.port or 80, timeout=5)
    try:
        connection.request("GET", place.path.rstrip("/") + path)
        said = connection.getresponse()
        return said.status, said.read()
    finally:
        connection.close()


def health(_: Request, uid: str) -> Answer:
    """Really ask the data source: a query for Prometheus, the services for Jaeger, a connection for others."""
    one = source(uid)
    path = {"prometheus": "/api/v1/query?query=1%2B1", "jaeger": "/api/services"}.get(one["type"])
    try:
        if path is None:
            place = urlsplit(one["url"] if "//" in one["url"] else f"//{one['url']}")
            socket.create_connection((place.hostname or "", place.port or 80), 5).close()
            return Answer({"status": "OK", "message": f"It takes connections; this {WORD} asks no more."})
        status, _said = ask(one["url"], path)
    except OSError as error:
        return Answer({"status": "ERROR", "message": f"{one['url']}: {error}"}, 400)
    if status != 200:
        return Answer({"status": "ERROR", "message": f"{one['url']}{path} answered {status}."}, 400)
    return Answer({"status": "OK", "message": f"Successfully queried the {one['type']} API."})


def proxied(request: Request, uid: str, path: str) -> Answer:
    """Pass a GET on to a data source."""
    query = f"?{urlencode(request.query)}" if request.query else ""
    status, body = ask(source(uid)["url"], f"/{path}{query}")
    return Answer(body, status)


def dashboards() -> list[dict[str, Any]]:
    """Return the provisioned dashboards' JSON."""
    providers = (file.read_text() for file in sorted((PROVISIONING / "dashboards").glob("*.y*ml")))
    folders = {path for text in providers for path in re.findall(r"(?m)^\s*path:\s*['\"]?([^'\"\s#]+)", text)}
    return [json.loads(file.read_text()) for folder in sorted(folders) for file in sorted(Path(folder).rglob("*.json"))]


def search(_: Request) -> Answer:
    """List the dashboards."""
    return Answer([{"uid": one.get("uid"), "title": one.get("title"), "type": "dash-db"} for one in dashboards()])


def dashboard(_: Request, uid: str) -> Answer:
    """Return one dashboard, or 404."""
    for one in dashboards():
        if one.get("uid") == uid:
            return Answer({"dashboard": one, "meta": {"provisioned": True}})
    raise Fault(Answer({"message": "Dashboard not found"}, 404))


def known(user: str, password: str) -> bool:
    """Return whether that is the administrator."""
    wanted = setting("GF_SECURITY_ADMIN_PASSWORD", "admin")
    return user == setting("GF_SECURITY_ADMIN_USER", "admin") and hmac.compare_digest(password, wanted)


def login(request: Request) -> Answer:
    """Begin a session."""
    body = request.json()
    if not known(body.get("user", ""), body.get("password", "")):
        raise Fault(Answer({"message": "Invalid username or password"}, 401))
    SESSIONS.add(token := secrets.token_hex(16))
    cookie = f"grafana_session={token}; Path=/; HttpOnly; SameSite=Lax"
    return Answer({"message": "Logged in"}, headers={"Set-Cookie": cookie})


def signed_in(request: Request) -> bool:
    """Return whether the request carries a session or the administrator's password."""
    word, _, basic = request.headers.get("authorization", "").partition(" ")
    if word.lower() == "basic":
        user, _, password = base64.b64decode(basic).decode().partition(":")
        return known(user, password)
    cookie = re.search(r"grafana_session=(\w+)", request.headers.get("cookie", ""))
    return bool(cookie and cookie[1] in SESSIONS)


def answer(request: Request) -> Answer:
    """Answer one request."""
    if request.path.startswith("/api/") and request.path != "/api/health" and not signed_in(request):
        return Answer({"message": "Unauthorized"}, 401)
    return find(ROUTES, request)


ROUTES = (
    ("GET", "/api/health", lambda _: Answer({"database": "ok", "version": "stand-in", "commit": WORD})),
    ("GET", "/(?:login)?", lambda _: home("Grafana")),
    ("POST", "/login", login),
    ("GET", "/metrics", lambda _: Answer(f"grafana_stat_total_dashboards {len(dashboards())}\n", kind=TEXT)),
    ("GET", "/api/datasources", lambda _: Answer(sources())),
    ("GET", "/api/datasources/uid/([^/]+)", lambda _, uid: Answer(source(uid))),
    ("GET", "/api/datasources/uid/([^/]+)/health", health),
    ("GET", "/api/datasources/proxy/uid/([^/]+)/(.+)", proxied),
    ("GET", "/api/search", search),
    ("GET", "/api/dashboards/uid/([^/]+)", dashboard),
)
FACES = {PORT: answer}
