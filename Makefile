GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -X main.version=$(VERSION)
RACE    ?=

.DEFAULT_GOAL := help
.PHONY: help build test race soak chaos fuzz bench bench-online lint demo docs

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build ./bin/cairn
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/cairn ./cmd/cairn

test: ## Run all tests on PostgreSQL 14 and 18 (CAIRN_TEST_PG="15 16" chooses others)
	$(GO) mod download
	$(GO) test -vet=off $(if $(RACE),-race) -timeout 20m ./...

race: ## Run all tests with the race detector
	$(MAKE) --no-print-directory test RACE=1

soak: ## Run generated pairs of schemas for a while (FOR=10m; SEED=n begins with that one)
	$(GO) test ./internal/pgtest/generate -run TestSoak -v -timeout 0 -soak $(or $(FOR),5m) $(if $(SEED),-seed $(SEED))

chaos: ## Inject faults while plans run, then run them again (FOR=10m; SEED=n gives that order)
	$(GO) test ./internal/pgtest/chaos -v -timeout 0 -chaos $(or $(FOR),5m) $(if $(SEED),-seed $(SEED))

fuzz: ## Run each fuzz test for a while (FOR=1m each; ONLY=FuzzSplit chooses)
	@set -e; for package in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for name in $$(grep -hoE '^func Fuzz[A-Za-z]*' $$package/*_test.go | cut -c6- | grep -E '^$(or $(ONLY),.*)$$'); do \
			$(GO) test $$package -run '^$$' -fuzz "^$$name\$$" -fuzztime $(or $(FOR),1m) -fuzzminimizetime 20x; \
		done; \
	done

bench: ## Compare CPU, time and memory with pg_dump and psql -f (SIZES=100,1000; ROUNDS=3; TENANTS=0; ONLY=regexp)
	$(GO) run ./internal/bench/limits -sizes $(or $(SIZES),100,1000,5000,20000) -rounds $(or $(ROUNDS),5) -tenants $(or $(TENANTS),500) -only '$(ONLY)' -json bench.json -markdown bench.md

bench-online: ## Measure how long others wait for changes of a busy table (ROWS=2000000; ONLY="add a" chooses)
	$(GO) run ./internal/bench/online -rows $(or $(ROWS),2000000) -only '$(ONLY)' -json bench-online.json -markdown bench-online.md

# What go vet compiles is what build needs then, and test vets nothing again.
lint: ## Check formatting and run go vet
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted with gofmt:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet -trimpath ./...

demo: ## Show the main path on an embedded PostgreSQL
	@bash examples/demo/demo.sh

docs: ## Write docs/commands.md and the transcript in README.md anew
	$(GO) test ./internal/cli -run 'TestCommandsPage|TestReadme' -update
