/* Questions to the system and the network that `iwanto doctor` has: each is one look, bounded in
 * time, that changes nothing. Blocks; any thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

#include <stdbool.h>
#include <stdint.h>

/* A TCP connection to there, closed at once. */
enum probe_tcp {
    PROBE_PENDING,
    PROBE_OPEN,
    PROBE_REFUSED, /* its host answers, and nobody listens: or a firewall says so */
    PROBE_SILENT,  /* no answer in time, or no way there */
};
enum probe_tcp probe_tcp(const struct addr *to, unsigned ms); /* never PROBE_PENDING */
/* The same without waiting: begin, then look again and again, at last with last set; end. fd -1 is
 * PROBE_SILENT. */
int probe_tcp_begin(const struct addr *to);
enum probe_tcp probe_tcp_look(int fd, bool last);
void probe_tcp_end(int fd);
const char *probe_tcp_name(enum probe_tcp t); /* "open", "refused", "silent", "pending" */

/* Listen on a TCP port of all addresses and take (and close) whoever comes, until probe_close: for
 * where nothing listens by itself. -1: the port is taken. Uses a thread. */
struct probe_door;
struct probe_door *probe_open(uint16_t port, struct err *e);
void probe_close(struct probe_door *d); /* NULL is fine */

/* May a TCP listener have this port, may a UDP socket of the group (that others share, too)? */
bool probe_tcp_port_free(uint16_t port);
bool probe_group_port_free(uint16_t port);

/* Our own address on the way to there, as the routes say. false: there is no way. */
bool probe_route(const struct addr *to, struct addr *own);

unsigned probe_mtu(const char *interface); /* 0: unknown */
bool probe_ipv6_off(const char *interface);

/* What a small file of the system says (/proc, /sys, /etc): its first 64 KiB. false: not readable.
 */
bool probe_read(const char *path, struct buf *out);
/* The last 16 KiB of a file, from the beginning of a line. */
bool probe_tail(const char *path, struct buf *out);
/* A number that stands alone in such a file. */
bool probe_number(const char *path, uint64_t *n);

struct probe_disk {
    uint64_t free_bytes, size_bytes; /* for us */
    uint64_t free_files;             /* UINT64_MAX: not counted there */
    bool read_only, writable;
    const char *remote; /* "NFS", "SMB", ...: a network file system; NULL: a local one */
};
bool probe_disk(const char *path, struct probe_disk *out);

/* Folders at and below path that a watch would need, at most max, for at most ms. *all false: there
 * are more. */
uint64_t probe_folders(const char *path, uint64_t max, unsigned ms, bool *all);

/* How many processes of this network namespace, as far as we may know that of others', have this
 * name (that of their program, at most 15 bytes) and, when arg is not NULL, that word among their
 * arguments. */
unsigned probe_processes(const char *name, const char *arg);

/* A new folder of our own (0700) for things that go again; mem_free. NULL with e. */
char *probe_temp(struct err *e);
void probe_temp_end(const char *path); /* with all that is in it; NULL is fine */
