#include "svc/bundle.h"

#include "base/mem.h"
#include "core/tar.h"
#include "svc/look.h"

#include <string.h>

struct bundle {
    bool zip;
    relay_give *give;
    void *ctx;
    uint64_t at; /* bytes given, or counted */
    struct zip_crc crc;
    struct zip_file *file;
    size_t files;
    uint32_t sum; /* of the file under way */
};

static void open_bundle(struct bundle *b, const struct look *folder, bool zip)
{
    b->zip = zip;
    b->files = folder->files;
    b->file = mem_zero(b->files + 1, sizeof *b->file);
    for (size_t i = 0; i < b->files; i++) {
        struct buf path = {0}, name = {0};

        buf_printf(&path, "%s/%s", folder->name, folder->file[i].path);
        if (zip)
            zip_name(&name, path.data, path.len);
        else
            buf_add(&name, path.data, path.len);
        buf_free(&path);
        b->file[i].name_len = name.len;
        b->file[i].name = buf_take(&name, NULL);
        b->file[i].size = folder->file[i].size;
        b->file[i].mtime_s = folder->file[i].mtime_s;
    }
}

static void close_bundle(struct bundle *b)
{
    for (size_t i = 0; i < b->files; i++)
        mem_free((void *)(uintptr_t)b->file[i].name);
    mem_free(b->file);
}

/* What was written goes, or is counted when nobody takes it. */
static bool flush(struct bundle *b, struct buf *text)
{
    bool ok = !b->give || !text->len || b->give(b->ctx, text->data, text->len);

    b->at += text->len;
    buf_reset(text);
    return ok;
}

static bool put_end(struct bundle *b)
{
    uint64_t directory = b->at;
    struct buf text = {0};
    bool ok = true;

    for (size_t i = 0; ok && b->zip && i < b->files; i++) {
        zip_entry(&text, &b->file[i]);
        ok = flush(b, &text);
    }
    if (b->zip)
        zip_end(&text, b->files, directory, b->at - directory);
    else
        tar_end(&text);
    ok = ok && flush(b, &text);
    buf_free(&text);
    return ok;
}

static bool put_head(struct bundle *b, struct zip_file *f)
{
    struct buf text = {0};
    bool ok;

    f->at = b->at;
    b->sum = 0;
    (b->zip ? zip_head : tar_head)(&text, f);
    ok = flush(b, &text);
    buf_free(&text);
    return ok;
}

static bool put_tail(struct bundle *b, struct zip_file *f)
{
    struct buf text = {0};
    bool ok;

    f->crc = b->sum;
    (b->zip ? zip_tail : tar_tail)(&text, f);
    ok = flush(b, &text);
    buf_free(&text);
    return ok;
}

uint64_t bundle_length(const struct look *folder, bool zip)
{
    struct bundle *b = mem_zero(1, sizeof *b);
    uint64_t len;

    open_bundle(b, folder, zip);
    for (size_t i = 0; i < b->files; i++) {
        (void)put_head(b, &b->file[i]);
        b->at += b->file[i].size;
        (void)put_tail(b, &b->file[i]);
    }
    (void)put_end(b);
    len = b->at;
    close_bundle(b);
    mem_free(b);
    return len;
}

static bool pass(void *ctx, const void *data, size_t len)
{
    struct bundle *b = ctx;

    if (b->zip)
        b->sum = zip_crc_add(&b->crc, b->sum, data, len);
    b->at += len;
    return b->give(b->ctx, data, len);
}

int bundle_give(struct relay *r, const struct look *folder, bool zip, relay_give *give, void *ctx,
                struct err *e)
{
    struct bundle *b = mem_zero(1, sizeof *b);
    bool ok = true;
    int bad = 0;

    open_bundle(b, folder, zip);
    zip_crc_init(&b->crc);
    b->give = give;
    b->ctx = ctx;
    for (size_t i = 0; ok && !bad && i < b->files; i++) {
        struct zip_file *f = &b->file[i];

        ok = put_head(b, f);
        if (ok)
            bad = relay_file(r, folder, &folder->file[i].hash, f->size, 0, f->size, pass, b, e);
        ok = ok && (bad || put_tail(b, f));
    }
    ok = ok && (bad || put_end(b));
    close_bundle(b);
    mem_free(b);
    return bad || ok ? bad : err_set(e, ERR_INTERRUPTED, "no more is wanted");
}
