/* iwanto: one program, the service and the command.
 *
 *   main.c      finds the subcommand in a table and prints its error
 *   cmd_*.c     the subcommands; each reads its options (options.c), asks the service over the
 * owner's socket (client.c), and hands what it gets to a printer (out_text.c, out_json.c) service.c
 * what `start` runs: opens the services of src/svc in order, ties them, runs the loop */
#include "iwanto/cli.h"

#include "base/limits.h"
#include "base/mem.h"
#include "core/path.h"
#include "io/dirs.h"

#include <stdio.h>
#include <string.h>

const struct command COMMANDS[] = {
    {"start", "", "run the service",
     "Runs in this terminal, with a status line, until Ctrl-C or `iwanto stop`.\n"
     "Each setting is a flag here; flags win over the environment and the file.",
     START_OPTS, true, cmd_start},
    {"search", "WORDS...", "find files on every peer",
     "Words need not be exact, ordered or complete. -WORD excludes; \"a phrase\" in double quotes\n"
     "(which the shell must leave: '\"a phrase\"') must appear. Without words all that the "
     "options\n"
     "choose is found. `iwanto download @N` fetches row N of the last search.",
     SEARCH_OPTS, false, cmd_search},
    {"download", "HASH...", "fetch files or folders by their hash",
     "HASH is 64 hex digits, also as sha256:HEX, a unique beginning of 6 digits or more, or @N "
     "for\n"
     "row N of the last search; a pasted line of a SHA256SUMS file will do, too. The same command\n"
     "again goes on where it was. Ctrl-C only stops showing.\n"
     "`iwanto download to PATH` changes the download folder.",
     DOWNLOAD_OPTS, false, cmd_download},
    {"get", "WORDS...", "search, and download the first row when it is clearly the best",
     "Clearly the best: it is much alike what was typed, and well ahead of every other row (help\n"
     "in the manual); else the rows are listed and the exit status is 1. WORDS as for search.",
     GET_OPTS, false, cmd_get},
    {"want", "WORDS...", "a standing wish: told, or fetched, when it appears",
     "Met by contents that have all the words as they are written, or begun, whatever the case,\n"
     "order, accents and separators; each once. Kept by the service until it is taken back.",
     WANT_OPTS, false, cmd_want},
    {"wants", "", "standing wishes, and what was found", "", NULL, false, cmd_wants},
    {"unwant", "N | WORDS...", "take a wish back", "", NULL, false, cmd_unwant},
    {"play", "HASH", "a URL on this computer that plays while it downloads",
     "HASH as for download. Of a folder the one file that plays; of several the list. The URL "
     "lasts\n"
     "as long as this command; the file stays in the download folder.",
     PLAY_OPTS, false, cmd_play},
    {"link", "HASH", "plain links to it, for programs without iwant",
     "Each holder opens a read-only door for this content. Whoever has the link can read it, and\n"
     "so can who listens on the LAN.",
     LINK_OPTS, false, cmd_link},
    {"web", "", "the page: a search box, downloads and players in a browser",
     "Prints a URL that this computer alone can open, once and within ten minutes, and opens it\n"
     "where there is a desktop. --lan gives phones and guests on this network a page to search "
     "and\n"
     "fetch, with a QR code, until Ctrl-C.",
     WEB_OPTS, false, cmd_web},
    {"share", "[[--add | --remove] PATH]", "change the shared folders, or list them",
     "At once when the service runs, and in the settings for every later start.\n"
     "What the patterns of a file .iwantignore fit, by the rules of .gitignore, is not shared.",
     SHARE_OPTS, false, cmd_share},
    {"view", "config", "print every setting, its value, and where it comes from", "", NULL, false,
     cmd_view},
    {"set", "NAME VALUE", "change a setting, as `iwanto set limit-up 10M`",
     "Saved for every later start; limits and numbers at once change in a running service, too.\n"
     "`iwanto view config` lists the names.",
     NULL, false, cmd_set},
    {"status", "", "leader, peers, what is shared, rates", "", NULL, false, cmd_status},
    {"peers", "", "who is on this network", "", NULL, false, cmd_peers},
    {"downloads", "[--first HASH | --last HASH]", "the queue of downloads",
     "In the order in which they get their turn. --first lets one go before all others, at once;\n"
     "--last puts it behind them.",
     DOWNLOADS_OPTS, false, cmd_downloads},
    {"pause", "HASH...", "let a download rest", "", NULL, false, cmd_pause},
    {"resume", "HASH...", "let a paused or failed download go on", "", NULL, false, cmd_resume},
    {"cancel", "HASH...", "end a download and remove its partial files", "", NULL, false,
     cmd_cancel},
    {"log", "[WORDS...]", "who fetched what from here, and what was fetched here",
     "The last 50, the newest at the end. WORDS are looked for in the paths. Needs no service.",
     LOG_OPTS, false, cmd_log},
    {"hash", "PATH...", "print the hash of a file or folder as the network knows it",
     "Of a file what sha256sum prints; of a folder the hash of its manifest. Needs no service.",
     NULL, false, cmd_hash},
    {"doctor", "", "what works here and what does not, and what mends it",
     "Looks at interfaces, firewall, limits and disks, and asks other peers to answer: with a\n"
     "service or without one. Exit status 1 when something is wrong. Changes nothing.",
     DOCTOR_OPTS, false, cmd_doctor},
    {"watch", "", "peers, downloads and the log on the whole terminal",
     "Drawn anew each second; q ends it.", NULL, false, cmd_watch},
    {"completion", "bash | zsh | fish", "a script by which that shell completes iwanto's words",
     "bash, in ~/.bashrc: eval \"$(iwanto completion bash)\"\n"
     "zsh, in ~/.zshrc behind compinit: eval \"$(iwanto completion zsh)\"\n"
     "fish: iwanto completion fish >~/.config/fish/completions/iwanto.fish",
     NULL, false, cmd_completion},
    {"stop", "", "end the service", "", NULL, false, cmd_stop},
    {"help", "[COMMAND | exit-codes]", "this, or more about one command", "", NULL, false,
     cmd_help},
    {NULL, NULL, NULL, NULL, NULL, false, NULL},
};

static void unknown_command(const char *name, struct err *e)
{
    const char *best = NULL;
    unsigned distance = 3;
    char shown[100];

    for (const struct command *c = COMMANDS; c->name; c++) {
        unsigned d = opt_distance(name, c->name);

        if (d < distance && d < strlen(c->name)) {
            distance = d;
            best = c->name;
        }
    }
    err_set(e, ERR_USAGE, "unknown command '%s'", show_to(shown, sizeof shown, name, strlen(name)));
    if (best)
        err_hint(e, "did you mean %s? try: iwanto help", best);
    else
        err_hint(e, "try: iwanto help");
}

static const struct command *find_command(const char *name)
{
    for (const struct command *c = COMMANDS; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

static bool asks(int argc, char **argv, const char *letter, const char *name)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!strcmp(argv[i], letter) || !strcmp(argv[i], name))
            return true;
    return false;
}

/* The command's name may stand behind common options: `iwanto --json status`. It is taken out of
 * the words. NULL: e says why. */
static const struct command *take_command(struct opt_scan *s, struct err *e)
{
    const struct command *cmd;
    const char *word;
    int id = opt_next(s, &word, e);

    if (id < 0)
        return NULL;
    if (id == OPT_END) {
        help_all(stderr);
        err_set(e, ERR_USAGE, "%s", "");
        return NULL;
    }
    cmd = find_command(word);
    if (!cmd) {
        unknown_command(word, e);
        return NULL;
    }
    s->command = cmd->name;
    s->own = cmd->opts;
    s->settings = cmd->settings;
    return cmd;
}

static int run(struct cli *c, int argc, char **argv, struct err *e)
{
    struct opt_scan s = {.argc = argc, .argv = argv, .at = 1, .common = &c->common};
    const struct command *cmd;

    if (argc == 2 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
        puts("iwanto " IWANT_VERSION);
        return 0;
    }
    if (argc == 2 && asks(1, argv + 1, "-h", "--help")) {
        help_all(stdout);
        return 0;
    }
    cmd = take_command(&s, e);
    if (!cmd)
        return -e->code;
    if (asks(argc - 1, argv + 1, "-h", "--help")) {
        help_command(cmd, stdout);
        return 0;
    }
    c->home = dirs_state(e);
    return c->home ? cmd->run(c, &s, e) : -e->code;
}

int main(int argc, char **argv)
{
    struct cli c = {0};
    struct err e = {0};
    int rc = run(&c, argc, argv, &e);

    if (rc && e.text[0])
        cli_print_err(&e);
    mem_free(c.home);
    if ((fflush(stdout) || ferror(stdout)) && !rc) {
        fputs("iwanto: cannot write the results: disk full or closed pipe\n", stderr);
        rc = -ERR_IO;
    }
    return -rc;
}
