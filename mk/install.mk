# make install PREFIX=/usr/local DESTDIR= SYSCONFDIR=/etc
# Where shells, firewalls and the service manager look for their files differs with the prefix.
SYSCONFDIR ?= /etc
BIN := $(DESTDIR)$(PREFIX)/bin
SHARE := $(DESTDIR)$(PREFIX)/share
LIB := $(DESTDIR)$(PREFIX)/lib
ZSHDIR ?= $(SHARE)/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
INSTALLED := $(BIN)/iwanto $(SHARE)/man/man1/iwanto.1 $(SHARE)/man/man5/iwant.conf.5 $(SHARE)/man/man7/iwant-protocol.7 \
	$(SHARE)/bash-completion/completions/iwanto $(ZSHDIR)/_iwanto $(SHARE)/fish/vendor_completions.d/iwanto.fish \
	$(LIB)/systemd/user/iwanto.service $(DESTDIR)$(SYSCONFDIR)/ufw/applications.d/iwant \
	$(LIB)/firewalld/services/iwant.xml $(LIB)/firewalld/services/iwant-links.xml
# Once there is one:
DESKTOP := $(wildcard packaging/*.desktop)
ifneq ($(DESKTOP),)
INSTALLED += $(addprefix $(SHARE)/applications/,$(notdir $(DESKTOP))) $(SHARE)/icons/hicolor/scalable/apps/iwanto.svg
endif

install: all
	install -D -m 755 $(BUILD)/iwanto $(BIN)/iwanto
	install -D -m 644 man/iwanto.1 $(SHARE)/man/man1/iwanto.1
	install -D -m 644 man/iwant.conf.5 $(SHARE)/man/man5/iwant.conf.5
	install -D -m 644 man/iwant-protocol.7 $(SHARE)/man/man7/iwant-protocol.7
	install -d $(SHARE)/bash-completion/completions $(ZSHDIR) $(SHARE)/fish/vendor_completions.d $(LIB)/systemd/user
	HOME=/nonexistent $(BUILD)/iwanto completion bash >$(SHARE)/bash-completion/completions/iwanto
	HOME=/nonexistent $(BUILD)/iwanto completion zsh >$(ZSHDIR)/_iwanto
	HOME=/nonexistent $(BUILD)/iwanto completion fish >$(SHARE)/fish/vendor_completions.d/iwanto.fish
	sed 's,@BINDIR@,$(PREFIX)/bin,' packaging/systemd/iwanto.service >$(LIB)/systemd/user/iwanto.service
	install -D -m 644 packaging/ufw/iwant $(DESTDIR)$(SYSCONFDIR)/ufw/applications.d/iwant
	install -D -m 644 packaging/firewalld/iwant.xml $(LIB)/firewalld/services/iwant.xml
	install -D -m 644 packaging/firewalld/iwant-links.xml $(LIB)/firewalld/services/iwant-links.xml
	$(if $(DESKTOP),install -D -m 644 -t $(SHARE)/applications $(DESKTOP))
	$(if $(DESKTOP),install -D -m 644 web/icon.svg $(SHARE)/icons/hicolor/scalable/apps/iwanto.svg)

uninstall:
	rm -f $(INSTALLED)

# A Debian package of the tree as it is, tracked files only: build/deb/iwant_VERSION_ARCH.deb
deb:
	rm -rf build/deb
	mkdir -p build/deb/iwant-$(VERSION)
	git ls-files -z | xargs -0 cp --parents -t build/deb/iwant-$(VERSION)
	cp -r packaging/debian build/deb/iwant-$(VERSION)/debian
	cd build/deb/iwant-$(VERSION) && dpkg-buildpackage -us -uc -b
	$(call with,lintian,lintian --fail-on error$(comma)warning -I build/deb/*.changes)

.PHONY: install uninstall deb
