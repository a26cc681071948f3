#include "iwanto/cli.h"

#include "base/limits.h"
#include "core/path.h"

#include <stdio.h>
#include <string.h>

static void one(FILE *to, const char *left, const char *right)
{
    fprintf(to, "  %-32s %s\n", left, right);
}

static void option(FILE *to, int letter, const char *name, const char *arg, const char *help)
{
    char left[80];
    int n =
        letter ? snprintf(left, sizeof left, "-%c, ", letter) : snprintf(left, sizeof left, "    ");

    snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", name, arg ? " " : "", arg ? arg : "");
    one(to, left, help);
}

static void options(FILE *to, const struct opt *table)
{
    for (; table && table->name; table++)
        option(to, table->letter ? table->id : 0, table->name, table->arg, table->help);
}

static const char *arg_of(const struct conf_row *row)
{
    switch (row->type) {
    case CONF_PATH:
    case CONF_PATHS:
        return "PATH";
    case CONF_TEXT:
        return "NAME";
    case CONF_LIST:
        return row->key == CONF_PEERS ? "HOST[:PORT]" : "IF";
    case CONF_NUMBER:
        return "N";
    case CONF_BYTES:
        return "SIZE";
    case CONF_CHOICE:
        return "WORD";
    case CONF_BOOL:
        break;
    }
    return NULL;
}

static void settings(FILE *to)
{
    for (int i = 0; i < CONF_COUNT; i++) {
        const struct conf_row *row = conf_row((enum conf_key)i);

        option(to, 0, row->flag, arg_of(row), row->help);
    }
}

void help_all(FILE *to)
{
    char left[80];

    fputs("iwanto " IWANT_VERSION ": find and fetch files among the computers of this LAN\n\n", to);
    for (const struct command *c = COMMANDS; c->name; c++) {
        snprintf(left, sizeof left, "%s %s", c->name, c->words);
        one(to, left, c->summary);
        if (!strcmp(c->name, "download"))
            one(to, "download to PATH", "change the download folder");
    }
    fputs("\nWith every command:\n", to);
    options(to, COMMON_OPTS);
    one(to, "    --version", "print the version");
    fputs("\niwanto(1) is the manual, iwant.conf(5) tells the settings.\n", to);
}

void help_command(const struct command *cmd, FILE *to)
{
    bool own = cmd->settings || (cmd->opts && cmd->opts->name);

    fprintf(to, "iwanto %s%s%s%s\n%s\n", cmd->name, own ? " [options]" : "",
            cmd->words[0] ? " " : "", cmd->words, cmd->summary);
    if (cmd->details[0])
        fprintf(to, "\n%s\n", cmd->details);
    if (own)
        fputc('\n', to);
    options(to, cmd->opts);
    if (cmd->settings)
        settings(to);
    fputs("\nWith every command:\n", to);
    options(to, COMMON_OPTS);
}

static void exit_codes(void)
{
    printf("%3d  %s\n", 0, err_meaning(0));
#define LINE(name, status, text) printf("%3d  %s\n", status, text);
    ERR_LIST(LINE)
#undef LINE
}

int cmd_help(struct cli *c, struct opt_scan *s, struct err *e)
{
    const char *topic;
    char shown[100];
    int id = opt_next(s, &topic, e);

    (void)c;
    if (id < 0)
        return id;
    if (id == OPT_END) {
        help_all(stdout);
        return 0;
    }
    if (!strcmp(topic, "exit-codes")) {
        exit_codes();
        return 0;
    }
    for (const struct command *cmd = COMMANDS; cmd->name; cmd++)
        if (!strcmp(cmd->name, topic)) {
            help_command(cmd, stdout);
            return 0;
        }
    err_set(e, ERR_USAGE, "no help on '%s'", show_to(shown, sizeof shown, topic, strlen(topic)));
    err_hint(e, "try: iwanto help");
    return -ERR_USAGE;
}
