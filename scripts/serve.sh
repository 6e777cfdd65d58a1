#!/bin/sh
# The console on 127.0.0.1, and beside it one worker for long work; both end together.
set -eu
BIN=${BIN:-.venv/bin}
PORT=${PORT:-8000}
export JOBS=worker
"$BIN/celery" -A config worker --beat --concurrency 1 --loglevel WARNING \
    --schedule "${VAR_DIR:-var}/beat" --scheduler celery.beat.PersistentScheduler &
WORKER=$!
trap 'kill "$WORKER" 2>/dev/null || true' EXIT INT TERM
echo "The console is at http://127.0.0.1:$PORT/admin/"
"$BIN/gunicorn" config.wsgi --bind "127.0.0.1:$PORT" --workers 2 --threads 4 --timeout 120
