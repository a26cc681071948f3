/* Part of sim_elect.c: stories, one for each kind of flaw that elections of this sort have had,
 * told as a transcript and compared with test/sim/stories. No losses, one seed. */

static void note(const char *text)
{
    buf_printf(lan.log, "-- %s\n", text);
}

/* Five hosts, a to e, each a second after the one before, so that a leads and b and c stand by. */
static void five(void)
{
    for (int i = 0; i < lan.hosts; i++) {
        lan_start(i);
        lan_run(SECOND);
    }
    buf_reset(lan.log);
}

static void story_one_deaf_peer(void)
{
    five();
    note("b, first to succeed, hears nothing for 20 s: it leads itself, and nobody follows");
    lan_deaf(1, true);
    lan_run(20 * SECOND);
    note("b hears again");
    lan_heal();
    lan_run(10 * SECOND);
}

static void story_forged_evidence(void)
{
    five();
    note("b is told twenty times that a's port is refused, and that c can't be reached");
    for (int k = 0; k < 20; k++) {
        lan_event(1, &(struct elect_in){.kind = ELECT_REFUSED, .from = lan.host[0].udp});
        lan_event(1, &(struct elect_in){.kind = ELECT_REPORT, .nid = lan.host[2].nid});
        lan_run(200 * MS);
    }
}

static void story_played_back(void)
{
    five();
    note("somebody plays back what was said, for a minute");
    lan.replays = true;
    lan_run(60 * SECOND);
}

static void story_mute_leader(void)
{
    five();
    note("a hears all, but nobody hears a");
    lan_mute(0, true);
    lan_run(5 * SECOND);
    note("a is heard again: it gives way, and does not come back to the lead");
    lan_heal();
    lan_run(10 * SECOND);
}

static void story_one_way_rival(void)
{
    five();
    note("d and e are cut off");
    lan_cut(3, 1);
    lan_cut(4, 1);
    lan_run(15 * SECOND);
    note("their leader hears a, a does not hear it: nobody moves");
    lan.bridge[0][1] = true;
    lan_run(10 * SECOND);
    note("both ways");
    lan_heal();
    lan_run(5 * SECOND);
}

static void story_wrong_clock(void)
{
    lan.host[4].clock_ms = -1700000000000ll;
    five();
    note("e, whose clock stands at 1970, came last and is the youngest: four die in turn, it leads "
         "last");
    for (int i = 0; i < 4; i++) {
        lan_crash(i, true);
        lan_run(3 * SECOND);
    }
}

static void story_visitor(void)
{
    lan_cut(4, 1);
    lan_start(4);
    lan_run(5 * SECOND);
    lan.hosts--;
    five();
    lan.hosts++;
    note("e, older than all, led itself elsewhere, and comes");
    lan_heal();
    lan_run(5 * SECOND);
}

static void story_deaf_successor(void)
{
    five();
    note("a dies; b takes over, but hears nobody: the others find another one");
    lan_deaf(1, true);
    lan_crash(0, false);
    lan_run(10 * SECOND);
    note("b hears again");
    lan_heal();
    lan_run(5 * SECOND);
}

static void story_detector_dies(void)
{
    five();
    note("a loses power, and b and c with it");
    lan_crash(0, false);
    lan_crash(1, false);
    lan_crash(2, false);
    lan_run(10 * SECOND);
}

static void story_lost_answer(void)
{
    lan.hosts--;
    five();
    lan.hosts++;
    note("e comes up, and for a second does not get an answer: it leads nobody but itself");
    lan_deaf(4, true);
    lan_start(4);
    lan_run(400 * MS);
    lan_heal();
    lan_run(5 * SECOND);
}

static void story_successor_unheard(void)
{
    five();
    note("a is killed; what b says when it takes over is lost for half a second");
    lan_crash(0, true);
    lan_run(60 * MS);
    lan_mute(1, true);
    lan_run(500 * MS);
    lan_heal();
    lan_run(5 * SECOND);
}

static void story_leaves(void)
{
    five();
    note("a stops: b leads before a is gone");
    lan_leave(0);
    lan_run(3 * SECOND);
}

static void story_silent_crash(void)
{
    five();
    note("e loses power: a asks before it counts it as gone");
    lan_crash(4, false);
    lan_run(9 * SECOND);
    note("d loses power, and c could not download from it");
    lan_crash(3, false);
    lan_event(2, &(struct elect_in){.kind = ELECT_REPORT, .nid = lan.host[3].nid});
    lan_run(500 * MS);
}

static void story_the_dead_stay_dead(void)
{
    five();
    note("e and a lose power: b does not inherit e");
    lan_crash(4, false);
    lan_crash(0, false);
    lan_run(10 * SECOND);
}

static void story_quick_restart(void)
{
    five();
    note("a is back after 30 ms, with nothing but its name");
    lan_crash(0, false);
    lan_run(30 * MS);
    lan_start(0);
    lan_run(5 * SECOND);
}

static void story_sleeper(void)
{
    five();
    note("a sleeps for ten minutes, and wakes as the youngest");
    lan_sleep(0, 600 * SECOND);
    lan_run(610 * SECOND);
    note("b, c, d and e lose power: only now a leads");
    for (int i = 1; i < 5; i++) {
        lan_crash(i, false);
        lan_run(5 * SECOND);
    }
}

static void story_hiccups(void)
{
    five();
    note("a stands still thirty times, for 40 to 190 ms");
    for (int k = 0; k < 30; k++) {
        lan_sleep(0, (40 + k * 5) * MS);
        lan_run(SECOND);
    }
}

static void story_cut_in_two(void)
{
    five();
    note("d and e are cut off");
    lan_cut(3, 1);
    lan_cut(4, 1);
    lan_run(15 * SECOND);
    note("the cut heals: the side with more followers goes on");
    lan_heal();
    lan_run(5 * SECOND);
}

static const struct story {
    const char *name;
    void (*tell)(void);
} stories[] = {
    {"one-deaf-peer", story_one_deaf_peer},
    {"forged-evidence", story_forged_evidence},
    {"played-back", story_played_back},
    {"mute-leader", story_mute_leader},
    {"one-way-rival", story_one_way_rival},
    {"wrong-clock", story_wrong_clock},
    {"visitor", story_visitor},
    {"deaf-successor", story_deaf_successor},
    {"detector-dies", story_detector_dies},
    {"lost-answer", story_lost_answer},
    {"successor-unheard", story_successor_unheard},
    {"leaves", story_leaves},
    {"silent-crash", story_silent_crash},
    {"the-dead-stay-dead", story_the_dead_stay_dead},
    {"quick-restart", story_quick_restart},
    {"sleeper", story_sleeper},
    {"hiccups", story_hiccups},
    {"cut-in-two", story_cut_in_two},
};
#define STORIES (sizeof stories / sizeof *stories)

/* The expected text; "" when there is none. */
static void read_story(struct buf *text, const char *path)
{
    FILE *f = fopen(path, "r");
    int c;

    while (f && (c = getc(f)) != EOF)
        buf_u8(text, (uint8_t)c);
    if (f)
        fclose(f);
}

static bool story_holds(const struct story *s, bool rewrite)
{
    struct buf told = {0}, want = {0};
    char path[100];
    bool same;
    FILE *f;

    snprintf(path, sizeof path, "test/sim/stories/%s.out", s->name);
    lan_open(5, 1, 0);
    lan.log = &told;
    if (setjmp(lan.failed))
        buf_printf(&told, "FAILED: %s\n", lan.why);
    else
        s->tell();
    lan.log = NULL;
    lan_close();
    read_story(&want, path);
    same = !strcmp(buf_cstr(&told), buf_cstr(&want));
    if (rewrite && !same && (f = fopen(path, "w"))) {
        fputs(buf_cstr(&told), f);
        same = !fclose(f);
    }
    if (!same)
        printf("FAILED: the story %s is another one than in %s:\n%s", s->name, path,
               buf_cstr(&told));
    buf_free(&told);
    buf_free(&want);
    return same;
}
