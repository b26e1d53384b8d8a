# The habits of this project; CONTRIBUTING.md says more.
PYTHON ?= python

.PHONY: help test lint types docs bench fresh

help:
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/  /'

test: ## the tests and doctests, on JAX
	$(PYTHON) -m pytest -q

lint: ## ruff: style and format
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types: ## mypy over the package
	$(PYTHON) -m mypy

docs: ## the documentation, warnings are errors; open docs/_build/index.html
	$(PYTHON) -m sphinx -W --keep-going -b html docs docs/_build

bench: ## speed of training and of embedding
	$(PYTHON) -m benchmarks.train_speed
	$(PYTHON) -m benchmarks.embed_speed

fresh: ## the README's commands in a new virtual environment
	$(PYTHON) .ci/readme.py
