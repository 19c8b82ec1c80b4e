"""Stands in for Jaeger: takes OTLP/HTTP in JSON, keeps the newest spans in memory, answers Jaeger's query API."""

from __future__ import annotations

from collections import deque
from typing import Any

from face import TEXT, WORD, Answer, Fault, Request, find, home

SPANS: deque[dict[str, Any]] = deque(maxlen=20_000)
"""Each as Jaeger's JSON shows it, with the name of its service as ``service``."""
KINDS = ("stringValue", "boolValue", "intValue", "doubleValue")


def tags(attributes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return OTLP's attributes as Jaeger's tags."""
    found = [(item["key"], next((item["value"][k] for k in KINDS if k in item["value"]), "")) for item in attributes]
    return [{"key": key, "type": type(value).__name__, "value": value} for key, value in found]


def span_of(span: dict[str, Any], service: str) -> dict[str, Any]:
    """Return an OTLP span as Jaeger's."""
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    parent = span.get("parentSpanId")
    refs = [{"refType": "CHILD_OF", "traceID": span["traceId"], "spanID": parent}] if parent else []
    return {
        "traceID": span["traceId"],
        "spanID": span["spanId"],
        "operationName": span["name"],
        "references": refs,
        "startTime": start // 1000,
        "duration": (end - start) // 1000,
        "tags": tags(span.get("attributes", [])),
        "logs": [],
        "service": service,
    }


def take(request: Request) -> Answer:
    """Take an ExportTraceServiceRequest in JSON."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Fault(Answer({"message": f"This {WORD} takes OTLP in JSON only."}, 415))
    for resource in request.json().get("resourceSpans", []):
        named = {tag["key"]: tag["value"] for tag in tags(resource.get("resource", {}).get("attributes", []))}
        for scope in resource.get("scopeSpans", []):
            SPANS.extend(span_of(span, str(named.get("service.name", "unknown"))) for span in scope.get("spans", []))
    return Answer({"partialSuccess": {}})


def enveloped(data: list[Any]) -> Answer:
    """Return Jaeger's envelope."""
    return Answer({"data": data, "total": len(data), "limit": 0, "offset": 0, "errors": None})


def trace(trace_id: str) -> dict[str, Any]:
    """Return one trace with its processes."""
    spans = [span for span in list(SPANS) if span["traceID"] == trace_id]
    services = sorted({span["service"] for span in spans})
    process = {service: f"p{number}" for number, service in enumerate(services, 1)}
    shown = [
        {key: value for key, value in span.items() if key != "service"} | {"processID": process[span["service"]]}
        for span in spans
    ]
    processes = {mark: {"serviceName": service, "tags": []} for service, mark in process.items()}
    return {"traceID": trace_id, "spans": shown, "processes": processes}


def traces(request: Request) -> Answer:
    """Return a service's newest traces."""
    if not (service := request.query.get("service")):
        raise Fault(Answer({"data": None, "errors": [{"code": 400, "msg": "parameter 'service' is required"}]}, 400))
    newest = reversed(list(SPANS))
    ids = dict.fromkeys(span["traceID"] for span in newest if span["service"] == service)
    return enveloped([trace(one) for one in list(ids)[: int(request.query.get("limit", "20"))]])


def one(_: Request, trace_id: str) -> Answer:
    """Return one trace, or 404."""
    found = trace(trace_id)
    if not found["spans"]:
        raise Fault(Answer({"data": None, "errors": [{"code": 404, "msg": "trace not found"}]}, 404))
    return enveloped([found])


def services(_: Request) -> Answer:
    """Name the services that sent spans."""
    return enveloped(sorted({span["service"] for span in list(SPANS)}))


def operations(_: Request, service: str) -> Answer:
    """Name a service's operations."""
    return enveloped(sorted({span["operationName"] for span in list(SPANS) if span["service"] == service}))


def health(_: Request) -> Answer:
    """Answer a health check, and say what this is."""
    return Answer({"status": "StatusOK", "about": WORD})


def metrics(_: Request) -> Answer:
    """Return the number of spans held."""
    return Answer(f"otelcol_receiver_accepted_spans {len(SPANS)}\n", kind=TEXT)


INTAKE = (("POST", "/v1/traces", take),)
UI = (
    ("GET", "/", lambda _: home("Jaeger")),
    ("GET", "/search", lambda _: home("Jaeger")),
    ("GET", "/api/services", services),
    ("GET", "/api/services/([^/]+)/operations", operations),
    ("GET", "/api/traces", traces),
    ("GET", "/api/traces/([0-9a-fA-F]+)", one),
)
HEALTH = (("GET", "/(?:status|health|)", health),)
FACES = {
    4318: lambda request: find(INTAKE, request),
    16686: lambda request: find(UI, request),
    13133: lambda request: find(HEALTH, request),
    14269: lambda request: find((*HEALTH, ("GET", "/metrics", metrics)), request),
    8888: lambda request: find((("GET", "/metrics", metrics),), request),
}
