install: all
	install -D -m 755 $(BUILD)/iwanto $(DESTDIR)$(PREFIX)/bin/iwanto
	install -D -m 644 man/iwanto.1 $(DESTDIR)$(PREFIX)/share/man/man1/iwanto.1
	install -D -m 644 man/iwant.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/iwant.conf.5

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/iwanto $(DESTDIR)$(PREFIX)/share/man/man1/iwanto.1 \
		$(DESTDIR)$(PREFIX)/share/man/man5/iwant.conf.5

.PHONY: install uninstall
