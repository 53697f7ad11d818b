# Everything from a fresh clone with only Python 3.11+ and make.
# The environment is rebuilt when the lock or the project file changes.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# One worker for each core, a test file kept whole, those that take long first; four workers at
# most, as each holds the libraries.
WORKERS ?= logical
PYTEST := $(BIN)/pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: help run test lint slow-test test-faults test-tiff mutants soak tissue-scenes environment lock freeze installer installer-test windows-installer-test bench fuzz selftest docs wheel release clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v < (3, 14) and f"bachview needs Python 3.11 to 3.13, and {sys.executable} is {v.major}.{v.minor}: call make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

environment: $(READY)  ## make .venv from requirements.lock

run: $(READY)  ## open the viewer on the built-in demo, classification running
	$(BIN)/bachview demo

test: lint  ## linters, types, import contracts, then the whole suite
	$(PYTEST)

lint: $(READY)  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

slow-test: $(READY)  ## the tests that take minutes (the three real architectures, the largest phantom, a restless user, kills)
	$(BIN)/pytest -m slow

selftest: $(READY)  ## class order, overlay alignment, resume, engine against reference
	$(BIN)/bachview selftest

SECONDS ?= 1200
SEED ?= 1
# What cannot be tried here, for fuzz and test-faults; anything else that was not tried fails them.
MISSING ?=
ALLOWED = $(if $(MISSING),--allow-missing $(MISSING))
fuzz: $(READY)  ## hostile files before every door, SECONDS long; findings go to build/fuzz-findings
	$(BIN)/python -m tools.fuzz --seconds $(SECONDS) --seed $(SEED) $(ALLOWED)

COUNT ?= 4000
test-tiff: $(READY)  ## COUNT made TIFF files of all kinds, compared with libvips and Pillow
	$(BIN)/python -m tools.tiff_product --count $(COUNT)

mutants: $(READY)  ## small faults put into the code, SECONDS long: how many do the tests notice?
	$(BIN)/python -m tools.mutants --seconds $(SECONDS) --seed $(SEED)

MINUTES ?= 25
test-faults: $(READY)  ## kills, full disks and changing slides, MINUTES long, with a table of what was kept
	$(BIN)/python -m tools.faults --minutes $(MINUTES) $(ALLOWED)

soak: $(READY)  ## the window used at random, MINUTES long: crashes, memory, threads, slow frames
	$(BIN)/python -m tools.soak --minutes $(MINUTES)

tissue-scenes: $(READY)  ## the tissue mask against drawn slides of known truth, as a table
	$(BIN)/python -m tools.tissue_scenes

freeze: $(READY)  ## the program with all that it needs in one folder, build/frozen/bachview
	$(BIN)/python -m tools.installers freeze

# The runtime of AppImage, a file of the AppImage project; without it no AppImage is built or tried.
APPIMAGE_RUNTIME ?=
RUNTIME = $(if $(APPIMAGE_RUNTIME),--runtime $(APPIMAGE_RUNTIME))
SHIPPED = --environment build/freeze-environment --frozen build/frozen/bachview
installer: freeze  ## freeze, and build the Linux packages into dist/, with licences and sums
	$(BIN)/python -m tools.installers deb
	$(BIN)/python -m tools.installers tarball
ifneq ($(APPIMAGE_RUNTIME),)
	$(BIN)/python -m tools.installers appimage $(RUNTIME)
else
	@echo "No AppImage is built: APPIMAGE_RUNTIME names no runtime."
endif
	$(BIN)/python -m tools.installers licences $(SHIPPED) --output dist/LICENCES.txt
	build/freeze-environment/bin/python -m tools.installers sbom $(SHIPPED) --output dist/bachview.cdx.json
	$(BIN)/python -m tools.installers sums dist
	$(BIN)/python -m tools.installers sums --check dist

# A real slide, besides the phantom.
SLIDE ?=
installer-test: $(READY)  ## install and use what `make installer` built, in clean systems of Debian and Ubuntu (as root)
	$(BIN)/python -m tools.installers trial $(RUNTIME) $(if $(SLIDE),--slide $(SLIDE))

windows-installer-test: $(READY)  ## compile the installer for Windows and try it under wine (nsis, wine, mingw-w64)
	$(BIN)/python -m tools.installers windows-test

bench: $(READY)  ## every speed budget, as a table
	$(BIN)/bachview bench

# Every extra but `teachers`, whose torch is larger than all the rest and is only used in training.
lock: $(READY)  ## pin the newest allowed versions (needs uv)
	uv pip compile pyproject.toml --extra tensorflow --extra pandas --extra docs --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade --output-file requirements.lock
	uv pip compile pyproject.toml --extra installers --constraints requirements.lock --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade --output-file packaging/requirements.lock
	grep -oE '^[a-z0-9._-]+==[^\\]+' requirements.lock | grep -vE '^(openvino|numpy)==' > packaging/requirements-macos-x86_64.in
	MACOSX_DEPLOYMENT_TARGET=13.0 uv pip compile pyproject.toml --extra installers --constraints packaging/requirements-macos-x86_64.in --only-binary :all: --python-platform x86_64-apple-darwin --python-version 3.12 --generate-hashes --no-header --no-annotate --upgrade --output-file packaging/requirements-macos-x86_64.lock
	rm packaging/requirements-macos-x86_64.in

docs: $(READY)  ## these documents as a site that works offline, in build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# The date of the build is that of the commit, so that building again gives the same.
wheel: $(READY)  ## build the wheel into dist/
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} $(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

release: $(READY)  ## let the source state VERSION, and date its news (docs/releasing.md)
	$(BIN)/python -m tools.release $(VERSION)

clean:  ## remove the environment and caches
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
