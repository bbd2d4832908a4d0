# Each target sets up what it needs in .venv; PYTHON chooses the interpreter (3.11 to 3.13).
PYTHON ?= python3
PYTHON_LEGACY ?= python3.11
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
MEDIAPIPE_PIP := .venv-mediapipe/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-slow lint clean

demo: .venv/host
	$(BIN)/edgeseg demo --out demo --force

# Two at a time: half of the tests wait for processes, cameras and services, not for a core.
test: .venv/dev
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

# A board in an emulator boots beside the other tests, which yield to it: it takes about as long as they do.
test-slow: .venv/dev .venv-legacy/ready .venv-mediapipe/ready .venv-pyinfra/ready
	mkdir -p logs
	$(BIN)/python -m pytest -m slow tests/emulator >logs/emulator.log 2>&1 & board=$$!; trap "kill $$board" INT TERM; \
	    nice -n 10 $(BIN)/python -m pytest -m slow -n 2 --dist loadfile --ignore tests/emulator; others=$$?; \
	    wait $$board; board=$$?; cat logs/emulator.log; exit $$((others || board))

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv .venv-legacy .venv-mediapipe .venv-pyinfra build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"edgeseg needs Python 3.11 to 3.13, and {sys.executable} is {v[0]}.{v[1]}: name another, as in  make PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "no venv: install it with  apt install python3-venv"; exit 1; }

# The last tflite-runtime runs on Python 3.11 at most; without one, its test says that it is skipped.
.venv-legacy/ready: pyproject.toml
	if command -v $(PYTHON_LEGACY) >/dev/null; then \
	    $(PYTHON_LEGACY) -m venv .venv-legacy && \
	    .venv-legacy/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[legacy]' && \
	    touch $@; \
	fi

# MediaPipe asks for an OpenCV with windows, which clashes with the headless one and needs libGL: it gets its
# dependencies from us. It also needs libEGL and libGLESv2 (apt install libegl1 libgles2); without, its test skips.
.venv-mediapipe/ready: .venv/bin/python Makefile constraints.txt
	$(BIN)/python -m venv --clear .venv-mediapipe
	$(MEDIAPIPE_PIP) --constraint constraints.txt absl-py certifi flatbuffers matplotlib numpy opencv-python-headless
	$(MEDIAPIPE_PIP) --no-deps mediapipe==1.2.2
	touch $@

# The engine of firmware_examples/fleet, with dependencies of its own.
.venv-pyinfra/ready: .venv/bin/python Makefile
	$(BIN)/python -m venv --clear .venv-pyinfra
	.venv-pyinfra/bin/python -m pip install --quiet --disable-pip-version-check pyinfra==3.10
	touch $@

.venv/host: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[host]'
	touch $@

.venv/dev: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	touch $@
