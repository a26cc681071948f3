/* Questions for holders, and their answers, which come on another thread and maybe late. For
 * fetch*.c only. */
#pragma once

#include "svc/ask.h"

struct fetch;
struct holders;

struct door *fetch_door_new(struct fetch *f);
void fetch_door_close(struct door *d); /* late answers find nobody from now on */
void fetch_ask(struct holders *h);     /* goes on with holders_answer */
void holders_answer(struct holders *h, const struct ask_reply *r);
