#include "svc/web_files.h"

#include <string.h>

/* The assembler reads them; the path is from the top of the tree, where make runs. */
#define EMBED(symbol, path)                                                                        \
    __asm__(".section .rodata\n.balign 16\n" #symbol ":\n.incbin \"" path "\"\n" #symbol           \
            "_end:\n.byte 0\n.previous\n");                                                        \
    extern const char symbol[] __attribute__((visibility("hidden")));                              \
    extern const char symbol##_end[] __attribute__((visibility("hidden")))

EMBED(web_page_html, "web/page.html");
EMBED(web_page_css, "web/page.css");
EMBED(web_page_js, "web/page.js");
EMBED(web_icon_svg, "web/icon.svg");

static const struct {
    const char *path, *type, *from, *to;
} FILES[] = {
    {"/", "text/html; charset=utf-8", web_page_html, web_page_html_end},
    {"/guest", "text/html; charset=utf-8", web_page_html, web_page_html_end},
    {"/page.css", "text/css; charset=utf-8", web_page_css, web_page_css_end},
    {"/page.js", "text/javascript; charset=utf-8", web_page_js, web_page_js_end},
    {"/icon.svg", "image/svg+xml", web_icon_svg, web_icon_svg_end},
};

bool web_file(const char *path, struct web_file *out)
{
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        if (strcmp(FILES[i].path, path) != 0)
            continue;
        *out =
            (struct web_file){FILES[i].type, FILES[i].from, (size_t)(FILES[i].to - FILES[i].from)};
        return true;
    }
    return false;
}
