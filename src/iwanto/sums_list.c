#include "iwanto/sums_list.h"

#include "base/buf.h"
#include "base/mem.h"
#include "core/path.h"
#include "core/sums.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX (256u << 20) /* bytes: some 2 million lines */

static int read_all(const char *file, struct buf *text, struct err *e)
{
    bool std = !strcmp(file, "-");
    FILE *f = std ? stdin : fopen(file, "rbe");
    char shown[200];
    size_t n = 0;
    int rc = 0;

    show_to(shown, sizeof shown, file, strlen(file));
    if (!f)
        return err_sys(e, errno == ENOENT ? ERR_USAGE : ERR_IO, errno, "cannot open %s", shown);
    do {
        buf_room(text, 1u << 16);
        n = fread(text->data + text->len, 1, 1u << 16, f);
        text->len += n;
    } while (n && text->len <= FILE_MAX);
    if (ferror(f))
        rc = err_sys(e, ERR_IO, errno, "cannot read %s", shown);
    else if (text->len > FILE_MAX)
        rc = err_set(e, ERR_USAGE, "cannot read %s: it is longer than %u MiB", shown,
                     FILE_MAX >> 20);
    if (!std)
        fclose(f);
    return rc;
}

/* seen: a set of "HEX name". */
static void add(struct sums_list *l, const struct sums_line *line, json_t *seen)
{
    struct sums_entry *entry;
    char hex[HASH_HEX_LEN + 1];
    struct buf key = {0};

    hash_hex(&line->hash, hex);
    buf_printf(&key, "%s %s", hex, line->name);
    if (!json_object_get(seen, key.data)) {
        json_object_set_new(seen, key.data, json_true());
        MEM_GROW(l->entry, l->count, l->cap);
        entry = &l->entry[l->count++];
        *entry = (struct sums_entry){.name = mem_str(line->name)};
        memcpy(entry->hex, hex, sizeof hex);
    }
    buf_free(&key);
}

static void refuse(struct sums_list *l, size_t number, const struct sums_line *line)
{
    char file[200], name[300];

    l->refused++;
    fprintf(stderr, "iwanto: cannot use the name in line %zu of %s: %s: %s\n", number,
            show_to(file, sizeof file, l->file, strlen(l->file)),
            show_to(name, sizeof name, line->name, line->name_len), line->why);
}

static void take(struct sums_list *l, size_t number, const char *text, size_t len, json_t *seen)
{
    struct sums_line line;

    switch (sums_line(text, len, &line)) {
    case SUMS_SUM:
        add(l, &line, seen);
        break;
    case SUMS_BAD_NAME:
        refuse(l, number, &line);
        break;
    case SUMS_OTHER:
        l->other++;
        break;
    case SUMS_UNKNOWN:
        l->unknown++;
        break;
    case SUMS_BLANK:
        break;
    }
}

int sums_list_read(struct sums_list *l, const char *file, struct err *e)
{
    struct buf text = {0};
    json_t *seen = json_object();
    char shown[200];
    int rc;

    *l = (struct sums_list){.file = file};
    rc = read_all(file, &text, e);
    for (size_t at = 0, number = 1; !rc && at < text.len; number++) {
        const char *nl = memchr(text.data + at, '\n', text.len - at);
        size_t end = nl ? (size_t)(nl - text.data) : text.len;

        take(l, number, text.data + at, end - at, seen);
        at = end + 1;
    }
    if (!rc && !l->count) {
        show_to(shown, sizeof shown, file, strlen(file));
        rc = err_set(e, ERR_USAGE, "there is no SHA-256 sum in %s%s", shown,
                     l->refused ? " that may be used" : "");
        if (l->other)
            err_hint(e, "it has sums of another kind: only SHA-256 names what others share");
    }
    json_decref(seen);
    buf_free(&text);
    return rc;
}

void sums_list_free(struct sums_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        mem_free(l->entry[i].name);
    mem_free(l->entry);
}
