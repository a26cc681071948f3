#include "io/term.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define COLUMNS_MIN 20u

bool term_is(int fd)
{
    return isatty(fd) == 1;
}

unsigned term_columns(int fd)
{
    const char *set = getenv("COLUMNS");
    struct winsize w;
    unsigned n = 0;

    if (!ioctl(fd, TIOCGWINSZ, &w))
        n = w.ws_col;
    if (!n && set)
        n = (unsigned)strtoul(set, NULL, 10) % 10000;
    if (!n)
        n = 80;
    return n < COLUMNS_MIN ? COLUMNS_MIN : n;
}

/* The handler's own: nothing else can reach it. Set before the handler is installed. */
static const char *interrupt_text;
static size_t interrupt_len;
static int interrupt_status;

static void interrupted(int sig)
{
    (void)sig;
    (void)!write(STDERR_FILENO, interrupt_text, interrupt_len);
    _exit(interrupt_status);
}

void term_on_interrupt(const char *text, int status)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sigemptyset(&sa.sa_mask);
    sa.sa_handler = SIG_DFL;
    if (text) {
        interrupt_text = text;
        interrupt_len = strlen(text);
        interrupt_status = status;
        sa.sa_handler = interrupted;
    }
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
}

void term_sleep_ms(unsigned ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}
