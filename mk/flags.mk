# Compiler and library flags, by profile: dev (default, hardened), asan, tsan, fuzz.
VERSION := $(shell sed -n 's/^\#define IWANT_VERSION "\(.*\)"/\1/p' src/base/limits.h)

PKGS := libuv libmicrohttpd libcurl gnutls nettle libsodium sqlite3 libutf8proc jansson libqrencode ncursesw
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   := $(shell pkg-config --libs $(PKGS))

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough -Wno-format-nonliteral
ifneq ($(WERROR),)
WARN += -Werror
endif

CSTD := -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
HARD := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE \
	-ftrivial-auto-var-init=zero -fcf-protection
HARD_LD := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack

ifeq ($(PROFILE),dev)
OPT := -O2 -g $(HARD)
OPT_LD := $(HARD_LD)
else ifeq ($(PROFILE),asan)
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
OPT_LD := -fsanitize=address,undefined
else ifeq ($(PROFILE),tsan)
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
OPT_LD := -fsanitize=thread
else ifeq ($(PROFILE),fuzz)
CC := clang
WARN += -Wno-implicit-fallthrough # clang does not read uthash's comments as gcc does
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
OPT_LD := -fsanitize=address,undefined
else
$(error PROFILE is dev, asan, tsan or fuzz, not '$(PROFILE)')
endif

CFLAGS  ?=
LDFLAGS ?=
ALL_CFLAGS = $(CSTD) $(OPT) $(WARN) -Isrc $(PKG_CFLAGS) -MMD -MP $(CFLAGS)
ALL_LDFLAGS = $(OPT_LD) $(LDFLAGS)
