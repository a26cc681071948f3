#include "core/conf.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 200 /* bytes of a wrong value in an error text */

static const struct conf_row ROWS[CONF_COUNT] = {
    {CONF_SHARE, "Paths", "share", "share", "IWANT_SHARE", CONF_PATH, NULL, 0, 0, CONF_NONE,
     "the folder that others may search and fetch; default $XDG_PUBLICSHARE_DIR or ~/Public"},
    {CONF_ALSO, "Paths", "also", "share-also", "IWANT_SHARE_ALSO", CONF_PATHS, "", 0, 0, NULL,
     "more such folders, each told to others under its own name; separated by ':'"},
    {CONF_DOWNLOAD, "Paths", "download", "downloads", "IWANT_DOWNLOADS", CONF_PATH, NULL, 0, 0,
     NULL, "the folder for what is fetched; default $XDG_DOWNLOAD_DIR or ~/Downloads"},
    {CONF_NETWORK, "Network", "network", "network", "IWANT_NETWORK", CONF_TEXT, "lan", 1, 63, NULL,
     "the name that all peers of one network share; \"lan\" is the open one"},
    {CONF_PASSPHRASE_FILE, "Network", "passphrase-file", "passphrase-file", "IWANT_PASSPHRASE_FILE",
     CONF_PATH, NULL, 0, 0, NULL,
     "a file whose first line is the network's passphrase; default: none, the open network"},
    {CONF_NAME, "Network", "name", "name", "IWANT_NAME", CONF_TEXT, NULL, 1, PEER_NAME_MAX, NULL,
     "the name that others see; default: this computer's"},
    {CONF_INTERFACES, "Network", "interface", "interface", "IWANT_INTERFACE", CONF_LIST, "", 0, 0,
     NULL,
     "network interfaces to use, as \"eth0, wlan*\", or not: \"!eth1\"; empty: every usable one"},
    {CONF_PORT, "Network", "port", "port", "IWANT_PORT", CONF_NUMBER, "1235", 1, 65535, NULL,
     "TCP and UDP port wished for; another free one when it is taken"},
    {CONF_PEERS, "Network", "peer", "peer", "IWANT_PEER", CONF_LIST, "", 0, 0, NULL,
     "hosts (HOST[:PORT]) to tell by unicast what others hear by multicast"},
    {CONF_NEVER_LEAD, "Network", "never-lead", "never-lead", "IWANT_NEVER_LEAD", CONF_BOOL, "no", 0,
     0, NULL, "never become the leader, as on a weak computer"},
    {CONF_HIDDEN, "Sharing", "hidden", "hidden", "IWANT_HIDDEN", CONF_BOOL, "no", 0, 0, NULL,
     "share names that begin with a dot, too"},
    {CONF_SWEEP, "Sharing", "sweep", "sweep", "IWANT_SWEEP", CONF_CHOICE, "auto", 0, 0, "auto|all",
     "folders that are looked through again and again: those whose changes the system may not "
     "tell, "
     "as on network mounts (auto), or all"},
    {CONF_LINKS, "Sharing", "links", "links", "IWANT_LINKS", CONF_CHOICE, "auto", 0, 0,
     "auto|all|own|no",
     "plain links to what is shared: opened for every member that asks, for own commands only, or "
     "never; auto: all in the open network, own in a private one"},
    {CONF_LIMIT_UP, "Transfers", "limit-up", "limit-up", "IWANT_LIMIT_UP", CONF_BYTES, "0", 0, 0,
     NULL, "bytes a second sent at most, as 10M; 0: no limit"},
    {CONF_LIMIT_DOWN, "Transfers", "limit-down", "limit-down", "IWANT_LIMIT_DOWN", CONF_BYTES, "0",
     0, 0, NULL, "bytes a second received at most, as 10M; 0: no limit"},
    {CONF_UPLOADS, "Transfers", "uploads-at-once", "uploads-at-once", "IWANT_UPLOADS_AT_ONCE",
     CONF_NUMBER, "32", 1, 512, NULL, "answers with content that are sent at the same time"},
    {CONF_DOWNLOADS, "Transfers", "downloads-at-once", "downloads-at-once",
     "IWANT_DOWNLOADS_AT_ONCE", CONF_NUMBER, "3", 1, 100, NULL,
     "downloads that run at the same time; the others wait in the queue"},
    {CONF_ON_DOWNLOAD, "Transfers", "on-download", "on-download", "IWANT_ON_DOWNLOAD", CONF_TEXT,
     "no", 1, 2000, NULL,
     "a command for the shell that is run when a download is done, with its path as \"$1\"; "
     "\"no\": none"},
    {CONF_LOG_LEVEL, "Log", "level", "log-level", "IWANT_LOG_LEVEL", CONF_CHOICE, "info", 0, 0,
     "error|warn|info|debug", "how much the log tells"},
};

const struct conf_row *conf_row(enum conf_key key)
{
    return &ROWS[key];
}

const struct conf_row *conf_by_name(const char *section, const char *name)
{
    for (size_t i = 0; i < CONF_COUNT; i++)
        if (!strcmp(ROWS[i].section, section) && !strcmp(ROWS[i].name, name))
            return &ROWS[i];
    return NULL;
}

const struct conf_row *conf_by_word(const char *word)
{
    for (size_t i = 0; i < CONF_COUNT; i++)
        if (!strcmp(ROWS[i].name, word) || !strcmp(ROWS[i].flag, word))
            return &ROWS[i];
    return NULL;
}

void conf_init(struct conf *c)
{
    for (size_t i = 0; i < CONF_COUNT; i++) {
        c->value[i] = mem_str(ROWS[i].fallback);
        c->source[i] = CONF_DEFAULT;
    }
}

void conf_done(struct conf *c)
{
    for (size_t i = 0; i < CONF_COUNT; i++) {
        mem_free(c->value[i]);
        c->value[i] = NULL;
    }
}

/* ---- values: text -> canonical text, or a reason ---- */

static const char *plain(const char *text, size_t most)
{
    size_t len = strlen(text);

    if (!len)
        return "it is empty";
    if (len > most)
        return "it is too long";
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return "it contains a control character";
    if (isspace((unsigned char)text[0]) || isspace((unsigned char)text[len - 1]))
        return "it begins or ends with a space";
    return NULL;
}

static const char *canon_path(const char *text, struct buf *out)
{
    const char *why = plain(text, PATH_LEN_MAX);

    if (why)
        return why;
    if (text[0] != '/' && strcmp(text, "~") && strncmp(text, "~/", 2))
        return "it must begin with / or ~/";
    buf_str(out, text);
    while (out->len > 1 && out->data[out->len - 1] == '/')
        out->data[--out->len] = '\0';
    return NULL;
}

/* One path of a list, up to its ':'; gives where it ends. */
static const char *next_path(const char *text, struct buf *path)
{
    for (; *text && *text != ':'; text++) {
        if (*text == '\\' && (text[1] == ':' || text[1] == '\\'))
            text++;
        buf_char(path, *text);
    }
    return text;
}

void conf_path_add(struct buf *list, const char *path)
{
    if (list->len)
        buf_char(list, ':');
    for (; *path; path++) {
        if (*path == ':' || *path == '\\')
            buf_char(list, '\\');
        buf_char(list, *path);
    }
}

static const char *canon_paths(const char *text, struct buf *out)
{
    const char *why = NULL;

    while (*text && !why) {
        struct buf one = {0}, canonical = {0};

        text = next_path(text, &one);
        text += *text == ':';
        if (one.len)
            why = canon_path(buf_cstr(&one), &canonical);
        if (one.len && !why)
            conf_path_add(out, buf_cstr(&canonical));
        buf_free(&one);
        buf_free(&canonical);
    }
    return why || out->len <= CONF_LINE_MAX - 100 ? why : "it is too long";
}

static const char *canon_list(const char *text, struct buf *out)
{
    size_t len;

    for (; *text; text += len + (text[len] == ',')) {
        size_t from = 0, to;

        len = to = strcspn(text, ",");
        while (from < to && isspace((unsigned char)text[from]))
            from++;
        while (to > from && isspace((unsigned char)text[to - 1]))
            to--;
        if (from == to)
            continue;
        if (out->len)
            buf_str(out, ", ");
        buf_add(out, text + from, to - from);
    }
    return out->len ? plain(out->data, CONF_LINE_MAX / 2) : NULL;
}

static const char *canon_bytes(const char *text, struct buf *out)
{
    static const char unit[] = {'\0', 'K', 'M', 'G', 'T'};
    uint64_t v;
    size_t u = 0;

    if (!str_parse_size(text, &v))
        return "it is not a size as 700, 64K, 10M or 1.5G";
    for (; v && !(v & 1023) && u + 1 < sizeof unit; u++)
        v >>= 10;
    buf_printf(out, "%llu", (unsigned long long)v);
    if (u)
        buf_char(out, unit[u]);
    return NULL;
}

static const char *canon_bool(const char *text, struct buf *out)
{
    static const char *const words[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(text, words[i])) {
            buf_str(out, words[i & 1]);
            return NULL;
        }
    return "it is not yes or no";
}

static const char *canon_choice(const char *choices, const char *text, struct buf *out)
{
    size_t len;

    for (const char *c = choices; *c; c += len + (c[len] == '|')) {
        len = strcspn(c, "|");
        if (strlen(text) == len && !strncmp(c, text, len)) {
            buf_str(out, text);
            return NULL;
        }
    }
    return "it is none of the choices";
}

static const char *canon(const struct conf_row *row, const char *text, struct buf *out)
{
    uint64_t v;
    const char *why;

    switch (row->type) {
    case CONF_PATH:
        return row->choices && !canon_choice(row->choices, text, out) ? NULL
                                                                      : canon_path(text, out);
    case CONF_PATHS:
        return canon_paths(text, out);
    case CONF_TEXT:
        why = plain(text, row->max);
        if (!why)
            buf_str(out, text);
        return why;
    case CONF_LIST:
        return canon_list(text, out);
    case CONF_NUMBER:
        if (!str_parse_u64(text, row->min, row->max, &v))
            return "it is not a number in range";
        buf_printf(out, "%llu", (unsigned long long)v);
        return NULL;
    case CONF_BYTES:
        return canon_bytes(text, out);
    case CONF_BOOL:
        return canon_bool(text, out);
    case CONF_CHOICE:
        return canon_choice(row->choices, text, out);
    }
    return "unknown type";
}

int conf_set(struct conf *c, enum conf_key key, const char *text, enum conf_source source,
             struct err *e)
{
    const struct conf_row *row = &ROWS[key];
    struct buf value = {0};
    char shown[SHOWN_MAX];
    const char *why = canon(row, text, &value);

    if (why) {
        buf_free(&value);
        err_set(e, ERR_USAGE, "cannot set %s to '%s': %s", row->name,
                show_to(shown, sizeof shown, text, strlen(text)), why);
        if (row->type == CONF_NUMBER)
            err_hint(e, "a number from %llu to %llu", (unsigned long long)row->min,
                     (unsigned long long)row->max);
        else if (row->type == CONF_CHOICE)
            err_hint(e, "one of %s", row->choices);
        return -e->code;
    }
    if (source < c->source[key]) {
        buf_free(&value);
        return 0;
    }
    mem_free(c->value[key]);
    c->value[key] = buf_take(&value, NULL);
    c->source[key] = source;
    return 0;
}

/* ---- the file: one scanner for reading and for editing ---- */

enum line_kind { LINE_BLANK, LINE_SECTION, LINE_PAIR, LINE_BAD };

struct slice {
    const char *p;
    size_t len;
};

struct line {
    enum line_kind kind;
    struct slice whole;       /* with its line break */
    struct slice name, value; /* LINE_SECTION, LINE_BAD: name; LINE_PAIR: both */
};

static struct slice trim(const char *p, size_t len)
{
    while (len && isspace((unsigned char)*p)) {
        p++;
        len--;
    }
    while (len && isspace((unsigned char)p[len - 1]))
        len--;
    return (struct slice){p, len};
}

static bool slice_is(const struct slice *s, const char *text)
{
    return s->len == strlen(text) && !memcmp(s->p, text, s->len);
}

/* The line at *at, which moves on; false at the end. */
static bool next_line(const char *text, size_t len, size_t *at, struct line *l)
{
    const char *p = text + *at, *nl, *eq;
    size_t left = len - *at;
    struct slice body;

    if (!left)
        return false;
    nl = memchr(p, '\n', left);
    l->whole = (struct slice){p, nl ? (size_t)(nl - p) + 1 : left};
    *at += l->whole.len;
    if (p == text && left >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
        body = trim(p + 3, l->whole.len - 3);
    else
        body = trim(p, l->whole.len);
    l->kind = LINE_BAD;
    l->name = body;
    if (!body.len || *body.p == '#' || *body.p == ';') {
        l->kind = LINE_BLANK;
    } else if (memchr(body.p, '\0', body.len) || l->whole.len > CONF_LINE_MAX) {
        l->kind = LINE_BAD;
    } else if (*body.p == '[' && body.p[body.len - 1] == ']') {
        l->kind = LINE_SECTION;
        l->name = trim(body.p + 1, body.len - 2);
    } else if (*body.p != '[' && (eq = memchr(body.p, '=', body.len))) {
        l->kind = LINE_PAIR;
        l->name = trim(body.p, (size_t)(eq - body.p));
        l->value = trim(eq + 1, body.len - (size_t)(eq + 1 - body.p));
    }
    return true;
}

static bool section_exists(const struct slice *name)
{
    for (size_t i = 0; i < CONF_COUNT; i++)
        if (slice_is(name, ROWS[i].section))
            return true;
    return false;
}

static const struct conf_row *row_of(const struct slice *section, const struct slice *name)
{
    for (size_t i = 0; i < CONF_COUNT; i++)
        if (slice_is(section, ROWS[i].section) && slice_is(name, ROWS[i].name))
            return &ROWS[i];
    return NULL;
}

/* Where we are in a file, for its error texts. */
struct place {
    const char *file;
    unsigned line;
};

static int bad(const struct place *at, const struct slice *what, const char *why, struct err *e)
{
    char shown[SHOWN_MAX];

    return err_set(e, ERR_USAGE, "%s line %u: '%s' %s", at->file, at->line,
                   show_to(shown, sizeof shown, what->p, what->len), why);
}

static int unknown_name(const struct place *at, const struct slice *section,
                        const struct slice *name, struct err *e)
{
    struct buf known = {0};

    if (!section->len)
        return bad(at, name, "stands before any [section]", e);
    bad(at, name, "is not a setting", e);
    for (size_t i = 0; i < CONF_COUNT; i++)
        if (slice_is(section, ROWS[i].section))
            buf_printf(&known, "%s %s", known.len ? "," : "", ROWS[i].name);
    err_hint(e, "settings of [%.*s]:%s", (int)section->len, section->p, buf_cstr(&known));
    buf_free(&known);
    return -ERR_USAGE;
}

static int take_pair(struct conf *c, const struct place *at, const struct slice *section,
                     const struct line *l, unsigned seen[CONF_COUNT], struct err *e)
{
    const struct conf_row *row = row_of(section, &l->name);
    struct err why = {0};
    char *value;
    int rc;

    if (!row)
        return unknown_name(at, section, &l->name, e);
    if (seen[row->key]) {
        bad(at, &l->name, "is set twice", e);
        err_hint(e, "it is set in line %u, too", seen[row->key]);
        return -ERR_USAGE;
    }
    seen[row->key] = at->line;
    value = mem_strn(l->value.p, l->value.len);
    rc = conf_set(c, row->key, value, CONF_FILE, &why);
    mem_free(value);
    if (rc) {
        err_set(e, ERR_USAGE, "%s line %u: %s", at->file, at->line, why.text);
        err_hint(e, "%s", why.hint);
    }
    return rc;
}

int conf_read(struct conf *c, const char *text, size_t len, const char *file_name, struct err *e)
{
    struct slice section = {"", 0};
    struct place at = {file_name, 0};
    unsigned seen[CONF_COUNT] = {0};
    size_t pos = 0;
    struct line l;
    int rc = 0;

    while (!rc && next_line(text, len, &pos, &l)) {
        at.line++;
        switch (l.kind) {
        case LINE_BLANK:
            break;
        case LINE_SECTION:
            section = l.name;
            if (!section_exists(&section)) {
                rc = bad(&at, &section, "is not a section", e);
                err_hint(e, "sections: Paths, Network, Sharing, Transfers, Log");
            }
            break;
        case LINE_PAIR:
            rc = take_pair(c, &at, &section, &l, seen, e);
            break;
        case LINE_BAD:
            rc = bad(&at, &l.name, "is neither [section], name = value nor # comment", e);
            break;
        }
    }
    return rc;
}

static void put_pair(struct buf *out, const struct conf_row *row, const char *value)
{
    buf_printf(out, "%s = %s\n", row->name, value);
}

/* Where the setting is to stand: over the line [from, to) when it is there, else as a new line at
 * from == to; false: its section is missing. */
static bool find_place(const char *text, size_t len, const struct conf_row *row, size_t *from,
                       size_t *to)
{
    bool inside = false, found = false;
    size_t pos = 0;
    struct line l;

    while (next_line(text, len, &pos, &l)) {
        if (l.kind == LINE_SECTION)
            inside = slice_is(&l.name, row->section);
        if (!inside || l.kind == LINE_BLANK)
            continue;
        found = true;
        *from = *to = pos;
        if (l.kind == LINE_PAIR && slice_is(&l.name, row->name)) {
            *from = pos - l.whole.len;
            return true;
        }
    }
    return found;
}

void conf_edit(struct buf *out, const char *text, size_t len, enum conf_key key, const char *value)
{
    const struct conf_row *row = &ROWS[key];
    size_t from = len, to = len;
    bool found = find_place(text, len, row, &from, &to);

    buf_add(out, text, from);
    if (out->len && out->data[out->len - 1] != '\n')
        buf_char(out, '\n');
    if (!found)
        buf_printf(out, "%s[%s]\n", len ? "\n" : "", row->section);
    put_pair(out, row, value);
    buf_add(out, text + to, len - to);
}

/* ---- reading ---- */

const char *conf_text(const struct conf *c, enum conf_key key)
{
    return c->value[key];
}

uint64_t conf_number(const struct conf *c, enum conf_key key)
{
    uint64_t v = 0;

    if (c->value[key])
        (void)str_parse_size(c->value[key], &v);
    return v;
}

bool conf_bool(const struct conf *c, enum conf_key key)
{
    return c->value[key] && !strcmp(c->value[key], "yes");
}

char *conf_path(const struct conf *c, enum conf_key key, size_t n)
{
    const char *text = c->value[key];
    struct buf path = {0};

    while (text && *text) {
        buf_reset(&path);
        text = next_path(text, &path);
        text += *text == ':';
        if (!n--)
            return buf_take(&path, NULL);
    }
    buf_free(&path);
    return NULL;
}

bool conf_item(const struct conf *c, enum conf_key key, size_t n, char *out, size_t cap)
{
    const char *p = c->value[key];

    for (; p && *p; n--) {
        size_t len = strcspn(p, ",");

        if (!n) {
            struct slice item = trim(p, len);

            if (item.len >= cap)
                item.len = cap - 1;
            memcpy(out, item.p, item.len);
            out[item.len] = '\0';
            return true;
        }
        p += len + (p[len] == ',');
    }
    return false;
}

const char *conf_source_name(enum conf_source s)
{
    switch (s) {
    case CONF_DEFAULT:
        return "default";
    case CONF_FILE:
        return "file";
    case CONF_ENV:
        return "environment";
    case CONF_FLAG:
        return "flag";
    }
    return "unknown";
}
