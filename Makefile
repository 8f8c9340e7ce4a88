# make book · make test · make lab · make serve · make pdf · make publish · make outputs · make seeds · make bench · make mutants · make clean
# Each does its own set-up: .ci/setup puts the pinned packages into .venv.

BIN := .venv/bin
HTML := _build/html
BENCH := _build/benchmarks
PORT ?= 8000
REMOTE ?= origin

# Same hashes everywhere, one thread for each notebook, and no progress bars in
# outputs that are compared.
export PYTHONHASHSEED := 0
export OMP_NUM_THREADS := 1
export TQDM_DISABLE := 1

.PHONY: help setup book test lab serve pdf remote publish outputs seeds bench mutants clean

help:
	@echo "make book     build the book into $(HTML)"
	@echo "make test     run everything that must hold"
	@echo "make lab      open the notebooks in JupyterLab"
	@echo "make serve    show the built book at http://127.0.0.1:$(PORT)"
	@echo "make pdf      print the whole book into one PDF"
	@echo "make publish  put the built book on the gh-pages branch of $(REMOTE)"
	@echo "make outputs  run the notebooks and store their outputs, after editing them"
	@echo "make seeds    try what the notebooks assert on fresh seeds (takes an hour; ONLY=book/03-algorithm.ipynb COUNT=20)"
	@echo "make bench    time dropout against others; needs a quiet machine"
	@echo "make mutants  see which small changes to the package its tests do not notice (takes hours; ONLY=companion/masks.py JOBS=2)"
	@echo "make clean    remove what was built (not .venv)"

setup:
	@PYTHON="$(PYTHON)" .ci/setup

# A failed build leaves pages behind that the next one would take for good: Sphinx
# warns once. So they go, while the notebooks already executed stay in the cache.
book: setup
	@start=$$(date +%s); \
	if $(BIN)/jupyter-book build . -W --keep-going; then \
		echo; echo "Built $$(find $(HTML)/book -name '*.html' | wc -l) pages in $$(( $$(date +%s) - start )) s."; \
		echo "Open $(HTML)/index.html, or run: make serve"; \
	else \
		rm -rf _build/.doctrees $(HTML); \
		echo; echo "The book did not build: the warnings and errors above say where. Mend them and run: make book" >&2; \
		exit 1; \
	fi

test: book
	@start=$$(date +%s); set -e; \
	echo "== lint"; $(BIN)/ruff check . ; $(BIN)/ruff format --check . ; \
	echo "== the package: the suite, its mutants, doctests"; \
	$(BIN)/python -m pytest -q --durations=5 -n 2 --ignore=tests/web --ignore=tests/book; \
	echo "== the book: notebooks, ledger, pages, links, builds"; \
	$(BIN)/python -m pytest -q tests/book; \
	echo "== every page in Chromium"; \
	$(BIN)/python -m pytest -q -rs -n 2 tests/web; \
	echo "== nbval: every notebook, outputs compared"; \
	$(BIN)/python -m pytest -q --nbval --nbval-current-env \
		--nbval-cell-timeout=300 -n 2 --dist loadfile book; \
	echo; echo "All checks passed in $$(( $$(date +%s) - start )) s: lint, package tests, doctests, book checks, pages, nbval."; \
	echo "What each check guards stands in tests/; the book is in $(HTML)/index.html"

lab: setup
	@unset TQDM_DISABLE OMP_NUM_THREADS; $(BIN)/jupyter lab book

serve:
	@[ -e $(HTML)/index.html ] || { echo "serve: there is no built book yet: run make book first." >&2; exit 1; }
	@echo "The book is at http://127.0.0.1:$(PORT) until you press Ctrl+C."
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(HTML) $(PORT) 2>/dev/null || \
		{ [ $$? -eq 130 ] || { echo "serve: port $(PORT) is taken: run make serve PORT=8001" >&2; exit 1; }; }

pdf: book
	@$(BIN)/python book/make_pdf.py

# Before the build, which takes minutes.
remote:
	@git remote get-url $(REMOTE) >/dev/null 2>&1 || { \
		echo "publish: this clone has no remote $(REMOTE): git remote add $(REMOTE) ADDRESS, or make publish REMOTE=NAME" >&2; exit 1; }
	@grep -q '^  baseurl: "http' _config.yml || \
		echo "publish: html: baseurl in _config.yml is empty, so the cards for sharing and the buttons for Colab and Binder are left out."

publish: remote book
	@$(BIN)/ghp-import --no-jekyll --push --remote $(REMOTE) -m "Publish the book" $(HTML)
	@echo "Published on the branch gh-pages of $(REMOTE)."

outputs: setup
	@$(BIN)/python book/store_outputs.py
	@echo "Read what changed: git diff book"

# A seed that is not given is a fresh one, and printed.
seeds: COUNT ?= 20
seeds: setup
	@$(BIN)/python -m tests.book.seeds $(ONLY) --count $(COUNT) \
		--jobs $(or $(JOBS),1) $(if $(filter command,$(origin SEED)),--seed $(SEED))

# Beside .venv, and not in it: what is installed there is what requirements.txt says.
.venv-%/installed: requirements-%.txt
	@echo "$*: installing its packages into .venv-$* (.venv-$*/install.log)"
	@rm -rf .venv-$*; mkdir .venv-$*
	@$(BIN)/python -m pip install --disable-pip-version-check --retries 2 --no-deps \
		--target .venv-$* -r $< >.venv-$*/install.log 2>&1 || \
		{ echo "$*: a package could not be installed: connect to a network and run make $* again (all of it: .venv-$*/install.log)" >&2; exit 1; }
	@touch $@

# A process for each number of threads: some frameworks read it once, when they start.
bench: setup .venv-bench/installed
	@command -v $${CXX:-g++} >/dev/null || \
		{ echo "bench: torch.compile needs a C++ compiler: install one (Debian: apt-get install g++)." >&2; exit 1; }
	@mkdir -p $(BENCH); rm -f $(BENCH)/*
	@for threads in 1 2; do \
		OMP_NUM_THREADS=$$threads PYTHONPATH=.venv-bench $(BIN)/python -m pytest -q tests/benchmarks \
			--benchmark-quiet --benchmark-json=$(BENCH)/threads-$$threads.json || exit 1; \
	done
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/report.py $(BENCH)
	@echo "Tables and a plot: $(BENCH)/report.md, times.csv, memory.csv, speed.svg"

# The judge of the mutants is tested first: its verdicts stand in no other test.
# ONLY is a module or a folder, JOBS how many at once, SEED that of the sample.
mutants: ONLY ?= companion
mutants: JOBS ?= 1
mutants: SEED ?= 0
mutants: setup .venv-mutants/installed
	@PYTHONPATH=.venv-mutants:. $(BIN)/python -m pytest -q tests/mutation
	@PYTHONPATH=.venv-mutants:. $(BIN)/python -m tests.mutation --only $(ONLY) --jobs $(JOBS) --seed $(SEED)

clean:
	@rm -rf _build .pytest_cache .ruff_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -not -path './.venv*' -type d -prune -exec rm -rf {} +
	@find book -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +
	@echo "Removed what was built. The packages stay in .venv, .venv-bench and .venv-mutants; remove the folders to install them anew."
