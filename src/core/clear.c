#include "core/clear.h"

#include <string.h>

static bool lies_in(const struct clear_row *row, const struct clear_row *folder)
{
    return folder->folder && row->path_len > folder->path_len &&
           !memcmp(row->path, folder->path, folder->path_len) &&
           (!folder->path_len || row->path[folder->path_len] == '/');
}

enum clear clear_of(const struct clear_row *rows, size_t count, size_t *rival)
{
    size_t n = 1;

    while (n < count && lies_in(&rows[n], &rows[0]))
        n++;
    if (rival)
        *rival = n < count ? n : count;
    if (!count)
        return CLEAR_NOTHING;
    if (rows[0].score < (rows[0].folder ? CLEAR_FOLDER : CLEAR_SCORE))
        return CLEAR_WEAK;
    if (n < count && rows[0].score - rows[n].score < CLEAR_AHEAD)
        return CLEAR_CLOSE;
    return CLEAR_YES;
}
