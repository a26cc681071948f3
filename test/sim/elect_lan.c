#include "elect_lan.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct lan lan = {.timed = -1};

#define RECORDED_MAX 256
#define SESSIONS_MAX 4096

struct packet { /* one sealed datagram on its way to some receivers */
    struct wire_msg msg;
    int sender;
    uint16_t *heard; /* of a recorded one: in which life each host heard it; 0: not */
    bool replay;
    struct addr from;
    size_t len;
    unsigned refs;
    struct packet *all, *idle; /* next of those there are, of those not in use */
};

enum kind { DELIVER, TIMER, WAKE, REFUSE, ANSWER, ROSTER };

struct event { /* small: the heap moves them about */
    int64_t at_us;
    uint64_t no; /* order among those of one moment */
    uint8_t kind;
    int16_t to, from;
    union {
        uint64_t timer_no;     /* TIMER; of a call: ANSWER, ROSTER */
        struct packet *packet; /* DELIVER; REFUSE: its `from` refused */
    };
};

static struct {
    struct event *heap;
    size_t len, cap;
    uint64_t no;
    struct seal_net net, foreign;
    struct packet *all, *idle;
    struct packet *recorded[RECORDED_MAX];
    uint64_t session[SESSIONS_MAX]; /* every ballot that was ever led */
    size_t sessions;
} world;

/* ---- telling ---- */

static const char *name(int i)
{
    static char names[HOSTS_MAX][16];

    if (i < 0)
        return "?";
    if (i < 26)
        snprintf(names[i], sizeof names[i], "%c", 'a' + i);
    else
        snprintf(names[i], sizeof names[i], "h%d", i);
    return names[i];
}

static int index_of(const struct nid *nid)
{
    for (int i = 0; i < lan.hosts; i++)
        if (nid_eq(&lan.host[i].nid, nid))
            return i;
    return -1;
}

__attribute__((format(printf, 1, 0))) static _Noreturn void fail(const char *fmt, va_list ap)
{
    vsnprintf(lan.why, sizeof lan.why, fmt, ap);
    if (lan.trace)
        printf("[%7.1f] FAILED: %s\n", (double)lan.now_us / 1000, lan.why);
    longjmp(lan.failed, 1);
}

_Noreturn void lan_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fail(fmt, ap);
}

_Noreturn void lan_miss(const char *fmt, ...)
{
    va_list ap;

    lan.missed = lan.loss_pct || lan.shuffles || lan.replays || lan.hosts > 100;
    va_start(ap, fmt);
    fail(fmt, ap);
}

__attribute__((format(printf, 2, 3))) static void tell(int i, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (lan.trace)
        printf("[%9.1f] %s > %s\n", (double)lan.now_us / 1000, name(i), text);
    if (lan.log)
        buf_printf(lan.log, "%s > %s\n", name(i), text);
}

/* ---- events ---- */

static bool sooner(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->no < b->no;
}

static void push(struct event ev)
{
    size_t i = world.len;

    ev.no = world.no++;
    MEM_GROW(world.heap, world.len, world.cap);
    world.len++;
    for (; i && sooner(&ev, &world.heap[(i - 1) / 2]); i = (i - 1) / 2)
        world.heap[i] = world.heap[(i - 1) / 2];
    world.heap[i] = ev;
}

static struct event pop(void)
{
    struct event first = world.heap[0], last = world.heap[--world.len];
    size_t i = 0, c;

    while ((c = 2 * i + 1) < world.len) {
        if (c + 1 < world.len && sooner(&world.heap[c + 1], &world.heap[c]))
            c++;
        if (!sooner(&world.heap[c], &last))
            break;
        world.heap[i] = world.heap[c];
        i = c;
    }
    world.heap[i] = last;
    return first;
}

static int64_t between(int64_t lo, int64_t hi)
{
    return hi <= lo ? lo : lo + (int64_t)rng_below(&lan.rng, (uint64_t)(hi - lo));
}

static bool chance(unsigned permille)
{
    return rng_below(&lan.rng, 1000) < permille;
}

/* Packets outlive a failure's longjmp, so all are freed at the end and not before. */
static struct packet *packet_new(void)
{
    struct packet *p = world.idle;

    if (p) {
        world.idle = p->idle;
    } else {
        p = mem_zero(1, sizeof *p);
        p->all = world.all;
        world.all = p;
    }
    p->refs = 1;
    p->heard = NULL;
    return p;
}

static void unref(struct packet *p)
{
    if (!p || --p->refs)
        return;
    mem_free(p->heard);
    p->heard = NULL;
    p->idle = world.idle;
    world.idle = p;
}

/* ---- the network ---- */

static bool reaches(int a, int b)
{
    const struct host *x = &lan.host[a], *y = &lan.host[b];

    return (x->group == y->group || lan.bridge[x->group][y->group]) && !x->mute && !y->deaf;
}

static bool lost(int to)
{
    struct host *h = &lan.host[to];

    if (!lan.bursts)
        return chance(lan.loss_pct * 10);
    if (h->burst) {
        h->burst--;
        return true;
    }
    if (chance(lan.loss_pct * 10 / 4)) /* four in a row, as a mean */
        h->burst = (unsigned)between(0, 7);
    return h->burst > 0;
}

/* 0.1 to 0.7 ms, now and then up to 20 ms. */
static int64_t delay_us(void)
{
    if (lan.shuffles && chance(50))
        return between(0, 50 * MS);
    return 100 + between(0, 300) + between(0, 300) + (chance(2) ? between(0, 20 * MS) : 0);
}

static void carry(struct packet *p, int from, int to)
{
    if (!reaches(from, to))
        return;
    for (int copies = chance(10) ? 2 : 1; copies; copies--) {
        if (lost(to))
            continue;
        p->refs++;
        push((struct event){
            .at_us = lan.now_us + delay_us(), .kind = DELIVER, .to = to, .packet = p});
    }
}

/* What another network's services say is not opened, not even with our tag on it. */
static void check_foreign(int i, const struct wire_msg *m, const uint8_t nonce[24])
{
    uint8_t out[DGRAM_MAX];
    struct wire_msg got;
    size_t len = wire_seal(out, m, &world.foreign, &lan.host[i].conf.key, nonce);

    if (wire_open(&got, out, len, &world.net) == WIRE_OK)
        lan_fail("a foreign %s was opened", wire_type_name(m->type));
    memcpy(out + 4, world.net.tag, sizeof world.net.tag);
    if (wire_open(&got, out, len, &world.net) == WIRE_OK)
        lan_fail("a foreign %s with our tag was opened", wire_type_name(m->type));
}

static void shares_news(int i, const struct elect_news *n, int whom);

#include "elect_lan_check.c"
#include "elect_shares.c"
#include "elect_shares_see.c"

/* Seal as svc/lan does, open as the receivers do; all of them hold the same key, so once is enough.
 */
static struct packet *seal(int i, const struct wire_msg *m)
{
    uint8_t out[DGRAM_MAX], nonce[24];
    struct packet *p = packet_new();
    size_t len;

    lan.datagrams++;
    p->sender = i;
    p->replay = false;
    p->from = lan.host[i].udp;
    if (lan.plain) {
        p->msg = *m;
        if (wire_is_signed(m->type))
            memcpy(p->msg.pub, lan.host[i].conf.key.pub, sizeof p->msg.pub);
        p->len = 0;
        return p;
    }
    for (size_t k = 0; k < sizeof nonce; k++)
        nonce[k] = (uint8_t)rng_below(&lan.rng, 256);
    len = wire_seal(out, m, &world.net, &lan.host[i].conf.key, nonce);
    if (chance(20)) { /* noise on the line */
        size_t bit = (size_t)rng_below(&lan.rng, len * 8);

        out[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (wire_open(&p->msg, out, len, &world.net) == WIRE_OK)
            lan_fail("an altered %s was opened", wire_type_name(m->type));
        out[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    if (wire_open(&p->msg, out, len, &world.net) != WIRE_OK)
        lan_fail("a %s does not open", wire_type_name(m->type));
    if (chance(5)) /* another network on the same cable */
        check_foreign(i, m, nonce);
    p->len = len;
    return p;
}

/* A stranger at the switch keeps some datagrams and plays them back, from his own address or the
 * sender's. */
static void record(struct packet *p)
{
    size_t at = (size_t)rng_below(&lan.rng, RECORDED_MAX);

    if (!lan.replays)
        return;
    if (chance(50)) {
        unref(world.recorded[at]);
        world.recorded[at] = p;
        p->heard = mem_zero((size_t)lan.hosts, sizeof *p->heard);
        p->refs++;
    }
    if (chance(20) && world.recorded[at]) {
        const struct packet *old = world.recorded[at];
        struct packet *copy = packet_new();

        copy->msg = old->msg;
        copy->sender = old->sender;
        copy->replay = true;
        copy->heard = mem_zero((size_t)lan.hosts, sizeof *copy->heard);
        memcpy(copy->heard, old->heard, (size_t)lan.hosts * sizeof *copy->heard);
        copy->from = old->from;
        if (chance(500))
            copy->from.ip[3] = 250;
        push((struct event){.at_us = lan.now_us + delay_us(),
                            .kind = DELIVER,
                            .to = (int)rng_below(&lan.rng, (uint64_t)lan.hosts),
                            .packet = copy});
    }
}

/* Its machine says that nobody listens there. */
static void refuse(int to, const struct addr *refused)
{
    struct packet *p = packet_new();

    p->from = *refused;
    push((struct event){
        .at_us = lan.now_us + delay_us(), .kind = REFUSE, .to = (int16_t)to, .packet = p});
}

static void send(int i, const struct elect_send *s)
{
    struct packet *p = seal(i, s->msg);

    check_grace(i, s->msg);
    if (lan.trace_wire)
        printf("[%9.1f] %s %s %s\n", (double)lan.now_us / 1000, name(i), s->multicast ? "**" : "->",
               wire_type_name(s->msg->type));
    *(s->multicast ? &lan.multicast_bytes : &lan.unicast_bytes) +=
        46 + p->len; /* Ethernet, IPv4, UDP */
    for (int to = 0; to < lan.hosts; to++) {
        struct host *h = &lan.host[to];

        if (to == i || (!s->multicast && !addr_eq(&s->to, &h->udp)))
            continue;
        if (h->e)
            carry(p, i, to);
        else if (h->refuses && !s->multicast && reaches(i, to) && reaches(to, i))
            refuse(i, &h->udp);
    }
    record(p);
    unref(p);
}

/* ---- one step of one host ---- */

static void schedule(int i)
{
    struct host *h = &lan.host[i];
    int64_t due = h->e ? elect_due_ms(h->e) : INT64_MAX, at;

    if (!h->e || h->asleep_us || due == INT64_MAX) {
        h->timer_us = -1;
        return;
    }
    at = due * MS > lan.now_us ? due * MS : lan.now_us;
    if (at == h->timer_us)
        return;
    h->timer_us = at;
    push((struct event){.at_us = at, .kind = TIMER, .to = i, .timer_no = ++h->timer_no});
}

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What this step costs, and which datagrams it would have had to open and seal. */
static void timed_step(struct elect *e, const struct elect_in *in, struct elect_out *out)
{
    int64_t from = cpu_ns();

    elect_step(e, in, out);
    lan.timed_ns += cpu_ns() - from;
    if (in->kind == ELECT_DATAGRAM)
        lan.timed_msgs[1][wire_is_signed(in->msg->type)]++;
    for (size_t k = 0; k < out->sends; k++)
        lan.timed_msgs[0][wire_is_signed(out->send[k].msg->type)]++;
}

void lan_event(int i, const struct elect_in *given)
{
    static struct elect_out out;
    struct elect_in in = *given;
    struct host *h = &lan.host[i];
    int again = 0;

    in.now_ms = lan.now_us / MS;
    do {
        enum elect_role before = h->e->role;

        if (i == lan.timed)
            timed_step(h->e, &in, &out);
        else
            elect_step(h->e, &in, &out);
        elect_check(h->e);
        if (lan.trace && before != h->e->role)
            printf("[%9.1f] %s . %s\n", (double)lan.now_us / 1000, name(i),
                   elect_role_name(h->e->role));
        if (lan.quiet && (out.news_count || out.sends))
            lan_fail("S7: a played back %s is answered by %s with %s",
                     wire_type_name(in.msg ? in.msg->type : 0), name(i),
                     out.sends ? wire_type_name(out.send[0].msg->type) : "news");
        for (size_t k = 0; k < out.news_count; k++)
            take_news(i, &out.news[k]);
        for (size_t k = 0; k < out.sends; k++)
            send(i, &out.send[k]);
        in = (struct elect_in){.kind = ELECT_TICK, .now_ms = in.now_ms};
        if (++again > 20)
            lan_fail("%s is never done", name(i));
    } while (out.more);
    if (lan.hosts <= 64 || chance(10))
        check_ledger(i);
    check_alone(i);
    if (h->sen != h->e->sen) {
        if (h->e->sen > h->sen)
            h->restamped_ms = lan.now_us / MS;
        h->sen = h->e->sen;
    }
    schedule(i);
}

/* ---- time ---- */

/* A host that has heard this before does nothing and knows no more after it. */
static void deliver(int i, struct packet *p)
{
    struct host *h = &lan.host[i];
    const struct elect_in in = {.kind = ELECT_DATAGRAM, .msg = &p->msg, .from = p->from};
    uint64_t before;

    if (p->replay && p->heard[i] == h->life) {
        lan_event(i, &(struct elect_in){.kind = ELECT_TICK}); /* what is due anyway */
        before = state_of(h->e);
        lan.quiet = true;
        lan_event(i, &in);
        lan.quiet = false;
        if (state_of(h->e) != before)
            lan_fail("S7: a %s that was played back changed %s", wire_type_name(p->msg.type),
                     name(i));
        return;
    }
    if (p->replay)
        h->cut_us = -1; /* it never heard this: a sign of life, by a stranger's grace */
    lan_event(i, &in);
    if (p->heard && was_taken(h->e, &p->msg))
        p->heard[i] = h->life;
}

static void wake(int i)
{
    struct host *h = &lan.host[i];
    int64_t gap_ms = (lan.now_us - h->slept_us) / MS;

    h->asleep_us = 0;
    h->clean_us = lan.now_us;
    h->grace_us = h->e->role == ELECT_LEAD && h->e->members && gap_ms >= T_GAP
                      ? (lan.now_us / MS + T_ROLL) * MS
                      : -1;
    lan_event(i, &(struct elect_in){.kind = ELECT_GAP, .gap_ms = gap_ms});
    lan_catalog(i, h->conf.number); /* it may have changed meanwhile */
}

static void step(struct event *ev)
{
    struct host *h = &lan.host[ev->to];

    switch ((enum kind)ev->kind) {
    case DELIVER:
        if (h->e && !h->asleep_us)
            deliver(ev->to, ev->packet);
        break;
    case TIMER:
        if (awake(ev->to) && ev->timer_no == h->timer_no) {
            h->timer_us = -1;
            lan_event(ev->to, &(struct elect_in){.kind = ELECT_TICK});
        }
        break;
    case WAKE:
        if (h->e && h->asleep_us && h->asleep_us <= lan.now_us)
            wake(ev->to);
        break;
    case REFUSE:
        if (awake(ev->to))
            lan_event(ev->to, &(struct elect_in){.kind = ELECT_REFUSED, .from = ev->packet->from});
        break;
    case ANSWER:
        shares_answer(ev->to, ev->from, ev->timer_no);
        break;
    case ROSTER:
        shares_roster(ev->to, ev->timer_no);
        break;
    }
}

static void run_until(int64_t at_us)
{
    while (world.len && world.heap[0].at_us <= at_us) {
        struct event ev = pop();

        lan.now_us = ev.at_us;
        step(&ev);
        if (ev.kind == DELIVER || ev.kind == REFUSE)
            unref(ev.packet);
    }
    lan.now_us = at_us;
}

void lan_run(int64_t us)
{
    run_until(lan.now_us + us);
}

#include "elect_lan_faults.c"
