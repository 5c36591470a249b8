# make demo   a person sees it work          make test   the tests
# make check  lint, format and types         make clean  removes what make made
# make EXTRAS=all test   with every extra, so that no test is skipped for want of a library
PYTHON ?= python3
EXTRAS ?= dev,video
VENV := .venv
BIN := $(VENV)/bin
# A stamp for each choice of extras, so that what another one brings is installed when it is asked for.
READY := $(VENV)/.ready-$(EXTRAS)

.PHONY: demo test check clean

demo: $(READY)
	$(BIN)/megastep demo --out out

# worksteal: each process has files of its own, and so their fixtures, until another has none left
test: $(READY)
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) out

$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and f"megastep needs Python 3.10 or later, $(PYTHON) is {sys.version.split()[0]}: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@
