/* Into the background: a child without terminal, and a line to its parent until it either serves or
 * has failed. Before the first thread. */
#pragma once

#include "base/err.h"

#include <stdbool.h>

struct daemon {
    int pipe; /* parent reads, child writes */
    int pid;  /* parent: of the child; child: its own */
};

/* 1 in the parent, 0 in the child (new session, / as working folder, nothing on the standard
 * descriptors); negative. */
int daemon_split(struct daemon *d, struct err *e);
/* Child: why it does not serve. Its process is to end with e->code. */
void daemon_failed(struct daemon *d, const struct err *e);
/* Parent: wait up to ms. 0: nothing heard; negative: it failed or died, with e as it said. */
int daemon_heard(struct daemon *d, unsigned ms, struct err *e);
void daemon_done(struct daemon *d);

/* No core dump of this process: its memory holds keys. */
void daemon_no_core(void);

/* Tell the service manager that started us ($NOTIFY_SOCKET, as systemd's Type=notify has it), in
 * its words: "READY=1", "STOPPING=1". Does nothing where there is none. */
void daemon_notify(const char *state);
