#!/usr/bin/env bash
# Writes the locked requirements anew from pyproject.toml, with hashes and without the address of any registry (ADR 0002).
# With arguments such as --upgrade, hands them to uv; without, keeps every pin that still fits.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
[ -x "$uv" ] || uv=uv
lock() { # lock OUT SOURCE ARGS...
    local out=requirements/$1.txt
    shift
    "$uv" pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --no-emit-find-links -o "$out" "$@"
}
lock run pyproject.toml "$@"
lock dev pyproject.toml --group dev -c requirements/run.txt "$@"
printf 'hatchling>=1.27\neditables\n' | lock build - "$@"
printf 'aider-chat==0.86.2\n' | lock aider - "$@"
printf 'uv\n' | lock uv - "$@"
