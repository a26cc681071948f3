#include "io/screen.h"

#include <locale.h>
#include <ncurses.h>
#include <stdlib.h>
#include <unistd.h>

static SCREEN *screen; /* ncurses has but one */

int screen_open(struct err *e)
{
    const char *term = getenv("TERM");

    (void)setlocale(LC_CTYPE, "");
    if (isatty(0) && isatty(1) && term && *term)
        screen = newterm(NULL, stdout, stdin);
    if (!screen)
        return err_set(e, ERR_USAGE,
                       "cannot draw on this terminal: it is none, or cannot move its cursor");
    (void)cbreak();
    (void)noecho();
    (void)curs_set(0);
    (void)keypad(stdscr, TRUE);
    return 0;
}

void screen_close(void)
{
    if (!screen)
        return;
    (void)endwin();
    delscreen(screen);
    screen = NULL;
}

void screen_size(unsigned *rows, unsigned *columns)
{
    *rows = LINES > 0 ? (unsigned)LINES : 1;
    *columns = COLS > 0 ? (unsigned)COLS : 1;
}

void screen_draw(const char *const *line, const bool *strong, size_t lines)
{
    (void)erase();
    for (size_t n = 0; n < lines && n < (size_t)LINES; n++) {
        (void)attrset(strong[n] ? A_BOLD : A_NORMAL);
        (void)mvaddstr((int)n, 0, line[n]);
        (void)clrtoeol();
    }
    (void)attrset(A_NORMAL);
    (void)refresh();
}

enum screen_key screen_wait(unsigned ms, char *letter)
{
    int key;

    timeout((int)ms);
    key = getch();
    *letter = '\0';
    switch (key) {
    case ERR:
        return SCREEN_NOTHING;
    case KEY_RESIZE:
        return SCREEN_RESIZED;
    case KEY_UP:
    case KEY_PPAGE:
        return SCREEN_UP;
    case KEY_DOWN:
    case KEY_NPAGE:
        return SCREEN_DOWN;
    }
    if (key < 0 || key > 126)
        return SCREEN_NOTHING;
    *letter = (char)key;
    return SCREEN_LETTER;
}
