# make demo   a stylised picture in output/demo
# make web    the studio in the browser
# make page   build the studio's page anew, after a change in page/ (with node)
# make test   format check, lint, types, tests: about eight minutes on two idle cores; make test ALL=1 with the long proofs
# make quick  only the laws that everything rests on: a minute
# make slow   the long proofs that make test leaves out: five minutes
# make fuzz   hunt for faults with broken files and kills, ten minutes and more: make fuzz MINUTES=60
# make bench  time it against its peers
# make dist   wheel and sdist in dist/, the same bytes whenever they are built, and tried in an environment of their own
# make docs   the documentation as a site, in output/site
# make venv   only the environment both need, in .venv
#
# On Linux, the registry's default torch brings several gigabytes of CUDA libraries. For a machine without a GPU, set
# TORCH_INDEX to the address of PyTorch's CPU wheels, as the "Get Started" page of PyTorch shows it for pip and CPU.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
TORCH_INDEX ?=
BIN := .venv/bin
# Each has one thread and takes one to two gigabytes; one more than two cores, for some wait for processes they have begun.
WORKERS ?= 3
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
# What has been compiled is kept, though a variable forbids it, as in many images: tests are hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo web page check-page test quick slow fuzz check venv sheet report notebooks bench dist docs clean

demo: venv
	$(BIN)/impasto demo --force

web: venv
	$(BIN)/impasto web

page:
	cd page && npm ci --no-fund --no-audit && npm run build

check-page: venv
	$(BIN)/python scripts/check_page.py

test: venv check
	$(PYTEST) $(if $(ALL),,-m "not slow")

QUICK := architecture colour features images kernels losses oklab settings solve tiles
quick: venv
	$(PYTEST) -m "not slow" $(QUICK:%=tests/test_%.py)

slow: venv
	$(PYTEST) -m slow

MINUTES ?= 10
fuzz: venv
	$(BIN)/python -m hunt --minutes $(MINUTES)
	$(BIN)/python -m hunt.kills

check: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The sheets in docs/: make sheet PAIRS=a folder with the folders content/ and style/ in it
sheet: demo
	@test -d "$(PAIRS)/content" || { echo "Set PAIRS to a folder with content/ and style/ pictures."; exit 1; }
	$(BIN)/python scripts/contact_sheet.py $(PAIRS) docs/contact-sheet.jpg
	$(BIN)/python scripts/method_sheet.py $(PAIRS) docs/methods.jpg
	$(BIN)/python scripts/story_sheet.py docs/story.jpg
	$(BIN)/python scripts/region_sheet.py docs/regions.jpg
	$(BIN)/python scripts/colour_sheet.py docs/colours.jpg
	$(BIN)/impasto styles output/demo/content.png --size 256 -o docs/learnt.jpg --force

# The experiments of a course report, ten minutes: output/report/report.html
report: demo
	$(BIN)/impasto study output/demo/content.png output/demo/style.png --preset report -o output/report

# Run the notebooks anew, ten minutes with AMX and half an hour without, and keep their pictures in them
notebooks: venv
	$(BIN)/python scripts/run_notebooks.py

# The table in the README, half an hour to an hour and a half on an idle machine: make bench [PAIRS=a folder as above [CHOOSE=content:style,…]]
bench: venv
	$(BIN)/python -m benchmarks.run $(if $(PAIRS),--pairs $(PAIRS)) $(if $(CHOOSE),--choose $(CHOOSE))

# From what is committed, dated by it.
dist: venv
	rm -rf dist
	$(BIN)/python scripts/build_dist.py dist
	$(BIN)/python scripts/try_wheel.py dist

# Strictly: a link that leads nowhere fails. Pages open from the folder; to search them, python -m http.server -d output/site
docs: venv
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

venv: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Impasto needs Python 3.11 or later; set PYTHON."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cloud,demo,docs,export,networks,notebook,study,video,web,dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt mediapipe \
		|| echo "No mediapipe for this Python: --protect people will not work, all else does."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary ray -c constraints.txt ray \
		|| echo "No Ray for this Python: batch --ray will not work, and its tests are skipped."
	@touch $@

clean:
	rm -rf .venv output build dist
