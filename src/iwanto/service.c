/* The map of the program.
 *
 *                         commands (cmd_*.c)                     other peers
 *                               | Unix socket                        | TLS                | UDP
 *   svc                      control                               serve                 lan ----
 * elect, wire /    |    \                          /    |    \               | ask   fetch   share
 * fetch  desk   share            | news: who leads, who is there |      |       | | v |      | +--
 * store (iwant.db)         +-- catalog, search  desk (pulls every member's rows), ask |      +--
 * plan, http_client
 *                        +-- desk (when we lead) or the leader's serve
 *
 * Threads: this one (lan and the glue below), share, desk, fetch: each a loop that owns what it
 * touches; two pools of HTTP threads (serve, control); libuv's pool for hashing. They post to each
 * other's loops and share nothing but what a header says. Only while somebody asks for it: two
 * plain listeners, play (this computer's players; reads what fetch brings) and door (links for
 * programs without iwant; gives what serve gives), and the errands' thread for links and looks.
 *
 * Here the rooms are opened in the order in which they need each other, tied together by five
 * callbacks, and closed in reverse: share_changed   our rows changed      -> lan announces the
 * number, desk takes the rows if it leads lan_news        election and members  -> desk, ask
 *   unreachable     a holder is not there -> lan asks it, and tells the leader
 *   download_ended  -> journal, hooks (commands of the owner's)
 *   quit            `iwanto stop`         -> the same road as SIGTERM */
#include "iwanto/service.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/daemon.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "iwanto/after.h"
#include "iwanto/status_line.h"
#include "svc/ask.h"
#include "svc/control.h"
#include "svc/desk.h"
#include "svc/door.h"
#include "svc/fetch.h"
#include "svc/guest.h"
#include "svc/hook.h"
#include "svc/ident.h"
#include "svc/journal.h"
#include "svc/lan.h"
#include "svc/links.h"
#include "svc/play.h"
#include "svc/serve.h"
#include "svc/share.h"
#include "svc/want.h"
#include "svc/web.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define SERVE_THREADS   2
#define CONTROL_THREADS 2

struct service {
    struct loop *loop;
    struct ident ident;
    struct share *share;
    struct desk *desk;
    struct ask *ask;
    struct serve *serve;
    struct fetch *fetch;
    struct lan *lan;
    struct play *play;
    struct door *door;
    struct links *links;
    struct web *web;
    struct after after;
    struct guest *guest;
    struct wants *wants;
    struct control *control;
    uv_signal_t sigint, sigterm;
    bool leaving;
    bool closed;              /* the rooms are gone: what was posted before means nothing */
    struct status_line *line; /* NULL: no terminal, or quiet */
    uv_timer_t draw;
};

/* ---- the callbacks ---- */

struct changed {
    struct service *s;
    uint64_t generation, number;
};

static void pass_changed(void *arg)
{
    struct changed *c = arg;

    if (c->s->lan && !c->s->leaving)
        lan_catalog(c->s->lan, c->generation, c->number);
    if (c->s->desk && !c->s->closed)
        desk_own(c->s->desk, c->generation, c->number);
    mem_free(c);
}

static void share_changed(void *ctx, uint64_t generation, uint64_t number)
{
    struct service *s = ctx;
    struct changed *c = mem_alloc(sizeof *c);

    *c = (struct changed){.s = s, .generation = generation, .number = number};
    if (!loop_post(s->loop, pass_changed, c))
        mem_free(c);
}

static void lan_news(void *ctx, const struct elect_news *news)
{
    struct service *s = ctx;

    if (news->kind == ELECT_LEADER)
        ask_leader(s->ask, &news->peer, news->self);
    else if (news->kind == ELECT_NO_LEADER)
        ask_leader(s->ask, NULL, false);
    else if (news->kind == ELECT_STANDBY)
        ask_standbys(s->ask, news->standby);
    desk_news(s->desk, news);
}

static size_t heard(void *ctx, struct elect_peer *out, size_t max)
{
    return lan_peers(ctx, out, max);
}

struct warm {
    struct service *s;
    bool is;
};

static void pass_warm(void *arg)
{
    struct warm *w = arg;

    if (w->s->lan && !w->s->leaving)
        lan_warm(w->s->lan, w->is);
    mem_free(w);
}

/* On desk's thread. */
static void warm(void *ctx, bool is)
{
    struct service *s = ctx;
    struct warm *w = mem_alloc(sizeof *w);

    *w = (struct warm){.s = s, .is = is};
    if (!loop_post(s->loop, pass_warm, w))
        mem_free(w);
}

struct lost {
    struct service *s;
    struct nid nid;
};

static void pass_lost(void *arg)
{
    struct lost *l = arg;

    if (l->s->lan && !l->s->leaving)
        lan_report(l->s->lan, &l->nid);
    mem_free(l);
}

static void unreachable(void *ctx, const struct nid *nid)
{
    struct service *s = ctx;
    struct lost *l = mem_alloc(sizeof *l);

    *l = (struct lost){.s = s, .nid = *nid};
    if (!loop_post(s->loop, pass_lost, l))
        mem_free(l);
}

/* On fetch's thread. */
static void download_ended(void *ctx, const json_t *event)
{
    struct service *s = ctx;

    after_download(&s->after, event);
}

static void end_loop(void *ctx)
{
    struct service *s = ctx;

    loop_quit(s->loop);
}

static void leave(void *arg)
{
    struct service *s = arg;

    if (s->leaving)
        return;
    s->leaving = true;
    daemon_notify("STOPPING=1");
    log_info("service", "leaving");
    uv_close((uv_handle_t *)&s->sigint, NULL);
    uv_close((uv_handle_t *)&s->sigterm, NULL);
    if (s->line)
        uv_close((uv_handle_t *)&s->draw, NULL);
    lan_leave(s->lan, end_loop, s);
}

static void quit(void *ctx)
{
    struct service *s = ctx;

    loop_post(s->loop, leave, s);
}

static void on_signal(uv_signal_t *h, int number)
{
    (void)number;
    leave(h->data);
}

/* ---- the line on the terminal ---- */

static void draw(uv_timer_t *t)
{
    struct service *s = t->data;
    struct status_numbers n = {0};
    struct share_status share;
    struct lan_status lan;
    struct serve_status serve;
    char at[ADDR_TEXT_MAX];

    lan_status(s->lan, &lan);
    share_status(s->share, &share);
    serve_status(s->serve, &serve);
    fetch_rates(s->fetch, &n.rate_down, &n.downloads);
    n.peers = lan.peers;
    n.has_leader = lan.has_leader;
    n.leading = lan.role == ELECT_LEAD;
    n.leader = lan.has_leader && !n.leading ? addr_text(&lan.leader.addr, at) : NULL;
    n.no_interface = !lan.interfaces[0];
    n.files = share.files;
    n.bytes = share.bytes;
    n.pending_files = share.pending_files;
    n.scanning = share.scanning;
    n.rate_up = serve.rate_up;
    status_line_draw(s->line, &n);
}

static void talk(struct service *s, const struct conf *c)
{
    struct share_status share;

    share_status(s->share, &share);
    status_line_hello(c, s->ident.open, share.files);
    s->line = status_line_new();
    if (!s->line)
        return;
    uv_timer_init(loop_uv(s->loop), &s->draw);
    s->draw.data = s;
    uv_timer_start(&s->draw, draw, 200, 500);
}

/* ---- opening ---- */

static char **items_of(const struct conf *c, enum conf_key key, size_t *count)
{
    char item[CONF_LINE_MAX], **list = NULL;
    size_t cap = 0;

    for (*count = 0; conf_item(c, key, *count, item, sizeof item); ++*count) {
        MEM_GROW(list, *count, cap);
        list[*count] = mem_str(item);
    }
    return list;
}

static void free_items(char **list, size_t count)
{
    for (size_t n = 0; n < count; n++)
        mem_free(list[n]);
    mem_free(list);
}

static int open_lan(struct service *s, const struct conf *c, uint16_t tcp_port, struct err *e)
{
    struct lan_conf lc = {.loop = s->loop,
                          .ident = &s->ident,
                          .tcp_port = tcp_port,
                          .never_lead = conf_bool(c, CONF_NEVER_LEAD),
                          .news = lan_news,
                          .ctx = s};
    char **interface = items_of(c, CONF_INTERFACES, &lc.interfaces);
    char **peer = items_of(c, CONF_PEERS, &lc.peers);
    struct share_status st;
    int rc = 0;

    lc.interface = (const char *const *)interface;
    lc.peer = (const char *const *)peer;
    share_status(s->share, &st);
    lc.generation = st.generation;
    lc.number = st.number;
    if (!(s->lan = lan_new(&lc, e)))
        rc = -e->code;
    free_items(interface, lc.interfaces);
    free_items(peer, lc.peers);
    return rc;
}

static int open_share(struct service *s, const struct conf *c, const char *db, bool quiet,
                      struct err *e)
{
    const char *first = conf_text(c, CONF_SHARE);
    char *added[SHARE_FOLDERS_MAX];
    struct share_conf sc = {.db_path = db,
                            .folder = strcmp(first, CONF_NONE) ? first : NULL,
                            .added = (const char *const *)added,
                            .hidden = conf_bool(c, CONF_HIDDEN),
                            .sweep = !strcmp(conf_text(c, CONF_SWEEP), "all"),
                            .changed = share_changed,
                            .ctx = s};
    char *set_aside = NULL;

    while (sc.added_count < SHARE_FOLDERS_MAX &&
           (added[sc.added_count] = conf_path(c, CONF_ALSO, sc.added_count)))
        sc.added_count++;
    s->share = share_new(&sc, &set_aside, e);
    while (sc.added_count)
        mem_free(added[--sc.added_count]);
    if (set_aside) {
        log_warn("service", "the database was damaged, set aside as %s and is being rebuilt",
                 set_aside);
        if (!quiet)
            fprintf(stderr, "iwanto: the database was damaged: set aside as %s, rebuilding it\n",
                    set_aside);
        mem_free(set_aside);
    }
    return s->share ? 0 : -e->code;
}

/* All four listen only once somebody asks for it. */
static void open_links(struct service *s, const struct conf *c, const char *db, uint16_t port)
{
    const char *whom = conf_text(c, CONF_LINKS);
    bool all = !strcmp(whom, "all") || (!strcmp(whom, "auto") && s->ident.open);

    s->play = play_new(&(struct play_conf){.fetch = s->fetch, .share = s->share, .db_path = db});
    s->door = door_new(&(struct door_conf){.serve = s->serve,
                                           .db_path = db,
                                           .port = port < UINT16_MAX ? port + 1 : 0,
                                           .own = strcmp(whom, "no") != 0,
                                           .others = all});
    serve_door(s->serve, s->door);
    s->links = links_new(
        &(struct links_conf){.ident = &s->ident, .ask = s->ask, .door = s->door, .db_path = db});
    s->web =
        web_new(&(struct web_conf){.play = s->play, .port = port < UINT16_MAX - 1 ? port + 2 : 0});
    s->guest = guest_new(&(struct guest_conf){.ident = &s->ident,
                                              .ask = s->ask,
                                              .share = s->share,
                                              .serve = s->serve,
                                              .db_path = db,
                                              .port = port < UINT16_MAX - 2 ? port + 3 : 0});
}

static int open_rooms(struct service *s, struct conf *c, const char *home, bool quiet,
                      struct err *e)
{
    char db[4200], sock[4200], conf_path[4200];
    uint16_t port = 0;
    struct share_status st;

    snprintf(db, sizeof db, "%s/iwant.db", home);
    snprintf(sock, sizeof sock, "%s/iwant.sock", home);
    snprintf(conf_path, sizeof conf_path, "%s/.iwant.conf", home);

    if (open_share(s, c, db, quiet, e))
        return -e->code;
    if (!(s->desk = desk_new(&(struct desk_conf){.ident = &s->ident, .db_path = db}, e)))
        return -e->code;
    s->ask = ask_new(&s->ident, s->desk);
    s->after.ask = s->ask;
    s->after.journal =
        journal_new(&(struct journal_conf){.home = home, .peers = after_peers, .ctx = &s->after});
    s->after.hooks = hooks_new();
    hooks_set_download(s->after.hooks, conf_text(c, CONF_ON_DOWNLOAD));
    s->serve = serve_new(&(struct serve_conf){.ident = &s->ident,
                                              .port = (uint16_t)conf_number(c, CONF_PORT),
                                              .threads = SERVE_THREADS,
                                              .desk = s->desk,
                                              .share = s->share,
                                              .db_path = db,
                                              .limit_up = conf_number(c, CONF_LIMIT_UP),
                                              .slots = (unsigned)conf_number(c, CONF_UPLOADS),
                                              .journal = s->after.journal},
                         &port, e);
    if (!s->serve)
        return -e->code;
    s->fetch = fetch_new(&(struct fetch_conf){.ident = &s->ident,
                                              .ask = s->ask,
                                              .share = s->share,
                                              .db_path = db,
                                              .folder = conf_text(c, CONF_DOWNLOAD),
                                              .limit_down = conf_number(c, CONF_LIMIT_DOWN),
                                              .at_once = (unsigned)conf_number(c, CONF_DOWNLOADS),
                                              .unreachable = unreachable,
                                              .ended = download_ended,
                                              .ctx = s},
                         e);
    if (!s->fetch)
        return -e->code;
    serve_fetch(s->serve, s->fetch);
    s->after.fetch = s->fetch;
    if (open_lan(s, c, port, e))
        return -e->code;
    open_links(s, c, db, port);
    desk_heard(s->desk, heard, s->lan);
    desk_on_warm(s->desk, warm, s);
    share_status(s->share, &st);
    desk_own(s->desk, st.generation, st.number);
    s->wants = wants_new(&(struct want_conf){.home = home,
                                             .name = s->ident.name,
                                             .ask = after_ask,
                                             .found = after_found,
                                             .ctx = &s->after});
    s->control = control_new(&(struct control_conf){.socket_path = sock,
                                                    .conf_path = conf_path,
                                                    .conf = c,
                                                    .ident = &s->ident,
                                                    .lan = s->lan,
                                                    .share = s->share,
                                                    .desk = s->desk,
                                                    .ask = s->ask,
                                                    .fetch = s->fetch,
                                                    .serve = s->serve,
                                                    .play = s->play,
                                                    .links = s->links,
                                                    .web = s->web,
                                                    .hooks = s->after.hooks,
                                                    .guest = s->guest,
                                                    .wants = s->wants,
                                                    .tcp_port = port,
                                                    .quit = quit,
                                                    .ctx = s},
                             e);
    if (!s->control)
        return -e->code;
    log_info("service", "started version=%s network=%s port=%u", IWANT_VERSION, s->ident.network,
             port);
    return 0;
}

static void watch_signals(struct service *s)
{
    uv_signal_init(loop_uv(s->loop), &s->sigint);
    uv_signal_init(loop_uv(s->loop), &s->sigterm);
    s->sigint.data = s->sigterm.data = s;
    uv_signal_start(&s->sigint, on_signal, SIGINT);
    uv_signal_start(&s->sigterm, on_signal, SIGTERM);
}

/* In reverse: whoever asks others goes before those it asks; serve last of those that threads of
 * peers enter. */
static void close_rooms(struct service *s)
{
    if (s->links)
        links_stop(s->links);
    if (s->guest)
        guest_stop(s->guest);
    web_free(s->web); /* its requests are control's, and play's */
    control_free(s->control);
    guest_free(s->guest); /* control's last request may have been its command */
    play_free(s->play);
    links_free(s->links);
    if (s->door)
        serve_door(s->serve, NULL);
    door_free(s->door);
    serve_free(s->serve);
    wants_stop(s->wants);
    fetch_free(s->fetch);
    journal_stop(s->after.journal);
    ask_free(s->ask);
    desk_free(s->desk);
    share_free(s->share);
    journal_free(s->after.journal);
    wants_free(s->wants);
    hooks_free(s->after.hooks);
}

static int open_log(const struct conf *c, const char *home, struct err *e)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"error", LOG_ERROR}, {"warn", LOG_WARN}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};
    char path[4200];

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (!strcmp(levels[i].name, conf_text(c, CONF_LOG_LEVEL)))
            log_set_level(levels[i].level);
    snprintf(path, sizeof path, "%s/.iwant.log", home);
    return log_open(path, e);
}

int service_run(struct conf *c, const char *home, bool quiet, struct err *e)
{
    struct service s = {.ident.lock_fd = -1};
    int lock_fd = -1, rc;

    signal(SIGPIPE, SIG_IGN);
    daemon_no_core();
    if (sodium_init() < 0)
        return err_set(e, ERR_IO, "cannot start: libsodium finds no source of random numbers");
    http_client_setup();
    if ((rc = ident_lock(home, &lock_fd, e)) || (rc = open_log(c, home, e)))
        return rc;
    if ((rc = ident_load(&s.ident, home, conf_text(c, CONF_NETWORK),
                         conf_text(c, CONF_PASSPHRASE_FILE), conf_text(c, CONF_NAME), e)))
        return rc;
    s.ident.lock_fd = lock_fd;
    s.loop = loop_new("main");
    rc = open_rooms(&s, c, home, quiet, e);
    if (!rc) {
        watch_signals(&s);
        daemon_notify("READY=1");
        if (!quiet)
            talk(&s, c);
        loop_run(s.loop);
        status_line_free(s.line);
    }
    close_rooms(&s);
    s.leaving = s.closed = true;
    if (s.lan)
        lan_free(s.lan);
    if (rc) /* the loop never ran: give the handles of what was opened their closing turn */
        loop_quit(s.loop), loop_run(s.loop);
    loop_free(s.loop);
    ident_done(&s.ident);
    log_close();
    return rc;
}
