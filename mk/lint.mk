# Readers of the source. A tool that is missing is named and skipped.
LINT_C := $(sort $(wildcard src/*/*.c test/*/*.c))
LINT_H := $(filter-out %_table.h,$(sort $(wildcard src/*/*.h test/*/*.h)))
LINT_SH := start.sh test.sh .ci/run test/run $(sort $(wildcard tools/*.sh test/*/*.sh))
LINT_MAN := $(sort $(wildcard man/*.[1-9]))
LINT_PARTS := lint-headers lint-format lint-tidy lint-cppcheck lint-man lint-shell

lint: $(LINT_PARTS)

# $(call with,tool,command): run it, or say that it is not there
with = @if command -v $(1) >/dev/null; then echo "lint: $(1)"; $(2); else echo "lint: skipped, no $(1)"; fi

lint-headers:
	@echo 'lint: every header compiles alone'
	@for h in $(filter src/%,$(LINT_H)); do \
		$(CC) $(CSTD) $(WARN) -Werror -Isrc $(PKG_CFLAGS) -fsyntax-only -x c -include $$h /dev/null || exit 1; done

lint-format:
	$(call with,clang-format,clang-format --dry-run -Werror $(LINT_C) $(LINT_H))

lint-tidy:
	$(call with,clang-tidy,printf '%s\n' $(LINT_C) | xargs -P 2 -n 4 sh -c \
		'clang-tidy --quiet "$$@" -- $(CSTD) -Isrc -Itest/sim $(PKG_CFLAGS) 2>/dev/null' sh)

lint-cppcheck:
	$(call with,cppcheck,cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning$(comma)portability \
		--inline-suppr --suppressions-list=tools/cppcheck.txt -j 2 -Isrc src)

lint-man:
	$(if $(LINT_MAN),$(call with,mandoc,mandoc -T lint -W warning $(LINT_MAN)))

lint-shell:
	$(call with,shellcheck,shellcheck $(LINT_SH))

comma := ,
.PHONY: lint $(LINT_PARTS)
