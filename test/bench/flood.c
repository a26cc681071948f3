/* Invalid datagrams at a steady rate: flood ADDRESS PORT PER_SECOND SECONDS KIND [TAG]. KIND is
 * junk (another program's), foreign (another network's), or sealed (ours by its looks: TAG is four
 * hex digits; the box does not open). Prints how many were sent. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 32
#define LEN   300

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fill(uint8_t *d, const char *kind, unsigned tag)
{
    for (size_t i = 0; i < LEN; i++)
        d[i] = (uint8_t)(rand() >> 7);
    if (!strcmp(kind, "junk"))
        return;
    memcpy(d, "iW\1", 4);
    if (!strcmp(kind, "foreign"))
        tag = ~tag;
    d[4] = (uint8_t)(tag >> 8);
    d[5] = (uint8_t)tag;
}

int main(int argc, char **argv)
{
    static uint8_t data[BATCH][LEN];
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct mmsghdr m[BATCH] = {0};
    struct iovec v[BATCH];
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    double begin = now_s(), rate, seconds;
    uint64_t sent = 0;

    if (argc < 6 || fd < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
        return 2;
    to.sin_port = htons((uint16_t)atoi(argv[2]));
    rate = atof(argv[3]);
    seconds = atof(argv[4]);
    for (size_t i = 0; i < BATCH; i++) {
        fill(data[i], argv[5], argc > 6 ? (unsigned)strtoul(argv[6], NULL, 16) : 0);
        v[i] = (struct iovec){data[i], LEN};
        m[i].msg_hdr = (struct msghdr){
            .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &v[i], .msg_iovlen = 1};
    }
    while (now_s() - begin < seconds) {
        struct timespec pause = {.tv_nsec = 200000};
        int n;

        if ((double)sent > (now_s() - begin) * rate) {
            nanosleep(&pause, NULL);
            continue;
        }
        n = sendmmsg(fd, m, BATCH, 0);
        if (n > 0)
            sent += (uint64_t)n;
    }
    printf("%llu\n", (unsigned long long)sent);
    return 0;
}
