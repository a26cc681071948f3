#include "core/path.h"

#include "base/limits.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#define MARKS_MAX 4 /* on one letter; no living language needs more */

/* What one step of show() gives at most: "\xe2\x80\xa8". */
#define ITEM_MAX 16

/* Bytes that SHOW_COLUMNS_MAX columns can take: a letter and its marks, 4 bytes each. */
#define SHOW_BYTES_MAX (SHOW_COLUMNS_MAX * 4u * (1u + MARKS_MAX))

enum path_fault path_check_name(const char *name, size_t len)
{
    if (!len)
        return PATH_EMPTY;
    if (len > NAME_LEN_MAX)
        return PATH_LONG;
    if (memchr(name, '\0', len))
        return PATH_NUL;
    if (memchr(name, '/', len))
        return PATH_SLASH;
    if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
        return PATH_DOTS;
    return PATH_OK;
}

enum path_fault path_check(const char *path, size_t len)
{
    size_t start = 0, depth = 0;

    if (!len)
        return PATH_EMPTY;
    if (len > PATH_LEN_MAX)
        return PATH_LONG;
    if (path[0] == '/')
        return PATH_ABSOLUTE;
    for (size_t i = 0; i <= len; i++) {
        enum path_fault f;

        if (i < len && path[i] != '/')
            continue;
        f = path_check_name(path + start, i - start);
        if (f != PATH_OK)
            return f;
        if (++depth > PATH_DEPTH_MAX)
            return PATH_DEEP;
        start = i + 1;
    }
    return PATH_OK;
}

const char *path_fault_text(enum path_fault f)
{
    switch (f) {
    case PATH_OK:
        return "nothing is wrong with it";
    case PATH_EMPTY:
        return "a component is empty";
    case PATH_ABSOLUTE:
        return "it begins with '/'";
    case PATH_DOTS:
        return "a component is '.' or '..'";
    case PATH_NUL:
        return "it contains a NUL byte";
    case PATH_LONG:
        return "it is too long";
    case PATH_DEEP:
        return "it has too many components";
    case PATH_SLASH:
        return "a name contains '/'";
    }
    return "unknown fault";
}

/* The UTF-8 character that begins at text (RFC 3629: shortest form, no surrogates, up to U+10FFFF);
 * its length, or 0. Our own and not utf8proc's: hashes of folders depend on it, so it must not
 * change with a library's version. */
static size_t utf8_char(const char *text, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *p = (const uint8_t *)text;
    size_t n;
    uint32_t c;

    if (!len)
        return 0;
    if (p[0] < 0x80) {
        *code = p[0];
        return 1;
    }
    n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
        return 0;
    c = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return n;
}

/* Characters that nobody sees or that turn the direction of writing: Default_Ignorable_Code_Point
 * of Unicode 15 (DerivedCoreProperties.txt), which holds all of UAX #9's formatting characters, and
 * the interlinear annotations U+FFF9..FFFB. The joiners are among them: between letters and emoji
 * they are legitimate, and show escaped all the same. */
static bool is_invisible(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } range[] = {
        {0x00ad, 0x00ad},   {0x034f, 0x034f}, {0x061c, 0x061c},   {0x115f, 0x1160},
        {0x17b4, 0x17b5},   {0x180b, 0x180f}, {0x200b, 0x200f},   {0x202a, 0x202e},
        {0x2060, 0x206f},   {0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
        {0xffa0, 0xffa0},   {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
        {0xe0000, 0xe0fff},
    };

    for (size_t i = 0; i < sizeof range / sizeof *range; i++)
        if (c >= range[i].from && c <= range[i].to)
            return true;
    return false;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

/* One step of show(): how the next character of a text appears. */
struct item {
    char text[ITEM_MAX];
    size_t len; /* of text; 0: left out */
    size_t columns;
    size_t taken; /* bytes of the input */
};

static void item_as_bytes(struct item *it, const char *text)
{
    it->len = 0;
    for (size_t i = 0; i < it->taken; i++)
        it->len += (size_t)snprintf(it->text + it->len, sizeof it->text - it->len, "\\x%02x",
                                    (uint8_t)text[i]);
    it->columns = it->len;
}

/* marks: how many stand on the letter before; SIZE_MAX at the start, where there is none. */
static void item_next(struct item *it, size_t *marks, const char *text, size_t len)
{
    uint32_t c;
    size_t n = utf8_char(text, len, &c);
    utf8proc_category_t category;
    bool known, mark;

    it->taken = n ? n : 1;
    if (!n || is_control(c)) {
        item_as_bytes(it, text);
        *marks = 0;
        return;
    }
    category = utf8proc_category((utf8proc_int32_t)c);
    known = category != UTF8PROC_CATEGORY_CN && category != UTF8PROC_CATEGORY_CF;
    it->columns = (size_t)utf8proc_charwidth((utf8proc_int32_t)c);
    mark = known && !it->columns;
    if (!known || is_invisible(c) || (mark && *marks == SIZE_MAX)) {
        it->len = (size_t)snprintf(it->text, sizeof it->text, "\\u{%x}", (unsigned)c);
        it->columns = it->len;
        *marks = 0;
        return;
    }
    *marks = mark ? *marks + 1 : 0;
    it->len = *marks > MARKS_MAX ? 0 : n;
    memcpy(it->text, text, it->len);
}

/* Write text as show() says to out, at most cap - 1 bytes and SHOW_COLUMNS_MAX columns, and a NUL;
 * the length. cap > 0. */
static size_t render(char *out, size_t cap, const char *text, size_t len)
{
    static const char dots[] = "...";
    const size_t dots_len = sizeof dots - 1;
    size_t used = 0, columns = 0, marks = SIZE_MAX;
    size_t safe = 0; /* up to here the dots still fit behind it */
    struct item it;

    for (size_t i = 0; i < len; i += it.taken) {
        item_next(&it, &marks, text + i, len - i);
        if (used + it.len >= cap || columns + it.columns > SHOW_COLUMNS_MAX) {
            used = safe;
            if (used + dots_len < cap) {
                memcpy(out + used, dots, dots_len);
                used += dots_len;
            }
            break;
        }
        memcpy(out + used, it.text, it.len);
        used += it.len;
        columns += it.columns;
        if (used + dots_len < cap && columns + dots_len <= SHOW_COLUMNS_MAX)
            safe = used;
    }
    out[used] = '\0';
    return used;
}

const char *show(struct buf *to, const char *text, size_t len)
{
    size_t start = to->len;
    size_t bound =
        len < SHOW_BYTES_MAX / 4 ? len * 4 : SHOW_BYTES_MAX; /* a byte becomes 4 at most */
    char *out = buf_room(to, bound + 1);

    to->len += render(out, bound + 1, text, len);
    return to->data + start;
}

const char *show_to(char *out, size_t cap, const char *text, size_t len)
{
    if (!cap)
        return "";
    render(out, cap, text, len);
    return out;
}

void path_escape(struct buf *to, const char *name, size_t len)
{
    uint32_t c;

    for (size_t i = 0, n; i < len; i += n) {
        n = utf8_char(name + i, len - i, &c);
        if (n && c >= 0x20 && c != 0x7f && c != '\\') {
            buf_add(to, name + i, n);
        } else {
            buf_printf(to, "\\x%02x", (uint8_t)name[i]);
            n = 1;
        }
    }
    if (!len)
        buf_add(to, "", 0); /* a buffer with data, as callers expect */
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool path_unescape(char *out, size_t cap, size_t *out_len, const char *text, size_t len)
{
    struct buf again = {0};
    size_t used = 0;
    bool canonical;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (used == cap)
            return false;
        if (c == '\\') {
            int high, low;

            if (len - i < 4 || text[i + 1] != 'x')
                return false;
            high = hex_digit(text[i + 2]);
            low = hex_digit(text[i + 3]);
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 3;
        }
        out[used++] = c;
    }
    path_escape(&again, out, used); /* one name has one form */
    canonical = again.len == len && (!len || !memcmp(again.data, text, len));
    buf_free(&again);
    *out_len = used;
    return canonical;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The same but for the case of ASCII letters; b is in lower case. */
static bool same(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lower(a[i]) != b[i])
            return false;
    return true;
}

static bool starts(const char *name, size_t len, const char *head)
{
    size_t n = strlen(head);

    return len >= n && same(name, head, n);
}

static bool ends(const char *name, size_t len, const char *tail)
{
    size_t n = strlen(tail);

    return len >= n && same(name + len - n, tail, n);
}

bool path_is_hidden(const char *name, size_t len)
{
    return len && name[0] == '.';
}

bool path_is_partial(const char *name, size_t len)
{
    return ends(name, len, ".part") || ends(name, len, ".crdownload") || ends(name, len, "~") ||
           starts(name, len, ".~lock") ||
           (path_is_hidden(name, len) && ends(name, len, ".iwant-part"));
}

bool path_looks_secret(const char *name, size_t len)
{
    static const char *const whole[] = {
        ".netrc",      "_netrc",     ".pgpass",     ".my.cnf",       ".git-credentials",
        ".npmrc",      ".pypirc",    ".env",        "shadow",        "wallet.dat",
        "secring.gpg", ".htpasswd",  "key3.db",     "key4.db",       ".vault-token",
        "logins.json", "login data", "credentials", ".bash_history",
    };
    static const char *const head[] = {"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_xmss"};
    static const char *const tail[] = {
        ".pem", ".key",    ".p12",      ".pfx",    ".p8",     ".kdbx", ".kdb",    ".ppk",
        ".jks", ".gpgkey", ".keystore", ".keytab", ".agekey", ".ovpn", ".wallet", ".psafe3",
    };

    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (len == strlen(whole[i]) && same(name, whole[i], len))
            return true;
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        if (starts(name, len, head[i]) && !ends(name, len, ".pub"))
            return true;
    for (size_t i = 0; i < sizeof tail / sizeof *tail; i++)
        if (ends(name, len, tail[i]))
            return true;
    return false;
}

size_t path_columns(const char *text, size_t len)
{
    size_t columns = 0;
    uint32_t c;

    for (size_t i = 0, n; i < len; i += n) {
        n = utf8_char(text + i, len - i, &c);
        if (n)
            columns += (size_t)utf8proc_charwidth((utf8proc_int32_t)c);
        else
            n = 1;
    }
    return columns;
}
