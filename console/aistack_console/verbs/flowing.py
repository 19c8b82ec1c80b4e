"""The verb of workflows as data."""

from __future__ import annotations

from aistack_console.verbs.verb import Verb, flag, word

WORKFLOW = Verb(
    "workflow",
    "run workflows, or look at them and at their runs; each step with an effect waits for its own approval",
    "workflow",
    (
        word("what", "what to do", choices=("list", "show", "check", "run", "runs", "rerun", "stop")),
        word("name", "show, run: the workflow; check: the file; runs, rerun, stop: the number", nargs="?", default=""),
        word("step", "rerun: the step to begin at", nargs="?", default="", metavar="STEP"),
        flag(
            "--input",
            help="run: a value, @FILE or @- for what it holds; may be repeated",
            action="append",
            default=[],
            metavar="NAME=VALUE",
        ),
        flag(
            "--engine",
            help="run: who is asked where the file names nobody; may be repeated",
            action="append",
            default=[],
            metavar="NAME",
        ),
        flag("--no-wait", help="run, rerun: do not wait until it has ended or needs a person"),
        flag("--until-done", help="run, rerun: wait until it has ended, also for a person"),
        flag("--timeout", help="seconds to wait for it (default 900)", type=float, default=900.0, metavar="SECONDS"),
    ),
    json=True,
    example='workflow run simple_query --input question="What is a volume?"',
)
