"""What the pictures of the Routes screen show: a learned, a local, a remote and an unanswered question."""

from __future__ import annotations

from tests.console import scenes
from tests.console.stage import NOW, Stage

from aistack_backend.wire.routing import (
    Budget,
    BudgetState,
    Cost,
    Lock,
    Outbound,
    OutboundList,
    Replay,
    Route,
    RouteAnswer,
    Routed,
    RouteList,
    RouteStats,
    Routing,
    Step,
)

ROUTES = RouteList(
    routes=(
        Routed(
            id=44, at=NOW - 4, query="Write a flake for a web server", answer="{ outputs = { self }: { }; }",
            route=Route.REMOTE, reason="It is a code question: it has 'Write a flake' in it. far answered.",
            task_class="code", model="big", provider="far", latency=2.31, tokens_in=120, tokens_out=300,
            cost="0.0048", currency="USD", ok=True,
            detail="local SmolLM2: answered in 0.820 s.\nremote far: answered in 1.480 s.",
        ),
        Routed(
            id=43, at=NOW - 60, query="Is jo@example.org known here?", answer="I do not know.", route=Route.LOCAL,
            reason="A lookup question. It holds an email, so it stays on this machine.",
            task_class="lookup", model="SmolLM2", confidence=0.62, latency=0.81, tokens_in=40, tokens_out=8, cost="0",
            ok=True, verdict="good", judged_by="operator:me", detail="local SmolLM2: answered in 0.810 s.",
        ),
        Routed(
            id=42, at=NOW - 3700, query="What is NixOS?", answer="A Linux distribution.", route=Route.CACHE,
            reason="The answer was learned (pattern 7).", task_class="lookup", confidence=0.97, latency=0.004,
            cost="0", patterns=(7,), sources=("docs/nix.md",), ok=True,
        ),
        Routed(
            id=41, at=NOW - 90_000, query="Why?", answer="No model answered this question.", route=Route.NONE,
            reason="SmolLM2: It is being loaded.", task_class="explain", latency=0.01, ok=False,
            detail="local SmolLM2: did not answer in 0.001 s. It is being loaded.",
        ),
    )
)  # fmt: skip
STANDING = Routing(
    lock=Lock(locked=False, why="operator:me opened it.", by="operator:me", at=NOW - 500),
    budgets=(
        Budget(currency="USD", period="day", limit="1.5", spent="1.26", state=BudgetState.WARNED, share=0.84),
        Budget(currency="USD", period="month", limit="20", spent=None, state=BudgetState.UNKNOWN),
    ),
    chain=(
        Step(route=Route.CACHE, name="learned", ready=True, detail="It is looked at first."),
        Step(route=Route.LOCAL, name="SmolLM2", ready=True, detail="It is asked."),
        Step(route=Route.REMOTE, name="far", ready=False, detail="far answers 500."),
    ),
    measure="deciding",
    min_confidence=0.5,
)
STATS = RouteStats(
    since=NOW - 86_400, total=4, by_route={"local": 1}, by_class={}, answered=3, local_share=0.67, latency_p50=0.81,
    latency_p95=2.31, tokens_in=160, tokens_out=308, costs=(Cost(currency="USD", amount="0.0048"),), good=1, bad=0,
    not_judged=3,
)  # fmt: skip
SENT = Outbound(
    id=3, at=NOW - 4, interaction=44, provider="far", host="api.example.com", path="/chat/completions", size=211,
    sha256="ab" * 32, body='{"model":"big","messages":[{"role":"user","content":"Write a flake for a web server"}]}',
    outcome="answered", ended_at=NOW - 3,
)  # fmt: skip


def routed(one: Stage) -> None:
    """A world in which questions were asked."""
    scenes.normal(one)
    one.answers["GET /v1/routes"] = ROUTES
    one.answers["GET /v1/routing"] = STANDING
    one.answers["GET /v1/routing/stats"] = STATS
    one.answers["GET /v1/outbound"] = OutboundList(sent=(SENT,))


def answer(route: Route, text: str) -> RouteAnswer:
    """An answer of a replay."""
    return RouteAnswer(id=50, answer=text, route=route, reason="Asked again.", task_class="code", latency=0.5, cost="0")


REPLAY = Replay(of=44, local=answer(Route.LOCAL, "From here."), remote=answer(Route.REMOTE, "From afar."))
