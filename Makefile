# The index of what one can do here. Every target does its own set-up; the first one takes about a minute.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
PIP := $(PYTHON) -m pip --quiet --disable-pip-version-check

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## put the main claims about WSGI and ASGI to the test, in about a minute
	@$(BIN)/lab demo

up: $(READY) ## start the stack without Docker and keep it until Ctrl-C
	@$(BIN)/lab up

down: ## remove what Compose has made, whichever profiles ran: containers, networks, volumes; images stay
	@docker compose --profile '*' down --volumes --remove-orphans

test: $(READY) ## run every test (those of the Docker door where an engine runs)
	@$(BIN)/pytest

reliability: $(READY) ## try every fault through both doors, and write docs/reliability.md: twenty minutes
	@$(BIN)/pytest tests/faults --reliability

fuzz: $(READY) ## ask both services 50,000 odd things: a quarter of an hour
	@FUZZ_CASES=50000 $(BIN)/pytest tests/e2e/test_fuzz.py -k native --timeout 3600

MINUTES := 30
soak: $(READY) ## half an hour of load; does a server grow? MINUTES=5 for less
	@$(BIN)/python -m tests.soak --minutes $(MINUTES)

judge: $(READY) ## every experiment, judged: fifty minutes
	@$(BIN)/lab run --all --budget 50

bench-judge: $(READY) ## how often the judge is wrong: half an hour
	@$(BIN)/lab calibrate

bench-generator: $(READY) ## requests per CPU second of our users against Locust's bare ones
	@$(BIN)/lab bench-generator

bench-agreement: $(READY) ## the ratios of our generator against those of wrk, which must be installed
	@$(BIN)/lab bench-agreement

bench-services: $(READY) ## CPU per request of our services against plain apps with one route
	@$(BIN)/lab bench-services

pictures: $(READY) ## take the pictures of the README anew (needs Chromium)
	@$(BIN)/python -m tests.browser.pictures

check: $(READY) ## lint and type-check; changes nothing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY) ## let ruff put the code in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(READY) ## pin all dependencies anew in requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-header --python-version 3.11 \
		--group dev pyproject.toml --output-file requirements.lock

clean: ## remove the environment, caches and results
	rm -rf .venv .*_cache results/*

# --without-pip, and the system's pip from outside: some systems ship venv without ensurepip.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "This needs Python 3.11 or newer: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up .venv (once, about a minute)"
	@once=$$(mktemp -d) && $(PIP) download --retries 0 --no-deps --dest $$once hatchling >/dev/null 2>&1; \
		code=$$?; rm -rf $$once; test $$code = 0 || \
		{ echo "The set-up needs pip, and PyPI once: '$(PYTHON) -m pip download hatchling' says what is in the way"; exit 1; }
	@rm -rf .venv
	@$(PYTHON) -m venv --without-pip .venv
	@$(PIP) --python $(BIN)/python install --require-hashes -r requirements.lock
	@$(PIP) --python $(BIN)/python install --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: help demo up down test reliability fuzz soak judge bench-judge bench-generator bench-agreement bench-services pictures check format lock clean
