/* Who may send now, and how much. Uploads have slots: so many at once, the others wait their turn,
 * and no address has more than half of them while somebody else waits. Who takes nothing for a
 * while, because he reads slowly or waits for a piece or a disk, keeps his place but fills no slot:
 * it is for those who move. What goes up is limited by purses that fill with time, one for all and
 * one for each request that wishes for a rate; streams that find theirs empty wait here, and a
 * thread wakes them. It sleeps while none waits. */
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "svc/serve_priv.h"

#include <stdlib.h>

#define TURN_MS   20
#define REST_MS   2000 /* who takes nothing for so long fills no slot ... */
#define LOOK_MS   250  /* ... which is looked at so often while somebody waits */
#define SLICES    20   /* a second, where the limit is low */
#define SLICE_MIN 1024.0
#define SLICE_MAX 16384.0

struct sender {
    struct http_request *rq;
    struct addr from;
    int64_t moved_ms; /* sending: when it asked for bytes last */
};

struct senders {
    struct sender *at;
    size_t count, cap;
};

struct pace {
    uv_mutex_t lock;
    uv_cond_t some;
    uv_thread_t thread;
    struct purse all;
    unsigned slots;
    struct senders sending, queue; /* with a slot; waiting for one, in order */
    struct senders broke;          /* with a slot, waiting for the purse */
    bool stop;
};

/* ---- lists ---- */

static void add(struct senders *l, const struct sender *s)
{
    MEM_GROW(l->at, l->count, l->cap);
    l->at[l->count++] = *s;
}

static bool take_out(struct senders *l, const struct http_request *rq)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->at[i].rq != rq)
            continue;
        for (l->count--; i < l->count; i++)
            l->at[i] = l->at[i + 1];
        return true;
    }
    return false;
}

static struct sender *find(const struct senders *l, const struct http_request *rq)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->at[i].rq == rq)
            return &l->at[i];
    }
    return NULL;
}

static unsigned count_of(const struct senders *l, const struct addr *from)
{
    unsigned n = 0;

    for (size_t i = 0; i < l->count; i++)
        n += addr_same_host(&l->at[i].from, from);
    return n;
}

/* ---- slots ---- */

static bool may_send(const struct pace *p, const struct addr *from, int64_t now)
{
    unsigned most = p->slots / 2 > 2 ? p->slots / 2 : 2, moving = 0, same = 0;

    for (size_t i = 0; i < p->sending.count; i++) {
        const struct sender *s = &p->sending.at[i];

        if (now - s->moved_ms >= REST_MS)
            continue;
        moving++;
        same += addr_same_host(&s->from, from);
    }
    if (moving >= p->slots)
        return false;
    return same < most || p->queue.count == count_of(&p->queue, from);
}

/* Give what is free to those who wait longest. Under the lock: who is over has left the lists
 * before it dies (pace_forget). */
static void serve_queue(struct pace *p)
{
    int64_t now = loop_now_ms();

    for (size_t i = 0; i < p->queue.count;) {
        struct sender s = p->queue.at[i];

        if (!may_send(p, &s.from, now)) {
            i++;
            continue;
        }
        take_out(&p->queue, s.rq);
        s.moved_ms = now;
        add(&p->sending, &s);
        http_wake(s.rq);
    }
}

bool pace_enter(struct pace *p, struct http_request *rq)
{
    struct sender new = {.rq = rq, .from = *http_from(rq), .moved_ms = loop_now_ms()}, *old;
    bool in;

    uv_mutex_lock(&p->lock);
    old = find(&p->sending, rq);
    in = old != NULL;
    if (in) {
        old->moved_ms = new.moved_ms;
    } else if (!find(&p->queue, rq)) {
        in = may_send(p, &new.from, new.moved_ms);
        add(in ? &p->sending : &p->queue, &new);
        if (!in)
            uv_cond_signal(&p->some);
    }
    uv_mutex_unlock(&p->lock);
    return in;
}

/* ---- the purse ---- */

static void wake_broke(struct pace *p)
{
    for (size_t i = 0; i < p->broke.count; i++)
        http_wake(p->broke.at[i].rq);
    p->broke.count = 0;
}

static void pace_main(void *arg)
{
    struct pace *p = arg;

    uv_mutex_lock(&p->lock);
    while (!p->stop) {
        if (p->broke.count) {
            uv_mutex_unlock(&p->lock);
            uv_sleep(TURN_MS);
            uv_mutex_lock(&p->lock);
            wake_broke(p);
        } else if (p->queue.count) {
            (void)uv_cond_timedwait(&p->some, &p->lock, LOOK_MS * 1000000ull);
        } else {
            uv_cond_wait(&p->some, &p->lock);
        }
        serve_queue(p);
    }
    uv_mutex_unlock(&p->lock);
}

/* The least that is worth a block of its own. */
static double slice_of(const struct purse *u)
{
    double slice = u->limit / SLICES;

    return slice > SLICE_MAX ? SLICE_MAX : slice < SLICE_MIN ? SLICE_MIN : slice;
}

/* What may go of want bytes; 0: too little to begin. */
static size_t look_into(struct purse *u, int64_t now, size_t want)
{
    double most = u->limit / 10 > SLICE_MAX ? u->limit / 10 : SLICE_MAX;

    if (u->limit <= 0)
        return want;
    u->bytes += u->limit * (double)(now - u->filled_ms) / 1000;
    u->filled_ms = now;
    if (u->bytes > most)
        u->bytes = most;
    if (u->bytes >= (double)want)
        return want;
    return u->bytes < slice_of(u) ? 0 : (size_t)u->bytes;
}

size_t pace_take(struct pace *p, struct http_request *rq, struct purse *own, size_t want)
{
    int64_t now = loop_now_ms();
    size_t got;

    uv_mutex_lock(&p->lock);
    got = look_into(&p->all, now, want);
    got = got ? look_into(own, now, got) : 0;
    if (!got) {
        add(&p->broke, &(struct sender){.rq = rq});
        uv_cond_signal(&p->some);
    }
    p->all.bytes -= (double)got;
    own->bytes -= (double)got;
    uv_mutex_unlock(&p->lock);
    return got;
}

void pace_back(struct pace *p, struct purse *own, size_t bytes)
{
    uv_mutex_lock(&p->lock);
    p->all.bytes += (double)bytes;
    own->bytes += (double)bytes;
    uv_mutex_unlock(&p->lock);
}

struct purse serve_wished_rate(const struct http_request *rq)
{
    const char *text = http_arg(rq, "rate");
    struct purse u = {.filled_ms = loop_now_ms()};
    uint64_t rate;

    if (text && str_parse_u64(text, 1024, UINT32_MAX, &rate))
        u.limit = (double)rate;
    return u;
}

/* ---- life ---- */

void pace_forget(struct pace *p, struct http_request *rq)
{
    uv_mutex_lock(&p->lock);
    while (take_out(&p->broke, rq))
        ;
    take_out(&p->queue, rq);
    if (take_out(&p->sending, rq))
        serve_queue(p);
    uv_mutex_unlock(&p->lock);
}

void pace_set(struct pace *p, uint64_t limit, unsigned slots)
{
    uv_mutex_lock(&p->lock);
    p->all = (struct purse){.limit = (double)limit, .filled_ms = loop_now_ms()};
    p->slots = slots ? slots : 1;
    serve_queue(p);
    wake_broke(p);
    uv_mutex_unlock(&p->lock);
}

unsigned pace_waiting(struct pace *p)
{
    unsigned n;

    uv_mutex_lock(&p->lock);
    n = (unsigned)p->queue.count;
    uv_mutex_unlock(&p->lock);
    return n;
}

struct pace *pace_new(uint64_t limit, unsigned slots)
{
    struct pace *p = mem_zero(1, sizeof *p);

    uv_mutex_init(&p->lock);
    uv_cond_init(&p->some);
    pace_set(p, limit, slots);
    if (uv_thread_create(&p->thread, pace_main, p) == 0)
        return p;
    uv_cond_destroy(&p->some);
    uv_mutex_destroy(&p->lock);
    mem_free(p);
    return NULL;
}

void pace_free(struct pace *p)
{
    if (!p)
        return;
    uv_mutex_lock(&p->lock);
    p->stop = true;
    uv_cond_signal(&p->some);
    uv_mutex_unlock(&p->lock);
    uv_thread_join(&p->thread);
    uv_cond_destroy(&p->some);
    uv_mutex_destroy(&p->lock);
    mem_free(p->sending.at);
    mem_free(p->queue.at);
    mem_free(p->broke.at);
    mem_free(p);
}
