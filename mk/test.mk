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

# Tests that take minutes, and are not in check.
slow: $(BUILD)/test/unit/test_content
	IWANT_SLOW=1 $<

# Every fuzz target for SECONDS, one after the other; new inputs go into build/, findings are named.
SECONDS ?= 60
FUZZ_CC ?= clang
FUZZ_FLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
FUZZ := $(patsubst test/fuzz/%.c,build/fuzz/%,$(sort $(wildcard test/fuzz/fuzz_*.c)))

build/fuzz/%: test/fuzz/%.c $(SRC_base) $(SRC_core) $(wildcard src/base/*.h src/core/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CSTD) $(FUZZ_FLAGS) -Isrc $(PKG_CFLAGS) -o $@ $< $(SRC_base) $(SRC_core) $(PKG_LIBS) -lpthread -lm

fuzz: $(FUZZ)
	test/fuzz/fuzz.sh $(SECONDS) $(FUZZ)

.PHONY: test-programs unit check slow fuzz

net: all
	python3 test/net/run.py $(BUILD) $(CASE)

bench: all
	python3 test/bench/run.py $(BUILD) $(PART)

.PHONY: net bench
