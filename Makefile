# make demo   a person sees it work          make test   the tests
# make check  lint, format and types         make clean  removes what make made
# make notebooks  runs the notebooks, each from its first cell to its last, and two in JupyterLab
# make docs   builds the site                make serve  builds it and shows it at http://127.0.0.1:8000
# make EXTRAS=all test   with every extra, so that no test is skipped for want of a library
PYTHON ?= python3
EXTRAS ?= dev,video
VENV := .venv
BIN := $(VENV)/bin
# A stamp for each choice of extras, so that what another one brings is installed when it is asked for.
READY := $(VENV)/.ready-$(EXTRAS)

.PHONY: demo test notebooks check docs serve clean

demo: $(READY)
	$(BIN)/megastep demo --out out

# worksteal: each process has files of its own, and so their fixtures, until another has none left
# The notebooks are run by themselves: they take as long as a fifth of the tests.
test: $(READY)
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal -m 'not notebook'

notebooks: $(READY)
	$(BIN)/python -m pytest -n auto --maxprocesses 8 -m notebook

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# No warning is let through. PORT=8001 where another program has the first.
docs: EXTRAS := docs
docs:
	@$(MAKE) --no-print-directory EXTRAS='$(EXTRAS)' $(VENV)/.ready-$(EXTRAS)
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build

serve: PORT ?= 8000
serve: docs
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory docs/_build $(PORT)

clean:
	rm -rf $(VENV) out docs/_build docs/jupyter_execute docs/notebooks docs/reference/generated

$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and f"megastep needs Python 3.10 or later, $(PYTHON) is {sys.version.split()[0]}: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@
