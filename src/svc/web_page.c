#include "svc/web_page.h"

#include "base/str.h"
#include "svc/web_files.h"

#include <stdio.h>
#include <string.h>

void web_page_headers(struct http_request *rq)
{
    http_reply_header(rq, "Content-Security-Policy",
                      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                      "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                      "frame-ancestors 'none'; require-trusted-types-for 'script'; "
                      "trusted-types 'none'");
    http_reply_header(rq, "X-Content-Type-Options", "nosniff");
    http_reply_header(rq, "Referrer-Policy", "no-referrer");
    http_reply_header(rq, "Cross-Origin-Opener-Policy", "same-origin");
    http_reply_header(rq, "Cross-Origin-Resource-Policy", "same-origin");
    http_reply_header(rq, "Cache-Control", "no-store");
}

bool web_page_bearer(const struct http_request *rq, char token[WEBLINK_TOKEN_LEN + 1])
{
    static const char scheme[] = "Bearer ";
    const char *text = http_header(rq, "Authorization"), *rest;
    char path[WEBLINK_TOKEN_LEN + 3];

    if (!text || strlen(text) != sizeof scheme - 1 + WEBLINK_TOKEN_LEN ||
        strncasecmp(text, scheme, sizeof scheme - 1) != 0)
        return false;
    snprintf(path, sizeof path, "/%s/", text + sizeof scheme - 1);
    return weblink_split(path, token, &rest) && !*rest;
}

bool web_page_same_origin(const struct http_request *rq)
{
    const char *origin = http_header(rq, "Origin"), *host = http_header(rq, "Host");
    const char *site = http_header(rq, "Sec-Fetch-Site");
    static const char scheme[] = "http://";

    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return false;
    if (!origin)
        return strcmp(http_method(rq), "POST") != 0;
    return !strncmp(origin, scheme, sizeof scheme - 1) &&
           !strcasecmp(origin + sizeof scheme - 1, host);
}

void web_page_file(struct http_request *rq, const char *path)
{
    struct web_file f;

    if (web_file(path, &f))
        http_reply(rq, 200, f.type, f.data, f.len);
    else
        http_reply_text(rq, 404, "nothing here");
}
