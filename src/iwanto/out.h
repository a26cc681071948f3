/* Results on stdout, through one table of printers, one file a form: text (out_text.c: aligned
 * tables for people, tab-separated lines for pipes) and JSON (out_json.c: one object a line). What
 * they get is what the owner's socket answers (doc/PROTOCOL.md). Talk, bars and errors go to stderr
 * and not through here. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct out;

struct printers {
    void (*search)(struct out *o, const json_t *rows);
    void (*peers)(struct out *o, const json_t *rows);
    void (*status)(struct out *o, const json_t *status);
    void (*config)(struct out *o, const json_t *rows);
    void (*downloads)(struct out *o, const json_t *rows);
    /* One event of a download as it comes; text tells the ends only. */
    void (*event)(struct out *o, const json_t *event);
    void (*hashed)(struct out *o, const json_t *row);   /* {"hash","size","type","path"} */
    void (*skipped)(struct out *o, const json_t *row);  /* {"reason","type","path"} */
    void (*folders)(struct out *o, const json_t *rows); /* {"path","name","here"} */
    /* {"event":"play","url",...}: the URL, at once. */
    void (*play)(struct out *o, const json_t *event);
    void (*inside)(struct out *o,
                   const json_t *rows); /* of a folder: {"hash","size","type","path"} */
    void (*link)(struct out *o, const json_t *answer); /* POST /v1/links: the document, or URLs */
    void (*links)(struct out *o, const json_t *rows);
    void (*doctor)(struct out *o, const json_t *rows); /* {"state","check","about","text","mend"} */
    void (*wants)(struct out *o, const json_t *rows);
    void (*log)(struct out *o, const json_t *rows); /* of svc/journal */
};
extern const struct printers OUT_TEXT, OUT_JSON;

struct out {
    FILE *to;
    bool people; /* a terminal: tables, binary units, cut to fit */
    bool color;
    bool verbose;       /* status: why the leader changed */
    bool plain;         /* log: lines as they come, no table */
    bool nul;           /* rows end with NUL, names raw but for a terminal */
    unsigned columns;   /* of the terminal */
    const char *sought; /* a search: words whose letters are marked when there is colour; or NULL */
    const struct printers *print;
};

/* A member of a JSON object, with a value for when it is missing or of another type. */
const char *out_str(const json_t *object, const char *key); /* "" */
uint64_t out_num(const json_t *object, const char *key);    /* 0; negative ones too */
bool out_yes(const json_t *object, const char *key);

/* Of the text printers: b's text afterwards, what was in it is gone; and status, which is long. */
struct buf;
const char *out_shown(struct buf *b, const char *text);
void out_status(struct out *o, const json_t *status);
/* out_links.c: likewise, of play and link. */
void out_play(struct out *o, const json_t *event);
void out_inside(struct out *o, const json_t *rows);
void out_link(struct out *o, const json_t *answer);
void out_links(struct out *o, const json_t *rows);
void out_doctor(struct out *o, const json_t *rows); /* out_doctor.c */
void out_wants(struct out *o, const json_t *rows);  /* out_want.c */
/* out_log.c */
void out_log(struct out *o, const json_t *rows);

/* Each row of an array; i is a size_t, row a const json_t *. */
#define OUT_EACH(rows, i, row)                                                                     \
    for (i = 0; i < json_array_size(rows) && (row = json_array_get(rows, i)); i++)
