# make run · make test · make check · make bench        README.md says what each does
SHELL := /bin/bash
REGIONS ?= us ca eu apac latam
RATE ?= 2000/s
CYCLES ?= 200
SEEDS ?= 1000
FUZZ_FOR := $(if $(filter command line environment,$(origin SECONDS)),$(SECONDS),60)
JOBS ?= $(shell nproc)
BUILD := build/release

.PHONY: help install build run test dst check bench bench-peers bench-sustained bench-recovery pictures torture fuzz clean
help:
	@echo "make run     install, build, start five local regions and the appliance, send traffic (Ctrl-C stops all)"
	@echo "             REGIONS=none: without PostgreSQL; RATE=100K/s: more traffic"
	@echo "make test    install, build and run every test"
	@echo "make dst     simulated histories with every kind of fault; SEEDS=10000: more; SEED=7: one, with what happens"
	@echo "make check   format, lint, include rules, AddressSanitizer, ThreadSanitizer"
	@echo "make torture kill -9 under load, CYCLES=200 times: nothing lost, nothing twice"
	@echo "make pictures  the console's pictures in docs/images; PICTURES_ALL=1 PICTURES=/tmp/p: every page in every form"
	@echo "make fuzz    fuzz every input for SECONDS=60 each"
	@echo "make bench   benchmarks; results in build/bench/results.json"
	@echo "make bench-peers  Penstock beside Redis, NATS, RabbitMQ, rsyslog and the machine's limits; QUICK=1 to try it"

install:
	@deploy/install.sh run

build: install
	@cmake --preset release -DPENSTOCK_TESTS=OFF -DPENSTOCK_BENCH=OFF >/dev/null
	@cmake --build $(BUILD) --target penstock -j $(JOBS)

run: build
	@exec deploy/run.sh $(BUILD)/penstock "$(RATE)" $(REGIONS)

test:
	@deploy/install.sh run test
	@cmake --preset release -DPENSTOCK_TESTS=ON -DPENSTOCK_BENCH=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)
	@cd $(BUILD) && ctest --output-on-failure --no-tests=error

dst:
	@deploy/install.sh run test
	@cmake --preset release -DPENSTOCK_TESTS=ON >/dev/null
	@cmake --build $(BUILD) --target dst -j $(JOBS)
	@$(BUILD)/tests/dst --jobs $(JOBS) $(if $(SEED),--seed $(SEED) --trace,--seeds $(SEEDS))

check:
	@deploy/install.sh run test check
	@deploy/check.sh

pictures: build
	@deploy/install.sh test
	@PICTURES=$(or $(PICTURES),$(CURDIR)/docs/images) tests/browser/run.sh $(CURDIR)/build/console $(CURDIR)/$(BUILD)/penstock pictures.test.ts

torture:
	@deploy/install.sh run test
	@cmake --preset release -DPENSTOCK_TESTS=ON >/dev/null
	@cmake --build $(BUILD) --target torture -j $(JOBS)
	@exec $(BUILD)/tests/torture --cycles $(CYCLES)

fuzz:
	@deploy/install.sh run test check
	@cmake --preset fuzz >/dev/null
	@tests/fuzz/run.sh build/fuzz "$(FUZZ_FOR)" $(JOBS)

bench:
	@deploy/install.sh run bench
	@cmake --preset release -DPENSTOCK_BENCH=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)
	@perf/run.sh $(BUILD) build/bench

# Installs no peer: who is missing is skipped, and the harness says how to get it.
bench-peers:
	@deploy/install.sh run bench
	@cmake --preset release -DPENSTOCK_BENCH=ON >/dev/null
	@cmake --build $(BUILD) --target penstock bench_peers bench_report -j $(JOBS)
	@perf/peers.sh $(BUILD) build/bench/peers

bench-sustained:
	@deploy/install.sh run bench
	@cmake --preset release -DPENSTOCK_BENCH=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)
	@perf/sustained.sh 300

bench-recovery:
	@deploy/install.sh run bench
	@cmake --preset release -DPENSTOCK_BENCH=ON >/dev/null
	@cmake --build $(BUILD) --target penstock bench_e2e -j $(JOBS)
	@$(BUILD)/perf/bench_e2e --program $(BUILD)/penstock --folder build/bench/recovery recovery

clean:
	rm -rf build
