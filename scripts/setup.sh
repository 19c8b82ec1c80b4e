#!/usr/bin/env bash
# Makes .venv in the checkout and installs the locked, hash-checked requirements in it.
#   scripts/setup.sh run   what the program needs
#   scripts/setup.sh dev   the same, and what its tests and checks need
# Writes nothing outside the checkout but the package cache in the XDG cache folder. Needs Python 3.11 or newer.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE # without byte code each start would compile every module again
kind=${1:-run}
py=.venv/bin/python

say() { printf 'setup: %s\n' "$*" >&2; }

lap() { # lap NAME: print what this stage took
    local now=${EPOCHREALTIME/[.,]/}
    printf 'setup: %-24s %5d ms\n' "$1" $(((now - mark) / 1000)) >&2
    mark=$now
}
mark=${EPOCHREALTIME/[.,]/}

find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$name"
            return 0
        fi
    done
    say "no Python 3.11 or newer was found on PATH; install one, or say PYTHON=/path/to/python3 make ..."
    return 1
}

make_venv() {
    [ -x "$py" ] && "$py" -c '' 2>/dev/null && return 0
    local found
    found=$(find_python)
    "$found" -m venv --clear .venv || {
        say "$found cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv"
        return 1
    }
    lap "virtual environment"
}

find_uv() { # uv installs in seconds what pip installs in a minute; without it pip does the same work
    [ -x .venv/bin/uv ] && echo .venv/bin/uv && return 0
    command -v uv && return 0
    "$py" -m pip --version >/dev/null 2>&1 || "$py" -m ensurepip -q >&2
    "$py" -m pip install -q --require-hashes --only-binary :all: -r requirements/uv.txt >&2 || return 1
    echo .venv/bin/uv
}

install() { # install ARGS...: with uv, else with pip, which also knows the mirrors of pip's own settings
    if [ -n "$uv" ] && "$uv" pip install -q --python "$py" --compile-bytecode "$@"; then return 0; fi
    say "installing with pip instead of uv"
    "$py" -m pip --version >/dev/null 2>&1 || "$py" -m ensurepip -q >&2
    "$py" -m pip install -q "$@"
}

print_key() { # everything that decides what is installed
    "$py" -c 'import sys; print(sys.version)'
    cat "requirements/$kind.txt" requirements/build.txt pyproject.toml
    pwd
}

[ -f "requirements/$kind.txt" ] || { say "there is no requirements/$kind.txt: say run or dev"; exit 2; }
make_venv
key=$(print_key | sha256sum)
[ "$(cat ".venv/aistack-$kind" 2>/dev/null)" = "$key" ] && exit 0
uv=$(find_uv) || uv=
lap "installer"
install --require-hashes -r "requirements/$kind.txt" -r requirements/build.txt
lap "packages"
install --no-deps --no-build-isolation -e .
lap "aistack-console itself"
printf '%s\n' "$key" >".venv/aistack-$kind"
