# shellcheck shell=bash
# Sets $python to an interpreter that is new enough; read by scripts/run and scripts/test.
python=
for candidate in ${PYTHON:+"$PYTHON"} python3 python3.11 python3.12 python3.13 python3.14 python; do
    if "$candidate" -I -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
    if [ -n "${PYTHON:-}" ]; then break; fi
done
if [ -z "$python" ]; then
    echo "Sidecar needs Python 3.11 or newer with its venv module${PYTHON:+, and $PYTHON is not that}." >&2
    echo "Install one (on Debian: python3-venv), or name it: PYTHON=/path/to/python3.11 $0" >&2
    exit 1
fi
