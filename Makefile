# iwant: build, tests, checks.  `make help` lists the targets.
PROFILE ?= dev
BUILD   := build/$(PROFILE)
CC      ?= cc
PREFIX  ?= /usr/local
DESTDIR ?=

include mk/flags.mk
include mk/rules.mk
include mk/test.mk
include mk/lint.mk
include mk/install.mk

.DEFAULT_GOAL := all
