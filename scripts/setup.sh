#!/bin/sh
# Makes the environment in .venv: `setup.sh run` with what running needs, `setup.sh dev` with the tests' tools too.
# Everything is installed from the locks in requirements/, each file checked by its hash. A digest of what went in is
# kept, so that a second call costs nothing.
set -eu
cd "$(dirname "$0")/.."
kind=${1:-run}
venv=.venv
case $kind in run | dev) ;; *) echo "usage: setup.sh run|dev" >&2; exit 2 ;; esac

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "$new_enough" >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
}

digest() {
    { cat requirements/run.txt "requirements/$kind.txt" pyproject.toml client/pyproject.toml; pwd; "$1" -V; } |
        if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1
}

up_to_date() {
    # An environment with the tests' tools has what running needs as well.
    for have in "$kind" dev; do
        stamp=$venv/.tocsin-$have
        [ -f "$stamp" ] || continue
        [ "$(cat "$stamp")" = "$(kind=$have; digest "$venv/bin/python")" ] && return 0
    done
    return 1
}

if [ -x $venv/bin/python ] && $venv/bin/python -c "$new_enough" 2>/dev/null && up_to_date; then
    exec $venv/bin/python hatch_build.py
fi

python=$(find_python)
if [ -z "$python" ]; then
    found=$(${PYTHON:-python3} -V 2>/dev/null || echo "no Python")
    fail "Tocsin needs Python 3.11 or newer and found $found; install one, or name it: make run PYTHON=/path/to/python3.12"
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$("$python" -V) comes without ensurepip and venv; on Debian or Ubuntu: apt-get install $(basename "$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')")-venv"

# A checkout that was moved has scripts with the old path in them.
if [ ! -x $venv/bin/python ] || [ "$($venv/bin/python -c 'import sys; print(sys.prefix)' 2>/dev/null)" != "$(pwd)/$venv" ] ||
    ! $venv/bin/python -c "$new_enough" 2>/dev/null; then
    say "making $venv with $("$python" -V) ..."
    "$python" -m venv --clear $venv || fail "the environment can't be made; see above"
fi
rm -f $venv/.tocsin-run $venv/.tocsin-dev
pip="$venv/bin/python -m pip --disable-pip-version-check --no-input --quiet"
say "installing $(grep -c '==' "requirements/$kind.txt") locked packages ..."
$pip install --require-hashes -r "requirements/$kind.txt" ||
    fail "the packages can't be installed; see above (is pip's package index reachable from here?)"
say "installing Tocsin from this folder ..."
$pip install --no-deps --no-build-isolation --no-index --editable . --editable ./client ||
    fail "Tocsin itself can't be installed; see above"
$venv/bin/python hatch_build.py
digest $venv/bin/python >$venv/.tocsin-$kind
say "done"
