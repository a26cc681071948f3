/* Who this peer is: its home folder, lasting key, network and TLS files. Loaded once at start,
 * read-only afterwards: any thread. Not to be copied: tls points into it. */
#pragma once

#include "base/err.h"
#include "core/seal.h"
#include "io/cert.h"
#include "io/http_server.h" /* struct http_identity */

#include <stdbool.h>
#include <stdint.h>

struct ident {
    char *home; /* absolute */
    char *name; /* display name, at most PEER_NAME_MAX bytes of UTF-8 */
    char *network;
    bool open; /* the open network: anyone on this LAN is a member */
    struct seal_key key;
    struct seal_net net;
    struct nid nid;
    uint32_t inc;             /* starts so far: rises by one at each ident_load */
    struct cert_files files;  /* below home/tls */
    struct http_identity tls; /* the same, as the HTTP rooms want them */
    int lock_fd;              /* held for life: one service for a home; -1 when not locked */
};

/* Make home (0700) and the key when missing. network "lan" without a passphrase file is the open
 * network; any other needs passphrase_file, or the group key that was derived from one before
 * (home/networks/NAME.key, 0600). The passphrase is the file's first line, at least 12 characters.
 * With a passphrase file "lan" is a private network like any other. name NULL: the host's. Errors:
 * ERR_USAGE (passphrase missing, too short; key.pem damaged: it is never overwritten), ERR_IO. */
int ident_load(struct ident *id, const char *home, const char *network, const char *passphrase_file,
               const char *name, struct err *e);
/* One service for a home: -ERR_USAGE "a service already runs on HOME (pid N)". Before ident_load;
 * *fd is kept in ident.lock_fd by the caller. */
int ident_lock(const char *home, int *fd, struct err *e);
void ident_done(struct ident *id);
