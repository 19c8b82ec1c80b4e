"""The verbs and their arguments as data: the parser, the completions and ``docs/cli.md`` are made of it.

Nothing here imports what a verb needs to run, so that help and completions come at once.
"""

from __future__ import annotations

from aistack_console.verbs.chatting import CHATS
from aistack_console.verbs.deciding import DECIDING_VERBS, WAIT
from aistack_console.verbs.flowing import WORKFLOW
from aistack_console.verbs.gating import GATE
from aistack_console.verbs.knowing import KNOWLEDGE, NIXOS
from aistack_console.verbs.learning import LEARN
from aistack_console.verbs.modelling import MODELS
from aistack_console.verbs.observing import ALERTS, TRACES
from aistack_console.verbs.providing import PROVIDERS
from aistack_console.verbs.routing import ROUTE
from aistack_console.verbs.teaching import FEDERATION, TRAIN
from aistack_console.verbs.verb import Argument, Verb, flag, word

TASK = (word("id", "number of the task", type=int, metavar="ID"),)

GOAL = word("goal", "a tier, or services; none = everything", nargs="*", metavar="TIER|SERVICE")
DRY = flag("--dry-run", help="print the plan, do nothing; 1 when something would make it fail")


TIER = flag("--tier", help="a tier of the manifest; the same as its name as a word", default="", metavar="TIER")


def _stack_verb(name: str, said: str, *more: Argument, goal: Argument = GOAL, example: str = "") -> Verb:
    return Verb(name, said, "act", (goal, *more, *GATE), json=True, example=example)


LOOP = Verb(
    "loop",
    "have an agent work on a copy of a folder until a proof passes; or look at loops, take their patch, guide them",
    "loop",
    (
        word("what", "what to do", choices=("run", "list", "show", "diff", "guide", "remove")),
        word(
            "rest",
            "run: the goal; show, diff: the number; guide: the number and what to say; remove: numbers",
            nargs="*",
        ),
        flag("--source", help="run: the folder; it is copied, never written", default="", metavar="DIR"),
        flag("--proof", help="run: shell command that ends with 0 when the goal is reached", default=""),
        flag(
            "--check",
            help="run: file or folder of the proof, put back before each proof; may be repeated",
            action="append",
            default=[],
            metavar="PATH",
        ),
        flag(
            "--agent",
            help="run: who works; none = the command when there is one, else the rules, which mend Python",
            choices=("rules", "command", "local", "openai", "aider", "http"),
        ),
        flag("--command", help="run: the agent's shell command", default=""),
        flag("--model", help="run: the model that the agent reaches; local = the loaded one", default="", metavar="ID"),
        flag(
            "--endpoint",
            help="run: URL with /v1 of the model, a provider's name, or the http agent's URL",
            default="",
            metavar="URL|NAME",
        ),
        flag(
            "--file",
            help="run: file that the agent is pointed at; may be repeated",
            action="append",
            default=[],
            metavar="PATH",
        ),
        flag("--key-file", help="run: file whose first line is the endpoint's key", default="", metavar="FILE"),
        flag("--price", help="run: dollars for a million tokens read/written, e.g. 0.15/0.60", default=""),
        flag("--image", help="run: image of agent and proof", default="", metavar="NAME"),
        flag("--limit", help="run: e.g. passes=5; may be repeated", action="append", default=[], metavar="NAME=N"),
        flag("--number", help="diff: of this pass alone", type=int, metavar="N"),
        flag("--now", help="guide: end the running pass for it"),
        flag("--older", help="remove: the folders of all that ended longer ago", type=int, metavar="DAYS"),
        flag("--code", help="remove: the code that it asks for", default=""),
        flag("--name", help="remove: the name that data loss asks for", default=""),
        flag("--yes", help="run, remove: ask and approve in one go"),
        flag("--wait", help="run: wait until it has ended"),
        flag("--timeout", help="seconds to wait for it (default 900)", type=float, default=900.0, metavar="SECONDS"),
    ),
    json=True,
    example='loop run "make the tests pass" --source . --proof "python3 -m unittest" --check tests --limit passes=5',
)

STACK_VERBS: tuple[Verb, ...] = (
    Verb("stack", "the declared services, their state and their health ladder", "stack", json=True),
    _stack_verb(
        "up",
        "bring services up, in order, each only when what it needs is ready",
        TIER,
        DRY,
        example="up minimal --wait",
    ),
    _stack_verb("down", "stop services and remove their containers; volumes stay", TIER, DRY, example="down grafana"),
    _stack_verb("recreate", "make the containers of services anew, as they are declared now", TIER, DRY),
    _stack_verb(
        "update", "fetch newer images and make the containers anew, back to the old ones when they do not get ready"
    ),
    _stack_verb("rollback", "go back to the last set of images and settings that was all ready"),
    _stack_verb(
        "hold",
        "let nothing automatic touch these services",
        goal=word("goal", "services", nargs="+", metavar="SERVICE"),
    ),
    _stack_verb("release", "end a hold", goal=word("goal", "services", nargs="+", metavar="SERVICE")),
    Verb(
        "plan",
        "what an up would do now; nothing is done",
        "plan",
        (GOAL, TIER, flag("--down", help="what a down would do")),
        json=True,
        example="plan minimal",
    ),
    Verb(
        "check",
        "climb the ladders now",
        "stack",
        (word("service", "services; none = all", nargs="*", metavar="SERVICE"),),
        json=True,
    ),
    Verb(
        "checklist",
        "the success criteria as ticks",
        "checklist",
        (flag("--run", help="run them all first"),),
        json=True,
    ),
    Verb(
        "boots",
        "the ups and downs that are remembered, or one with every service's way",
        "boots",
        (word("id", "number", type=int, nargs="?"),),
        json=True,
    ),
    Verb(
        "backup",
        "take a backup, list them, or prove one by restoring it into a throw-away place",
        "backup",
        (
            word(
                "what", "what to do; nothing = take one", choices=("take", "list", "verify"), nargs="?", default="take"
            ),
            word("id", "of the backup to verify", nargs="?", default="", metavar="ID"),
            *GATE,
        ),
        json=True,
        example="backup verify latest --wait",
    ),
    Verb(
        "restore",
        "put a backup back in place of what is there",
        "backup",
        (word("id", "of the backup", metavar="ID"), *GATE),
        json=True,
    ),
    Verb(
        "certificate",
        "the TLS certificates that services show, or a new one in place of one, proven before the old one goes",
        "certificate",
        (
            word("what", "what to do; nothing = show", choices=("show", "renew"), nargs="?", default="show"),
            word("service", "whose; none = the only one", nargs="?", default="", metavar="SERVICE"),
            *GATE,
        ),
        json=True,
        example="certificate renew --wait",
    ),
    Verb(
        "prune",
        "remove what nothing uses: an exact list, shown first, each looked at again before it goes",
        "prune",
        (
            word("what", "which kind", choices=("images", "volumes", "networks")),
            word(
                "names",
                "these alone, by name or id; none = what nobody named and nobody would miss",
                nargs="*",
                metavar="NAME",
            ),
            flag("--all", help="those with a name too, but none that the stack would miss"),
            flag("--dry-run", help="print the list, remove nothing"),
            *GATE,
        ),
        json=True,
        example="prune images --dry-run",
    ),
    Verb(
        "eject",
        "write the stack as plain Compose and quadlets into a new folder, to go on without this program",
        "eject",
        (word("dir", "folder to make", metavar="DIR"),),
    ),
)
"""The verbs of the stack."""

VERBS: tuple[Verb, ...] = (
    Verb("status", "how the backend and its sources are doing", "status", json=True),
    *STACK_VERBS,
    Verb("containers", "the containers, as Podman tells now", "containers", json=True),
    Verb(
        "logs",
        "print a container's log",
        "logs",
        (
            word("container", "name, or the beginning of its id"),
            flag("-f", "--follow", help="go on as lines come"),
            flag("-n", "--tail", help="how many lines from the end (default 100)", type=int, default=100, metavar="N"),
            flag("--since", help="only the last SECONDS", type=float, metavar="SECONDS"),
        ),
        json=True,
        example="logs web -f",
    ),
    Verb(
        "run",
        "ask for something in words; an agent proposes, a person decides",
        "run",
        (
            word("goal", "what is wanted"),
            flag("--planner", help="who proposes", choices=("auto", "model", "rules"), default="auto"),
            flag("--no-wait", help="do not wait for the proposal"),
            flag("--until-done", help="wait until it was decided and has ended"),
            WAIT,
        ),
        json=True,
        example='run "restart web"',
    ),
    Verb("tasks", "the newest tasks, or one", "tasks", (word("id", "number", type=int, nargs="?"),), json=True),
    Verb("stop", "stop a task", "stop", TASK, json=True),
    Verb("pause", "have a running task stop in between", "stop", TASK, json=True),
    Verb("resume", "take a paused task up again", "stop", TASK, json=True),
    LOOP,
    WORKFLOW,
    *DECIDING_VERBS,
    MODELS,
    PROVIDERS,
    CHATS,
    KNOWLEDGE,
    LEARN,
    NIXOS,
    TRAIN,
    FEDERATION,
    ROUTE,
    TRACES,
    ALERTS,
    Verb("ask", "ask the local model", "ask", (word("question", "the question; - reads it from stdin"),), json=True),
    Verb("doctor", "what is right and wrong with this machine, and the fix", "doctor", json=True),
    Verb(
        "audit",
        "list the audit's records, or verify the log, also of a folder with no backend",
        "audit",
        (
            word("what", "list: the newest records; verify: walk chain and witness", choices=("list", "verify")),
            word("dir", "data directory to verify (default: the one in use)", nargs="?"),
            flag("--text", metavar="WORDS", default="", help="list: only records that contain these words"),
            flag("--limit", metavar="N", type=int, default=100, help="list: how many at the most, 1 to 1000"),
        ),
        json=True,
        example="audit verify",
    ),
    Verb(
        "config",
        "every setting, its value and where it came from",
        "config",
        (word("what", "explain", choices=("explain",)),),
        json=True,
    ),
    Verb("keys", "every action, its key and what it does", "keys", json=True),
    Verb(
        "completions",
        "print the completions for a shell",
        "completions",
        (word("shell", "which", choices=("bash", "zsh", "fish")),),
        example="completions bash > ~/.local/share/bash-completion/completions/aistack-console",
    ),
    Verb(
        "dashboard",
        "the same console in a browser of this machine, behind a link that works once; or its numbers",
        "dashboard",
        (
            word(
                "what",
                "serve: the console for a browser; numbers: print each point of the four sections (also with --json)",
                choices=("serve", "numbers"),
                nargs="?",
                default="serve",
            ),
            flag("--port", help="port on loopback (default 8888)", type=int, default=8888, metavar="PORT"),
            flag("--allow-decisions", help="let the browser approve and act; without it the console only shows"),
            flag("--link", help="print a new link of the dashboard that serves, and leave"),
        ),
        json=True,
        example="dashboard --allow-decisions",
    ),
    Verb("reset-terminal", "mend a terminal that a crash left in a bad state", "terminal"),
)

OPTIONS: tuple[Argument, ...] = (
    flag("--data-dir", help="data directory whose backend is used", metavar="DIR"),
    flag("--config", help="config file to read", metavar="FILE"),
    flag("--theme", help="theme of the screens", metavar="NAME"),
    flag("--view-only", help="offer and send nothing that changes anything"),
    flag("--stack", help="Compose file of the stack to use", metavar="FILE"),
    flag("--no-start", help="do not start a backend when none answers"),
)


def verb(name: str) -> Verb:
    """Return the verb of that name.

    Raises:
        KeyError: there is none.
    """
    return {item.name: item for item in VERBS}[name]
