# Tests. Every program under test/unit, test/sim and test/fuzz is one file linked to the floors' archives.
UNIT := $(patsubst test/unit/%.c,$(BUILD)/test/unit/%,$(sort $(wildcard test/unit/test_*.c)))
SIM  := $(patsubst test/sim/%.c,$(BUILD)/test/sim/%,$(sort $(wildcard test/sim/sim_*.c)))
REPLAY := $(patsubst test/fuzz/%.c,$(BUILD)/test/fuzz/%,$(sort $(wildcard test/fuzz/fuzz_*.c)))

$(BUILD)/test/unit/%: test/unit/%.c $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(LIBS) $(PKG_LIBS) -lcmocka -lpthread -lm

$(BUILD)/test/sim/%: test/sim/%.c $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -Itest/sim -o $@ $< $(LIBS) $(PKG_LIBS) -lpthread -lm

# The simulator of elections has the core with rules that can be switched off (core/elect_priv.h).
$(BUILD)/rules/%.o: src/core/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -DELECT_RULES -c -o $@ $<

RULES := $(patsubst src/core/%.c,$(BUILD)/rules/%.o,$(wildcard src/core/elect*.c))
-include $(RULES:.o=.d)

$(BUILD)/test/sim/sim_elect: test/sim/sim_elect.c $(RULES) $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -DELECT_RULES -Itest/sim -o $@ $< $(RULES) $(LIBS) $(PKG_LIBS) -lpthread -lm

# A fuzz target is LLVMFuzzerTestOneInput; here replay_main.c runs its stored corpus through it.
$(BUILD)/test/fuzz/%: test/fuzz/%.c test/fuzz/replay_main.c $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< test/fuzz/replay_main.c $(LIBS) $(PKG_LIBS) -lpthread -lm

-include $(patsubst %,%.d,$(UNIT) $(SIM) $(REPLAY))

test-programs: all $(UNIT) $(SIM) $(REPLAY)

unit: $(UNIT)
	test/run unit $(BUILD)

check: test-programs
	test/run all $(BUILD)

# The simulators alone. A failure prints its seed: build/dev/test/sim/sim_elect --seed S --trace.
SEEDS ?= 2000
sim: $(SIM)
	$(BUILD)/test/sim/sim_elect --seeds $(SEEDS)
	$(BUILD)/test/sim/sim_plan $(SEEDS)
	$(BUILD)/test/sim/sim_swarm $(SEEDS)

# Figures of elections for doc/BENCHMARKS.md: p50 and p99 of RUNS runs each, LARGE of 1,000 hosts; about two minutes.
RUNS ?= 40
LARGE ?= 1
sim-figures: $(BUILD)/test/sim/sim_elect
	$< --large $(LARGE) --figures $(RUNS)

# Days without a fault: DAYS seeds of 24 hours each, and no change of leader. About six minutes.
DAYS ?= 100
sim-days: $(BUILD)/test/sim/sim_elect
	$< --seeds $(DAYS) --calm 24

# The model of the election, with spin: its configurations are searched to the end, its mutants have to fail.
model:
	test/model/run

.PHONY: sim-figures sim-days model

# Tests that take minutes, and are not in check.
slow: $(BUILD)/test/unit/test_content $(BUILD)/test/unit/test_huge $(BUILD)/test/unit/test_store_power all
	tools/deps.sh bench
	IWANT_SLOW=1 $<
	IWANT_SLOW=1 $(BUILD)/test/unit/test_store_power
	IWANT_SLOW=1 python3 test/net/run.py $(BUILD)

# Every fuzz target for SECONDS, one after the other; new inputs go into build/fuzz, not into the tree.
SECONDS ?= 60
FUZZ := $(patsubst test/fuzz/%.c,build/fuzz/%,$(sort $(wildcard test/fuzz/fuzz_*.c)))

build/fuzz/fuzz_%: test/fuzz/fuzz_%.c $(LIBS)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(LIBS) $(PKG_LIBS) -lpthread -lm

fuzz-programs: $(FUZZ)

fuzz:
	$(MAKE) PROFILE=fuzz fuzz-programs
	test/fuzz/fuzz.sh $(SECONDS) $(FUZZ)

.PHONY: test-programs unit check sim slow fuzz fuzz-programs

net: all
	python3 test/net/run.py $(BUILD) $(CASE)

# The page in a real browser (root, chromium, chromium-driver). IWANT_PICTURES=DIR keeps pictures of it.
test-web: all
	python3 test/web/run.py $(BUILD) $(CASE)

bench: all build/bench/bench_peer build/bench/flood
	python3 test/bench/run.py $(BUILD) $(PART)

.PHONY: net bench test-web

# Search alone, outside of any daemon: its speed and size, and the program that benchmarks talk to.
BENCH := $(patsubst test/bench/%.c,build/bench/%,$(sort $(wildcard test/bench/*.c)))

build/bench/%: test/bench/%.c $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(LIBS) $(PKG_LIBS) -lpthread -lm

-include $(patsubst %,%.d,$(BENCH))

search-bench: $(BENCH)
	build/bench/bench_search

.PHONY: search-bench
