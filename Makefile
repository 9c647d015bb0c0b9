# Each of these is the only command needed on a machine with Python 3.11 or newer and make.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# A Python that is new enough and can make environments; else one that runs at all, so that the message can say what it lacks.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && exit; done; \
	for python in python3.13 python3.12 python3.11 python3; do "$$python" -c '' 2>/dev/null && echo "$$python" && exit; done)

# A warning in a cell is an error. nbval's own limit interrupts a cell; pytest's would leave the kernel busy.
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=60 --nbval-sanitize-with=tests/nbval_sanitize.cfg -o timeout=0

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help venv demo lab test browser gallery xenlab bench bench-accuracy check clean

help:
	@echo 'make demo    live-migrate a guest twice, compare the runs, write a page'
	@echo 'make lab     open the notebooks in JupyterLab'
	@echo 'make test    run the tests, the examples of the docstrings and the notebooks'
	@echo 'make browser run the notebook and the page in a real browser (needs a Chromium)'
	@echo 'make xenlab  build and boot two Xen hosts under QEMU, and migrate between them (Debian 12; about 8 minutes)'
	@echo 'make check   lint, types, import contracts, docstrings'
	@echo 'make gallery write gallery.html, a page that draws every view'
	@echo 'make bench   measure and print the table of ratios'
	@echo 'make bench-accuracy  run the live engine for 8 minutes, and print how far off forecasts and ranges of it were'
	@echo 'make venv    make $(VENV) with everything in it'
	@echo 'make clean   remove $(VENV) and caches (recorded runs stay)'

venv: $(VENV)/.lab $(VENV)/.test

demo: $(VENV)/.core
	$(BIN)/xlkit demo $(ARGS)

lab: $(VENV)/.lab
	$(BIN)/jupyter lab --ServerApp.ip=127.0.0.1 $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS) notebooks/01_start.ipynb

test: $(VENV)/.test
	$(BIN)/pytest $(ARGS)
	@echo 'Not run: migrations between two emulated Xen hosts. make xenlab runs them.'
	store=$$(mktemp -d) && trap 'rm -rf "$$store"' EXIT && XLKIT_STORE="$$store" PYTHONWARNINGS=error $(BIN)/pytest $(NBVAL) notebooks

browser: $(VENV)/.app $(VENV)/.browser $(VENV)/.images $(VENV)/.lab $(VENV)/.test
	@command -v chromium chromium-browser google-chrome >/dev/null || { echo 'make browser needs a Chromium (Debian: apt install' \
		'chromium); none was found on the PATH.' >&2; exit 1; }
	$(BIN)/pytest -m browser $(ARGS)

gallery: $(VENV)/.test
	$(BIN)/python -m tests.gallery $(ARGS)

xenlab: $(VENV)/.test
	@for program in qemu-system-x86_64 mmdebstrap ssh-keygen gcc; do command -v $$program >/dev/null || { \
		echo "$$program is missing: apt install qemu-system-x86 mmdebstrap openssh-client gcc libc6-dev" >&2; exit 1; }; done
	$(BIN)/pytest -m xenlab tests/xenlab $(ARGS)

bench: $(VENV)/.test $(VENV)/.bench
	$(BIN)/python -m tests.benchmarks $(ARGS)

bench-accuracy: $(VENV)/.test
	$(BIN)/python -m tests.accuracy $(ARGS)
	$(BIN)/python -m tests.accuracy.ranges

check: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	find xlkit -name '*.py' ! -name '_[a-z]*' | sort | xargs $(BIN)/numpydoc lint

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

# Installed anew whenever pyproject.toml is newer than the last installation.
$(VENV)/.core: EXTRAS =
$(VENV)/.lab: EXTRAS = [lab]
$(VENV)/.test: EXTRAS = [test]
$(VENV)/.app: EXTRAS = [app]
$(VENV)/.bench: EXTRAS = [bench]
$(VENV)/.browser: EXTRAS = [browser]
$(VENV)/.images: EXTRAS = [images]
$(VENV)/.core $(VENV)/.app $(VENV)/.bench $(VENV)/.lab $(VENV)/.test $(VENV)/.browser $(VENV)/.images: pyproject.toml | $(BIN)/python
	@echo 'Installing xlkit$(EXTRAS) into $(VENV); the first time takes a minute.'
	@$(PIP) install --quiet --editable '.$(EXTRAS)'
	@touch $@

# A link to a Python that is gone counts as missing, so the environment is made anew.
$(BIN)/python:
	@[ -n '$(PYTHON)' ] || { echo 'xlkit needs Python 3.11 or newer, and no python3 was found on the PATH.' >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "xlkit needs Python 3.11 or newer," \
		"and $(PYTHON) is $$('$(PYTHON)' -V 2>/dev/null || echo 'not one'). Install a newer one, or name it:" \
		"make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make environments: its venv module is a" \
		"package of its own. Install it (Debian, Ubuntu: apt install python3-venv), then make $(MAKECMDGOALS) again." >&2; exit 1; }
	@echo 'Making $(VENV) with $(PYTHON).'
	@'$(PYTHON)' -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }
