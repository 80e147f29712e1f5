# Two commands do everything: `make train` and `make test`. PYTHON chooses the interpreter of the
# virtual environment (3.11 or newer).
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: train test soak studio face_clip head clean

train: $(VENV)/.installed-offline
	$(BIN)/python train.py

test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

# Long campaigns of faults, whose last figures stand in docs/building.md and docs/scaling.md, and the tests that
# take minutes.
soak: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/soak_build.py
	$(BIN)/python benchmarks/soak_optuna.py
	$(BIN)/python benchmarks/soak_runs.py
	$(BIN)/python -m pytest -m slow

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.installed-%: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$*]'
	touch $@

# A page where a text moves a head; trains the default model first where there is no run.
studio: $(VENV)/.installed-studio
	$(BIN)/python -m emo3d_exp.studio

# Make the shipped assets again.
head: $(VENV)/.installed-offline
	$(BIN)/python -m emo3d_exp.faces.builtin

face_clip: $(VENV)/.installed-offline
	$(BIN)/python train.py experiment=face_clip model.export_to=emo3d_exp/assets

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache build *.egg-info
