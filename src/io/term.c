#include "io/term.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define COLUMNS_MIN 20u
#define ROWS_MIN    2u

bool term_is(int fd)
{
    return isatty(fd) == 1;
}

static unsigned or_else(unsigned n, const char *name, unsigned otherwise)
{
    const char *set = getenv(name);

    if (!n && set)
        n = (unsigned)strtoul(set, NULL, 10) % 10000;
    return n ? n : otherwise;
}

unsigned term_columns(int fd)
{
    struct winsize w = {0};
    unsigned n;

    (void)ioctl(fd, TIOCGWINSZ, &w);
    n = or_else(w.ws_col, "COLUMNS", 80);
    return n < COLUMNS_MIN ? COLUMNS_MIN : n;
}

unsigned term_rows(int fd)
{
    struct winsize w = {0};
    unsigned n;

    (void)ioctl(fd, TIOCGWINSZ, &w);
    n = or_else(w.ws_row, "LINES", 24);
    return n < ROWS_MIN ? ROWS_MIN : n;
}

/* A signal handler has no other way to say something. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

void term_catch_interrupt(void)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sigemptyset(&sa.sa_mask);
    sa.sa_handler = on_interrupt;
    sa.sa_flags = (int)SA_RESETHAND;
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
}

bool term_interrupted(void)
{
    return interrupted != 0;
}

void term_sleep_ms(unsigned ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}
