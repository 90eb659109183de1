# Two commands: `make demo` and `make test`. Both build .venv once, from constraints.txt.
PYTHON ?= python3
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip install --quiet --constraint constraints.txt

# Another kind of processor, imitated: the numerical libraries leave newer instructions unused.
OLDER  := ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE OPENBLAS_CORETYPE=Nehalem \
          NPY_DISABLE_CPU_FEATURES="AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL \
          AVX512_ICL AVX512_SPR"

.PHONY: demo test test-older-processor docs clean

demo: .venv/installed
	@$(BIN)/sklidh demo

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	@# One thread to a worker: those of two workers on two cores would wait for one another, at work.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=2 --dist=worksteal --cov --cov-report=

# The numerical part of the suite, as an older processor would run it.
test-older-processor: .venv/installed
	OMP_NUM_THREADS=1 $(OLDER) $(BIN)/python -m pytest --numprocesses=2 --dist=worksteal -q \
	  tests/fusion tests/nn/test_fusion.py tests/nn/test_losses.py tests/selection tests/evaluation \
	  tests/test_leaks.py

docs: .venv/installed
	$(BIN)/sphinx-build -q -W docs docs/_build
	@echo "Open docs/_build/index.html"

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sklidh needs Python 3.11 or later; run: make PYTHON=python3.11")'
	@echo "Building .venv (once, some minutes) ..."
	@$(PYTHON) -m venv --clear .venv
	@# PyRadiomics, the reference engine, imports numpy in its setup.py, so pip's isolated build of it
	@# fails; and its setup.py does not run on Python 3.12, where only the native engine is installed.
	@$(PIP) numpy setuptools wheel
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 12))' \
	  || $(PIP) --no-build-isolation pyradiomics==3.0.1
	@$(PIP) --editable ".[test]"
	@touch $@

clean:
	rm -rf .venv build *.egg-info sklidh-demo sklidh-run .hypothesis docs/_build docs/generated docs/gallery \
	  sklidh-check.html sklidh-check.html.run.yaml
