# Everything a newcomer types. Needs python3 (3.11 or newer, with venv) and make; uses uv when it is there.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/
INSTALLED := $(VENV)/.installed
PROCESSES ?= 2

# Tests start a hundred servers: each would compile its modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

run: $(INSTALLED)  ## start Retainer with demo data and print the address and the logins
	$(RUN)retainer demo

# Two processes at once, each with a server of its own: one alone leaves half of two cores idle.
TEST := $(RUN)python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder

test: $(INSTALLED) check  ## run every check and test (about a quarter of an hour on two cores)
	@$(TEST) -m "not slow"; everyday=$$?; $(TEST) -m slow; slow=$$?; exit $$((everyday + slow))

test-fast: $(INSTALLED)  ## run the everyday part of the tests (less than three minutes on two cores)
	$(TEST) -m "not slow"

check: $(INSTALLED)  ## lint, strict types, layers of imports, migrations
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy
	$(RUN)lint-imports --no-cache
	$(RUN)squawk --config .squawk.toml src/retainer/database/migrations/*.sql

bench: $(INSTALLED)  ## measure side by side with other stacks and write bench/RESULTS.md
	$(RUN)python -m bench

prove: $(INSTALLED)  ## try what takes longer than tests may and write bench/PROOFS.md
	$(RUN)python -m bench.prove

schema: $(INSTALLED)  ## write src/retainer/database/schema.sql anew, from a database made for it
	$(RUN)python tests/support/schema_snapshot.py > schema.sql.new && mv schema.sql.new src/retainer/database/schema.sql

lock: $(INSTALLED)  ## pin every dependency with hashes anew
	$(RUN)python -m piptools compile --quiet --extra dev --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-emit-trusted-host --allow-unsafe --strip-extras --output-file requirements.lock pyproject.toml

clean:  ## remove what was installed and built
	rm -rf $(VENV) build dist src/retainer/pages/layout/dist .ruff_cache .mypy_cache .hypothesis

help:  ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(INSTALLED): requirements.lock pyproject.toml package-lock.json hatch_build.py
	@if command -v uv >/dev/null 2>&1; then \
	    uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
	    VIRTUAL_ENV=$(VENV) uv pip install --quiet --require-hashes -r requirements.lock && \
	    VIRTUAL_ENV=$(VENV) uv pip install --quiet --no-deps --no-build-isolation -e .; \
	else \
	    $(PYTHON) -m venv $(VENV) && \
	    $(RUN)python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	    $(RUN)python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

.PHONY: run test test-fast check bench prove schema lock clean help
