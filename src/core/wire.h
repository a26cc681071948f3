/* Datagrams: every message between services on the LAN, as a struct and as sealed bytes. doc/PROTOCOL.md has each byte.
 *
 * Pure; any thread. A datagram that does not open, parse or fit is nothing but a count at the receiver. Unknown TLVs and types
 * of the same major version are skipped. */
#pragma once

#include "base/id.h"
#include "base/limits.h"
#include "core/seal.h"

#define WIRE_VERSION 1
#define WIRE_SUCCESSION 8

enum wire_type {
    WIRE_HELLO = 1, WIRE_BEACON, WIRE_HB, WIRE_HBACK, WIRE_JOIN, WIRE_JOINACK, WIRE_NAK, WIRE_KA,
    WIRE_KAACK, WIRE_PING, WIRE_PONG, WIRE_POLL, WIRE_VOTE, WIRE_FACEOFF, WIRE_FOACK, WIRE_CONFLICT,
    WIRE_LEAVE,
};

/* struct wire_msg and its parts are for core/elect to fill; svc/lan only carries it. */
struct wire_msg;

/* Why a datagram was refused; each is a counter in `status`. */
enum wire_fault {
    WIRE_OK, WIRE_SHORT, WIRE_FOREIGN /* magic or group tag */, WIRE_NEWER /* major version */,
    WIRE_SEAL, WIRE_FORM, WIRE_SIGNATURE, WIRE_FAULTS,
};
const char *wire_fault_name(enum wire_fault f);

/* Seal and sign into out; gives the length (at most DGRAM_MAX). */
size_t wire_seal(uint8_t out[DGRAM_MAX], const struct wire_msg *m, const struct seal_net *net,
                 const struct seal_key *key, const uint8_t nonce[24]);
enum wire_fault wire_open(struct wire_msg *m, const void *dgram, size_t len, const struct seal_net *net);
