/* Text as search sees it: letters without case and accents, digits, and what separates. Pure; any
 * thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum sym_kind {
    SYM_SEPARATOR,
    SYM_LETTER,
    SYM_DIGIT, /* 0-9 */
    SYM_DENSE, /* Han, kana, hangul, Thai: written without spaces */
};

enum sym_case { CASE_NONE, CASE_UPPER, CASE_LOWER };

struct sym {
    uint32_t cp;
    uint8_t kind;  /* enum sym_kind */
    uint8_t cased; /* enum sym_case, as it was written */
};

/* Fold text (any bytes; UTF-8 is understood) into at most cap symbols; gives how many.
 * Compatibility decomposition, case folding, combining marks and ignorable characters dropped
 * (Unicode, by utf8proc), so composed and decomposed forms are one; then the letters that have no
 * decomposition but are typed without their stroke: o-slash, l-stroke, d-stroke, dotless i, ae, oe,
 * eth. Hangul is composed again. Broken bytes separate. */
size_t fold(struct sym *out, size_t cap, const char *text, size_t len);
