#!/bin/sh
# The console on 127.0.0.1, and beside it one worker with beat: long work, and the sealing of the
# event log by the minute. Both end together.
set -eu
BIN=${BIN:-.venv/bin}
PORT=${PORT:-8000}
VAR=${VAR_DIR:-var}
export JOBS=worker
mkdir -p "$VAR"

# A session of its own: a signal to this whole group (Ctrl-C) would take the worker's processes from
# under it, and it would wait for them for ever. Two processes, so that a long routing does not hold
# up the sealing. The schedule is kept in a file; beyond one machine beat keeps it in the database.
"$BIN/python" -c 'import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])' \
    "$BIN/celery" -A config worker --beat --concurrency 2 --loglevel WARNING \
    --schedule "$VAR/beat" --scheduler celery.beat.PersistentScheduler &
WORKER=$!
"$BIN/gunicorn" config.wsgi --bind "127.0.0.1:$PORT" --workers 2 --threads 4 --timeout 120 &
SERVER=$!

stop() {
    trap - EXIT INT TERM HUP
    kill "$SERVER" "$WORKER" 2>/dev/null || true
    wait "$SERVER" "$WORKER" 2>/dev/null || true
}
trap stop EXIT
trap 'stop; exit 0' INT TERM HUP
echo "The console is at http://127.0.0.1:$PORT/admin/"
wait "$SERVER"
