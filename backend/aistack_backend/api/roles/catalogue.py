"""The eleven roles: their ports, and which routes exist today. A route that is not named here is not there."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One route of a role, beside ``/``, ``/health`` and ``/metrics``."""

    method: str
    path: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One of our services."""

    id: str
    port: int
    title: str
    control: bool = False
    """A stateless front of the host's backend; else it keeps its own state in the stack's databases."""
    prefix: str = ""
    """Where the backend serves it on the operator's socket; empty = nowhere."""
    routes: tuple[Told, ...] = ()
    later: tuple[str, ...] = ()
    """What it is for and does not do yet."""

    @property
    def hosts(self) -> frozenset[str]:
        """What a Host header may name."""
        return frozenset({"localhost", "127.0.0.1", "[::1]", self.id, f"local-ai-{self.id}"})


TASKS = (
    Told(method="GET", path="/tasks", about="The newest tasks."),
    Told(method="GET", path="/tasks/{id:int}", about="One task."),
    Told(method="GET", path="/tasks/{id:int}/result", about="How one task ended: 200, or 202 while it has not."),
    Told(method="POST", path="/tasks/{id:int}/stop", about="Refused, with how to stop it: stopping is a decision."),
    Told(method="GET", path="/stats", about="How many tasks stand where."),
    Told(
        method="POST",
        path="/execute",
        about="Ask for a task in words; it goes through the gate. Waits at most a minute: 200 ended, 202 not yet.",
    ),
)
FLOWS = (
    Told(
        method="POST",
        path="/workflow",
        about="Run a workflow. Waits at most a minute: 200 ended, 202 not yet, with where to look.",
    ),
    Told(method="GET", path="/workflows", about="Every workflow, and every engine that can be asked."),
    Told(method="GET", path="/workflows/{name}", about="One workflow with its text."),
    Told(method="GET", path="/runs", about="The newest runs."),
    Told(method="GET", path="/runs/{id:int}", about="One run with its steps."),
    Told(method="GET", path="/runs/{id:int}/result", about="What one run gave: 200, or 202 while it has not ended."),
    Told(method="POST", path="/runs/{id:int}/stop", about="Refused, with how to stop it: stopping is a decision."),
)
EDITS = (
    *TASKS[:-1],
    Told(
        method="POST",
        path="/execute",
        about="Ask for an edit of files in words: a loop behind the gate. Waits a minute at most: 200 ended, 202 not.",
    ),
)
SERVICES = (
    Told(method="GET", path="/services", about="Every service of the stack, with the evidence of its checks."),
    Told(method="GET", path="/numbers", about="Every number that the host's backend measures, for Prometheus."),
)
UPDATES = (Told(method="GET", path="/updates", about="What the last look for newer images found."),)
HEALING = (Told(method="GET", path="/healing", about="What self-heal does, waits for or leaves alone, by service."),)
MODEL = (
    Told(method="GET", path="/v1/models", about="The models that are here, in OpenAI's form."),
    Told(method="GET", path="/v1/models/{model}", about="One of them."),
    Told(method="POST", path="/v1/chat/completions", about="An answer of the loaded model, in OpenAI's form."),
    Told(method="POST", path="/v1/completions", about="A text gone on with by the loaded model, in OpenAI's form."),
)
VECTORS = (
    Told(method="GET", path="/v1/models", about="The model that makes vectors, in OpenAI's form."),
    Told(method="POST", path="/v1/embeddings", about="Texts as vectors of length one, in OpenAI's form."),
    Told(method="POST", path="/embed", about="Texts (inputs: one, or a list) as a plain list of vectors."),
    Told(method="GET", path="/info", about="Which model makes vectors, how wide they are, and how long a text may be."),
)
ROUTES = (
    Told(method="POST", path="/route", about="A question answered by what was learned, a model here or one elsewhere."),
    Told(method="POST", path="/context/multi_turn", about="What belongs to a question of a conversation."),
    Told(method="POST", path="/feedback", about="How an answer was: a verdict, an outcome, or what would be right."),
    Told(method="GET", path="/stats", about="How the questions of the last day went."),
)
DOCUMENTS = (
    Told(method="GET", path="/collections", about="Every collection, with the model of its vectors."),
    Told(method="GET", path="/documents", about="The newest documents: collection, limit 1 to 100."),
    Told(
        method="POST", path="/documents", about="Submit a text; it is recorded, and replaces none. Nobody removes here."
    ),
    Told(method="GET", path="/documents/{id:int}", about="One document with its text."),
    Told(method="POST", path="/search", about="Pieces of documents by words and meaning, each with its citation."),
    Told(method="POST", path="/vector/search", about="Pieces nearest in meaning to a query or an embedding."),
    Told(method="POST", path="/vector/embed", about="Texts as vectors of length one."),
    Told(method="POST", path="/mcp", about="The same by the Model Context Protocol: streamable HTTP, no sessions."),
)
NIXOS = (
    Told(method="POST", path="/search", about="Packages, options and manuals: query, sources, channel, limit."),
    Told(method="POST", path="/packages/search", about="Packages: name, channel, limit."),
    Told(method="POST", path="/options/search", about="Options: option, channel, limit."),
    Told(method="GET", path="/sources", about="What is in the index, and how old it is."),
    Told(method="GET", path="/cache/stats", about="How much is in the index."),
    Told(method="POST", path="/mcp", about="The same by the Model Context Protocol: streamable HTTP, no sessions."),
)
ROLES = (
    Role(id="llama-cpp", port=8080, title="Local model", prefix="/llama", routes=MODEL),
    Role(id="embeddings", port=8081, title="Embeddings", prefix="/embeddings", routes=VECTORS),
    Role(
        id="ralph-wiggum",
        port=8090,
        title="Orchestrator",
        control=True,
        prefix="/ralph",
        routes=TASKS,
    ),
    Role(id="aidb", port=8091, title="Documents and vectors", prefix="/aidb", routes=DOCUMENTS),
    Role(
        id="hybrid-coordinator",
        port=8092,
        title="Hybrid coordinator",
        prefix="/hybrid",
        routes=ROUTES,
    ),
    Role(id="nixos-docs", port=8094, title="NixOS documentation", prefix="/nixos", routes=NIXOS),
    Role(id="code-machine", port=8095, title="Workflows", control=True, prefix="/code", routes=FLOWS),
    Role(id="aider-wrapper", port=8096, title="Aider", control=True, prefix="/aider", routes=EDITS),
    Role(id="health-monitor", port=8097, title="Health monitor", control=True, routes=SERVICES),
    Role(id="self-heal-manager", port=8098, title="Self-heal", control=True, routes=HEALING),
    Role(id="watchtower", port=8099, title="Updates", control=True, routes=UPDATES),
)


def named(name: str) -> Role:
    """Return the role of that name.

    Raises:
        BadInput: there is none; the sentence names them all.
    """
    for role in ROLES:
        if role.id == name:
            return role
    raise BadInput(f"There is no role {name!r}.", f"Use one of {', '.join(role.id for role in ROLES)}.")
