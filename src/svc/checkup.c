#include "svc/checkup_priv.h"

#include "base/mem.h"
#include "core/path.h"
#include "io/http_client.h"
#include "io/probe.h"

#include <string.h>
#include <unistd.h>

#define FOLDERS_MS 2000 /* for counting folders */

static uint64_t number(const json_t *o, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(o, key));

    return n > 0 ? (uint64_t)n : 0;
}

static void service(struct checkup *c)
{
    const json_t *status = c->conf.status, *shared = json_object_get(status, "shared");
    const char *version = json_string_value(json_object_get(status, "version"));
    struct doctor_facts *f = &c->facts;
    struct buf b = {0};

    f->runs = status != NULL || c->conf.answers_late;
    f->answers_late = c->conf.answers_late;
    f->wished_port = (uint16_t)conf_number(c->conf.conf, CONF_PORT);
    f->services = probe_processes("iwanto", "start");
    f->group_taken = !probe_group_port_free(1235);
    if (!f->runs)
        f->tcp_taken = !probe_tcp_port_free(f->wished_port);
    if (!status)
        return;
    f->port = (uint16_t)number(status, "port");
    if (version) {
        show(&b, version, strlen(version));
        f->version = c->version = buf_take(&b, NULL);
    }
    f->has_leader = json_is_object(json_object_get(status, "leader"));
    f->members = (size_t)number(status, "peers");
    f->watch_limit = json_is_true(json_object_get(shared, "watch_limit"));
}

static void disk(struct checkup *c, size_t n, struct doctor_disk *d, const char *path)
{
    struct probe_disk p;
    struct buf b = {0};

    if (!path || !*path)
        return;
    show(&b, path, strlen(path));
    d->path = c->shown[n] = buf_take(&b, NULL);
    d->known = probe_disk(path, &p);
    d->read_only = p.read_only;
    d->writable = p.writable;
    d->free_bytes = p.free_bytes;
    d->free_files = p.free_files;
    d->remote = p.remote;
}

/* One that is a default is made at the first start. */
static void folder(struct checkup *c, size_t n, struct doctor_disk *d, enum conf_key key)
{
    const char *path = conf_text(c->conf.conf, key);

    if (path && !strcmp(path, CONF_NONE))
        return; /* nothing is shared */
    disk(c, n, d, path);
    if (!d->known && c->conf.conf->source[key] == CONF_DEFAULT)
        d->path = NULL;
}

static void computer(struct checkup *c)
{
    const char *share = conf_text(c->conf.conf, CONF_SHARE);
    struct doctor_facts *f = &c->facts;
    bool all;

    f->root = !geteuid();
    disk(c, 0, &f->home, c->conf.home);
    folder(c, 1, &f->share, CONF_SHARE);
    folder(c, 2, &f->download, CONF_DOWNLOAD);
    if (!probe_number("/proc/sys/fs/inotify/max_user_watches", &f->watches_max))
        f->watches_max = 0;
    if (f->share.path && f->watches_max) {
        f->watches_need = probe_folders(share, f->watches_max, FOLDERS_MS, &all);
        f->watches_more = !all;
    }
}

static void library_versions(struct checkup *c)
{
    struct doctor_facts *f = &c->facts;

    _Static_assert(LIBRARIES_MAX == DOCTOR_LIBRARIES_MAX, "one for one");
    f->libraries = libraries(c->library);
    for (size_t n = 0; n < f->libraries; n++)
        f->library[n] =
            (struct doctor_library){c->library[n].name, c->library[n].built, c->library[n].runs};
}

struct checkup *checkup_new(const struct checkup_conf *conf, struct err *e)
{
    struct checkup *c = mem_zero(1, sizeof *c);

    c->conf = *conf;
    http_client_setup();
    service(c);
    computer(c);
    library_versions(c);
    checkup_links(c);
    checkup_firewall(c); /* starts programs: before the threads of the next */
    if (!checkup_peers(c, e))
        e->code = 0;
    return c;
}

const struct doctor_facts *checkup_facts(const struct checkup *c)
{
    return &c->facts;
}

void checkup_free(struct checkup *c)
{
    if (!c)
        return;
    for (size_t n = 0; n < sizeof c->shown / sizeof *c->shown; n++)
        mem_free(c->shown[n]);
    for (size_t n = 0; n < c->facts.missings; n++)
        mem_free(c->missing[n]);
    for (size_t n = 0; n < c->items; n++)
        mem_free(c->item[n]);
    mem_free(c->item);
    mem_free(c->list);
    mem_free(c->version);
    mem_free(c);
}
