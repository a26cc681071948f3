/* Downloads that a command orders: handed to the service, then shown until all have ended. */
#pragma once

#include "iwanto/cli.h"

#include <jansson.h>

/* Rows of a command's table of options. */
/* clang-format off */
#define ORDER_OPTS                                                                                 \
    {'o', "output", "NAME|DIR/", "take this name, or this folder, below the download folder", true}, \
    {10, "detach", NULL, "queue it and return", false},                                            \
    {11, "overwrite", NULL, "replace what is there", false},                                       \
    {12, "rename", NULL, "take another name when the name is taken, also by equal content", false}, \
    {13, "sequential", NULL, "pieces in order, for what is played meanwhile", false},              \
    {14, "limit-rate", "SIZE", "at most so many bytes a second, as 10M", false},                   \
    {15, "exec", "COMMAND", "run this when it is done, with its path as \"$1\"", false}
/* clang-format on */

struct order {
    const char *command;  /* whose: for usage errors */
    json_t *body, *wants; /* as POST /v1/downloads takes them */
    const char *output;   /* -o */
    bool detach;
    /* For an order in several parts: what is shown as done before this one, and in all. */
    size_t before, all;
    int64_t
        patience_ms; /* 0: none; give up when all that is left has waited so long for a holder */
    void (*ended)(void *ctx, const json_t *event); /* or NULL: each download's last event */
    void *ctx;
};

void order_init(struct order *o, const char *command);
void order_free(struct order *o);
/* 0, or negative; 1: the option is none of these. */
int order_option(struct order *o, int id, const char *value, struct err *e);
/* One more. title: the name under which it was found; name: where to, below the download folder;
 * both may be NULL. */
void order_want(struct order *o, const char *hash, const char *title, const char *name);
/* Hand over and show, after cli_open_out. What failed is told. 0, or negative with e, which says
 * nothing more when its text is empty. 0 also when patience was over. */
int order_run(struct cli *c, struct order *o, struct err *e);
