# What people and CI do with this repository. `make help` lists it.

CARGO ?= cargo
LISTEN ?= 127.0.0.1:8080
DATA ?= .tollgate

.DEFAULT_GOAL := help
.PHONY: help run test bench fuzz deny sqlx editor schema catalog fmt compose-check setup

help: ## what can be made here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## builds and starts Tollgate on this machine (DEMO=1 adds an organisation to look at)
	@deploy/setup run
	@$(CARGO) build --locked --bin tollgate
	@exec $(CARGO) run --quiet --locked --bin tollgate -- dev --listen $(LISTEN) --data $(DATA) $(if $(DEMO),--demo)

test: ## everything that CI checks; the last line counts what ran
	@deploy/setup test
	@deploy/check

bench: ## policy evaluation, and a call through the gateway beside nginx
	@deploy/setup run
	@deploy/bench

# What is found goes beside the corpus that is kept, so that the kept one stays small.
FUZZ_SECONDS ?= 60
FUZZ = crates/policy/fuzz
FOUND = target/fuzz-corpus
fuzz: ## random documents and calls for the policy engine, a minute each (needs nightly Rust)
	@command -v cargo-fuzz >/dev/null || [ -x target/tools/bin/cargo-fuzz ] || \
	  $(CARGO) install --locked --root target/tools cargo-fuzz
	@for target in parser evaluation; do \
	  mkdir -p $(FOUND)/$$target && \
	  PATH="$$PATH:$(CURDIR)/target/tools/bin" $(CARGO) +nightly fuzz run --fuzz-dir $(FUZZ) $$target \
	    $(FOUND)/$$target $(FUZZ)/corpus/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -dict=$(FUZZ)/policy.dict -timeout=10 -rss_limit_mb=2048 || exit 1; \
	done

deny: ## licences, bans, sources and advisories of all dependencies
	@command -v cargo-deny >/dev/null || { echo 'cargo-deny is missing: cargo install --locked cargo-deny' >&2; exit 1; }
	$(CARGO) deny --all-features check

sqlx: ## writes the offline data of the compile-time checked queries anew
	@deploy/setup run
	@deploy/sqlx-prepare

editor: ## bundles the policy editor's script from its locked packages
	@cd web/editor && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build

schema: ## writes the JSON Schema of the policy language anew
	@$(CARGO) run --quiet --locked -p policy --example schema > docs/policy-1.schema.json

catalog: ## scans the packages of the shipped catalogue and writes their facts anew (needs the network)
	@$(CARGO) build --locked --bin tollgate
	@deploy/catalog "$${CARGO_TARGET_DIR:-target}/debug/tollgate" $(SERVERS)

fmt: ## formats the code
	@$(CARGO) fmt --all

setup: ## installs what `make test` needs, and starts nothing
	@deploy/setup test

compose-check: ## parses docker-compose.yml
	@deploy/compose-check
