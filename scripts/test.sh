#!/usr/bin/env bash
# Sets up everything and runs the tests.  scripts/test.sh [--check] [PYTEST ARGS...]
# The test bed and the inference engine are prepared while the tests that need neither run; the tests with Podman
# begin when it is there, beside the others.
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
background engine engine

testbed() {
    scripts/testbed.sh up >"$log/testbed.log" 2>&1 </dev/null && lap "testbed ready" && return 0
    printf 'test: testbed failed; the end of %s:\n' "$log/testbed.log" >&2
    tail -n 30 "$log/testbed.log" >&2
    [ "${CI:-}" != true ] # elsewhere the tests that need it say that they could not run
}

with_podman() { # the test bed, then what needs it and not the engine
    local code=0
    testbed || code=1
    PART=podman run_pytest -m "podman and not engine and not soak" || code=1
    lap "tests with Podman"
    return "$code"
}

away() { # what runs beside the tests with Podman never sees it: two backends would look after the same containers
    AISTACK_TEST_PODMAN=/nonexistent/podman.sock run_pytest "$@"
}

checks() { # where they were asked for
    [ "$check" = yes ] || return 0
    scripts/check.sh || return 1
    lap "checks"
}

result=0
if [ $# -gt 0 ]; then # chosen tests: one run with everything ready
    checks || result=1
    testbed || result=1
    finish engine || [ "${CI:-}" != true ] || result=1
    run_pytest "$@" || result=1
else
    # two streams: Podman's tests mostly wait for Podman, one after the other; the others have the processors
    with_podman >"$log/podman-tests.log" 2>&1 &
    podman_tests=$!
    jobs_started+=("podman-tests:$podman_tests")
    checks || result=1
    away -n 3 --dist worksteal -m "not podman and not engine and not soak" || result=1
    lap "tests without Podman and engine"
    finish engine || [ "${CI:-}" != true ] || result=1
    PART=engine away -m "engine and not podman and not soak" || result=1
    lap "tests with the engine"
    wait "$podman_tests" || result=1
    cat "$log/podman-tests.log"
    PART=both run_pytest -m "podman and engine and not soak" || result=1
fi
[ ! -s "$shaky" ] || sed 's/^/test: SHAKY, passed only at the second look: /' "$shaky"
lap "all"
exit "$result"
