/* Part of elect_lan.c: does each catalog show all that is shared, and nothing else? */

static bool has_row(int leader, int owner, const struct row *r)
{
    struct catalog_holder found[SHARERS_MAX * PATHS];
    size_t n = catalog_holders(houses[leader].catalog, &r->hash, found, SHARERS_MAX * PATHS);
    bool has = false;

    n = n < SHARERS_MAX * PATHS ? n : SHARERS_MAX * PATHS;
    for (size_t k = 0; k < n; k++)
        has = has || nid_eq(&found[k].peer, &lan.host[owner].nid);
    catalog_holders_done(found, n);
    return has;
}

/* The catalog of a leader shows each row of who is well and in its group, and not one more. Its own
 * rows it takes from its disk, not over the network. */
static bool shows_all(int leader)
{
    struct catalog_stats s;
    size_t files = 0;

    for (int k = 0; k < lan.hosts; k++) {
        if (k == leader || !healthy(k) || lan.host[k].group != lan.host[leader].group)
            continue;
        for (int at = 0; at < PATHS; at++) {
            char path[16];
            struct row r = row_of(k, at, path);

            if (!r.number || r.kind == ROW_GONE)
                continue;
            if (!has_row(leader, k, &r))
                return false;
            files++;
        }
    }
    catalog_stats(houses[leader].catalog, &s);
    return s.files == files;
}

bool lan_union(void)
{
    for (int i = 0; lan.shares && i < lan.hosts; i++) {
        if (!houses[i].catalog)
            continue;
        sweep(i);
        catalog_settle(houses[i].catalog);
        if (healthy(i) && lan.host[i].e->role == ELECT_LEAD && !shows_all(i))
            return false;
    }
    return true;
}

bool lan_warm(int i)
{
    return lan.shares && houses[i].catalog && houses[i].role == STANDING_BY && houses[i].warm;
}

uint64_t lan_rows_in(int i)
{
    return lan.shares ? houses[i].rows_in : 0;
}
