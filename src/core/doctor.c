#include "core/doctor_priv.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FREE_FEW  (1ull << 30)  /* bytes free for downloads: little */
#define FREE_NONE (64ull << 20) /* for the index or downloads: none to speak of */
#define FILES_FEW 1000u

const char *doctor_state_name(enum doctor_state s)
{
    static const char *const names[] = {"fine", "note", "unsure", "bad"};

    return names[s];
}

struct doctor_finding *doctor_say(struct doctor_report *r, enum doctor_state state,
                                  const char *check, const char *about, const char *fmt, ...)
{
    struct doctor_finding *d;
    va_list ap;

    MEM_GROW(r->finding, r->len, r->cap);
    d = &r->finding[r->len++];
    *d = (struct doctor_finding){.state = state, .check = check};
    str_copy(d->about, sizeof d->about, about);
    va_start(ap, fmt);
    vsnprintf(d->text, sizeof d->text, fmt, ap);
    va_end(ap);
    return d;
}

void doctor_mend(struct doctor_finding *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(d->mend, sizeof d->mend, fmt, ap);
    va_end(ap);
}

size_t doctor_count(const struct doctor_report *r, enum doctor_state s)
{
    size_t n = 0;

    for (size_t i = 0; i < r->len; i++)
        n += r->finding[i].state == s;
    return n;
}

void doctor_done(struct doctor_report *r)
{
    mem_free(r->finding);
    *r = (struct doctor_report){0};
}

/* ---- the service ---- */

static void service(const struct doctor_facts *f, struct doctor_report *r)
{
    if (f->answers_late)
        doctor_mend(
            doctor_say(r, DOCTOR_BAD, "service", "",
                       "the service runs but does not answer: it may be very busy, or hang"),
            "tail ~/.iwant/.iwant.log");
    else if (!f->runs)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "service", "",
                               "the service does not run: nothing of yours is shared, and nobody "
                               "is asked when you search"),
                    "iwanto start -d");
    else if (f->version && strcmp(f->version, IWANT_VERSION) != 0)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "service", "",
                               "the running service is version %s, this command %s: some commands "
                               "may fail until the service is started anew",
                               f->version, IWANT_VERSION),
                    "iwanto stop && iwanto start -d");
    else
        doctor_say(r, DOCTOR_FINE, "service", "", "the service runs and answers");
    if (f->services > 1)
        doctor_say(r, DOCTOR_NOTE, "two-services", "",
                   "%u services run on this computer: each is a peer of its own, and only one of "
                   "them has port %u",
                   f->services, f->wished_port);
}

static void ports(const struct doctor_facts *f, struct doctor_report *r)
{
    char about[24];

    snprintf(about, sizeof about, "port %u", f->wished_port);
    if (f->group_taken)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "port", "port 1235",
                               "another program holds UDP port 1235 for itself, so no multicast of "
                               "others comes in"),
                    "sudo ss -ulpn 'sport = :1235'");
    if (f->port && f->port != f->wished_port)
        doctor_mend(
            doctor_say(r, DOCTOR_NOTE, "port", about,
                       "another program has TCP port %u, so the service took %u; others are "
                       "told, but a firewall that lets only %u in shuts it out",
                       f->wished_port, f->port, f->wished_port),
            "sudo ss -tlpn 'sport = :%u'", f->wished_port);
    else if (f->tcp_taken)
        doctor_mend(
            doctor_say(r, DOCTOR_NOTE, "port", about,
                       "another program has TCP port %u: the service will take another one, "
                       "which a firewall may not let in",
                       f->wished_port),
            "sudo ss -tlpn 'sport = :%u'", f->wished_port);
    else if (!f->group_taken)
        doctor_say(r, DOCTOR_FINE, "port", about, "no other program has our port");
}

/* ---- disks ---- */

static void disk(const struct doctor_disk *d, const char *check, const char *what, bool written,
                 struct doctor_report *r)
{
    char size[STR_SIZE_MAX];

    if (!d->path || !d->known)
        return;
    str_size(d->free_bytes, size);
    if (written && d->read_only)
        doctor_say(r, DOCTOR_BAD, check, what, "%s lies on a disk that can only be read", d->path);
    else if (written && !d->writable)
        doctor_mend(
            doctor_say(r, DOCTOR_BAD, check, what, "nothing can be written into %s", d->path),
            "ls -ld '%s'", d->path);
    else if (written && (d->free_bytes < FREE_NONE || d->free_files == 0))
        doctor_mend(doctor_say(r, DOCTOR_BAD, check, what,
                               "the disk is full: %s free for %s, so downloads end with an error",
                               size, d->path),
                    "df -h '%s'", d->path);
    else if (written && (d->free_bytes < FREE_FEW || d->free_files < FILES_FEW))
        doctor_mend(doctor_say(r, DOCTOR_NOTE, check, what, "little room is left: %s free for %s",
                               size, d->path),
                    "df -h '%s'", d->path);
    else if (written)
        doctor_say(r, DOCTOR_FINE, check, what, "%s free for %s", size, d->path);
}

static void disks(const struct doctor_facts *f, struct doctor_report *r)
{
    disk(&f->home, "disk", "settings and index", true, r);
    disk(&f->download, "disk", "downloads", true, r);
    if (f->home.known && f->home.remote)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "network-disk", "settings and index",
                               "%s lies on a network file system (%s), where the index can be "
                               "damaged: its locks are not safe there",
                               f->home.path, f->home.remote),
                    "IWANT_HOME=/var/tmp/iwant-$USER iwanto start -d");
    if (f->share.known && f->share.remote)
        doctor_say(r, DOCTOR_NOTE, "network-disk", "shared folder",
                   "%s lies on a network file system (%s): what other computers change in it is "
                   "found at the next rescan, not at once",
                   f->share.path, f->share.remote);
    if (f->share.path && !f->share.known)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "share", "shared folder",
                               "%s cannot be opened: nothing is shared", f->share.path),
                    "iwanto share PATH");
}

static void watches(const struct doctor_facts *f, struct doctor_report *r)
{
    bool too_few =
        f->watch_limit || (f->watches_max && f->watches_need && f->watches_need >= f->watches_max);
    unsigned long long want = 524288;

    if (!f->watches_max)
        return;
    if (!too_few) {
        doctor_say(r, DOCTOR_FINE, "watches", "", "of %llu folders that can be watched %s%llu %s",
                   (unsigned long long)f->watches_max, f->watches_more ? "at least " : "",
                   (unsigned long long)f->watches_need,
                   f->watches_need == 1 && !f->watches_more ? "is shared" : "are shared");
        return;
    }
    while (want < f->watches_need * 2)
        want *= 2;
    doctor_mend(doctor_say(r, DOCTOR_BAD, "watches", "",
                           "this system watches %llu folders for one user, and more are shared or "
                           "watched: changes in the others are found by rescans only",
                           (unsigned long long)f->watches_max),
                "echo fs.inotify.max_user_watches=%llu | sudo tee /etc/sysctl.d/60-iwant.conf && "
                "sudo sysctl --system",
                want);
}

/* ---- libraries ---- */

/* By the numbers in both: "6.4" is not older than "6.4.20221231", nor is this older than "6.4". */
static bool older(const char *runs, const char *built)
{
    while (*runs && *built) {
        char *more_runs, *more_built;
        unsigned long a = strtoul(runs, &more_runs, 10), b = strtoul(built, &more_built, 10);

        if (a != b)
            return a < b;
        runs = more_runs + strcspn(more_runs, "0123456789");
        built = more_built + strcspn(more_built, "0123456789");
    }
    return false;
}

static void libraries(const struct doctor_facts *f, struct doctor_report *r)
{
    char text[sizeof r->finding->text] = "iwanto " IWANT_VERSION " with";

    if (!f->libraries)
        return;
    for (size_t i = 0; i < f->libraries; i++) {
        const struct doctor_library *l = &f->library[i];
        size_t len = strlen(text);

        snprintf(text + len, sizeof text - len, "%s %s %s", i ? "," : "", l->name, l->runs);
        if (older(l->runs, l->built))
            doctor_mend(doctor_say(r, DOCTOR_NOTE, "library", l->name,
                                   "this system loads %s %s, but iwanto was built with %s, which "
                                   "is newer: what was mended since may fail here",
                                   l->name, l->runs, l->built),
                        "ldd \"$(command -v iwanto)\"");
    }
    doctor_say(r, DOCTOR_FINE, "libraries", "", "%s", text);
}

void doctor_judge(const struct doctor_facts *f, struct doctor_report *out)
{
    service(f, out);
    ports(f, out);
    doctor_links(f, out);
    doctor_firewalls(f, out);
    doctor_multicast(f, out);
    doctor_peers(f, out);
    watches(f, out);
    disks(f, out);
    libraries(f, out);
}
