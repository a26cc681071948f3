#include "core/fold.h"

#include <stdbool.h>
#include <utf8proc.h>

#define PARTS_MAX 32 /* the longest decomposition of one code point has 18 */

struct fold {
    struct sym *out;
    size_t len, cap;
};

static bool within(uint32_t cp, uint32_t first, uint32_t last)
{
    return cp >= first && cp <= last;
}

static bool dense(uint32_t cp)
{
    return within(cp, 0x0e00, 0x0e7f) || within(cp, 0x1100, 0x11ff) || within(cp, 0x3005, 0x3007) ||
           within(cp, 0x3040, 0x30ff) || within(cp, 0x31f0, 0x31ff) || within(cp, 0x3400, 0x4dbf) ||
           within(cp, 0x4e00, 0x9fff) || within(cp, 0xac00, 0xd7af) || within(cp, 0xf900, 0xfaff) ||
           within(cp, 0x20000, 0x3ffff);
}

static enum sym_kind kind_of(uint32_t cp)
{
    if (within(cp, '0', '9'))
        return SYM_DIGIT;
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return dense(cp) ? SYM_DENSE : SYM_LETTER;
    default:
        return SYM_SEPARATOR;
    }
}

/* A vowel or final consonant joins the hangul syllable before it (Unicode 3.12). */
static bool compose_hangul(struct fold *f, uint32_t cp)
{
    struct sym *last = f->len ? &f->out[f->len - 1] : NULL;

    if (!last)
        return false;
    if (within(cp, 0x1161, 0x1175) && within(last->cp, 0x1100, 0x1112)) {
        last->cp = 0xac00 + ((last->cp - 0x1100) * 21 + (cp - 0x1161)) * 28;
        return true;
    }
    if (within(cp, 0x11a8, 0x11c2) && within(last->cp, 0xac00, 0xd7a3) &&
        (last->cp - 0xac00) % 28 == 0) {
        last->cp += cp - 0x11a7;
        return true;
    }
    return false;
}

static void add(struct fold *f, uint32_t cp, enum sym_kind kind, enum sym_case cased)
{
    if (f->len < f->cap)
        f->out[f->len++] = (struct sym){.cp = cp, .kind = (uint8_t)kind, .cased = (uint8_t)cased};
}

/* One folded code point; letters that Unicode does not decompose become what people type for them.
 */
static void add_folded(struct fold *f, uint32_t cp, enum sym_case cased)
{
    uint32_t second = 0;

    switch (cp) {
    case 0xf8: /* o-slash */
        cp = 'o';
        break;
    case 0x142: /* l-stroke */
        cp = 'l';
        break;
    case 0x111: /* d-stroke */
    case 0xf0:  /* eth */
        cp = 'd';
        break;
    case 0x131: /* dotless i */
        cp = 'i';
        break;
    case 0xe6: /* ae */
        cp = 'a';
        second = 'e';
        break;
    case 0x153: /* oe */
        cp = 'o';
        second = 'e';
        break;
    }
    if (compose_hangul(f, cp))
        return;
    add(f, cp, kind_of(cp), cased);
    if (second)
        add(f, second, SYM_LETTER, CASE_NONE);
}

static void fold_code_point(struct fold *f, utf8proc_int32_t cp)
{
    const utf8proc_option_t how = UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                                  UTF8PROC_STRIPMARK | UTF8PROC_IGNORE;
    utf8proc_int32_t part[PARTS_MAX];
    utf8proc_ssize_t n = utf8proc_decompose_char(cp, part, PARTS_MAX, how, NULL);
    enum sym_case cased;

    switch (utf8proc_category(cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
        cased = CASE_UPPER;
        break;
    case UTF8PROC_CATEGORY_LL:
        cased = CASE_LOWER;
        break;
    default:
        cased = CASE_NONE;
    }
    for (utf8proc_ssize_t i = 0; i < n && i < PARTS_MAX; i++)
        add_folded(f, (uint32_t)part[i], i ? CASE_NONE : cased);
}

static void fold_ascii(struct fold *f, uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        add(f, c, SYM_LETTER, CASE_LOWER);
    else if (c >= 'A' && c <= 'Z')
        add(f, c + ('a' - 'A'), SYM_LETTER, CASE_UPPER);
    else if (c >= '0' && c <= '9')
        add(f, c, SYM_DIGIT, CASE_NONE);
    else
        add(f, c, SYM_SEPARATOR, CASE_NONE);
}

size_t fold(struct sym *out, size_t cap, const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + len;
    struct fold f = {.out = out, .cap = cap};

    while (p < end && f.len < cap) {
        utf8proc_int32_t cp;
        utf8proc_ssize_t n;

        if (*p < 0x80) {
            fold_ascii(&f, *p++);
            continue;
        }
        n = utf8proc_iterate(p, end - p, &cp);
        if (n <= 0) {
            add(&f, ' ', SYM_SEPARATOR, CASE_NONE);
            p++;
        } else {
            fold_code_point(&f, cp);
            p += n;
        }
    }
    return f.len;
}
