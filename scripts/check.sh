#!/usr/bin/env bash
# The checks that need no test to run. All of them run, then the verdict: one run shows everything that is wrong.
set -uo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE
bin=.venv/bin
failed=()

step() { # step NAME COMMAND...: what it says is shown only when it fails
    local name=$1 started=${EPOCHREALTIME/[.,]/} said
    shift
    said=$("$@" 2>&1) || { failed+=("$name") && printf '%s\n' "$said"; }
    printf 'check: %-14s %6d ms\n' "$name" $(((${EPOCHREALTIME/[.,]/} - started) / 1000))
}

step format "$bin/ruff" format --check --quiet .
step lint "$bin/ruff" check --quiet .
step types "$bin/mypy" --no-error-summary
step layers "$bin/lint-imports"
[ -f scripts/lint_untrusted.py ] && step untrusted "$bin/python" scripts/lint_untrusted.py

if [ ${#failed[@]} -gt 0 ]; then
    printf 'check: not passed: %s\n' "${failed[*]}" >&2
    exit 1
fi
echo 'check: passed'
