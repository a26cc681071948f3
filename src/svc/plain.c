#include "svc/plain.h"

#include "base/str.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

void plain_own_name(char out[PLAIN_HOST_MAX])
{
    size_t len = PLAIN_HOST_MAX;

    if (uv_os_gethostname(out, &len))
        out[0] = '\0';
}

void plain_not_found(struct http_request *rq)
{
    http_reply_text(rq, 404, "no such link, or it has ended");
}

bool plain_check(struct http_request *rq, const char *own_name, char token[WEBLINK_TOKEN_LEN + 1],
                 const char **rest)
{
    const char *method = http_method(rq), *host = http_header(rq, "Host");

    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        http_reply_header(rq, "Allow", "GET, HEAD");
        http_reply_text(rq, 405, "links are for reading");
        return false;
    }
    if (!host || !weblink_host_ok(host, own_name)) {
        http_reply_text(rq, 421, "not under this name");
        return false;
    }
    if (!weblink_split(http_path(rq), token, rest)) {
        plain_not_found(rq);
        return false;
    }
    return true;
}

void plain_headers(struct http_request *rq, const char *type)
{
    http_reply_header(rq, "Cache-Control", "no-store");
    http_reply_header(rq, "X-Content-Type-Options", "nosniff");
    http_reply_header(rq, "Referrer-Policy", "no-referrer");
    http_reply_header(rq, "Content-Security-Policy",
                      "default-src 'none'; media-src 'self'; img-src 'self'; style-src "
                      "'unsafe-inline'; frame-ancestors 'none'");
    if (!strcmp(type, "application/octet-stream"))
        http_reply_header(rq, "Content-Disposition", "attachment");
}

bool plain_range(struct http_request *rq, uint64_t size, uint64_t *first, uint64_t *len,
                 bool *ranged)
{
    int got = http_range(rq, size, first, len);
    char text[96];

    http_reply_header(rq, "Accept-Ranges", "bytes");
    if (got < 0) {
        snprintf(text, sizeof text, "bytes */%" PRIu64, size);
        http_reply_header(rq, "Content-Range", text);
        http_reply_text(rq, 416, "the range lies outside the file");
        return false;
    }
    *ranged = got > 0;
    if (*ranged) {
        snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, *first,
                 *first + *len - 1, size);
        http_reply_header(rq, "Content-Range", text);
    }
    return true;
}

void plain_token(char token[WEBLINK_TOKEN_LEN + 1])
{
    uint8_t secret[WEBLINK_TOKEN_BYTES];

    randombytes_buf(secret, sizeof secret);
    str_hex(token, secret, sizeof secret);
}
