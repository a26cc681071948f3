# One archive a floor, one program on top: main.c, so that tests can link all the rest. A file is found by being there.
FLOORS := base core io svc iwanto
SRC_base := $(sort $(wildcard src/base/*.c))
SRC_core := $(sort $(wildcard src/core/*.c))
SRC_io   := $(sort $(wildcard src/io/*.c))
SRC_svc  := $(sort $(wildcard src/svc/*.c))
SRC_iwanto := $(sort $(filter-out src/iwanto/main.c,$(wildcard src/iwanto/*.c)))

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIBS := $(foreach f,iwanto svc io core base,$(BUILD)/lib$(f).a)

all: $(BUILD)/iwanto

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# The page is put into the program as it lies in web/.
$(BUILD)/src/svc/web_files.o: $(wildcard web/*)

define archive
$(BUILD)/lib$(1).a: $(call obj,$(SRC_$(1)))
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach f,$(FLOORS),$(eval $(call archive,$(f))))

$(BUILD)/iwanto: $(call obj,src/iwanto/main.c) $(LIBS)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS) $(PKG_LIBS) -lpthread -lm

-include $(patsubst %.o,%.d,$(foreach f,$(FLOORS),$(call obj,$(SRC_$(f)))) $(call obj,src/iwanto/main.c))

clean:
	rm -rf build

help:
	@echo 'make                 build build/dev/iwanto'
	@echo 'make check           unit, floors, fuzz corpora, simulator, command line, network'
	@echo 'make PROFILE=asan    the same with ASan+UBSan; tsan: with ThreadSanitizer'
	@echo 'make install         PREFIX=/usr/local DESTDIR= SYSCONFDIR=/etc'
	@echo 'make deb             a Debian package in build/deb (debhelper; lintian looks at it)'
	@echo 'make sim SEEDS=N     the simulator over N seeds'
	@echo 'make sim-figures     what the simulator measures of elections (RUNS=N)'
	@echo 'make sim-days        a hundred simulated days without a fault: no change of leader'
	@echo 'make model           search the model of the election (spin)'
	@echo 'make fuzz SECONDS=N  every fuzz target for N seconds (clang)'
	@echo 'make test-web        the page in Chromium (CASE=name for one)'
	@echo 'make bench           figures for doc/BENCHMARKS.md'
	@echo 'make search-bench   search alone; build/bench/search_adapter speaks to benchmarks'
	@echo 'make lint            clang-format, clang-tidy, cppcheck, mandoc, shellcheck'

.PHONY: all clean help
