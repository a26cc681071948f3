#include "core/content.h"

#include "core/path.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

uint64_t content_piece_size(uint64_t size)
{
    uint64_t piece = PIECE_MIN, limit = PIECE_MIN_FILE_MAX;

    while (size > limit && piece < PIECE_MAX) {
        piece *= 2;
        limit *= 2;
    }
    return piece;
}

uint32_t content_piece_count(uint64_t size)
{
    uint64_t piece = content_piece_size(size);

    assert(size <= FILE_SIZE_MAX);
    return (uint32_t)((size + piece - 1) / piece);
}

uint64_t content_piece_len(uint64_t size, uint32_t i)
{
    uint64_t piece = content_piece_size(size);

    assert(i < content_piece_count(size));
    return size - i * piece < piece ? size - i * piece : piece;
}

size_t content_checkpoints_len(uint64_t size)
{
    uint32_t count = content_piece_count(size);

    return count ? (size_t)(count - 1) * CHECKPOINT_LEN : 0;
}

/* SHA-256's eight words, big-endian. Only between blocks: what waits in the context's buffer is not
 * in them. */
static void state_save(uint8_t out[CHECKPOINT_LEN], const struct sha256_ctx *sha)
{
    assert(sha->index == 0);
    for (size_t i = 0; i < CHECKPOINT_LEN; i++)
        out[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

/* As if the first `at` bytes of a file had been hashed; the count makes the padding right at the
 * end. */
static void state_load(struct sha256_ctx *sha, const uint8_t in[CHECKPOINT_LEN], uint64_t at)
{
    assert(at % SHA256_BLOCK_SIZE == 0);
    sha256_init(sha);
    for (size_t i = 0; i < CHECKPOINT_LEN / 4; i++)
        sha->state[i] = (uint32_t)in[4 * i] << 24 | (uint32_t)in[4 * i + 1] << 16 |
                        (uint32_t)in[4 * i + 2] << 8 | in[4 * i + 3];
    sha->count = at / SHA256_BLOCK_SIZE;
}

void content_hash(struct hash *out, const void *data, size_t len)
{
    struct sha256_ctx sha;

    sha256_init(&sha);
    if (len)
        sha256_update(&sha, len, data);
    sha256_digest(&sha, sizeof out->b, out->b);
}

void content_root(struct hash *root, const void *checkpoints, size_t len)
{
    content_hash(root, checkpoints, len);
}

bool content_checkpoints_ok(uint64_t size, const struct hash *root, const void *checkpoints,
                            size_t len)
{
    struct hash got;

    if (size > FILE_SIZE_MAX || len != content_checkpoints_len(size))
        return false;
    content_root(&got, checkpoints, len);
    return hash_eq(&got, root);
}

void content_hasher_init(struct content_hasher *h, uint64_t size)
{
    *h = (struct content_hasher){.size = size, .piece = content_piece_size(size)};
    sha256_init(&h->sha);
}

void content_hasher_add(struct content_hasher *h, const void *data, size_t len)
{
    const uint8_t *p = data;

    if (h->at > h->size || len > h->size - h->at) {
        h->at = UINT64_MAX; /* the file grew: _done refuses */
        return;
    }
    while (len) {
        uint64_t room = h->piece - h->at % h->piece;
        size_t n = len < room ? len : (size_t)room;

        sha256_update(&h->sha, n, p);
        p += n;
        len -= n;
        h->at += n;
        if (h->at % h->piece == 0 && h->at < h->size) {
            uint8_t checkpoint[CHECKPOINT_LEN];

            state_save(checkpoint, &h->sha);
            buf_add(&h->checkpoints, checkpoint, sizeof checkpoint);
        }
    }
}

bool content_hasher_done(struct content_hasher *h, struct hash *hash, struct hash *root)
{
    if (h->at != h->size)
        return false;
    sha256_digest(&h->sha, sizeof hash->b, hash->b);
    content_root(root, h->checkpoints.data, h->checkpoints.len);
    return true;
}

void content_hasher_free(struct content_hasher *h)
{
    buf_free(&h->checkpoints);
}

void content_verify_init(struct content_verify *v, uint64_t size, const struct hash *hash,
                         const uint8_t *checkpoints, uint32_t piece)
{
    *v = (struct content_verify){
        .want = *hash,
        .left = content_piece_len(size, piece),
        .last = piece + 1 == content_piece_count(size),
    };
    if (piece)
        state_load(&v->sha, checkpoints + (size_t)(piece - 1) * CHECKPOINT_LEN,
                   piece * content_piece_size(size));
    else
        sha256_init(&v->sha);
    if (!v->last)
        memcpy(v->want.b, checkpoints + (size_t)piece * CHECKPOINT_LEN, CHECKPOINT_LEN);
}

void content_verify_add(struct content_verify *v, const void *data, size_t len)
{
    assert(len <= v->left);
    if (len)
        sha256_update(&v->sha, len, data);
    v->left -= len;
}

bool content_verify_done(struct content_verify *v)
{
    struct hash got;

    if (v->left)
        return false;
    if (v->last)
        sha256_digest(&v->sha, sizeof got.b, got.b);
    else
        state_save(got.b, &v->sha);
    return hash_eq(&got, &v->want);
}
