# text2pixels: `make help` lists the verbs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# The first Python of the supported versions; name another with `make PYTHON=... setup`.
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && echo $$p && break; done)
READY := .venv/.ready

.PHONY: help setup demo real test check ui benchmark docs clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## prepare .venv with the pinned packages

$(READY): requirements/constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "text2pixels needs Python 3.11 or 3.12: install one, or name it with make PYTHON=..." >&2; exit 2; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv || { echo "python -m venv failed: on Debian, apt install python3-venv" >&2; rm -rf .venv; exit 2; }
	@# The build backend is pinned like the rest, so the package is built with it and not in an environment of its own.
	@# uv installs the two hundred packages in half a minute; pip itself takes several.
	awk '/^uv==/ {found = 1} found; found && !/\\$$/ {exit}' requirements/constraints.txt > .venv/uv.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt
	.venv/bin/uv pip sync --quiet --python .venv --require-hashes requirements/constraints.txt
	.venv/bin/uv pip install --quiet --python .venv --no-build-isolation --no-deps --editable .
	@touch $@

demo: $(READY) ## the whole pipeline on simulated pairs, to reports/site/index.html
	@t2p params demo
	@dvc repro
	@echo "report: file://$(CURDIR)/reports/site/index.html"

real: $(READY) ## the same on real pairs: make real DATA=folder [WEIGHTS=folder] [PHRASES=vectors.parquet]
	@test -n "$(DATA)" || { echo "make real DATA=<folder that holds RoadScene/ and TNO/> [WEIGHTS=<official weights>] [PHRASES=<phrase vectors>]" >&2; exit 2; }
	@t2p params roadscene --data "$(DATA)" $(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(PHRASES),--phrases "$(PHRASES)")
	@dvc repro
	@echo "report: file://$(CURDIR)/reports/site/index.html"

test: $(READY) ## the tests
	@# A process for each core, with one thread each: two processes of two threads on two cores take many times as long.
	@OMP_NUM_THREADS=1 python -m pytest -n auto --dist loadfile

check: $(READY) ## ruff and mypy
	@ruff format --check .
	@ruff check .
	@mypy

ui: $(READY) ## Prefect: a server with its UI, the deployments, a worker: make ui [PORT=4200]
	@exec python -m flows.ui $(if $(PORT),--port $(PORT))

benchmark: $(READY) ## speed and memory, as ratios in one run
	@for command in network.py metrics.py embeddings.py "ingest.py speed"; do echo "== benchmarks/$$command"; \
		python benchmarks/$$command; done

docs: $(READY) ## the pages of docs/ as a site, to docs/_build/index.html
	@sphinx-build -q -W -b html docs docs/_build
	@echo "docs: file://$(CURDIR)/docs/_build/index.html"

clean: ## remove what the pipeline made, not .venv and not the DVC cache
	rm -rf data/interim data/processed data/prompts data/embeddings data/fused models reports/scores reports/detections reports/cost reports/site reports/plots reports/metrics.json data/params-checked .cache/train .cache/detect .cache/embeddings
