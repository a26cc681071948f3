/* status as text: name and value on each line, for people and pipes alike. */
#include "iwanto/out.h"

#include "base/buf.h"
#include "base/str.h"

#include <string.h>

static void say(struct out *o, const char *name, const char *value)
{
    struct buf b = {0};

    if (o->people)
        fprintf(o->to, "%-11s %s\n", name, out_shown(&b, value));
    else
        fprintf(o->to, "%s\t%s\n", name, out_shown(&b, value));
    buf_free(&b);
}

static void say_number(struct out *o, const char *name, uint64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    say(o, name, text);
}

static const char *name_of(const json_t *peer)
{
    return out_str(peer, "name")[0] ? out_str(peer, "name") : out_str(peer, "peer");
}

static void say_leader(struct out *o, const json_t *status)
{
    const json_t *leader = json_object_get(status, "leader");
    struct buf b = {0};

    if (!json_is_object(leader)) {
        say(o, "leader", "none yet");
        return;
    }
    buf_str(&b, name_of(leader));
    if (o->people)
        buf_printf(&b, "%s, term %llu", out_yes(leader, "self") ? " (this one)" : "",
                   (unsigned long long)out_num(status, "term"));
    say(o, "leader", buf_cstr(&b));
    buf_free(&b);
}

/* A length of time that is never but null when there is none. */
static void say_ms(struct out *o, const char *name, const json_t *status, const char *key)
{
    if (json_is_integer(json_object_get(status, key)))
        say_number(o, name, out_num(status, key));
}

static const char *span(const json_t *status, const char *key, char out[STR_SIZE_MAX])
{
    return str_duration(out_num(status, key) / 1000, out);
}

static const char *role_words(const json_t *status)
{
    static const char *const words[][2] = {{"leader", "leader"},
                                           {"alone", "leader, but hears none of the others now"},
                                           {"standby", "stands by"},
                                           {"looking", "looks for a leader"}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i][0], out_str(status, "role")))
            return words[i][1];
    return "member";
}

static void say_role(struct out *o, const json_t *status)
{
    const json_t *loss = json_object_get(status, "loss_permille");
    char text[STR_SIZE_MAX];
    struct buf b = {0};

    if (!out_str(status, "role")[0])
        return;
    if (!o->people) {
        say(o, "role", out_str(status, "role"));
        say_ms(o, "role-ms", status, "role_ms");
        say_ms(o, "member-ms", status, "member_ms");
        say_number(o, "term", out_num(status, "term"));
        say_ms(o, "loss-permille", status, "loss_permille");
        return;
    }
    buf_printf(&b, "%s for %s", role_words(status), span(status, "role_ms", text));
    if (json_is_integer(json_object_get(status, "member_ms")) &&
        strcmp(out_str(status, "role"), "member"))
        buf_printf(&b, "; member for %s", span(status, "member_ms", text));
    if (json_is_integer(loss))
        buf_printf(&b, "; %.1f %% loss to the leader",
                   (double)out_num(status, "loss_permille") / 10);
    say(o, "role", b.data);
    buf_free(&b);
}

static void say_standbys(struct out *o, const json_t *status)
{
    const json_t *list = json_object_get(status, "standbys"), *row;
    struct buf b = {0};
    size_t i;

    OUT_EACH (list, i, row) {
        if (!o->people) {
            say(o, out_yes(row, "warm") ? "standby-warm" : "standby", name_of(row));
            continue;
        }
        buf_printf(&b, "%s%s", b.len ? ", " : "", name_of(row));
        if (out_yes(row, "self") || !out_yes(row, "warm"))
            buf_printf(&b, " (%s%s%s)", out_yes(row, "self") ? "this one" : "",
                       out_yes(row, "self") && !out_yes(row, "warm") ? ", " : "",
                       out_yes(row, "warm") ? "" : "still copying");
    }
    if (b.len)
        say(o, "stand-bys", b.data);
    buf_free(&b);
}

static void say_change(struct out *o, const json_t *status)
{
    char text[STR_SIZE_MAX];
    struct buf b = {0};

    if (!o->verbose || !json_is_integer(json_object_get(status, "leader_changed_ms")))
        return;
    if (!o->people) {
        say_number(o, "leader-changes", out_num(status, "leader_changes"));
        say_ms(o, "leader-changed-ms", status, "leader_changed_ms");
        say(o, "leader-changed-why", out_str(status, "leader_changed_why"));
        return;
    }
    buf_printf(&b, "%s ago: %s (%llu in all)", span(status, "leader_changed_ms", text),
               out_str(status, "leader_changed_why"),
               (unsigned long long)out_num(status, "leader_changes"));
    say(o, "new leader", b.data);
    buf_free(&b);
}

/* Folders that are looked through again and again, and what ends it. */
static void say_unwatched(struct out *o, const json_t *shared)
{
    unsigned long long unwatched = out_num(shared, "unwatched"), swept = out_num(shared, "swept");
    char text[200];

    if (out_yes(shared, "watch_limit"))
        snprintf(text, sizeof text,
                 "%llu folders are not watched, only looked through now and then; watch them with: "
                 "sysctl fs.inotify.max_user_watches=%llu",
                 unwatched, (unsigned long long)out_num(shared, "watch_need"));
    else if (swept)
        snprintf(text, sizeof text,
                 "%llu folders are looked through now and then: changes there are not all told "
                 "(network, FUSE, hard links)",
                 swept);
    else
        return;
    say(o, "note", text);
}

static void say_skipped(struct out *o, json_t *skipped)
{
    const char *sep = "";
    struct buf b = {0};
    const char *key;
    json_t *count;

    json_object_foreach (skipped, key, count) {
        if (json_integer_value(count) <= 0)
            continue;
        buf_printf(&b, "%s%lld %s", sep, (long long)json_integer_value(count), key);
        sep = ", ";
    }
    if (b.len)
        say(o, "not shared", b.data);
    buf_free(&b);
}

/* The leader does not list all of it: how much, why, and what to do. */
static void say_cut(struct out *o, const json_t *shared)
{
    struct buf b = {0};

    if (!out_str(shared, "cut")[0])
        return;
    if (out_num(shared, "unlisted"))
        buf_printf(&b, "nobody finds %llu of these files: %s",
                   (unsigned long long)out_num(shared, "unlisted"), out_str(shared, "cut"));
    else
        buf_printf(&b, "not every word of these files is found: %s", out_str(shared, "cut"));
    say(o, "trouble", b.data);
    say(o, "", "share less: another folder (iwanto share PATH), or leave some out (.iwantignore)");
    buf_free(&b);
}

static void say_shared(struct out *o, const json_t *shared)
{
    char size[STR_SIZE_MAX], left[STR_SIZE_MAX];
    struct buf b = {0};

    if (!o->people) {
        say(o, "share", out_str(shared, "folder"));
        say_number(o, "files", out_num(shared, "files"));
        say_number(o, "bytes", out_num(shared, "bytes"));
        say_number(o, "pending", out_num(shared, "pending_files"));
        say_number(o, "unlisted", out_num(shared, "unlisted"));
        return;
    }
    say(o, "sharing", out_str(shared, "folder"));
    buf_printf(&b, "%llu files, %s", (unsigned long long)out_num(shared, "files"),
               str_size(out_num(shared, "bytes"), size));
    if (out_yes(shared, "indexing"))
        buf_printf(&b, "; indexing, %llu files (%s) to go",
                   (unsigned long long)out_num(shared, "pending_files"),
                   str_size(out_num(shared, "pending_bytes"), left));
    say(o, "", b.data);
    buf_free(&b);
    say_skipped(o, json_object_get(shared, "skipped"));
    say_unwatched(o, shared);
    if (out_str(shared, "trouble")[0])
        say(o, "trouble", out_str(shared, "trouble"));
    say_cut(o, shared);
}

/* Of a leader: what it holds for all. */
static void say_catalog(struct out *o, const json_t *catalog)
{
    char size[STR_SIZE_MAX], text[160];

    if (!out_yes(catalog, "leading"))
        return;
    if (!o->people) {
        say_number(o, "catalog-files", out_num(catalog, "files"));
        say_number(o, "catalog-memory", out_num(catalog, "memory_bytes"));
        return;
    }
    snprintf(text, sizeof text, "%llu files of all peers, %s of memory%s",
             (unsigned long long)out_num(catalog, "files"),
             str_size(out_num(catalog, "memory_bytes"), size),
             out_num(catalog, "awaited") ? "; more are coming in" : "");
    say(o, "catalog", text);
}

static void say_wants(struct out *o, const json_t *wants)
{
    unsigned long long count = out_num(wants, "count"), unseen = out_num(wants, "unseen");
    char text[120];

    if (!count)
        return;
    if (!o->people) {
        say_number(o, "wants", count);
        say_number(o, "wants-found", out_num(wants, "found"));
        say_number(o, "wants-unseen", unseen);
        return;
    }
    snprintf(text, sizeof text, "%llu standing, %llu found%s", count,
             (unsigned long long)out_num(wants, "found"), unseen ? ", some new: iwanto wants" : "");
    say(o, "wishes", text);
}

static void say_peers(struct out *o, const json_t *status)
{
    uint64_t n = out_num(status, "peers");
    char text[80];

    if (o->people && n <= 1)
        snprintf(text, sizeof text, "no other peer heard yet");
    else if (o->people)
        snprintf(text, sizeof text, "%llu, this one included", (unsigned long long)n);
    else
        snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    say(o, "peers", text);
}

static void say_network(struct out *o, const json_t *status)
{
    struct buf b = {0};

    buf_str(&b, out_str(status, "network"));
    if (o->people)
        buf_str(&b, out_yes(status, "open")
                        ? " (open: anyone on this LAN can see and fetch what is shared)"
                        : " (private)");
    say(o, "network", b.data);
    buf_free(&b);
}

static void say_rates(struct out *o, const json_t *status)
{
    const json_t *downloads = json_object_get(status, "downloads");
    char down[STR_SIZE_MAX], up[STR_SIZE_MAX], text[100];

    say(o, "downloads", out_str(downloads, "folder"));
    if (o->people) {
        snprintf(text, sizeof text, "%llu active; %s/s down, %s/s up",
                 (unsigned long long)out_num(downloads, "active"),
                 str_size(out_num(downloads, "rate"), down),
                 str_size(out_num(status, "rate_up"), up));
        say(o, "", text);
        return;
    }
    say_number(o, "active", out_num(downloads, "active"));
    say_number(o, "rate-down", out_num(downloads, "rate"));
    say_number(o, "rate-up", out_num(status, "rate_up"));
}

void out_status(struct out *o, const json_t *s)
{
    say(o, "name", out_str(s, "name"));
    say_network(o, s);
    say_leader(o, s);
    say_change(o, s);
    say_standbys(o, s);
    say_role(o, s);
    say_peers(o, s);
    say(o, "interfaces", out_str(s, "interfaces")[0] ? out_str(s, "interfaces") : "none usable");
    say_number(o, "port", out_num(s, "port"));
    say_shared(o, json_object_get(s, "shared"));
    say_catalog(o, json_object_get(s, "catalog"));
    say_wants(o, json_object_get(s, "wants"));
    say_rates(o, s);
    if (!o->people) {
        say(o, "peer", out_str(s, "peer"));
        say_number(o, "pid", out_num(s, "pid"));
    }
    say(o, "version", out_str(s, "version"));
}
