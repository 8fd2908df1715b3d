# Everything a fresh machine needs is set up by the first target that needs it.

PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := publish

# The Python that the virtualenv is made with, and Debian's packages that it may lack.
DEBIAN_RUN := python3 python3-venv
DEBIAN_TEST := git postgresql postfix nginx-light chromium newsboat wrk jekyll rsync
APT := DEBIAN_FRONTEND=noninteractive apt-get

.PHONY: publish test check bench soak debian-run debian-test clean

publish: .venv/run  ## feeds, pages and the first digest of the shipped posts
	@$(BIN)/publish
	@$(BIN)/publisher subscribers add reader@example.com --digest conferences
	@$(BIN)/publisher digest preview conferences
	@$(BIN)/publisher digest send conferences --yes

test: .venv/test debian-test  ## everything that can be proven in ten minutes
	@$(BIN)/pytest -n auto

check: .venv/test  ## format, lint, types, contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-timing 2>/dev/null || $(BIN)/lint-imports

bench: .venv/test debian-test  ## speed and memory beside Hugo, Pelican, smtp-source and nginx, each in one run
	@$(BIN)/python -m benchmarks.web
	@$(BIN)/python -m benchmarks.mail
	@$(BIN)/python benchmarks/run.py
	@$(BIN)/python -m benchmarks.history

soak: .venv/test debian-test  ## the long proofs in full
	@PUBLISHER_SOAK=1 $(BIN)/pytest -n auto -m soak

.venv/made:
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || $(MAKE) --no-print-directory debian-run
	@echo "Setting up .venv (once) …"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/run: .venv/made pyproject.toml constraints.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

.venv/test: .venv/run
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

debian-run:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Debian packages: $(DEBIAN_RUN) …"; \
	  $(APT) -qq update && $(APT) -qq -y install --no-install-recommends $(DEBIAN_RUN) >/dev/null; \
	else \
	  echo "Python 3.11 or newer with its venv module is missing. As root: apt-get install $(DEBIAN_RUN)" >&2; exit 1; \
	fi

# Nothing of theirs is to run: no cluster is made for PostgreSQL, no configuration for Postfix, and nginx is not
# started. The tests start their own.
debian-test:
	@missing=""; \
	has() { command -v $${1##*/} >/dev/null || ls $$1 >/dev/null 2>&1; }; \
	for package in $(DEBIAN_TEST); do \
	  case $$package in \
	    postgresql) program='/usr/lib/postgresql/*/bin/initdb';; \
	    postfix) program=/usr/sbin/postfix;; \
	    nginx-light) program=/usr/sbin/nginx;; \
	    *) program=$$package;; \
	  esac; \
	  has "$$program" || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Debian packages for the tests:$$missing …"; \
	    $(APT) -qq update; \
	    case $$missing in *postfix*) \
	      echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections;; \
	    esac; \
	    case $$missing in *postgresql*) \
	      $(APT) -qq -y install --no-install-recommends postgresql-common >/dev/null; \
	      sed -i 's/^#create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf;; \
	    esac; \
	    if [ ! -e /usr/sbin/policy-rc.d ]; then \
	      printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; \
	      trap 'rm -f /usr/sbin/policy-rc.d' EXIT; \
	    fi; \
	    $(APT) -qq -y install --no-install-recommends $$missing >/dev/null; \
	  else \
	    echo "The tests need Debian packages that are missing. As root: apt-get install$$missing" >&2; exit 1; \
	  fi; \
	fi

clean:  ## what was built; subscribers, sent mail and ids stay
	@rm -rf .publisher public preview dist
