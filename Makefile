# make train    set up .venv, then train on the built-in fish: R50-FPN, then the small model
# make small    the small model of the releases (14.7 MB) by the whole recipe
# make test     set up .venv with the test tools, then lint, type check, tests
# Options:      make train ARGS="--data my/fish"    make train PYTHON=python3.12
#               make test PYTEST_ARGS="-n 8"   in eight processes in place of two
#               PIP_ARGS="--extra-index-url …"      for another build of PyTorch

PYTHON      ?= python3
VENV        ?= .venv
ARGS        ?=
PIP_ARGS    ?=
PYTEST_ARGS ?=

# The stamps carry a sum over the content of what decides the installation: a fresh clone or a
# `touch` installs nothing anew, a changed pin does.
INPUTS := setup.cfg pyproject.toml constraints.txt
KEY    := $(shell cat $(INPUTS) | cksum | cut -d' ' -f1)
CORE   := $(VENV)/.installed-$(KEY)-core
TESTS  := $(VENV)/.installed-$(KEY)-tests
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
SMALL  := configs/faster_rcnn/faster-rcnn_effnet-lite0_fpn_minutes_fish.py

.PHONY: help venv train small test test-slow lint doctor clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile
	@echo "also:         make venv lint doctor test-slow clean"

$(PY):
	@command -v "$(PYTHON)" >/dev/null || { \
	    echo "error: no '$(PYTHON)' here; name a Python 3.10 or newer: make PYTHON=/path/to/python3" >&2; \
	    exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	    echo "error: $(PYTHON) is $$("$(PYTHON)" --version 2>&1), but 3.10 or newer is needed:" \
	         "make PYTHON=python3.11" >&2; exit 1; }
	@"$(PYTHON)" -m venv "$(VENV)" || { rm -rf "$(VENV)"; \
	    echo "error: $(PYTHON) cannot make a virtual environment; on Debian and Ubuntu:" \
	         "apt install python3-venv" >&2; exit 1; }

# onedl-mmdetection brings both OpenCV builds (by way of imaug), and they share one folder, so an
# update of either breaks the other. Removing one takes shared files along, hence the second step.
define install
	@echo "Installing into $(VENV): 1.5 to 4 minutes the first time, most of it PyTorch"
	$(PIP) install $(PIP_ARGS) -c constraints.txt -e "$(1)"
	@if $(PIP) show -q opencv-python-headless 2>/dev/null; then \
	    echo "Leaving one OpenCV of two" && \
	    $(PIP) uninstall -q -y opencv-python-headless && \
	    $(PIP) install -q $(PIP_ARGS) -c constraints.txt --no-deps --force-reinstall opencv-python; \
	fi
	@rm -f $(VENV)/.installed-*
endef

$(CORE): | $(PY)
	$(call install,.)
	@touch $@

$(TESTS): | $(PY)
	$(call install,.[tests])
	@touch $(CORE) $@

venv: $(CORE)

train: $(CORE)
	$(PY) tools/train.py configs/fish.py $(ARGS)
ifeq ($(strip $(ARGS)),)
	@echo "R50-FPN is done, in work_dirs/fish. Now the small model, half the epochs of its recipe," \
	    "which tools/predict.py takes where none is named; Ctrl-C leaves it out"
	$(PY) tools/train.py $(SMALL) --epochs 2
endif

small: $(CORE)
	$(PY) tools/train.py $(SMALL) $(ARGS)

doctor: $(CORE)
	$(PY) tools/doctor.py $(ARGS)

lint: $(TESTS)
	$(PY) -m ruff check .
	$(PY) -m mypy

test: lint
	$(PY) -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

test-slow: $(TESTS)
	$(PY) -m pytest -m slow $(PYTEST_ARGS)

clean:
	rm -rf "$(VENV)" build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
