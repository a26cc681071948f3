/* A program that knows nothing of iwant: one request over a plain connection, for the tests of play
 * and door. */
#pragma once

#include "base/buf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Connect to port on 127.0.0.1; -1: nobody listens. */
static int web_connect(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval most = {20, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    if (!connect(fd, (struct sockaddr *)&at, sizeof at))
        return fd;
    close(fd);
    return -1;
}

/* Ask; the answer is read with web_answer. extra: header lines, each with its line end, or "". */
static int web_ask(uint16_t port, const char *method, const char *path, const char *extra)
{
    struct buf b = {0};
    int fd = web_connect(port);

    if (fd < 0)
        return -1;
    buf_printf(&b, "%s %s HTTP/1.1\r\n%s%sConnection: close\r\n\r\n", method, path,
               strstr(extra, "Host:") ? "" : "Host: 127.0.0.1\r\n", extra);
    if (write(fd, b.data, b.len) != (ssize_t)b.len)
        abort();
    buf_free(&b);
    return fd;
}

/* The status, 0 for none; the whole answer in to, its body behind the first empty line. */
static int web_answer(int fd, struct buf *to)
{
    char block[4096];
    ssize_t n;
    int status = 0;

    while ((n = read(fd, block, sizeof block)) > 0)
        buf_add(to, block, (size_t)n);
    close(fd);
    (void)sscanf(buf_cstr(to), "HTTP/1.1 %d", &status);
    return status;
}

static const char *web_body(const struct buf *answer)
{
    const char *end = strstr(buf_cstr(answer), "\r\n\r\n");

    return end ? end + 4 : "";
}

static int web_status(uint16_t port, const char *method, const char *path, const char *extra)
{
    struct buf b = {0};
    int fd = web_ask(port, method, path, extra), status = fd < 0 ? -1 : web_answer(fd, &b);

    buf_free(&b);
    return status;
}
