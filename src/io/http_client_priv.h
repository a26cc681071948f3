/* Inside the HTTP client: http_client.c (libcurl on the loop, the life of a call) and http_call.c
 * (one exchange: what is asked for, what is taken, what it came to). */
#pragma once

#include "io/http_client.h"

#include <curl/curl.h>
#include <uv.h>

#define HTTP_POOL_MAX                                                                              \
    16 /* idle easy handles kept; their connections are kept by the multi handle */

struct http_client {
    uv_loop_t *uv;
    CURLM *multi;
    char *ca_file, *cert_file, *key_file, *server_name;
    uv_timer_t *curl_timer;  /* libcurl's own timeouts */
    uv_timer_t *stall_timer; /* ours */
    int64_t stall_due_ms;    /* when it fires; INT64_MAX: not */
    struct http_call *calls;
    CURL *pool[HTTP_POOL_MAX];
    unsigned pooled;
    bool inside;      /* libcurl is on the stack: it must not be entered again */
    bool later;       /* a call was started or cancelled meanwhile */
    unsigned telling; /* a done() is on the stack */
};

enum http_stage { CALL_NEW, CALL_RUNNING, CALL_DEAD };

struct http_call {
    struct http_call *prev, *next;
    struct http_client *client;
    CURL *easy;
    enum http_stage stage;
    struct curl_slist *headers, *connect_to;
    char error[CURL_ERROR_SIZE];
    /* what was asked for */
    struct addr addr;
    bool range, head_only;
    uint64_t first, len, max;
    unsigned stall_ms;
    bool (*data)(void *ctx, const void *p, size_t len);
    void (*done)(void *ctx, const struct http_answer *a, const struct buf *body);
    void *ctx;
    /* what came */
    int64_t last_ms; /* the last byte, or the start */
    size_t head_bytes;
    unsigned ranges; /* Content-Range headers */
    uint64_t range_first, range_last, range_size;
    uint64_t taken;
    struct buf body;
    struct err broke; /* why we broke it off ourselves */
};

/* Set everything on call->easy. */
void http_call_setup(struct http_call *call, const struct http_ask *ask);
/* Fill a from how it ended; stalled: we ended it. */
void http_call_result(struct http_call *call, CURLcode rc, bool stalled, struct http_answer *a);
