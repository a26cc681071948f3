/* Paths as people have them, for tests and benchmarks: series, music, pictures, documents, books,
 * software, in the forms in which they lie on disks. Made from word lists and syllables; the same
 * seed gives the same paths. */
#pragma once

#include "base/rng.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAMES_PATH_MAX 700

static const char *const NAMES_NOUN[] = {
    "river",
    "mountain",
    "garden",
    "winter",
    "summer",
    "island",
    "castle",
    "forest",
    "ocean",
    "desert",
    "bridge",
    "mirror",
    "window",
    "shadow",
    "thunder",
    "silence",
    "journey",
    "harvest",
    "lantern",
    "orchard",
    "captain",
    "stranger",
    "brother",
    "daughter",
    "soldier",
    "teacher",
    "painter",
    "hunter",
    "dancer",
    "pilot",
    "station",
    "airport",
    "library",
    "kitchen",
    "village",
    "harbour",
    "theatre",
    "hospital",
    "market",
    "valley",
    "engine",
    "machine",
    "rocket",
    "satellite",
    "compass",
    "hammer",
    "needle",
    "feather",
    "diamond",
    "crystal",
    "elephant",
    "falcon",
    "tiger",
    "dolphin",
    "spider",
    "butterfly",
    "penguin",
    "squirrel",
    "leopard",
    "sparrow",
    "coffee",
    "orange",
    "cinnamon",
    "pepper",
    "honey",
    "chocolate",
    "potato",
    "cherry",
    "almond",
    "ginger",
    "monday",
    "midnight",
    "morning",
    "evening",
    "century",
    "moment",
    "season",
    "memory",
    "dream",
    "secret",
    "kingdom",
    "empire",
    "republic",
    "revolution",
    "treaty",
    "frontier",
    "horizon",
    "eclipse",
    "gravity",
    "quantum",
    "melody",
    "rhythm",
    "concert",
    "symphony",
    "guitar",
    "violin",
    "trumpet",
    "piano",
    "chorus",
    "ballad",
    "letter",
    "chapter",
    "notebook",
    "invoice",
    "report",
    "budget",
    "contract",
    "summary",
    "protocol",
    "schedule",
    "caf\xc3\xa9",
    "se\xc3\xb1or",
    "fa\xc3\xa7"
    "ade",
    "m\xc3\xbcnchen",
    "bj\xc3\xb6rk",
    "\xc5\x82\xc3\xb3"
    "d\xc5\xba",
    "\xc3\xa9toile",
    "na\xc3\xafve",
    "sm\xc3\xb8rrebr\xc3\xb8"
    "d",
    "gar\xc3\xa7on",
};
static const char *const NAMES_ADJ[] = {
    "silent",    "golden",    "broken",  "hidden",  "distant",  "frozen",   "burning",
    "crimson",   "purple",    "ancient", "modern",  "electric", "magnetic", "invisible",
    "wandering", "forgotten", "crooked", "gentle",  "savage",   "lonely",   "northern",
    "southern",  "eastern",   "western", "little",  "giant",    "hollow",   "perfect",
    "restless",  "velvet",    "silver",  "copper",  "wooden",   "paper",    "plastic",
    "annual",    "final",     "second",  "private", "public",   "Silicon",  "Breaking",
    "Lost",      "Dark",      "Happy",   "Clever",  "Strange",  "Sudden",   "Certain",
    "Brilliant",
};
static const char *const NAMES_FIRST[] = {
    "anna",   "boris",  "clara",       "david",        "elena",      "felix",
    "greta",  "henry",  "ingrid",      "jonas",        "katja",      "louis",
    "maria",  "nadine", "oscar",       "paula",        "quentin",    "rosa",
    "stefan", "tanja",  "ursula",      "viktor",       "wanda",      "xavier",
    "yvonne", "zoltan", "jos\xc3\xa9", "andr\xc3\xa9", "zo\xc3\xab", "s\xc3\xb8ren",
};
static const char *const NAMES_SYLLABLE[] = {
    "ba",  "ber", "cha", "dor", "el",  "fen",  "gar",  "hol",  "in",   "jo",
    "kel", "lam", "mor", "nis", "or",  "pan",  "ques", "ri",   "stro", "tal",
    "ul",  "van", "wes", "xan", "yor", "zim",  "ko",   "ler",  "mann", "son",
    "ski", "vic", "tor", "ius", "ano", "elli", "berg", "dale", "ford", "wick",
};
static const char *const NAMES_TAIL[] = {
    ".720p.HDTV.x264-LOL.mkv", ".1080p.WEB-DL.DD5.1.H264.mkv", ".mp4", ".HDTV.XviD-FoV.avi",
    ".german.dl.mkv",
};

#define NAMES_OF(list, rng) ((list)[rng_below(rng, sizeof(list) / sizeof *(list))])

/* Small numbers far more often than large ones. */
static inline uint64_t names_skewed(struct rng *r, uint64_t n)
{
    uint64_t a = rng_below(r, n) + 1;

    return rng_below(r, rng_below(r, a) + 1);
}

/* A surname: a few thousand common ones, many that are rare. */
static inline void names_surname(struct rng *r, char out[64])
{
    struct rng own;
    size_t len = 0, n;

    rng_seed(&own, names_skewed(r, 200000));
    n = 2 + rng_below(&own, 2);
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(out + len, 64 - len, "%s", NAMES_OF(NAMES_SYLLABLE, &own));
}

static inline void names_title(struct rng *r, char out[160])
{
    char surname[64];

    names_surname(r, surname);
    switch (rng_below(r, 6)) {
    case 0:
        snprintf(out, 160, "The %s %s", NAMES_OF(NAMES_ADJ, r), NAMES_OF(NAMES_NOUN, r));
        break;
    case 1:
        snprintf(out, 160, "%s of the %s", NAMES_OF(NAMES_NOUN, r), NAMES_OF(NAMES_NOUN, r));
        break;
    case 2:
        snprintf(out, 160, "%s %s", NAMES_OF(NAMES_ADJ, r), surname);
        break;
    case 3:
        snprintf(out, 160, "%s and the %s %s", surname, NAMES_OF(NAMES_ADJ, r),
                 NAMES_OF(NAMES_NOUN, r));
        break;
    case 4:
        snprintf(out, 160, "%s %s", NAMES_OF(NAMES_FIRST, r), surname);
        break;
    default:
        snprintf(out, 160, "%s's %s", surname, NAMES_OF(NAMES_NOUN, r));
    }
}

/* Spaces become dots, underscores, hyphens; or words begin with capitals. */
static inline void names_dress(struct rng *r, char *title)
{
    static const char separators[] = "    ._-";
    char with = separators[rng_below(r, sizeof separators - 1)];
    bool capitals = rng_below(r, 2), start = true;

    for (char *p = title; *p; p++) {
        if (capitals && start && *p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
        start = *p == ' ';
        if (start)
            *p = with;
    }
}

/* The next path; folders come back with other files in them. */
static inline void names_path(struct rng *r, char out[NAMES_PATH_MAX])
{
    char set[160], own[160], who[64];
    uint64_t kind = rng_below(r, 10), year = 1960 + rng_below(r, 66);
    struct rng folder;

    rng_seed(&folder, names_skewed(r, 300) * 16 + kind);
    names_title(&folder, set);
    names_surname(&folder, who);
    names_title(r, own);
    names_dress(r, own);
    switch (kind) {
    case 0:
    case 1:
        snprintf(out, NAMES_PATH_MAX, "Series/%s/Season %d/%s.S%02dE%02d.%s%s", set, 1, set, 1,
                 (int)rng_below(r, 24) + 1, own, NAMES_OF(NAMES_TAIL, &folder));
        break;
    case 2:
        snprintf(out, NAMES_PATH_MAX, "Films/%s (%d)/%s.%d%s", own, (int)year, own, (int)year,
                 NAMES_OF(NAMES_TAIL, r));
        break;
    case 3:
    case 4:
    case 5:
        snprintf(out, NAMES_PATH_MAX, "Music/%s %s/%d - %s/%02d - %s.mp3",
                 NAMES_OF(NAMES_FIRST, &folder), who, (int)(1960 + rng_below(&folder, 66)), set,
                 (int)rng_below(r, 16) + 1, own);
        break;
    case 6:
        snprintf(out, NAMES_PATH_MAX, "Pictures/%d/%s/IMG_%04d.JPG",
                 (int)(2000 + rng_below(&folder, 26)), set, (int)rng_below(r, 10000));
        break;
    case 7:
        snprintf(out, NAMES_PATH_MAX, "Documents/%s/%s %d v%d.%s", set, own, (int)year,
                 (int)rng_below(r, 4) + 1, rng_below(r, 2) ? "docx" : "pdf");
        break;
    case 8:
        snprintf(out, NAMES_PATH_MAX, "Books/%s %s/%s.epub", NAMES_OF(NAMES_FIRST, &folder), who,
                 own);
        break;
    default:
        snprintf(out, NAMES_PATH_MAX, "Software/%s/%s-%d.%d.%d.tar.gz", who, own,
                 (int)rng_below(r, 5), (int)rng_below(r, 20), (int)rng_below(r, 9));
    }
}
