# Every target sets up what it needs: a fresh machine with Python 3.11+ and make is enough.
PYTHON ?= python3
BIN := .venv/bin
SERVE ?= 1
PORT ?= 8000
DATABASE_URL_SERVICES ?= postgres://postgres@127.0.0.1:5432/postgres
BROKER_URL_SERVICES ?= amqp://guest:guest@127.0.0.1:5672//

.PHONY: setup demo serve test test-services lint bench messages

setup: .venv/.done

.venv/.done: requirements.txt requirements-dev.txt constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	touch $@

demo: setup
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py demo
	@if [ "$(SERVE)" = "1" ]; then PORT=$(PORT) BIN=$(BIN) sh scripts/serve.sh; fi

serve: setup
	$(BIN)/python manage.py migrate --verbosity 0
	PORT=$(PORT) BIN=$(BIN) sh scripts/serve.sh

# Tables are made from the models here, by the migrations in test-services and by whatever is served.
test: setup
	env -u DATABASE_URL -u CELERY_BROKER_URL $(BIN)/python -m pytest -n 2 --no-migrations -m "not services and not browser"

# PostgreSQL with a broker and real workers, and the pages in a real Chromium.
test-services: setup
	sh scripts/browser.sh
	DATABASE_URL=$(DATABASE_URL_SERVICES) TEST_BROKER_URL=$(BROKER_URL_SERVICES) \
		$(BIN)/python -m pytest -n 2

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

# Collect what is said into locale/ and compile it; translate what is new in between.
messages: setup
	$(BIN)/python scripts/messages.py

bench: setup
	$(BIN)/python -m benchmarks.plan
	$(BIN)/python -m benchmarks.route --tasks 100000
	$(BIN)/python -m benchmarks.intake
