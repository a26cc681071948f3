/* What every command is given, and the table of commands. */
#pragma once

#include "base/err.h"
#include "iwanto/options.h"
#include "iwanto/out.h"

struct cli {
    struct common common;
    struct out out;
    char *home; /* $IWANT_HOME or ~/.iwant, absolute */
};

/* 0 or negative with e; a negative code whose e->text is empty says nothing more. */
typedef int command_run(struct cli *c, struct opt_scan *s, struct err *e);

struct command {
    const char *name;
    const char *words;   /* after the name, for usage */
    const char *summary; /* one line, lower case */
    const char *details; /* paragraphs, or "" */
    const struct opt *opts;
    bool settings; /* takes the settings' flags, too */
    command_run *run;
};
extern const struct command COMMANDS[]; /* ends with an entry without a name; main.c */

/* Fill c->out once the options are known. */
void cli_open_out(struct cli *c);
/* Keep the first --limit rows of an array. */
void cli_limit(const struct cli *c, json_t *rows);
/* stderr, unless -q: talk is one line. */
void cli_say(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_print_err(const struct err *e);
/* "try: iwanto help COMMAND" behind a usage error without a hint of its own. */
int cli_usage(struct err *e, const char *command, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

command_run cmd_set, cmd_doctor, cmd_completion, cmd_watch;
extern const struct opt DOCTOR_OPTS[];
command_run cmd_start, cmd_search, cmd_download, cmd_share, cmd_view, cmd_stop, cmd_status,
    cmd_peers, cmd_downloads, cmd_pause, cmd_resume, cmd_cancel, cmd_hash, cmd_help, cmd_play,
    cmd_link, cmd_get, cmd_web, cmd_log, cmd_want, cmd_wants, cmd_unwant;
extern const struct opt START_OPTS[], SEARCH_OPTS[], DOWNLOAD_OPTS[], PLAY_OPTS[], LINK_OPTS[],
    SHARE_OPTS[], DOWNLOADS_OPTS[], GET_OPTS[], WEB_OPTS[], LOG_OPTS[], WANT_OPTS[];

/* help.c */
void help_all(FILE *to);
void help_command(const struct command *cmd, FILE *to);
