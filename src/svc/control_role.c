/* What `status` tells of leading and standing by. */
#include "svc/control_priv.h"

#include "base/mem.h"
#include "io/loop.h"
#include "svc/json_text.h"
#include "svc/lan.h"

#include <string.h>

static const char *role_name(const struct elect_view *v)
{
    switch (v->role) {
    case ELECT_LEAD:
        return v->alone ? "alone" : "leader";
    case ELECT_LISTEN:
        return "looking";
    case ELECT_FOLLOW:
    case ELECT_CAND:
        for (size_t n = 0; n < v->standbys; n++)
            if (v->standby[n].self)
                return "standby";
        return "member";
    }
    return "?";
}

/* In milliseconds from now back; null when it never was. */
static json_t *ago_json(int64_t since_ms)
{
    int64_t ago = loop_now_ms() - since_ms;

    return since_ms < 0 ? json_null() : json_integer(ago > 0 ? ago : 0);
}

static json_t *standbys_json(const struct control *c, const struct elect_view *v,
                             const json_t *peers)
{
    json_t *list = json_array();

    for (size_t n = 0; n < v->standbys; n++) {
        const struct elect_standby *s = &v->standby[n];
        const json_t *name = NULL;
        char hex[NID_HEX_LEN + 1];

        nid_hex(&s->nid, hex);
        if (!s->self)
            name = control_name_of(peers, hex);
        json_array_append_new(list, json_pack("{ss so sb sb}", "peer", hex, "name",
                                              s->self ? json_text(c->conf.ident->name)
                                              : name  ? json_deep_copy(name)
                                                      : json_null(),
                                              "self", s->self, "warm", s->warm));
    }
    return list;
}

/* What we see ourselves: we come first in the list, the leader somewhere behind. */
static void put_own(struct control *c, const struct lan_status *lan, json_t *status)
{
    struct elect_peer *known = mem_zero(PEERS_MAX, sizeof *known);
    size_t count = lan_peers(c->conf.lan, known, PEERS_MAX);
    int64_t since_ms = count ? known[0].member_since_ms : -1;
    int loss = -1;

    for (size_t n = 1; n < count && n < PEERS_MAX && lan->has_leader; n++)
        if (nid_eq(&known[n].nid, &lan->leader.nid))
            loss = known[n].loss_permille;
    json_object_set_new(status, "member_ms", ago_json(lan->has_leader ? since_ms : -1));
    json_object_set_new(status, "loss_permille", loss < 0 ? json_null() : json_integer(loss));
    mem_free(known);
}

void control_put_role(struct control *c, const struct lan_status *lan, const json_t *peers,
                      json_t *status)
{
    const struct elect_view *v = &lan->view;

    json_object_set_new(status, "role", json_string(role_name(v)));
    json_object_set_new(status, "role_ms", ago_json(v->role_since_ms));
    json_object_set_new(status, "standbys", standbys_json(c, v, peers));
    put_own(c, lan, status);
    json_object_set_new(status, "leader_changes", json_integer((json_int_t)v->changes));
    json_object_set_new(status, "leader_changed_ms", ago_json(v->changed_ms));
    json_object_set_new(status, "leader_changed_why", json_string(elect_why_text(v->why)));
}
