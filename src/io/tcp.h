/* What the kernel knows of a TCP connection. Alone here, because <linux/tcp.h> does not get along
 * with <netinet/tcp.h>. Any thread. */
#pragma once

#include <stdint.h>

/* Bytes that the other side has acknowledged or sent; what lies in our send buffer does not count.
 * 0 when unknown. */
uint64_t tcp_moved(int fd);
