# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Everything that is made lies in .build, which can be removed at any time. No command needs root.

SHELL := /bin/bash
PYTHON ?= python3
WORKERS ?= 2
BRANCHES ?= --branches-of-plugins 95 --cov --cov-config=pyproject.toml --cov-report=term-missing:skip-covered \
  --cov-report=json:.build/coverage/report.json
VENV := .build/venv
TREE := .build/ansible_collections/apiops/access
OIDC := .build/oidc_provider
PEERS := .build/peer_collections

# Whatever the user's own configuration says, these commands see this collection and no other settings.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build
export ANSIBLE_CONFIG := $(CURDIR)/tests/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/.build/ansible_home
export PYTHONPATH := $(CURDIR)/.build

# What one command alone needs, into the same environment.
INSTALL = python -m pip install --quiet --disable-pip-version-check -r $< && touch $@

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.done: tests/requirements.txt requirements.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; name it by: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@echo "Installing what is needed into .build/venv, once (some minutes on a slow line) ..."
	@"$(PYTHON)" -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt -r requirements.txt
	@touch $@

.PHONY: setup
setup: $(VENV)/.done ## Make the virtual environment and the collection tree
	@mkdir -p $(dir $(TREE))
	@ln -sfn ../../.. $(TREE)

$(OIDC)/.done: tests/oidc_provider/package.json tests/oidc_provider/package-lock.json $(VENV)/.done
	@echo "Installing oidc-provider into $(OIDC) ..."
	@mkdir -p $(OIDC)
	@cp tests/oidc_provider/package.json tests/oidc_provider/package-lock.json $(OIDC)
	@cd $(OIDC) && npm ci --ignore-scripts --no-audit --no-fund --omit=dev --loglevel=error --cache ../npm_cache >/dev/null
	@ln -sfn ../../tests/oidc_provider/server.mjs $(OIDC)/server.mjs
	@touch $@

.PHONY: oidc
oidc: setup $(OIDC)/.done ## Install the OAuth server that the tests use

# Other collections: two whose modules the tests check this one's playbooks against, and what the benchmark compares with.
$(PEERS)/.done: $(VENV)/.done
	@echo "Installing other collections into $(PEERS) ..."
	@mkdir -p $(PEERS)
	@python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest $(PEERS) 'ansible ~= 12.0'
	@cd $(PEERS) && python -c 'import glob, zipfile; (wheel,) = glob.glob("ansible-*.whl"); package = zipfile.ZipFile(wheel); \
	  wanted = "ansible_collections/awx/awx/", "ansible_collections/community/hashi_vault/", \
	  "ansible_collections/community/general/plugins/module_utils/identity/"; \
	  package.extractall(members=[name for name in package.namelist() if name.startswith(wanted)])' && rm ansible-*.whl
	@touch $@

.PHONY: peers
peers: setup $(PEERS)/.done ## Install other collections that the tests use

.PHONY: demo
demo: setup ## Run the main job on the built-in sandbox, with 4 hosts and 4 vendors
	@python -m ansible_collections.apiops.access.tests.demo .build/demo

.PHONY: sandbox
sandbox: setup ## Run the sandbox in the foreground, to try curl or a playbook on it
	@python -m ansible_collections.apiops.access.tests.sandbox --state .build/sandbox

.PHONY: test
test: setup oidc peers ## Run all tests; with BRANCHES= without measuring, which takes its time
	@COLLECTION=$(CURDIR) python -m pytest -n $(WORKERS) --dist loadgroup $(BRANCHES)

.PHONY: unit
unit: setup ## Run the unit tests alone
	@python -m pytest tests/unit

$(VENV)/.bench: tests/benchmarks/requirements.txt $(VENV)/.done
	@$(INSTALL)

.PHONY: bench
bench: setup peers $(VENV)/.bench ## Measure beside what people use today, for about 15 minutes; wants a quiet machine
	@PYTHONPATH=$(CURDIR)/.build:$(CURDIR)/$(PEERS) python -m ansible_collections.apiops.access.tests.benchmarks $(BENCH)

$(VENV)/.docs: docs/docsite/requirements.txt $(VENV)/.done
	@$(INSTALL)

.PHONY: docs
docs: setup $(VENV)/.docs ## Build the documentation site; any warning fails
	@rm -rf .build/docs && mkdir -p -m 700 .build/docs/rst
	@antsibull-docs --config-file docs/docsite/antsibull-docs.cfg collection --use-current --squash-hierarchy \
	  --cleanup everything --fail-on-error --dest-dir .build/docs/rst apiops.access
	@cp -r docs/docsite/rst/pictures .build/docs/rst/docsite/
	@python -m sphinx -q -b html -c docs/docsite -d .build/docs/doctrees -n -W --keep-going .build/docs/rst .build/docs/html
	@echo "$(CURDIR)/.build/docs/html/index.html"

$(VENV)/.mutation: tests/mutation/requirements.txt $(VENV)/.done
	@$(INSTALL)

# Three tenths of the mutants, which change with the code, in so many minutes at most. MUTATION=all takes as long as it needs.
MUTATION_MINUTES ?= 14
MUTATION ?= --minutes $(MUTATION_MINUTES) --parts 3

.PHONY: mutation
mutation: setup $(VENV)/.mutation ## Change the code of providers and stores, and see whether a test notices
	@python -m ansible_collections.apiops.access.tests.mutation --workers $(WORKERS) $(filter-out all,$(MUTATION))

$(VENV)/.fuzz: tests/fuzz/requirements.txt $(VENV)/.done
	@$(INSTALL) || { echo "atheris cannot be installed for this Python." >&2; touch $@; }

# The same search in every run; FUZZ_SEED=0 begins anywhere, which is for long ones.
FUZZ_SECONDS ?= 180
FUZZ_SEED ?= 1

.PHONY: fuzz
fuzz: setup $(VENV)/.fuzz ## Give every parser whatever breaks it, for FUZZ_SECONDS in all
	@python -m ansible_collections.apiops.access.tests.fuzz --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED) --workers $(WORKERS)

.PHONY: pictures
pictures: setup ## Make the pictures of the documentation anew; needs Chromium
	@APIOPS_TESTS_NEED_ALL=1 python -m pytest -q tests/integration/test_report_page.py -k pictures
	@cp .build/pictures/*.png docs/docsite/rst/pictures/

.PHONY: lint
lint: setup ## Check types, style and documentation
	ruff check .
	ruff format --check .
	cd .build && mypy --config-file ../pyproject.toml -p ansible_collections.apiops.access.plugins -p ansible_collections.apiops.access.tests
	ansible-lint --offline --profile production --exclude changelogs/ --exclude .build/ -q
	antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self --disallow-unknown-collection-refs .
	antsibull-changelog lint

.PHONY: check
check: setup ## Check style, documentation, all versions of ansible-core, and what is published
	@python -m ansible_collections.apiops.access.tests.check $(CHECK) lint docs

.PHONY: stress
stress: fuzz mutation ## Look for what the tests do not find, with the time that takes

.PHONY: dist
dist: setup ## Build the collection's archive
	ansible-galaxy collection build --force --output-path .build

.PHONY: clean
clean: ## Remove everything that was made
	rm -rf .build
