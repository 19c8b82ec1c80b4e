"""Loops: an agent that works on the same goal, pass after pass, until a proof that a person named, or a limit."""

from __future__ import annotations

from dataclasses import dataclass, field

from aistack_backend.wire.base import Word
from aistack_backend.wire.tasks import Task


class AgentKind(Word):
    """Who works; every one of them acts only inside the sandbox."""

    COMMAND = "command"
    """A program of the image, or a shell command line."""
    RULES = "rules"
    """No model: tries small changes of Python code one after another and keeps what lets more checks pass."""
    LOCAL = "local"
    """The local model with tools: list, read, edit, write, prove, finish."""
    OPENAI = "openai"
    """The same tools with a model of an OpenAI-compatible endpoint, which the backend asks."""
    AIDER = "aider"
    """Aider's command line, in an image that has it."""
    HTTP = "http"
    """An HTTP endpoint of somebody's: gets the turn and the files, answers with a diff or files."""
    UNKNOWN = "unknown"


class PassState(Word):
    """Where a pass stands."""

    WORKING = "working"
    PROVING = "proving"
    PROVEN = "proven"
    """The proof passed."""
    REFUTED = "refuted"
    """The proof did not pass."""
    BLOCKED = "blocked"
    """The agent ended with code 2: it is not ready to be proven, and goes on."""
    INTERRUPTED = "interrupted"
    """Ended from outside (a pause, guidance, a crash of the backend); its work so far stays in the folder."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopLimits:
    """Where a loop gives up; each one that is reached makes it EXHAUSTED, never done."""

    passes: int = 10
    seconds: int = 3_600
    pass_seconds: int = 300
    """One run of the agent."""
    proof_seconds: int = 120
    unchanged: int = 3
    """Passes in a row that leave the folder as it was."""
    same_error: int = 5
    """Passes in a row whose proof fails with the same words."""
    repeats: int = 3
    """Passes that come back to a state of the folder that an earlier one had left already."""
    megabytes: int = 64
    """Size of the folder."""
    tokens: int = 200_000
    """Tokens that the agent's model reads and writes, as the engine counted them."""
    cost: int = 100
    """US cents that the model costs, by the request's price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopRequest:
    """What a person asks of a loop."""

    goal: str
    source: str
    """Absolute path of the folder to work on; it is copied, never written."""
    proof: str
    """Shell command that ends with 0 when the goal is reached; run in the folder, in a container of its own."""
    checks: tuple[str, ...] = ()
    """Files and folders of the proof, relative: put back as they were before each proof."""
    agent: AgentKind = AgentKind.RULES
    command: str = ""
    """For the agent ``command``: its command line."""
    image: str = ""
    """Name of the image that agent and proof run in; empty = the sandbox's own."""
    files: tuple[str, ...] = ()
    """Files that the agent is pointed at, relative; empty = all."""
    model: str = ""
    """The model that the agent reaches over its socket; empty = it reaches none. ``local`` is the local one that is
    loaded when the loop is asked for; the record names it."""
    endpoint: str = ""
    """URL up to and with ``/v1`` where the model answers, asked by the backend; empty = the local model. For the agent
    ``http``: the agent itself."""
    key_file: str = ""
    """Absolute path of the file whose first line is the endpoint's key; it never enters the sandbox."""
    price: str = ""
    """US dollars for a million tokens that the endpoint's model reads and writes: ``0.15/0.60``."""
    limits: LoopLimits = field(default_factory=LoopLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopAsk:
    """A loop as it is asked for; with ``confirmed_hash`` a person decides in one go, as in ``ActionRequest``."""

    loop: LoopRequest
    confirmed_hash: str = ""
    code: str = ""
    typed_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUse:
    """What an agent had of its model, as the engine counted it; answers that were broken off count as far as they
    got."""

    answers: int = 0
    read: int = 0
    """Tokens of the prompts."""
    written: int = 0
    """Tokens of the answers."""
    cost: int = 0
    """Millionths of a US dollar."""

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.read + self.written


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPass:
    """One pass: the agent, then the proof."""

    number: int
    state: PassState
    began_at: float
    ended_at: float | None = None
    agent_code: int | None = None
    agent_output: str = ""
    """The last 8,000 characters; of a pass that works now, what it has said so far."""
    restored: tuple[str, ...] = ()
    """Check files that the agent had changed, and that were put back."""
    commit: str = ""
    changed: str = ""
    """What differs from the pass before, in git's words; empty = nothing."""
    proof_code: int | None = None
    proof_output: str = ""
    guidance: str = ""
    """What a person said for this pass."""
    note: str = ""
    use: ModelUse = field(default_factory=ModelUse)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One limit as it stands."""

    name: str
    used: int
    limit: int
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """One loop."""

    task: Task
    request: LoopRequest
    folder: str = ""
    """Its private copy; empty before it began and once it was removed."""
    passes: tuple[LoopPass, ...] = ()
    """Oldest first; outputs only in the detail of one loop."""
    gauges: tuple[Gauge, ...] = ()
    waiting: str = ""
    """Guidance that the next pass will get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopList:
    """The loops, newest first, without outputs."""

    loops: tuple[Loop, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """What a loop, or one pass of it, changed."""

    text: str
    """As ``git apply`` takes it; empty = nothing."""
    branch: str = ""
    """Repository and branch to fetch it from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideRequest:
    """What a person says to a loop that goes on."""

    text: str
    now: bool = False
    """End the running pass and begin the next one with it; else it waits for the next pass."""
