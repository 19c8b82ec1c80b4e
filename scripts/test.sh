#!/usr/bin/env bash
# Sets up everything and runs the tests.  scripts/test.sh [--check] [PYTEST ARGS...]
# The test bed and the inference engine are prepared in the background while the tests that need neither run.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE
mkdir -p .cache
log=.cache/log
mkdir -p "$log"
started=${EPOCHREALTIME/[.,]/}
jobs_started=()
check=no
[ "${1:-}" = --check ] && check=yes && shift

lap() { printf 'test: %-34s at %4d s\n' "$1" $(((${EPOCHREALTIME/[.,]/} - started) / 1000000)); }

background() { # background NAME COMMAND...: its output goes to a log, which is shown when it fails
    local name=$1
    shift
    "$@" >"$log/$name.log" 2>&1 </dev/null &
    jobs_started+=("$name:$!")
}

finish() { # finish NAME: wait for it; its log's end on failure
    local entry
    for entry in "${jobs_started[@]}"; do
        [ "${entry%%:*}" = "$1" ] || continue
        if wait "${entry##*:}"; then
            lap "$1 ready"
            return 0
        fi
        printf 'test: %s failed; the end of %s:\n' "$1" "$log/$1.log" >&2
        tail -n 30 "$log/$1.log" >&2
        return 1
    done
}

stop_background() {
    local entry
    for entry in "${jobs_started[@]}"; do kill "${entry##*:}" 2>/dev/null || true; done
}
trap stop_background EXIT

engine() { # the wheel, the small model and the one for vectors, all kept in the cache folder
    .venv/bin/python -m aistack_backend.inference.fetch &
    nice -n 5 .venv/bin/python -m aistack_backend.inference.wheel
    wait $!
}

shaky=.cache/log/second-look
rm -f "$shaky"

run_pytest() { # what fails is shown; up to SECOND_LOOKS failed tests are run once more, alone, and that is final
    local code=0 cache=.pytest_cache/${PART:-all}
    rm -f "$cache/v/cache/lastfailed"
    .venv/bin/python -m pytest -q -o "cache_dir=$cache" --durations=15 "$@" || code=$?
    [ "$code" != 0 ] || return 0
    [ "$code" = 1 ] && .venv/bin/python scripts/second_look.py "${SECOND_LOOKS:-5}" "$cache" >"$cache/failed" || return 1
    printf 'test: a second look at the tests that failed above\n'
    .venv/bin/python -m pytest -q -o "cache_dir=$cache" "$@" -n 0 --last-failed --last-failed-no-failures none || return 1
    cat "$cache/failed" >>"$shaky"
}

scripts/setup.sh dev
lap "packages"
scripts/testbed.sh plan # says what it will do, and refuses where it may not
background testbed scripts/testbed.sh up
background engine engine
result=0
if [ "$check" = yes ]; then
    scripts/check.sh || result=1
    lap "checks"
fi
if [ $# -gt 0 ]; then # chosen tests: one run with everything ready
    finish testbed || [ "${CI:-}" != true ] || result=1
    finish engine || [ "${CI:-}" != true ] || result=1
    run_pytest "$@" || result=1
else
    # most of these wait more than they compute; three at a time leave room for what is built beside them
    run_pytest -n 3 --dist worksteal -m "not podman and not engine and not soak" || result=1
    lap "tests without Podman and engine"
    finish testbed || [ "${CI:-}" != true ] || result=1
    finish engine || [ "${CI:-}" != true ] || result=1
    # the engine's tests share nothing with Podman's but the processors: what they say is shown when they have ended
    PART=engine run_pytest -m "engine and not podman and not soak" >"$log/engine-tests.log" 2>&1 &
    engine_tests=$!
    jobs_started+=("engine-tests:$engine_tests")
    PART=podman run_pytest -m "podman and not soak" || result=1
    lap "tests with Podman"
    wait "$engine_tests" || result=1
    cat "$log/engine-tests.log"
fi
[ ! -s "$shaky" ] || sed 's/^/test: SHAKY, passed only at the second look: /' "$shaky"
lap "all"
exit "$result"
