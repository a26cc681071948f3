/* Part of elect_lan.c: the LAN is made, hosts come, go, sleep and are cut off. */

void lan_open(int hosts, uint64_t seed, unsigned loss_pct)
{
    uint8_t group[32];

    lan.hosts = hosts;
    lan.loss_pct = loss_pct;
    lan.now_us = SECOND;
    lan.replays = lan.bursts = lan.shuffles = lan.quiet = lan.apart = lan.plain = false;
    lan.shares = lan.missed = false;
    memset(lan.bridge, 0, sizeof lan.bridge);
    lan.multicast_bytes = lan.unicast_bytes = lan.datagrams = lan.takeovers = 0;
    rng_seed(&lan.rng, seed);
    seal_open_group(group, "lan");
    seal_derive(&world.net, group);
    seal_open_group(group, "lab");
    seal_derive(&world.foreign, group);
    for (int i = 0; i < hosts; i++) {
        struct host *h = &lan.host[i];
        uint8_t seed_of[32] = {(uint8_t)(i + 1), (uint8_t)((i + 1) >> 8)};

        memset(h, 0, sizeof *h);
        seal_key_from_seed(&h->conf.key, seed_of);
        seal_nid(&h->nid, h->conf.key.pub);
        h->conf.tcp_port = (uint16_t)(2000 + i);
        h->conf.generation = 1;
        h->conf.number = (uint64_t)i;
        h->udp = (struct addr){.family = 4, .port = (uint16_t)(1000 + i)};
        h->udp.ip[0] = 10;
        h->udp.ip[1] = (uint8_t)(i / 250);
        h->udp.ip[3] = (uint8_t)(i % 250 + 1);
        h->timer_us = h->cut_us = h->grace_us = -1;
    }
}

void lan_close(void)
{
    for (int i = 0; i < lan.hosts; i++)
        elect_free(lan.host[i].e);
    shares_close();
    while (world.all) {
        struct packet *p = world.all;

        mem_free(p->heard);
        world.all = p->all;
        mem_free(p);
    }
    mem_free(world.heap);
    memset(&world, 0, sizeof world);
    memset(lan.host, 0, (size_t)lan.hosts * sizeof *lan.host);
}

void lan_start(int i)
{
    struct host *h = &lan.host[i];

    if (h->e)
        return;
    if (lan.shares)
        shares_up(i);
    h->conf.inc = (uint32_t)++h->boots;
    h->life++;
    h->conf.sen = (uint64_t)(1700000000000ll + h->clock_ms + lan.now_us / MS) << 16 |
                  rng_below(&lan.rng, 65536);
    h->sen = h->conf.sen;
    h->restamped_ms = 0;
    h->told_term = 0;
    h->told_leader = h->told_leads = h->refuses = false;
    h->clean_us = lan.now_us;
    memset(h->up, 0, sizeof h->up);
    h->e = elect_new(&h->conf, rng_next(&lan.rng));
    tell(i, "start");
    lan_event(i, &(struct elect_in){.kind = ELECT_START});
}

void lan_crash(int i, bool refuses)
{
    struct host *h = &lan.host[i];

    if (!h->e)
        return;
    tell(i, "X");
    if (lan.shares)
        shares_down(i, !h->e->leaving);
    elect_free(h->e);
    h->e = NULL;
    h->timer_us = h->cut_us = -1;
    h->timer_no++;
    h->asleep_us = 0;
    h->refuses = refuses;
    h->told_leads = h->told_leader = false;
    for (int k = 0; refuses && k < lan.hosts; k++) { /* the streams of its stand-bys break */
        const struct host *s = &lan.host[k];
        struct elect_view v = {0};
        bool follows =
            s->e && !s->asleep_us && ballot_is(&s->e->cur) && nid_eq(&s->e->cur.leader, &h->nid);

        if (follows)
            elect_view(s->e, &v);
        for (size_t n = 0; n < v.standbys; n++)
            if (v.standby[n].self && reaches(i, k) && reaches(k, i))
                refuse(k, &h->udp);
    }
}

void lan_leave(int i)
{
    struct host *h = &lan.host[i];

    if (!h->e)
        return;
    tell(i, "leave");
    lan_event(i, &(struct elect_in){.kind = ELECT_LEAVE});
    for (int k = 0; k < 50 && elect_due_ms(h->e) != INT64_MAX; k++)
        lan_run(10 * MS);
    if (elect_due_ms(h->e) != INT64_MAX)
        lan_fail("%s does not come to an end of leaving", name(i));
    lan_crash(i, true);
}

void lan_sleep(int i, int64_t us)
{
    struct host *h = &lan.host[i];

    if (!h->e || h->asleep_us)
        return;
    tell(i, "sleep");
    h->asleep_us = lan.now_us + us;
    h->slept_us = lan.now_us;
    h->cut_us = -1;
    schedule(i);
    push((struct event){.at_us = h->asleep_us, .kind = WAKE, .to = i});
}

void lan_clocks(void)
{
    for (int i = 0; i < lan.hosts; i++)
        lan.host[i].clock_ms = chance(200)   ? -1700000000000ll
                               : chance(400) ? between(-30000000000ll, 30000000000ll)
                                             : 0;
}

void lan_cut(int i, int group)
{
    lan.host[i].group = group;
    lan.host[i].clean_us = lan.now_us;
}

void lan_deaf(int i, bool deaf)
{
    lan.host[i].deaf = deaf;
    lan.host[i].clean_us = lan.now_us;
}

void lan_mute(int i, bool mute)
{
    lan.host[i].mute = mute;
    lan.host[i].clean_us = lan.now_us;
}

void lan_heal(void)
{
    memset(lan.bridge, 0, sizeof lan.bridge);
    for (int i = 0; i < lan.hosts; i++) {
        lan_cut(i, 0);
        lan_deaf(i, false);
        lan_mute(i, false);
    }
}

void lan_catalog(int i, uint64_t number)
{
    struct host *h = &lan.host[i];

    h->conf.number = number;
    if (lan.shares)
        shares_catalog(i, number);
    if (awake(i))
        lan_event(i, &(struct elect_in){.kind = ELECT_CATALOG,
                                        .generation = h->conf.generation,
                                        .number = h->conf.number});
}

void lan_move(int i, unsigned port, bool notices)
{
    lan.host[i].udp.port = (uint16_t)port;
    lan.host[i].udp.ip[2] = (uint8_t)port;
    lan.host[i].clean_us = lan.now_us;
    if (notices && awake(i))
        lan_event(i, &(struct elect_in){.kind = ELECT_LINK});
}
