/* completion: a script for each shell, and the words that the scripts ask for. The scripts know
 * nothing: what can stand at the cursor is told here, from the same tables that the commands read,
 * one word a line, a tab, what it is. ":files" and ":dirs" alone leave it to the shell. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/link.h"
#include "iwanto/client.h"
#include "iwanto/completion.h"
#include "iwanto/last_search.h"

#include <stdio.h>
#include <string.h>

#define ASK_MS 700 /* somebody waits with a finger on the key */

/* What stands before the cursor, and the beginning that is typed. */
struct typed {
    struct cli *c;
    const struct command *cmd; /* NULL: none yet */
    const struct opt *opt;     /* wants its value next */
    const struct conf_row *row;
    const char *first; /* word behind the command */
    size_t words;      /* behind the command */
    const char *part;
};

static void offer(const struct typed *t, const char *word, const char *what)
{
    struct buf b = {0};

    if (strncmp(word, t->part, strlen(t->part)) != 0)
        return;
    show(&b, word, strlen(word));
    buf_char(&b, '\t');
    show(&b, what, strlen(what));
    puts(b.data);
    buf_free(&b);
}

static void offer_names(const struct typed *t, const char *const *names, const char *what)
{
    for (; *names; names++)
        offer(t, *names, what);
}

/* "auto|always|never" */
static void offer_choices(const struct typed *t, const char *choices, const char *what)
{
    char one[64];

    while (*choices) {
        size_t len = strcspn(choices, "|");

        snprintf(one, sizeof one, "%.*s", (int)(len < sizeof one ? len : sizeof one - 1), choices);
        offer(t, one, what);
        choices += len;
        choices += *choices == '|';
    }
}

/* ---- what others know ---- */

static void offer_rows(const struct typed *t)
{
    json_t *rows = last_search_rows(t->c);
    const json_t *row;
    char number[24];
    size_t i;

    OUT_EACH (rows, i, row) {
        snprintf(number, sizeof number, "@%llu", (unsigned long long)out_num(row, "row"));
        if (!*t->part || *t->part == '@')
            offer(t, number, out_str(row, "name"));
        else
            offer(t, out_str(row, "hash"), out_str(row, "name"));
    }
    json_decref(rows);
}

/* One member of each object that the service lists. */
static void offer_listed(const struct typed *t, const char *path, const char *list,
                         const char *word, const char *what)
{
    const json_t *rows, *row;
    json_t *answer;
    struct err ignored;
    size_t i;

    if (client_ask(t->c, "GET", path, NULL, 0, ASK_MS, &answer, &ignored))
        return;
    rows = json_object_get(answer, list);
    OUT_EACH (rows, i, row)
        offer(t, out_str(row, word), out_str(row, what));
    json_decref(answer);
}

static void offer_queue(const struct typed *t)
{
    offer_listed(t, "/v1/downloads", "downloads", "hash", "name");
}

static void offer_peers(const struct typed *t)
{
    offer_listed(t, "/v1/peers", "peers", "name", "addr");
}

static void offer_interfaces(const struct typed *t)
{
    struct link_if *list;
    struct err ignored;
    size_t count;

    if (link_list(&list, &count, &ignored))
        return;
    for (size_t n = 0; n < count; n++)
        offer(t, list[n].name, "interface");
    mem_free(list);
}

/* ---- options ---- */

static void offer_options(const struct typed *t, const struct opt *table)
{
    char name[64];

    for (; table && table->name; table++) {
        snprintf(name, sizeof name, "--%s", table->name);
        offer(t, name, table->help);
    }
}

static void offer_flags(const struct typed *t)
{
    char name[64];

    for (int i = 0; t->cmd && t->cmd->settings && i < CONF_COUNT; i++) {
        const struct conf_row *row = conf_row((enum conf_key)i);

        snprintf(name, sizeof name, "--%s", row->flag);
        offer(t, name, row->help);
    }
}

static bool has(const char *text, const char *word)
{
    return text && strstr(text, word);
}

static void offer_setting(const struct typed *t, const struct conf_row *row)
{
    if (row->type == CONF_CHOICE)
        offer_choices(t, row->choices, row->name);
    else if (row->type == CONF_BOOL)
        offer_choices(t, "yes|no", row->name);
    else if (row->key == CONF_INTERFACES)
        offer_interfaces(t);
    else if (row->type == CONF_PATH)
        puts(row->key == CONF_PASSPHRASE_FILE ? ":files" : ":dirs");
}

static void offer_value(const struct typed *t)
{
    static const char *const types[] = {"file",  "dir",      "video",   "audio",
                                        "image", "document", "archive", NULL};
    const struct opt *o = t->opt;

    if (t->row)
        offer_setting(t, t->row);
    else if (!strcmp(o->name, "type"))
        offer_names(t, types, "type");
    else if (!strcmp(o->name, "peer"))
        offer_peers(t);
    else if (has(o->arg, "HASH"))
        offer_queue(t);
    else if (has(o->arg, "FILE") || has(o->arg, "PATH"))
        puts(":files");
    else if (has(o->arg, "DIR"))
        puts(":dirs");
    else if (has(o->arg, "|"))
        offer_choices(t, o->arg, o->name);
}

/* ---- words ---- */

static void offer_commands(const struct typed *t)
{
    for (const struct command *c = COMMANDS; c->name; c++)
        offer(t, c->name, c->summary);
}

static void offer_settings(const struct typed *t)
{
    for (int i = 0; i < CONF_COUNT; i++)
        offer(t, conf_row((enum conf_key)i)->name, conf_row((enum conf_key)i)->help);
}

/* Commands whose words are no hashes or paths. false: this is none of them. */
static bool offer_own(const struct typed *t)
{
    static const char *const queue[] = {"pause", "resume", "cancel", NULL};
    const char *name = t->cmd->name;

    for (size_t i = 0; queue[i]; i++)
        if (!strcmp(name, queue[i])) {
            offer_queue(t);
            return true;
        }
    if (!strcmp(name, "help")) {
        if (!t->words)
            offer_commands(t), offer(t, "exit-codes", "what an exit status means");
    } else if (!strcmp(name, "view")) {
        if (!t->words)
            offer(t, "config", t->cmd->summary);
    } else if (!strcmp(name, "completion")) {
        if (!t->words)
            offer_choices(t, COMPLETION_SHELLS, "shell");
    } else if (!strcmp(name, "set")) {
        if (!t->words)
            offer_settings(t);
        else if (t->words == 1 && conf_by_word(t->first))
            offer_setting(t, conf_by_word(t->first));
    } else if (!strcmp(name, "download") && t->words && !strcmp(t->first, "to")) {
        puts(":dirs");
    } else {
        return false;
    }
    return true;
}

static void offer_words(const struct typed *t)
{
    if (offer_own(t))
        return;
    if (!strcmp(t->cmd->name, "download") && !t->words)
        offer(t, "to", "change the download folder");
    if (has(t->cmd->words, "HASH"))
        offer_rows(t);
    else if (has(t->cmd->words, "PATH"))
        puts(":files");
}

/* ---- what was typed ---- */

static const struct opt *find_opt(const struct opt *table, const char *word)
{
    size_t len = strcspn(word, "=");

    for (; table && table->name; table++)
        if ((table->letter && word[1] == table->id && !word[2]) ||
            (word[1] == '-' && strlen(table->name) == len - 2 &&
             !strncmp(table->name, word + 2, len - 2)))
            return table;
    return NULL;
}

static const struct conf_row *find_flag(const struct command *cmd, const char *word)
{
    size_t len = strcspn(word, "=");

    for (int i = 0; cmd && cmd->settings && len > 2 && i < CONF_COUNT; i++) {
        const struct conf_row *row = conf_row((enum conf_key)i);

        if (strlen(row->flag) == len - 2 && !strncmp(row->flag, word + 2, len - 2))
            return row;
    }
    return NULL;
}

/* The option that this word is, as long as it wants a value. */
static void take_option(struct typed *t, const char *word)
{
    t->row = find_flag(t->cmd, word);
    if (t->row && t->row->type == CONF_BOOL)
        t->row = NULL;
    t->opt = t->cmd ? find_opt(t->cmd->opts, word) : NULL;
    if (!t->opt)
        t->opt = find_opt(COMMON_OPTS, word);
    if (t->opt && !t->opt->arg)
        t->opt = NULL;
}

static void take_word(struct typed *t, const char *word)
{
    if (!strcmp(word, "=")) /* bash makes three words of --color=auto */
        return;
    if (t->opt || t->row) {
        t->opt = NULL;
        t->row = NULL;
    } else if (word[0] == '-' && word[1]) {
        take_option(t, word);
        if (strchr(word, '=')) {
            t->opt = NULL;
            t->row = NULL;
        }
    } else if (!t->cmd) {
        for (const struct command *c = COMMANDS; c->name; c++)
            if (!strcmp(c->name, word))
                t->cmd = c;
    } else if (!t->words++) {
        t->first = word;
    }
}

/* "--color=al": the values, each behind what is typed already. */
static bool offer_joined(struct typed *t)
{
    const char *equals = strchr(t->part, '=');

    if (strncmp(t->part, "--", 2) != 0 || !equals)
        return false;
    take_option(t, t->part);
    t->part = equals + 1;
    if (t->opt || t->row)
        offer_value(t);
    return true;
}

static void complete(struct typed *t)
{
    if (!strcmp(t->part, "="))
        t->part = "";
    if (t->opt || t->row) {
        offer_value(t);
    } else if (offer_joined(t)) {
        return;
    } else if (t->part[0] == '-') {
        offer_options(t, t->cmd ? t->cmd->opts : NULL);
        offer_flags(t);
        offer_options(t, COMMON_OPTS);
    } else if (!t->cmd) {
        offer_commands(t);
    } else {
        offer_words(t);
    }
}

int cmd_completion(struct cli *c, struct opt_scan *s, struct err *e)
{
    struct typed t = {.c = c, .part = ""};
    const char *value, *shell = NULL, *script;
    bool any = false;
    int id;

    while ((id = opt_next(s, &value, e)) > 0) {
        if (!s->words_only) {
            if (shell)
                return cli_usage(e, "completion", "completion takes the name of one shell");
            shell = value;
            continue;
        }
        if (any)
            take_word(&t, t.part);
        t.part = value;
        any = true;
    }
    if (id < 0)
        return id;
    if (s->words_only) {
        complete(&t);
        return 0;
    }
    script = shell ? completion_script(shell) : NULL;
    if (!script)
        return cli_usage(e, "completion", "completion takes a shell: bash, zsh or fish");
    fputs(script, stdout);
    return 0;
}
