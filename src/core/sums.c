#include "core/sums.h"

#include "core/path.h"

#include <ctype.h>
#include <string.h>
#include <utf8proc.h>

#define PART ".iwant-part"

static size_t hex_run(const char *p, size_t len)
{
    size_t n = 0;

    while (n < len && isxdigit((unsigned char)p[n]))
        n++;
    return n;
}

/* Digits of the sums that have a name of their own: MD5, SHA-1, SHA-2 and SHA-3 in all lengths. */
static bool is_sum_length(size_t digits)
{
    return digits == 32 || digits == 40 || digits == 56 || digits == 96 || digits == 128;
}

/* Undo coreutils' escapes. false: no such escape, or too long. */
static bool take_name(struct sums_line *out, const char *p, size_t len, bool escaped)
{
    for (size_t i = 0; i < len; i++) {
        char c = p[i];

        if (escaped && c == '\\') {
            if (++i == len || !strchr("nr\\", p[i]) || !p[i])
                return false;
            c = p[i] == 'n' ? '\n' : p[i] == 'r' ? '\r' : '\\';
        }
        if (out->name_len == PATH_LEN_MAX)
            return false;
        out->name[out->name_len++] = c;
    }
    out->name[out->name_len] = '\0';
    return true;
}

static bool is_utf8(const char *text, size_t len)
{
    const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)text;
    utf8proc_int32_t cp;
    size_t at = 0;

    while (at < len) {
        utf8proc_ssize_t n = utf8proc_iterate(p + at, (utf8proc_ssize_t)(len - at), &cp);

        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* A name that must not be written under: why; NULL: it may. */
static const char *fault_of(const struct sums_line *l)
{
    const char *slash = memrchr(l->name, '/', l->name_len);
    size_t leaf = slash ? (size_t)(slash - l->name) + 1 : 0, len = l->name_len - leaf;
    enum path_fault fault = path_check(l->name, l->name_len);

    if (fault != PATH_OK)
        return path_fault_text(fault);
    if (l->name[leaf] == '.' && len > sizeof PART &&
        !memcmp(l->name + l->name_len - (sizeof PART - 1), PART, sizeof PART - 1))
        return "partial downloads are called so";
    return is_utf8(l->name, l->name_len) ? NULL : "it is not UTF-8";
}

/* A sum and the name in the line. */
static enum sums_kind judge(struct sums_line *out, const char *hex, const char *name, size_t len,
                            bool escaped)
{
    if (!hash_parse(&out->hash, hex, HASH_HEX_LEN))
        return SUMS_UNKNOWN;
    if (!take_name(out, name, len, escaped)) {
        out->why = "it is too long, or not well escaped";
        return SUMS_BAD_NAME;
    }
    while (out->name_len > 2 && !memcmp(out->name, "./", 2)) {
        memmove(out->name, out->name + 2, out->name_len - 1);
        out->name_len -= 2;
    }
    if (out->name_len == 1 && out->name[0] == '-') /* standard input */
        out->name[out->name_len = 0] = '\0';
    out->why = out->name_len ? fault_of(out) : NULL;
    return out->why ? SUMS_BAD_NAME : SUMS_SUM;
}

/* "HEX  name" */
static enum sums_kind gnu(const char *p, size_t len, bool escaped, struct sums_line *out)
{
    size_t digits = hex_run(p, len), at = digits;

    if (at < len && p[at] != ' ' && p[at] != '\t')
        return SUMS_UNKNOWN;
    if (digits != HASH_HEX_LEN)
        return is_sum_length(digits) ? SUMS_OTHER : SUMS_UNKNOWN;
    if (at < len)
        at++;
    if (at < len && (p[at] == ' ' || p[at] == '*'))
        at++;
    return judge(out, p, p + at, len - at, escaped);
}

/* Does p begin with this lower-case word, however it is written? */
static bool same(const char *p, const char *word)
{
    while (*word && tolower((unsigned char)*p) == *word) {
        p++;
        word++;
    }
    return !*word;
}

/* "SHA256 (name) = HEX" */
static enum sums_kind tagged(const char *p, size_t len, bool escaped, struct sums_line *out)
{
    const char *open = memchr(p, '(', len);
    size_t word = open ? (size_t)(open - p) : 0, digits = 0, at = len;

    while (at && isxdigit((unsigned char)p[at - 1]))
        at--;
    digits = len - at;
    while (at && p[at - 1] == ' ')
        at--;
    if (!at || p[at - 1] != '=')
        return SUMS_UNKNOWN;
    at--;
    while (at && p[at - 1] == ' ')
        at--;
    if (!open || at < word + 2 || p[at - 1] != ')')
        return SUMS_UNKNOWN;
    while (word && p[word - 1] == ' ')
        word--;
    if ((word == 6 && same(p, "sha256")) || (word == 8 && same(p, "sha2-256")))
        return digits == HASH_HEX_LEN ? judge(out, p + len - digits, open + 1,
                                              (size_t)(p + at - 1 - (open + 1)), escaped)
                                      : SUMS_UNKNOWN;
    return word && word < 16 && digits ? SUMS_OTHER : SUMS_UNKNOWN;
}

enum sums_kind sums_line(const char *line, size_t len, struct sums_line *out)
{
    enum sums_kind kind;
    bool escaped;
    size_t blank = 0;

    *out = (struct sums_line){.name_len = 0};
    if (len >= 3 && !memcmp(line, "\xef\xbb\xbf", 3)) {
        line += 3;
        len -= 3;
    }
    if (len && line[len - 1] == '\r')
        len--;
    while (blank < len && (line[blank] == ' ' || line[blank] == '\t'))
        blank++;
    line += blank;
    len -= blank;
    if (!len || line[0] == '#')
        return SUMS_BLANK;
    escaped = line[0] == '\\';
    line += escaped;
    len -= escaped;
    kind = gnu(line, len, escaped, out);
    return kind == SUMS_UNKNOWN ? tagged(line, len, escaped, out) : kind;
}
