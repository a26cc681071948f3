/* wire_open on bytes. First byte even: the rest is a datagram. Odd: the rest is the sealed part,
 * signed when its type asks for it, so that the parser behind the seal is reached; what opens must
 * seal again and open to the same message. */
#include "core/wire.h"

#include <assert.h>
#include <string.h>

#define HEAD 30

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct seal_net net;
static struct seal_key key;

static void make_keys(void)
{
    static const uint8_t seed[32] = {7};
    uint8_t group[32];

    if (net.server_name[0])
        return;
    seal_open_group(group, "lan");
    seal_derive(&net, group);
    seal_key_from_seed(&key, seed);
}

/* The sender is us whatever the input says: nobody can make a signature that fits another id. */
static size_t enclose(uint8_t out[DGRAM_MAX], const uint8_t *data, size_t size)
{
    static const char label[] = "iwant datagram 1 ";
    static const uint8_t nonce[24] = {1};
    uint8_t inner[DGRAM_MAX], text[2 * DGRAM_MAX];
    size_t n = sizeof label - 1;
    struct nid nid;

    memcpy(inner, data, size);
    seal_nid(&nid, key.pub);
    if (size >= 19)
        memcpy(inner + 3, nid.b, 16);
    if (size && wire_is_signed(inner[0])) {
        memcpy(inner + size, key.pub, 32);
        size += 32;
        memcpy(text, label, n);
        memcpy(text + n, net.server_name, 32);
        memcpy(text + n + 32, inner, size);
        seal_sign(inner + size, text, n + 32 + size, &key);
        size += 64;
    }
    memcpy(out, "iW\x01\x00", 4);
    memcpy(out + 4, net.tag, 2);
    memcpy(out + 6, nonce, sizeof nonce);
    return HEAD + seal_encrypt(out + HEAD, inner, size, out, HEAD, nonce, net.datagram);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t out[DGRAM_MAX], again[DGRAM_MAX];
    struct wire_msg m, back;
    size_t len, len2;

    make_keys();
    if (!size || size > 1000)
        return 0;
    if (!(data[0] & 1)) {
        (void)wire_open(&m, data + 1, size - 1, &net);
        return 0;
    }
    len = enclose(out, data + 1, size - 1);
    if (wire_open(&m, out, len, &net) != WIRE_OK || !strcmp(wire_type_name(m.type), "?"))
        return 0;
    len2 = wire_seal(again, &m, &net, &key, out + 6);
    assert(len2 <= len);
    assert(wire_open(&back, again, len2, &net) == WIRE_OK);
    assert(wire_seal(out, &back, &net, &key, again + 6) == len2 && !memcmp(out, again, len2));
    return 0;
}
