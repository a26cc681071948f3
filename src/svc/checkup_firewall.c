/* Which packet filter runs, by what its tools print, and what it makes of our packets. */
#include "svc/checkup_priv.h"

#include "base/mem.h"
#include "io/child.h"
#include "io/probe.h"

#include <string.h>

#define TOOL_MS 3000

/* One tool's rules; false: no such tool, or it may not look. */
static bool read_tool(const char *const *words, struct buf *out)
{
    return child_output(words, TOOL_MS, out) == 0;
}

static bool read_rules(struct firewall *f)
{
    static const char *const nft[] = {"nft", "list", "ruleset", NULL};
    static const struct {
        const char *words[2];
        bool v6;
    } saves[] = {{{"iptables-save", NULL}, false},
                 {{"ip6tables-save", NULL}, true},
                 {{"iptables-legacy-save", NULL}, false},
                 {{"ip6tables-legacy-save", NULL}, true}};
    struct buf text = {0};
    bool any = false;

    for (size_t n = 0; n < sizeof saves / sizeof *saves; n++)
        if (read_tool(saves[n].words, &text)) {
            firewall_read_save(f, text.data, saves[n].v6);
            any = true;
        }
    if (read_tool(nft, &text)) {
        firewall_read_nft(f, text.data, any);
        any = true;
    }
    buf_free(&text);
    return any;
}

static bool ufw_is_on(void)
{
    struct buf text = {0};
    bool on = probe_read("/etc/ufw/ufw.conf", &text) &&
              (strstr(text.data, "\nENABLED=yes") || !strncmp(text.data, "ENABLED=yes", 11));

    buf_free(&text);
    return on;
}

/* Of several that see the packet the one that closes tells the language. */
static enum doctor_firewall kind_of(const struct checkup *c, size_t chains)
{
    const struct doctor_facts *f = &c->facts;

    if (f->firewall_read && !chains)
        return DOCTOR_NO_FIREWALL; /* whatever a file says */
    if (ufw_is_on())
        return DOCTOR_UFW;
    if (probe_processes("firewalld", NULL))
        return DOCTOR_FIREWALLD;
    if (!f->firewall_read)
        return DOCTOR_NO_FIREWALL;
    for (size_t n = 0; n < f->links; n++)
        for (size_t k = 0; k < 2; k++)
            if (f->link[n].udp_in[k].nft || f->link[n].tcp_in[k].nft || f->link[n].udp_out[k].nft)
                return DOCTOR_NFT;
    for (size_t n = 0; n < f->links; n++)
        for (size_t k = 0; k < 2; k++)
            if (f->link[n].udp_in[k].place[0] || f->link[n].tcp_in[k].place[0])
                return DOCTOR_IPTABLES;
    return DOCTOR_NFT;
}

void checkup_firewall(struct checkup *c)
{
    struct doctor_facts *f = &c->facts;
    struct firewall *fw = firewall_new();
    struct buf text = {0};

    f->firewall_read = f->root && read_rules(fw);
    for (size_t n = 0; f->firewall_read && n < f->links; n++)
        for (size_t k = 0; k < 2; k++) {
            struct firewall_packet p = {.v6 = k == 1,
                                        .udp = true,
                                        .multicast = true,
                                        .port = 1235,
                                        .interface = f->link[n].name};

            f->link[n].udp_in[k] = firewall_judge(fw, &p);
            p.out = true;
            f->link[n].udp_out[k] = firewall_judge(fw, &p);
            p.out = p.udp = p.multicast = false;
            p.port = f->port ? f->port : f->wished_port;
            f->link[n].tcp_in[k] = firewall_judge(fw, &p);
        }
    f->firewall = kind_of(c, firewall_chains(fw));
    f->ufw_profile = probe_read("/etc/ufw/applications.d/iwant", &text);
    buf_free(&text);
    firewall_free(fw);
}
