/* Contents of others handed on without keeping them: bytes by hash, from the shared folder or from
 * whoever holds them, each piece verified before any of it is given. Never to disk; a few pieces of
 * memory. Waits: a relay belongs to one thread that has nothing else to do. */
#pragma once

#include "base/err.h"
#include "base/id.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct ask;
struct ident;
struct look;
struct relay;
struct share;

struct relay_conf {
    const struct ident *ident;
    struct ask *ask;
    struct share *share;
    const char *db_path;     /* borrowed */
    const atomic_bool *stop; /* true: end soon */
};

/* Takes what it is given; false: no more is wanted. */
typedef bool relay_give(void *ctx, const void *data, size_t len);

struct relay *relay_new(const struct relay_conf *conf);
void relay_free(struct relay *r); /* NULL is fine */
/* Kind, size, name and holders; with files what is inside a folder. Errors as look_content and
 * look_files. out is to be look_done in any case. */
int relay_look(struct relay *r, const struct hash *h, bool files, struct look *out, struct err *e);
/* Give len bytes of this file of size bytes, from first on. around: what was looked at, the file
 * itself or a folder that it is in: its holders are asked. -ERR_UNFINISHED: nobody gives it,
 * -ERR_INTERRUPTED: give or stop said so. */
int relay_file(struct relay *r, const struct look *around, const struct hash *h, uint64_t size,
               uint64_t first, uint64_t len, relay_give *give, void *ctx, struct err *e);
