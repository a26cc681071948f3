/* A look at a content before anything is fetched: kind, size, name, who has it; and of a folder the
 * files inside. Asks the leader and the holders, and waits: for errands that have a thread to wait
 * on. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "base/limits.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct ask;
struct gatherer;
struct ident;

struct look_holder {
    struct nid nid;
    uint8_t pub[32];
    struct addr addr;
    char name[PEER_NAME_MAX * 4 + 1]; /* safe to print */
    bool self, partial;
};

struct look_file {
    char *path; /* inside the folder: foreign bytes, path_check has passed them */
    struct hash hash;
    uint64_t size;
    int64_t mtime_s; /* since 1970, a hint of who told the folder; INT64_MIN: unknown */
};

struct look {
    struct hash hash;
    char kind;  /* 'f' 'x' 'd' */
    char *name; /* foreign text, one component, safe to create */
    uint64_t size;
    struct hash root; /* of a file: what its holders agree about */
    struct look_holder *holder;
    size_t holders, holders_cap;
    struct look_file *file;
    size_t files, files_cap;
};

struct look_conf {
    const struct ident *ident;
    struct ask *ask;
    const char *db_path;
    struct gatherer *gatherer;
    const atomic_bool *stop;
};

/* The leader's answer about hash. -ERR_NOT_FOUND: nobody has it; -ERR_NO_PEER, -ERR_TIMEOUT. out is
 * to be look_done in any case. */
int look_content(const struct look_conf *c, const struct hash *hash, unsigned ms, struct look *out,
                 struct err *e);
/* Of a folder: every file below, by the manifests of ours or of its holders, each compared with its
 * hash. -ERR_USAGE: over LINK_FILES_MAX. */
int look_files(const struct look_conf *c, struct look *l, unsigned ms, struct err *e);
void look_done(struct look *l);
