# Two commands do everything from a machine with Python 3.11 or newer and git: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT := reports/out
JOBS ?=
# Many tests wait for sockets and processes: twice as many workers as there are cores.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')

.PHONY: help docs run test lint types prove bench serverbench capacity growth kills breaks faults fuzz attackers storm day seeds picture pins clean worlds nightly wheel prove-outside prove-cases steady slow soak choices mutate

help:  ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

run: $(VENV)/run.stamp  ## the library on the reference under OCPP 1.6 and 2.0.1, then the naive design on the question's race
	@$(BIN)/interlock run --suite --seeds 1 --out $(OUT)/reference $(JOBS)
	@echo
	@echo "The same race against the design that sends first and appends afterwards (it is meant to fail):"
	@$(BIN)/interlock run heartbeat-vs-unlock --seed 0 --csms send-then-append --out $(OUT)/naive; test $$? -eq 1
	@echo
	@echo "Reports: $(OUT)/reference/index.html and $(OUT)/naive/index.html"

test: $(VENV)/dev.stamp  ## the tests
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal

slow: $(VENV)/dev.stamp  ## the tests that take many seconds each (part of nightly)
	$(BIN)/pytest -q -n 2 -m slow

lint: $(VENV)/dev.stamp  ## style and strict types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

prove: $(VENV)/run.stamp  ## every wrong design flagged, the reference in none of 10,000 schedules: docs/kill-matrix.md
	$(BIN)/interlock prove --budget 10000 --out $(OUT)/proof
	cp $(OUT)/proof/kill-matrix.md docs/kill-matrix.md

prove-outside: $(VENV)/dev.stamp  ## foreign wrong CSMSs flagged over sockets, right ones never: docs/outside.md (half an hour)
	$(BIN)/python -m tests.foreign.prove --page docs/outside.md

prove-cases: $(VENV)/dev.stamp  ## wrong stations and CSMSs end to end through the cases, in virtual time: docs/cases.md (a minute)
	$(BIN)/python -m tests.foreign.prove_cases --page docs/cases.md

steady: $(VENV)/dev.stamp  ## 50 rounds of a slice of the cases over sockets: no verdict may differ (part of nightly)
	$(BIN)/python -m tests.scenarios.steady --rounds 50

mutate: $(VENV)/dev.stamp  ## bugs put in by machine, and what notices them: reports/out/mutation.md, docs/mutation.md (an hour; the rates may only rise)
	$(BIN)/python -m interlock.loadtests.mutation.mutate --sample 120 --seed 1 --page $(OUT)/mutation.md --least loadtests/mutation/least.json

worlds: $(VENV)/run.stamp  ## virtual time and real sockets reach the same verdicts: docs/worlds.md (15 minutes)
	$(BIN)/interlock worlds --out $(OUT)/worlds
	cp $(OUT)/worlds/worlds.md docs/worlds.md

bench: serverbench  ## the figures, side by side with a peer in one run
	$(BIN)/python loadtests/bench/bench_core.py
	$(BIN)/python loadtests/bench/bench_store.py
	$(BIN)/python loadtests/bench/bench_search.py

choices: $(VENV)/run.stamp  ## heartbeats, snapshots, residency and timers, each choice run: docs/choices.md
	$(BIN)/python -m interlock.scenarios.explore.choices docs/choices.md

serverbench: $(VENV)/dev.stamp  ## of these, CPU per call on real sockets, durable, beside ocpp and ocpp-rpc without storage
	$(BIN)/python loadtests/bench/bench_server.py

capacity: $(VENV)/dev.stamp  ## how many stations it carries, SQLite and PostgreSQL: docs/capacity.md (slow)
	$(BIN)/python loadtests/capacity/capacity.py --page docs/capacity.md

growth: $(VENV)/dev.stamp  ## what more stations and a longer log cost: docs/growth.md
	$(BIN)/python loadtests/capacity/growth.py --page docs/growth.md

kills: $(VENV)/dev.stamp  ## kill -9 under load: 200 times on SQLite, 200 times and stops on PostgreSQL; name clashes, failovers (slow)
	$(BIN)/python loadtests/damage/kill_nodes.py --kills 200
	$(BIN)/python loadtests/damage/kill_nodes.py --kills 200 --postgres --nodes 3
	$(BIN)/python loadtests/damage/clash_nodes.py --clashes 200 --failovers 200

breaks: $(VENV)/dev.stamp  ## an exception and a cancellation everywhere in a node, every bound at 2, hostile values to each store
	$(BIN)/python loadtests/damage/break_off.py
	$(BIN)/python loadtests/damage/break_doors.py
	$(BIN)/interlock run --suite --bounds 2 --seeds 10 --quiet --out $(OUT)/bounds
	$(BIN)/interlock run break-off-at-every-point --seeds 500 --quiet --out $(OUT)/breaks
	INTERLOCK_PARITY_ROUNDS=25 $(BIN)/pytest -q -n 0 tests/csms/test_store_parity.py

faults: $(VENV)/dev.stamp  ## full disks, failing disks, databases that restart and lines cut around COMMIT, under load (needs cc)
	$(BIN)/python loadtests/damage/storage_faults.py --rounds 3
	$(BIN)/python loadtests/damage/storage_faults.py --rounds 3 --postgres

fuzz: $(VENV)/dev.stamp  ## a million bad frames in process, 50,000 over sockets
	$(BIN)/python loadtests/damage/fuzz_frames.py

attackers: $(VENV)/dev.stamp  ## 20 attackers beside 500 good stations, alone and attacked in turn: what those notice, and what it costs
	$(BIN)/python loadtests/damage/attackers.py

soak: $(VENV)/dev.stamp  ## half an hour of coming and going: memory, descriptors, tasks, threads and WAL must stay flat
	$(BIN)/python loadtests/damage/soak.py

storm: $(VENV)/dev.stamp  ## 5,000 charging stations lose the CSMS at once, and come back
	$(BIN)/python loadtests/damage/storm.py

nightly: slow prove prove-cases steady seeds kills breaks faults fuzz storm day bench attackers soak mutate  ## the campaigns and figures that are too long for the gate (hours)

day: $(VENV)/run.stamp  ## a day of 1,000 stations, timed
	$(BIN)/interlock run day-of-1000 --out $(OUT)/day

seeds: $(VENV)/run.stamp  ## 2,000 runs of the library on the reference, and 100 of the naive design (slow)
	$(BIN)/interlock run --suite --seeds 83 --out $(OUT)/seeds
	$(BIN)/interlock run heartbeat-vs-unlock --csms send-then-append --seeds 100 --quiet --out $(OUT)/naive-seeds; test $$? -eq 1

picture: $(VENV)/run.stamp  ## draw the picture of the README anew
	@$(BIN)/interlock run heartbeat-vs-unlock --seed 0 --csms send-then-append --quiet --out $(OUT)/picture; test $$? -eq 1
	cp $(OUT)/picture/heartbeat-vs-unlock/send-then-append-seed-0/chart.svg docs/race.svg

$(VENV)/docs.stamp: requirements/docs.txt
	$(PYTHON) -m venv $(VENV)/docs
	$(VENV)/docs/bin/pip install -q --disable-pip-version-check -r requirements/docs.txt
	@touch $@

docs: $(VENV)/docs.stamp  ## the pages of docs/ as a site with search, which needs no network: reports/out/docs
	@mkdir -p $(OUT)
	NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/mkdocs build -q --strict
	@echo "python3 -m http.server -d $(OUT)/docs 8000 --bind 127.0.0.1   shows it"

wheel: $(VENV)/run.stamp  ## build the wheel into dist/: install it with pip, pipx or uvx
	$(BIN)/pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation -w dist .
	@ls dist/*.whl

pins: $(VENV)/dev.stamp  ## make requirements/*.txt anew (needs uv)
	$(PYTHON) requirements/pin.py

clean:  ## remove what the targets made
	rm -rf $(VENV) $(OUT) dist interlock-out .pytest_cache .mypy_cache .ruff_cache .hypothesis
