# What a developer runs; .ci/run calls the same. `make` alone lists it.
SHELL := bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# The packages whose goroutines share memory, for the race detector.
CONCURRENT := ./campaign ./delivery/... ./ratelimit ./dkim ./store

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: ## 20,000 recipients to a simulated internet, and the ledger that balances
	go run ./cmd/broadside demo

.PHONY: build
build: ## one static binary, ./broadside
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o broadside ./cmd/broadside

.PHONY: test
test: ## install what the tests need, and run them all (TESTFLAGS= goes to go test)
	@.ci/install test
	@.ci/test $(TESTFLAGS) ./...

.PHONY: race
race: ## the concurrent packages under the race detector
	@.ci/install test
	@.ci/install race
	@.ci/test -race -timeout 20m $(TESTFLAGS) $(CONCURRENT)

.PHONY: lint
lint: ## gofmt, vet, staticcheck; nothing that go fix would modernise
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')) && \
		if [ -n "$$unformatted" ]; then echo "run gofmt -w on:" $$unformatted; exit 1; fi
	go vet ./...
	go tool staticcheck ./...
	@fixes=$$(go fix -diff ./... 2>&1); \
		if [ -n "$$fixes" ]; then echo "$$fixes"; echo "run go fix ./..."; exit 1; fi

.PHONY: vuln
vuln: ## known vulnerabilities of what we call, if their database can be reached
	@.ci/vuln

.PHONY: bench
bench: ## the benchmarks, with their peers in the same run (BENCH= goes to them)
	@.ci/install test
	go run ./cmd/broadside bench --out benchmarks/results $(BENCH)

.PHONY: bench-peers
bench-peers: ## other programs on the same work, side by side (npm packages go to a cache)
	@.ci/install peers
	go run ./cmd/broadside bench --out benchmarks/results --name peers $(BENCH) peers peers-far
