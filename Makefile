# `make demo`: environment, then the main job on the embedded demo; `make highlights-demo` the same for
# matches, and `make avs-demo` for audio-visual segmentation. `make test`: environment, then
# lint, format check and all tests. Needs Python 3.11 (PYTHON=...) and make,
# nothing else.
PYTHON ?= python3
CORES ?= all
DIRECTORY ?= .
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
PYTEST := $(BIN)/python -m pytest
FAST := (unit or engine) and not acceptance
# Snakemake and others keep caches in the home folder, which may be missing or not writable.
ifeq ($(XDG_CACHE_HOME),)
ifneq ($(shell mkdir -p "$${HOME:-/nonexistent}/.cache" 2>/dev/null && test -w "$$HOME/.cache" && echo yes),yes)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
endif
endif

# Of `make faults`: the seed of all faults, how many of each kind, and one of them (ONLY=kills:7).
SEED ?= 1
KILLS ?= 20
DISKS ?= 8
DAMAGES ?= 40
MEDIA ?= 200

.PHONY: demo report highlights-demo highlights-controls avs-demo test test-fast acceptance faults code-versions schema \
  bench lint verify docs lock audit tiny-models figures screenshots clean

# Every file that is installed is compared with its digest. Builds of packages without a wheel, and of
# this one, use the setuptools that is pinned too.
INSTALL := $(BIN)/python -m pip install --quiet --require-hashes --no-build-isolation --requirement

$(VENV)/ready: requirements.lock requirements-pip.lock pyproject.toml
	@$(PYTHON) workflow/scripts/check_path.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-pip.lock
	$(INSTALL) requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(VENV)/ready
	$(SNAKEMAKE) results/arch2_metrics.json --quiet rules host
	@$(BIN)/python workflow/scripts/show_metrics.py results/arch2_metrics.json
	@echo "to look and listen in a browser: make report"

# The report in the browser; for other runs with CONFIG=config/mine.yaml DIRECTORY=mine.
report: $(VENV)/ready
	$(SNAKEMAKE) results/report/index.html $(if $(CONFIG),--configfile $(CONFIG)) --directory $(DIRECTORY) --quiet rules host
	@echo "open in a browser: $(DIRECTORY)/results/report/index.html (the folder can be copied elsewhere)"

# Matches with their own config and folder of results: never mixed with clips in one results/.
HIGHLIGHTS := highlights-demo
highlights-demo: $(VENV)/ready
	@mkdir -p $(HIGHLIGHTS)
	$(SNAKEMAKE) highlights --configfile config/highlights.yaml --directory $(HIGHLIGHTS) --quiet rules host
	@$(BIN)/python workflow/scripts/show_highlights.py $(HIGHLIGHTS)
	@echo "to look and listen in a browser: make report CONFIG=config/highlights.yaml DIRECTORY=$(HIGHLIGHTS)"

# The two controls of highlights, then the tests that read them: half an hour on two cores.
CONTROLS := highlights-controls
highlights-controls: $(VENV)/ready
	@mkdir -p $(CONTROLS)/positive $(CONTROLS)/negative
	for kind in positive negative; do \
	  $(SNAKEMAKE) results/highlights_metrics.json --configfile config/highlights_$$kind.yaml \
	    --directory $(CONTROLS)/$$kind --quiet rules host || exit $$?; \
	  $(BIN)/python workflow/scripts/show_highlights.py $(CONTROLS)/$$kind; \
	done
	HIGHLIGHTS_CONTROLS=$(CURDIR)/$(CONTROLS) $(PYTEST) tests/acceptance/test_highlights_controls.py

# Pictures of two objects, of which the sound tells what sounds: a small run, whose figures are exploratory.
AVS := avs-demo
avs-demo: $(VENV)/ready
	@mkdir -p $(AVS)
	$(SNAKEMAKE) segmentation --configfile config/avs_demo.yaml --directory $(AVS) --quiet rules host
	@$(BIN)/python workflow/scripts/show_avs.py $(AVS)
	@echo "to look and listen in a browser: make report CONFIG=config/avs_demo.yaml DIRECTORY=$(AVS)"

test: lint
	$(PYTEST) -n 2 -m "not acceptance" --durations 10

# What takes minutes each, before a release: an hour and a half. The demo's main job and comparison, the
# controls of clips, and whole runs of rarer options.
acceptance: $(VENV)/ready
	$(PYTEST) -n 2 -m acceptance --durations 10

# The library and the engine alone: minutes.
test-fast: $(VENV)/ready
	$(PYTEST) -n 2 -m "$(FAST)" --durations 10

# Kills, full disks, damaged results and mutated videos, with the figures of what held: ten minutes.
faults: $(VENV)/ready
	cd tests && PYTHONPATH=$(CURDIR)/workflow/scripts:$(CURDIR)/tests ../$(BIN)/python -m faults \
		--seed $(SEED) --kills $(KILLS) --disks $(DISKS) --damages $(DAMAGES) --media $(MEDIA) $(if $(ONLY),--only $(ONLY))

lint: $(VENV)/ready
	$(BIN)/snakemake --lint
	$(BIN)/snakefmt --check workflow Snakefile tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

verify: $(VENV)/ready
	$(BIN)/python workflow/scripts/verify_artifacts.py $(DIRECTORY)

# The documentation site, into site/.
docs: $(VENV)/ready
	$(INSTALL) docs/requirements.lock
	$(BIN)/mkdocs build --strict

# After a change of code: raise the version of the stages that now make something else, in their
# rows, and name the others: EQUIVALENT="ast wav", or EQUIVALENT=all.
code-versions: $(VENV)/ready
	$(BIN)/python workflow/scripts/record_code_versions.py $(EQUIVALENT)

# After a change of a setting: the JSON schema, and the table of keys in config/README.md.
schema: $(VENV)/ready
	$(BIN)/python workflow/scripts/document_config.py

# Needs uv and a network. What is pinned stays, unless the ranges exclude it or UPGRADE=--upgrade is given.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header $(UPGRADE)

lock:
	$(COMPILE) requirements.txt requirements-dev.txt --output-file requirements.lock
	printf 'pip\nsetuptools\n' | $(COMPILE) - --constraint requirements.lock --output-file requirements-pip.lock
	printf 'pip-audit\n' | $(COMPILE) - --output-file requirements-audit.lock
	$(COMPILE) docs/requirements.txt --constraint requirements.lock --output-file docs/requirements.lock

# Asks for known vulnerabilities of the pinned versions: needs a network.
audit: requirements-audit.lock
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet --require-hashes --requirement requirements-pip.lock
	.audit/bin/python -m pip install --quiet --require-hashes --requirement requirements-audit.lock
	set -e; for lock in requirements*.lock docs/requirements.lock; do \
	  .audit/bin/pip-audit --require-hashes --disable-pip --requirement $$lock; done

tiny-models: $(VENV)/ready
	cd resources && ../$(BIN)/python -m tiny_models.build

# Measures for three to four hours: nothing else should run meanwhile. FIGURES="clip_cost" for some only.
bench: $(VENV)/ready
	$(BIN)/python benchmarks/run.py $(FIGURES)

figures: $(VENV)/ready # needs graphviz
	$(BIN)/snakemake --rulegraph | tred | dot -Tsvg > resources/figures/rulegraph.svg
	$(BIN)/python workflow/scripts/draw_demo_clips.py docs/figures/demo_clips.png

# The pictures of the README, from a report that a run has made. Needs Chromium.
REPORT := results/report
screenshots: $(VENV)/ready
	PYTHONPATH=tests $(BIN)/python -m browser.screenshots $(REPORT) $(VIDEO)

clean:
	rm -rf $(VENV) .audit results .snakemake site $(HIGHLIGHTS) $(CONTROLS)
