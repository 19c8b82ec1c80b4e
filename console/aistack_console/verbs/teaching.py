"""The verbs of training and federation as data."""

from __future__ import annotations

from aistack_console.verbs.gating import GATE
from aistack_console.verbs.verb import Verb, flag, word

TRAIN = Verb(
    "train",
    "learn an adapter for a model from a dataset, kept only when it does better on held-out lines; or list the runs",
    "train",
    (
        word("what", "a dataset to learn from (learn export writes one), or list", metavar="DATASET|list"),
        flag("--model", help="the base model (default: the one in use)", default="", metavar="ID"),
        flag("--steps", help="steps of the optimiser (default 60)", type=int, default=60, metavar="N"),
        flag("--rank", help="rank of the change (default 8)", type=int, default=8, metavar="N"),
        flag("--seed", help="the same seed learns the same (default 1)", type=int, default=1, metavar="N"),
        flag("--tone", help="the dataset teaches a tone: its answers need not follow from its questions"),
        flag("--minutes", help="most time (default 60)", type=int, default=60, metavar="N"),
        flag("--megabytes", help="most memory (default 4096)", type=int, default=4096, metavar="N"),
        *GATE,
    ),
    json=True,
    example="train /tmp/lines.jsonl --wait",
)

FEDERATION = Verb(
    "federation",
    "signed bundles of what was learned, from installation to installation; what comes in waits for a person",
    "federation",
    (
        word(
            "what",
            "what to do; nothing = signers and bundles",
            choices=("list", "key", "trust", "revoke", "export", "import", "review", "accept", "drop"),
            nargs="?",
            default="list",
        ),
        word(
            "rest",
            "trust: a name and a key; revoke: a name; export: a file or a folder; import: also an https URL; accept, "
            "drop: a number",
            nargs="*",
        ),
        flag("--days", help="trust, export: for how long it holds", type=float, default=None, metavar="N"),
        flag("--only", help="export: only these", choices=("patterns", "samples"), default=""),
        flag(
            "--rule",
            help="accept: which of two answers is taken",
            choices=("latest", "highest-value", "keep-both"),
            default="",
        ),
        flag("--state", help="review: items of this state (default quarantined)", default="quarantined"),
        *GATE,
    ),
    json=True,
    example="federation import /srv/bundles",
)
