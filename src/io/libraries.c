#include "io/libraries.h"

#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <microhttpd.h>
#include <ncurses.h>
#include <nettle/version.h>
#include <qrencode.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>
#include <uv.h>

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x) /* of a macro's value */

/* A version may stand behind words: "ncurses 6.4.20221231". */
static void put(struct library *l, const char *name, const char *built, const char *runs)
{
    l->name = name;
    snprintf(l->built, sizeof l->built, "%s", built);
    snprintf(l->runs, sizeof l->runs, "%s", runs + strcspn(runs, "0123456789"));
}

size_t libraries(struct library out[LIBRARIES_MAX])
{
    char built[LIBRARY_VERSION_MAX], runs[LIBRARY_VERSION_MAX];
    size_t n = 0;

    put(&out[n++], "libuv",
        TEXT(UV_VERSION_MAJOR) "." TEXT(UV_VERSION_MINOR) "." TEXT(UV_VERSION_PATCH),
        uv_version_string());
    /* 0x00097500 is 0.9.75: two decimal digits a byte, the last for builds between two releases */
    snprintf(built, sizeof built, "%x.%x.%x", (unsigned)MHD_VERSION >> 24,
             (unsigned)MHD_VERSION >> 16 & 0xff, (unsigned)MHD_VERSION >> 8 & 0xff);
    put(&out[n++], "libmicrohttpd", built, MHD_get_version());
    put(&out[n++], "libcurl", LIBCURL_VERSION, curl_version_info(CURLVERSION_NOW)->version);
    put(&out[n++], "GnuTLS", GNUTLS_VERSION, gnutls_check_version(NULL));
    snprintf(runs, sizeof runs, "%d.%d", nettle_version_major(), nettle_version_minor());
    put(&out[n++], "nettle", TEXT(NETTLE_VERSION_MAJOR) "." TEXT(NETTLE_VERSION_MINOR), runs);
    put(&out[n++], "libsodium", SODIUM_VERSION_STRING, sodium_version_string());
    put(&out[n++], "SQLite", SQLITE_VERSION, sqlite3_libversion());
    put(&out[n++], "utf8proc",
        TEXT(UTF8PROC_VERSION_MAJOR) "." TEXT(UTF8PROC_VERSION_MINOR) "." TEXT(
            UTF8PROC_VERSION_PATCH),
        utf8proc_version());
    put(&out[n++], "jansson", JANSSON_VERSION, jansson_version_str());
    put(&out[n++], "libqrencode", "", QRcode_APIVersionString());
    put(&out[n++], "ncurses", NCURSES_VERSION, curses_version());
    return n;
}
