#include "core/ignore.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

/* One line of a list. */
struct pattern {
    const char *text, *end;
    bool keep;    /* "!": what fits is not ignored */
    bool folders; /* "/" at the end: only folders fit */
    bool path; /* a "/" in it: the whole path from the list's folder on has to fit, not one name */
};

struct list {
    char *text;
    size_t len;
    struct pattern *patterns;
    size_t count, cap;
    size_t folder_len;
    char folder[];
};

struct ignore {
    struct list **lists; /* by folder, in order of bytes */
    size_t count, cap;
};

/* ---- one pattern ---- */

static bool in_class(const char *name, size_t len, unsigned char c)
{
    bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    bool graph = c > ' ' && c < 0x7f;
    const struct {
        const char *name;
        bool in;
    } rows[] = {{"alnum", lower || upper || digit},
                {"alpha", lower || upper},
                {"blank", c == ' ' || c == '\t'},
                {"cntrl", c < ' ' || c == 0x7f},
                {"digit", digit},
                {"graph", graph},
                {"lower", lower},
                {"print", graph || c == ' '},
                {"punct", graph && !lower && !upper && !digit},
                {"space", c == ' ' || (c >= '\t' && c <= '\r')},
                {"upper", upper},
                {"xdigit", digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strlen(rows[i].name) == len && !memcmp(rows[i].name, name, len))
            return rows[i].in;
    return false;
}

/* A byte of a set, with its backslash. */
static bool set_byte(const char **p, const char *end, unsigned char *out)
{
    if (*p < end && **p == '\\')
        ++*p;
    if (*p == end)
        return false;
    *out = (unsigned char)*(*p)++;
    return true;
}

/* Is c in the set at *p, behind its '['? Goes behind its ']'; false as well when there is none. */
static bool in_set(const char **p, const char *end, unsigned char c)
{
    bool negated = *p < end && (**p == '!' || **p == '^'), in = false, first = true;
    unsigned char from, to;

    for (*p += negated; *p < end && (first || **p != ']'); first = false) {
        const char *close = end - *p > 1 && (*p)[0] == '[' && (*p)[1] == ':'
                                ? memchr(*p + 2, ']', (size_t)(end - *p) - 2)
                                : NULL;

        if (close && close - *p >= 3 && close[-1] == ':') {
            in |= in_class(*p + 2, (size_t)(close - *p) - 3, c);
            *p = close + 1;
            continue;
        }
        if (!set_byte(p, end, &from))
            return false;
        to = from;
        if (end - *p > 1 && (*p)[0] == '-' && (*p)[1] != ']') {
            ++*p;
            if (!set_byte(p, end, &to))
                return false;
        }
        in |= c >= from && c <= to;
    }
    if (*p == end)
        return false;
    ++*p;
    return in != negated;
}

/* Does what stands at *p, no '*', fit this byte? Goes behind it. */
static bool one(const char **p, const char *end, char c)
{
    switch (*(*p)++) {
    case '?':
        return c != '/';
    case '[':
        return in_set(p, end, (unsigned char)c) && c != '/';
    case '\\':
        return *p < end && *(*p)++ == c;
    default:
        return (*p)[-1] == c;
    }
}

/* Does the whole text fit? '*' stands for anything but '/', a component "**" for any number of
 * components. It is enough to remember the last of each: what fits between two is found as early as
 * it can be. So the time is at most the product of the lengths. */
static bool fits(const struct pattern *pat, const char *t, const char *text_end)
{
    const char *p = pat->text, *end = pat->end;
    const char *star = NULL, *star_t = NULL, *deep = NULL, *deep_t = NULL;

    for (;;) {
        if (p < end && *p == '*') {
            const char *from = p;

            while (p < end && *p == '*')
                p++;
            if (p - from > 1 && pat->path && (from == pat->text || from[-1] == '/') &&
                (p == end || *p == '/')) {
                if (p == end)
                    return true;
                deep = ++p;
                deep_t = t;
                star = NULL;
            } else {
                star = p;
                star_t = t;
            }
            continue;
        }
        if (p == end && t == text_end)
            return true;
        if (p < end && t < text_end && one(&p, end, *t)) {
            t++;
            continue;
        }
        if (star && star_t < text_end && *star_t != '/') {
            p = star;
            t = ++star_t;
            continue;
        }
        if (!deep || !(deep_t = memchr(deep_t, '/', (size_t)(text_end - deep_t))))
            return false;
        p = deep;
        t = ++deep_t;
        star = NULL;
    }
}

/* ---- lists ---- */

/* Spaces at the end do not count, unless a backslash stands before. */
static const char *trim(const char *text, const char *end)
{
    const char *last = text;

    for (const char *p = text; p < end; p++) {
        if (*p == '\\' && p + 1 < end)
            p++;
        else if (*p == ' ')
            continue;
        last = p + 1;
    }
    return last;
}

static void add_line(struct list *l, const char *text, const char *end)
{
    struct pattern p = {0};

    if (text < end && end[-1] == '\r')
        end--;
    if (text == end || *text == '#')
        return;
    end = trim(text, end);
    p.keep = text < end && *text == '!';
    text += p.keep;
    if (text == end)
        return;
    p.folders = end[-1] == '/';
    end -= p.folders;
    p.path = memchr(text, '/', (size_t)(end - text));
    text += text < end && *text == '/';
    if (text == end)
        return;
    p.text = text;
    p.end = end;
    MEM_GROW(l->patterns, l->count, l->cap);
    l->patterns[l->count++] = p;
}

static void parse(struct list *l)
{
    static const char bom[] = {'\xef', '\xbb', '\xbf'};
    const char *p = l->text, *end = l->text + l->len, *line;

    if (l->len >= sizeof bom && !memcmp(p, bom, sizeof bom))
        p += sizeof bom;
    for (; p < end; p = line + 1) {
        line = memchr(p, '\n', (size_t)(end - p));
        if (!line)
            line = end;
        add_line(l, p, line);
    }
}

static void free_list(struct list *l)
{
    mem_free(l->patterns);
    mem_free(l->text);
    mem_free(l);
}

/* Where the list of this folder is, or would be. */
static size_t place(const struct ignore *g, const char *folder, size_t len)
{
    size_t from = 0, to = g->count;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        const struct list *l = g->lists[mid];
        int order = memcmp(l->folder, folder, l->folder_len < len ? l->folder_len : len);

        if (order < 0 || (!order && l->folder_len < len))
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static struct list *at(const struct ignore *g, size_t i, const char *folder, size_t len)
{
    struct list *l = i < g->count ? g->lists[i] : NULL;

    return l && l->folder_len == len && !memcmp(l->folder, folder, len) ? l : NULL;
}

struct ignore *ignore_new(void)
{
    return mem_zero(1, sizeof(struct ignore));
}

void ignore_free(struct ignore *g)
{
    if (!g)
        return;
    ignore_drop(g, "");
    mem_free(g->lists);
    mem_free(g);
}

bool ignore_put(struct ignore *g, const char *folder, const char *text, size_t len)
{
    size_t folder_len = strlen(folder), i = place(g, folder, folder_len);
    struct list *l, *old = at(g, i, folder, folder_len);

    if (!len)
        text = "";
    if (old && old->len == len && !memcmp(old->text, text, len))
        return false;
    l = mem_zero(1, sizeof *l + folder_len + 1);
    memcpy(l->folder, folder, folder_len + 1);
    l->folder_len = folder_len;
    l->text = mem_strn(text, len);
    l->len = len;
    parse(l);
    if (old) {
        free_list(old);
    } else {
        MEM_GROW(g->lists, g->count, g->cap);
        memmove(g->lists + i + 1, g->lists + i, (g->count - i) * sizeof *g->lists);
        g->count++;
    }
    g->lists[i] = l;
    if (l->count)
        return true;
    free_list(l); /* it says nothing */
    g->count--;
    memmove(g->lists + i, g->lists + i + 1, (g->count - i) * sizeof *g->lists);
    return old;
}

bool ignore_put_all(struct ignore *g, const char *folder)
{
    return ignore_put(g, folder, "*", 1);
}

void ignore_drop(struct ignore *g, const char *folder)
{
    size_t len = strlen(folder), kept = 0;

    for (size_t i = 0; i < g->count; i++) {
        struct list *l = g->lists[i];

        if (!len ||
            (!strncmp(l->folder, folder, len) && (l->folder[len] == '/' || !l->folder[len])))
            free_list(l);
        else
            g->lists[kept++] = l;
    }
    g->count = kept;
}

/* ---- asking ---- */

/* The last pattern of the list that fits path, from the list's folder on; NULL: none. */
static const struct pattern *decides(const struct list *l, const char *path, const char *end,
                                     const char *name, bool is_folder)
{
    for (size_t i = l->count; i-- > 0;) {
        const struct pattern *p = &l->patterns[i];

        if ((is_folder || !p->folders) && fits(p, p->path ? path : name, end))
            return p;
    }
    return NULL;
}

bool ignore_has(const struct ignore *g, const char *folder, const char *name, bool is_folder)
{
    const struct pattern *p = NULL;
    struct buf path = {0};
    size_t len = strlen(folder);
    const char *last, *end;

    if (!g->count)
        return false;
    if (len) {
        buf_add(&path, folder, len);
        buf_char(&path, '/');
    }
    buf_str(&path, name);
    end = path.data + path.len;
    last = end - strlen(name);
    for (;;) {
        const struct list *l = at(g, place(g, folder, len), folder, len);

        if (l && (p = decides(l, path.data + len + (len > 0), end, last, is_folder)))
            break;
        if (!len)
            break;
        while (len && folder[len - 1] != '/') /* the folder above */
            len--;
        len -= len > 0;
    }
    buf_free(&path);
    return p && !p->keep;
}
