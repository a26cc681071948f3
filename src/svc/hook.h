/* Commands that the owner named, run when something has happened; and notices on the desktop. A
 * thread of its own, begun with the first: starts them, a few at a time, reaps them, and tells the
 * log of those that failed. Foreign text is only ever an argument or a variable of theirs. Any
 * thread may call. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct hooks;

struct hooks *hooks_new(void);
/* Run `sh -c COMMAND`, "$1" is argument; without a $ in it, it gets "$1" behind it. env:
 * "NAME=value", NULL at the end. Copies. what names it in the log. false: too many wait already,
 * which is logged. */
bool hooks_run(struct hooks *h, const char *what, const char *command, const char *argument,
               const char *const env[]);
/* What is run for every download that is done: a command, or "no". */
void hooks_set_download(struct hooks *h, const char *command);
/* A download has ended (the event of fetch_conf.ended): run its own command, also when
 * equal content was there already, and the one for all. */
void hooks_download(struct hooks *h, const json_t *event);
/* Run it for a content: IWANT_HOOK_EVENT and IWANT_HOOK_PATH, NAME, HASH, SIZE and TYPE (file or
 * dir) as variables, the path as argument, or the hash where there is no path. */
bool hooks_content(struct hooks *h, const char *what, const char *command, const json_t *content);
/* A notice, if this session has a desktop that shows them (notify-send and a session bus); else
 * nothing. Text of others may be in it. */
void hooks_notify(struct hooks *h, const char *title, const char *text);
/* What waits is not started any more; what runs is left to itself. */
void hooks_free(struct hooks *h);
