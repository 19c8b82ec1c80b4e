"""Stands in for Qdrant: collections, points, exact search and snapshots by its documented HTTP API.

Kept on the volume: one JSON file a collection, replaced as a whole. No HNSW, no gRPC, filters of ``must`` only.
"""

from __future__ import annotations

import hmac
import math
import os
import threading
from collections.abc import Callable
from typing import Any

from face import TEXT, WORD, Answer, Request, find, home
from qdrant_snapshots import ROUTES as SNAPSHOT_ROUTES
from qdrant_store import STORAGE, done, fault, load, ok, path_of, save

KEY = os.environ.get("QDRANT__SERVICE__API_KEY", "")
PORT = int(os.environ.get("QDRANT__SERVICE__HTTP_PORT", "6333"))
LOCK = threading.RLock()
OPEN = ("/", "/healthz", "/livez", "/readyz")
DISTANCES: dict[str, Callable[[list[float], list[float]], float]] = {
    "Dot": lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)),
    "Euclid": math.dist,
    "Manhattan": lambda a, b: sum(abs(x - y) for x, y in zip(a, b, strict=True)),
    "Cosine": lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b) or 1.0),
}


def names(_: Request) -> Answer:
    """List the collections."""
    return ok({"collections": [{"name": path.stem} for path in sorted((STORAGE / "collections").glob("*.json"))]})


def create(request: Request, name: str) -> Answer:
    """Make a collection of one unnamed vector."""
    vectors = request.json().get("vectors") or {}
    if vectors.get("distance") not in DISTANCES or not vectors.get("size"):
        raise fault(400, "Wrong input: vectors needs size and distance (the stand-in knows one unnamed vector).")
    if path_of(name).exists():
        raise fault(409, f"Wrong input: Collection `{name}` already exists!")
    save(name, {"config": {"params": {"vectors": vectors}}, "points": {}})
    return ok(True)


def about(_: Request, name: str) -> Answer:
    """Describe a collection."""
    found = load(name)
    count = len(found["points"])
    return ok({"status": "green", "optimizer_status": "ok", "points_count": count, "config": found["config"]})


def exists(_: Request, name: str) -> Answer:
    """Tell whether a collection exists."""
    return ok({"exists": path_of(name).exists()})


def drop(_: Request, name: str) -> Answer:
    """Delete a collection."""
    there = path_of(name).exists()
    path_of(name).unlink(missing_ok=True)
    return ok(there)


def upsert(request: Request, name: str) -> Answer:
    """Write points, given one by one or as a batch."""
    body, found = request.json(), load(name)
    batch = body.get("batch") or {}
    points = body.get("points") or [
        {"id": id_, "vector": vector, "payload": (batch.get("payloads") or [None] * len(batch["ids"]))[at]}
        for at, (id_, vector) in enumerate(zip(batch.get("ids", ()), batch.get("vectors", ()), strict=True))
    ]
    size = found["config"]["params"]["vectors"]["size"]
    for point in points:
        if len(point["vector"]) != size:
            raise fault(400, f"Wrong input: Vector dimension error: expected dim: {size}, got {len(point['vector'])}")
        found["points"][str(point["id"])] = {**point, "payload": point.get("payload") or {}}
    save(name, found)
    return done()


def matches(point: dict[str, Any], wanted: dict[str, Any] | None) -> bool:
    """Return whether a point passes a filter of ``must`` with ``match.value`` or ``has_id``."""
    for rule in (wanted or {}).get("must", []):
        if "has_id" in rule:
            if point["id"] not in rule["has_id"]:
                return False
        elif point["payload"].get(rule["key"]) != rule["match"]["value"]:
            return False
    if set(wanted or {}) - {"must"}:
        raise fault(400, f"This {WORD} filters by must only.")
    return True


def remove(request: Request, name: str) -> Answer:
    """Delete points by id or by filter."""
    body, found = request.json(), load(name)
    ids = {str(id_) for id_ in body.get("points", ())}
    gone = [
        key
        for key, point in found["points"].items()
        if key in ids or ("filter" in body and matches(point, body["filter"]))
    ]
    for key in gone:
        del found["points"][key]
    save(name, found)
    return done()


def shown(point: dict[str, Any], body: dict[str, Any], score: float | None = None) -> dict[str, Any]:
    """Return a point as an answer shows it."""
    out = {"id": point["id"], "version": 0} | ({} if score is None else {"score": score})
    if body.get("with_payload", score is None):
        out["payload"] = point["payload"]
    return out | ({"vector": point["vector"]} if body.get("with_vector") else {})


def ranked(body: dict[str, Any], name: str, vector: list[float]) -> list[dict[str, Any]]:
    """Return the nearest points, nearest first, by comparing with every one."""
    found = load(name)
    distance = found["config"]["params"]["vectors"]["distance"]
    scored = [
        (DISTANCES[distance](vector, point["vector"]), point)
        for point in found["points"].values()
        if matches(point, body.get("filter"))
    ]
    scored.sort(key=lambda pair: pair[0], reverse=distance in ("Dot", "Cosine"))
    return [shown(point, body, score) for score, point in scored[: body.get("limit", 10)]]


def search(request: Request, name: str) -> Answer:
    """Search as older clients do."""
    body = request.json()
    return ok(ranked(body, name, body["vector"]))


def query(request: Request, name: str) -> Answer:
    """Search as newer clients do."""
    body = request.json()
    return ok({"points": ranked(body, name, body["query"])})


def scroll(request: Request, name: str) -> Answer:
    """List points that pass a filter."""
    body = request.json()
    found = [point for point in load(name)["points"].values() if matches(point, body.get("filter"))]
    return ok({"points": [shown(point, body) for point in found[: body.get("limit", 10)]], "next_page_offset": None})


def count(request: Request, name: str) -> Answer:
    """Count points that pass a filter."""
    wanted = request.json().get("filter")
    return ok({"count": sum(matches(point, wanted) for point in load(name)["points"].values())})


def retrieve(request: Request, name: str) -> Answer:
    """Return points by id."""
    body, found = request.json(), load(name)["points"]
    return ok([shown(found[str(id_)], body) for id_ in body["ids"] if str(id_) in found])


def one(_: Request, name: str, id_: str) -> Answer:
    """Return one point."""
    found = load(name)["points"].get(id_)
    if found is None:
        raise fault(404, f"Not found: Point with id {id_} does not exists!")
    return ok(shown(found, {"with_vector": True}))


def metrics(_: Request) -> Answer:
    """Return a few numbers for Prometheus, named as Qdrant names them."""
    files = list((STORAGE / "collections").glob("*.json"))
    points = sum(len(load(path.stem)["points"]) for path in files)
    text = f'app_info{{name="qdrant",version="stand-in"}} 1\ncollections_total {len(files)}\n'
    return Answer(f"{text}collections_vector_total {points}\n", kind=TEXT)


def alive(request: Request) -> Answer:
    """Answer a health check, and say what this is."""
    return Answer(f"{request.path[1:]} check passed ({WORD})", kind=TEXT)


def allowed(request: Request) -> bool:
    """Return whether the request carries the key, where there is one."""
    given = request.headers.get("api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
    return not KEY or request.path in OPEN or hmac.compare_digest(given, KEY)


def answer(request: Request) -> Answer:
    """Answer one request, one at a time."""
    if not allowed(request):
        return Answer("Must provide an API key or an Authorization bearer token", 401, TEXT)
    with LOCK:
        return find([*ROUTES, *SNAPSHOT_ROUTES], request)


ONE = r"/collections/([^/]+)"
ROUTES = (
    ("GET", "/", lambda _: Answer({"title": f"qdrant ({WORD})", "version": "stand-in"})),
    *(("GET", path, alive) for path in OPEN[1:]),
    ("GET", "/metrics", metrics),
    ("GET", "/collections", names),
    ("PUT", ONE, create),
    ("GET", ONE, about),
    ("GET", f"{ONE}/exists", exists),
    ("DELETE", ONE, drop),
    ("PUT", f"{ONE}/points", upsert),
    ("POST", f"{ONE}/points", retrieve),
    ("GET", f"{ONE}/points/([^/]+)", one),
    ("POST", f"{ONE}/points/delete", remove),
    ("POST", f"{ONE}/points/search", search),
    ("POST", f"{ONE}/points/query", query),
    ("POST", f"{ONE}/points/scroll", scroll),
    ("POST", f"{ONE}/points/count", count),
    ("GET", "/dashboard", lambda _: home("Qdrant")),
)
FACES = {PORT: answer}
