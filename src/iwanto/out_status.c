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

static void say_leader(struct out *o, const json_t *status)
{
    const json_t *leader = json_object_get(status, "leader");
    struct buf b = {0};

    if (!json_is_object(leader)) {
        say(o, "leader", "none yet");
        return;
    }
    buf_str(&b, out_str(leader, "name")[0] ? out_str(leader, "name") : out_str(leader, "peer"));
    if (o->people && out_yes(leader, "self"))
        buf_str(&b, " (this one)");
    say(o, "leader", buf_cstr(&b));
    buf_free(&b);
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

static void say_shared(struct out *o, const json_t *shared)
{
    char size[STR_SIZE_MAX], left[STR_SIZE_MAX];
    struct buf b = {0};

    if (!o->people) {
        say(o, "share", out_str(shared, "folder"));
        say_number(o, "files", out_num(shared, "files"));
        say_number(o, "bytes", out_num(shared, "bytes"));
        say_number(o, "pending", out_num(shared, "pending_files"));
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
    if (out_yes(shared, "watch_limit"))
        say(o, "note", "too many folders to watch: changes are found by rescans");
    if (out_str(shared, "trouble")[0])
        say(o, "trouble", out_str(shared, "trouble"));
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
    say_peers(o, s);
    say(o, "interfaces", out_str(s, "interfaces")[0] ? out_str(s, "interfaces") : "none usable");
    say_number(o, "port", out_num(s, "port"));
    say_shared(o, json_object_get(s, "shared"));
    say_rates(o, s);
    if (!o->people) {
        say(o, "peer", out_str(s, "peer"));
        say_number(o, "pid", out_num(s, "pid"));
    }
    say(o, "version", out_str(s, "version"));
}
