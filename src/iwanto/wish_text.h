/* A wish as it was typed. */
#pragma once

#include "base/buf.h"

#include <jansson.h>

/* Append "words --larger 300M --fetch", safe to print. */
void wish_text(struct buf *to, const json_t *wish);
