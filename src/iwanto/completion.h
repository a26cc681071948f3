/* The scripts by which shells ask `iwanto completion -- WORDS...` for what may come next. */
#pragma once

#define COMPLETION_SHELLS "bash|zsh|fish"
const char *completion_script(const char *shell); /* NULL: no such shell */
