#include "iwanto/qr.h"

#include <qrencode.h>

#define QUIET 2 /* light modules around: four are the norm, two are what phones need */

#define BOTH  "\xe2\x96\x88"
#define UPPER "\xe2\x96\x80"
#define LOWER "\xe2\x96\x84"

static bool is_light(const QRcode *q, int x, int y)
{
    if (x < 0 || y < 0 || x >= q->width || y >= q->width)
        return true;
    return !(q->data[y * q->width + x] & 1);
}

bool qr_put(struct buf *out, const char *text, unsigned columns, bool color)
{
    QRcode *q = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    int from = -QUIET, to;

    if (!q)
        return false;
    to = q->width + QUIET;
    if ((unsigned)(to - from) > columns) {
        QRcode_free(q);
        return false;
    }
    /* What is light is drawn: two rows of modules are one of letters. */
    for (int y = from; y < to; y += 2) {
        buf_str(out, color ? "\x1b[97;40m" : "");
        for (int x = from; x < to; x++) {
            bool top = is_light(q, x, y), low = is_light(q, x, y + 1) && y + 1 < to;

            buf_str(out, top && low ? BOTH : top ? UPPER : low ? LOWER : " ");
        }
        buf_str(out, color ? "\x1b[0m\n" : "\n");
    }
    QRcode_free(q);
    return true;
}
