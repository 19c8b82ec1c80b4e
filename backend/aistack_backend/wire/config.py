"""Every setting there is, with its default and what it does: one file that console and backend both read.

The file is TOML; ``configfile.load`` reads it. Each key can also be set as ``AISTACK_<SECTION>_<KEY>`` or by
the name given here, which is how the names of the deployment note are honoured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aistack_backend.wire.actions import Risk
from aistack_backend.wire.hosts import HostConfig
from aistack_backend.wire.providerconfig import ProviderConfig

THRESHOLDS = ("none", *(risk.value for risk in (Risk.LOW, Risk.MEDIUM, Risk.HIGH)))
"""The lowest risk that needs a person; ``none`` asks for destructive actions only."""
TWO = ("off", Risk.DESTRUCTIVE.value, Risk.HIGH.value)
"""From which risk on two people are needed."""
DAY = 86_400.0


def option(
    default: Any,
    doc: str,
    *,
    env: str = "",
    choices: tuple[str, ...] = (),
    least: float | None = None,
    most: float | None = None,
) -> Any:
    """Declare one key: default, one line of what it does, a further variable's name, and what it may be."""
    bounds = {"doc": doc, "env": env, "choices": choices, "least": least, "most": most}
    return field(default=default, metadata=bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendConfig:
    """``[backend]``: where the backend keeps its things."""

    data_dir: str = option(
        "", "Folder of database, socket and logs; empty = the XDG data folder.", env="AISTACK_DATA_DIR"
    )
    cache_dir: str = option("", "Folder of models and built engines; empty = the XDG cache.", env="AISTACK_CACHE_DIR")
    database: str = option("", "SQLAlchemy URL; empty = the file aistack.db in the data folder.")
    recorder_megabytes: int = option(256, "Most disk space that recorded metrics take.", least=8, most=65_536)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsConfig:
    """``[approvals]``: what needs a person, and for how long a question stands."""

    require: bool = option(
        True, "false = the same as threshold none; a banner then stays on screen.", env="RALPH_REQUIRE_APPROVAL"
    )
    threshold: str = option(
        "medium", "The lowest risk that needs a person.", env="RALPH_APPROVAL_THRESHOLD", choices=THRESHOLDS
    )
    audit: bool = option(True, "Cannot be switched off; false is refused.", env="RALPH_AUDIT_LOG")
    expire_after: float = option(900.0, "Seconds until an undecided request counts as no.", least=10, most=7 * DAY)
    start_within: float = option(300.0, "Seconds an approved action may wait for its start.", least=10, most=DAY)
    most_a_minute: int = option(
        5,
        "Requests that one person approves, or that one task asks, within a minute before a pause; 0 = any number.",
        least=0,
        most=1000,
    )
    two_people: str = option(
        "off", "The lowest risk that needs the yes of two people, neither of whom asked.", choices=TWO
    )
    two_people_kinds: str = option(
        "", "Kinds of action that need two people whatever their risk, with commas between, e.g. stack.restore."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyConfig:
    """``[notify]``: how a person is told that something waits. What is told is our own sentence, never the asker's."""

    bell: bool = option(True, "Ring the terminal's bell.")
    osc9: bool = option(False, "Let the terminal show a notification (OSC 9); not every terminal can.")
    desktop: bool = option(False, "Show it on the desktop of whoever started the backend, by notify-send.")
    webhook: str = option("", "URL that gets a signed POST for each approval that waits; https, or http to loopback.")
    webhook_key_file: str = option("", "File, 0600, whose first line is the key of the webhook's HMAC-SHA256.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """``[model]``: the local model."""

    enabled: bool = option(True, "false = no model is prepared, fetched or run.")
    prepare: bool = option(True, "Build the engine and fetch the small model when they are missing.")
    default: str = option("", "Catalogue id of the model to load; empty = the one last used, else the small one.")
    path: str = option("", "A GGUF file of your own, loaded at the start.")
    folders: str = option("", "Further folders that are looked through for GGUF files, with : between them.")
    stores: bool = option(True, "Look into the stores of Ollama, LM Studio and Hugging Face as well; only read.")
    hub: str = option("https://huggingface.co", "Where OWNER/REPO:FILE is fetched from.")
    fetch_most: float = option(64.0, "Most gigabytes that one model may have to be fetched.", least=0.001, most=4096)
    adapter: str = option(
        "auto", "What runs the model; memory answers without one.", choices=("auto", "llama", "memory")
    )
    lora: str = option("", "An adapter of train list that is put on the model it was learned for; others are refused.")
    context: int = option(4096, "Tokens of context.", least=512, most=1_048_576)
    threads: int = option(0, "Processor threads for the model; 0 = as fits the machine.", least=0, most=1024)
    idle_unload: float = option(
        0.0, "Minutes without a question until the model's memory is given back; 0 = never.", least=0, most=10_080
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsConfig:
    """``[alerts]``: rules over what is measured."""

    every: float = option(15.0, "Seconds between two looks at all rules.", least=1, most=3600)
    rules: str = option("", "File with further rules, in the form of our alerts.toml; empty = ours alone.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TracesConfig:
    """``[traces]``: what was done for each request and task, as spans with their times; numbers and names only."""

    keep: bool = option(True, "Keep spans in the database; false = none are recorded unless they are sent.")
    most: int = option(20_000, "Spans that are kept; the oldest go first.", least=100, most=10_000_000)
    otlp: str = option(
        "", "Where spans are sent as well, by OTLP over HTTP, e.g. http://127.0.0.1:4318/v1/traces; empty = nowhere."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PodmanConfig:
    """``[podman]``: the container engine."""

    url: str = option(
        "", "Podman's API, e.g. unix:///run/podman/podman.sock; empty = the usual places.", env="CONTAINER_HOST"
    )
    sandbox_image: str = option("", "Image that shell commands run in; empty = our own, made of busybox.")
    aider_image: str = option("localhost/aistack-aider:1", "Image that has Aider, for the aider-wrapper.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopsConfig:
    """``[loops]``: agents that work until a proof."""

    keep_days: float = option(
        0.0,
        "Days after its end that a loop's folder is removed; 0 = it stays until somebody removes it.",
        least=0,
        most=3650,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningConfig:
    """``[learning]``: what is learned from what was asked."""

    enabled: bool = option(
        True, "false = nothing is learned, and nothing that was learned is used.", env="CONTINUOUS_LEARNING_ENABLED"
    )
    interval: float = option(
        3600.0, "Seconds between two runs.", env="LEARNING_PROCESSING_INTERVAL", least=10, most=30 * DAY
    )
    dataset_threshold: int = option(
        1000, "Accepted samples that a dataset should have.", env="LEARNING_DATASET_THRESHOLD", least=1, most=10_000_000
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfig:
    """``[stack]``: the services that belong together."""

    file: str = option(
        "", "Compose file of the stack; several are merged, with : between them; empty = our own.", env="AISTACK_STACK"
    )
    env_file: str = option("", "File of variables for the Compose file.", env="AI_STACK_ENV_FILE")
    poll: float = option(30.0, "Seconds between two passes over the health of all services.", least=1, most=3600)
    heal: bool = option(True, "Restart failed services, as their policy in the Compose file says.")
    external: str = option(
        "", "Services that somebody else provides: ID=URL, with commas between them, e.g. qdrant=http://host:6333."
    )
    listen: str = option(
        "", "note = serve our own roles on the note's ports on loopback as well.", choices=("", "note")
    )
    backup_every: float = option(0.0, "Hours between two scheduled backups; 0 = none.", least=0, most=8760)
    backup_keep: int = option(7, "Scheduled backups that are kept.", least=1, most=1000)
    backup_passphrase_file: str = option(
        "", "File whose first line seals the secrets in backups; empty = secrets are not in them."
    )
    backup_folder: str = option("", "Where backups go; empty = the folder backups in the data folder.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingConfig:
    """``[routing]``: who answers a question, and what may leave this machine for it."""

    local_only: bool = option(False, "true = no endpoint elsewhere is ever asked, whatever a switch says.")
    remote_first: str = option(
        "", "Kinds of question that go elsewhere first, with commas between: lookup, code, explain, summarise, other."
    )
    share_sources: bool = option(False, "true = pieces of your documents may go to an endpoint elsewhere.")
    min_confidence: float = option(
        0.7,
        "A local answer of less measured confidence is asked elsewhere as well.",
        env="LOCAL_CONFIDENCE_THRESHOLD",
        least=0,
        most=1,
    )
    measure: str = option(
        "deciding",
        "When confidence is measured: deciding = where somebody else could be asked.",
        choices=("deciding", "always", "never"),
    )
    samples: int = option(3, "Answers whose agreement is the confidence.", least=2, most=9)
    local_seconds: float = option(120.0, "Seconds until the local model is given up.", least=1, most=3600)
    sources: int = option(4, "Pieces of documents shown to the model; 0 = none.", least=0, most=20)
    budget_day: str = option("", "Most that endpoints may cost a day (UTC), e.g. USD=1.50,EUR=1; empty = no limit.")
    budget_month: str = option("", "Most that endpoints may cost a month, in the same form.")
    unpriced: str = option(
        "refuse",
        "An answer of unknown cost under a budget: refuse = not asked, free = nothing, or an amount as USD=0.01.",
    )
    per_minute: int = option(60, "Questions of one client a minute.", least=1, most=100_000)
    per_hour: int = option(1_000, "Questions of one client an hour.", least=1, most=1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeConfig:
    """``[knowledge]``: documents and what finds them."""

    vectors: str = option(
        "exact",
        "What finds by meaning: exact in our own table, pgvector of the PostgreSQL of [backend], or qdrant.",
        choices=("exact", "pgvector", "qdrant"),
    )
    qdrant_url: str = option("http://127.0.0.1:6333", "Where Qdrant answers.")
    qdrant_key_file: str = option("", "File whose first line is Qdrant's API key; empty = it wants none.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleConfig:
    """``[console]``: the screen."""

    theme: str = option("", "Name of a theme; empty = the default one.")
    start_screen: str = option("overview", "The screen shown first.")
    view_only: bool = option(False, "Show everything, change nothing.")
    mouse: bool = option(True, "Take mouse events; false leaves selecting text to the terminal.")
    ascii: bool = option(False, "Draw with ASCII only.")
    color: bool = option(True, "false = no colours, as with NO_COLOR.")
    operator_key: str = option(
        "", "Your operator key's file (aistack-backend operator NAME FILE made it); empty = known by the account alone."
    )
    log_lines: int = option(10_000, "Log lines kept for each followed container.", least=100, most=1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationConfig:
    """``[federation]``: what this installation is to others that learn."""

    role: str = option(
        "peer",
        "peer = gives what it learned itself; hub = also what it took from others; spoke = trusts one signer, its hub.",
        choices=("peer", "hub", "spoke"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole file. ``keys`` maps an action's id to the keys that trigger it (``"ctrl+r,f5"``); ``hosts`` are the
    other machines, in the order of the file; ``operators`` maps an operator's name to the sha256 of his key;
    ``personas`` maps a persona's name to what the model is told; ``providers`` are the endpoints elsewhere."""

    backend: BackendConfig = field(default_factory=BackendConfig)
    approvals: ApprovalsConfig = field(default_factory=ApprovalsConfig)
    notify: NotifyConfig = field(default_factory=NotifyConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    traces: TracesConfig = field(default_factory=TracesConfig)
    podman: PodmanConfig = field(default_factory=PodmanConfig)
    loops: LoopsConfig = field(default_factory=LoopsConfig)
    learning: LearningConfig = field(default_factory=LearningConfig)
    federation: FederationConfig = field(default_factory=FederationConfig)
    stack: StackConfig = field(default_factory=StackConfig)
    routing: RoutingConfig = field(default_factory=RoutingConfig)
    knowledge: KnowledgeConfig = field(default_factory=KnowledgeConfig)
    console: ConsoleConfig = field(default_factory=ConsoleConfig)
    keys: dict[str, str] = field(default_factory=dict)
    hosts: tuple[HostConfig, ...] = ()
    operators: dict[str, str] = field(default_factory=dict)
    personas: dict[str, str] = field(default_factory=dict)
    providers: tuple[ProviderConfig, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of ``config explain``."""

    key: str
    """``approvals.threshold``."""
    value: str
    source: str
    """``default``, ``FILE:LINE`` or ``$NAME``."""
    doc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration with the origin of each value."""

    config: Config
    rows: tuple[Row, ...]
    file: str
    """The file that was read, whether it exists or not."""


class ConfigError(ValueError):
    """A setting that cannot be used; the text names file (or variable), line and key, and what would be right."""
