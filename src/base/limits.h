/* Every bound in one place. A size that a peer sends meets one of these before it meets malloc. */
#pragma once

#define IWANT_VERSION "0.1.0"

/* Content (doc/PROTOCOL.md, "Content") */
#define PIECE_MIN          (1u << 20)   /* bytes, up to files of PIECE_MIN_FILE_MAX */
#define PIECE_MAX          (16u << 20)  /* bytes */
#define PIECE_MIN_FILE_MAX (8ull << 30) /* bytes: up to here a piece has PIECE_MIN bytes */
#define FILE_SIZE_MAX      (1ull << 46) /* bytes: 64 TiB, 4 Mi pieces */
#define CHECKPOINTS_MAX    (128u << 20) /* bytes of one checkpoint list */

/* Names and trees */
#define NAME_LEN_MAX       255         /* bytes of one path component */
#define PATH_LEN_MAX       4095        /* bytes of a relative path */
#define PATH_DEPTH_MAX     64          /* components */
#define MANIFEST_BYTES_MAX (64u << 20) /* one folder's manifest */
#define TREE_ENTRIES_MAX   10000000u   /* entries of one folder download */
#define SHOW_COLUMNS_MAX   512         /* a foreign string on a terminal */
#define SHARE_FOLDERS_MAX  64          /* shared at once */
#define IGNORE_BYTES_MAX   (1u << 20)  /* one .iwantignore */

/* Datagrams */
#define DGRAM_MIN       64
#define DGRAM_MAX       1200 /* fits every link unfragmented, IPv6 and tunnels too */
#define PEERS_MAX       1024 /* ledger */
#define NEW_PEERS_PER_S 5    /* unknown senders taken up each second, after PEERS_MAX at once */

/* HTTP between peers and on the owner's socket */
#define HTTP_HEAD_MAX        (32u << 10) /* bytes */
#define HTTP_BODY_MAX        (1u << 20)  /* bytes of a request's body */
#define HTTP_CONN_MAX        512         /* connections in all */
#define HTTP_CONN_ADDR_MAX   64          /* connections of one address */
#define HTTP_CONN_ADDR_RATE  20 /* new connections of one address each second, before TLS ... */
#define HTTP_CONN_ADDR_BURST 64 /* ... after so many at once */
#define HTTP_HANDSHAKE_S     5
#define HTTP_HEAD_S          10
#define HTTP_IDLE_S          60   /* a kept connection between two requests */
#define HTTP_MIN_RATE        1024 /* bytes/s over HTTP_MIN_RATE_S, else cut */
#define HTTP_MIN_RATE_S      60
#define DOOR_CONN_MAX        64 /* connections of a plain listener (play, link) ... */
#define DOOR_CONN_ADDR_MAX   16 /* ... and of one address of the LAN */
#define UPLOAD_SLOTS         32 /* answers with content sent at once, unless the settings say so */
#define HOLD_MS              10000 /* longest time a request is held */
#define REACH_MAX            4     /* connections back, under way at once for all who ask ... */
#define REACH_MS             2000  /* ... each for so long */

/* Catalog and search */
#define CATALOG_ROWS_MAX       12000000u /* all peers */
#define CATALOG_PEER_ROWS_MAX  1200000u
#define CATALOG_PEER_BYTES_MAX (320u << 20)
#define CATALOG_PEER_WORDS_MAX 1000000u   /* that nobody else has */
#define CATALOG_WAITING_MAX    500000u    /* rows put and not yet settled */
#define CATALOG_KEPT_ROWS_MAX  500000u    /* of peers that are gone, in case that they come back */
#define CATALOG_KEPT_MS        600000     /* for so long */
#define CATALOG_ANSWER_MAX     (4u << 20) /* bytes of rows in one answer */
#define QUERY_LEN_MAX          300        /* bytes; longer ones are cut */
#define QUERY_WORDS_MAX        10
#define SEARCH_ROWS_MAX        200  /* rows of one answer */
#define HOLDERS_MAX            64   /* holders named in one answer */
#define KNOWN_HASHES_MAX       4096 /* hashes in one question */
#define PEER_NAME_MAX          63   /* bytes of a peer's display name */

/* Downloads */
#define FETCH_PEERS_MAX      8 /* sources of one download at once */
#define FETCH_CONN_PER_PEER  2
#define FETCH_CONN_MAX       16          /* connections of one download */
#define FETCH_REQUEST_PIECES 16          /* pieces in one request */
#define SWARM_SIZE_MIN       (16u << 20) /* bytes: the leader directs who fetches more than that */
#define FETCH_BAD_MAX        2           /* bad pieces until a source is out */
#define BATCH_FILES_MAX      256
#define BATCH_BYTES_MAX      (1u << 20)   /* of content in one batch, more only for a single file */
#define BATCH_FILE_MAX       (256u << 10) /* larger files travel by pieces */

/* Files of our own */
#define LOG_BYTES_MAX    (10u << 20) /* then rotated; one old log is kept */
#define CONF_LINE_MAX    4600        /* a path and its key */
#define STORE_BATCH_ROWS 500
#define STORE_BATCH_MS   200
/* A first scan: the rows of one commit lie all over the indexes, so many more cost little more. */
#define STORE_BULK_ROWS 20000
#define STORE_BULK_MS   500

/* What the owner wants to be told and done */
#define JOURNAL_BYTES_MAX                                                                          \
    (2u << 20)                   /* of transfers that were written down; one old file is kept      \
                                  */
#define JOURNAL_OPEN_MAX 1024u   /* transfers that are being summed up */
#define HOOKS_AT_ONCE    4u      /* commands that run */
#define HOOKS_WAITING    100     /* and that wait */
#define HOOK_MS_MAX      3600000 /* then it is ended */
#define WISHES_MAX       1000u   /* standing ones */
#define WISH_FOUND_MAX   1000u   /* contents of one wish that are remembered */

/* Plain links */
#define LINKS_MAX        1024u        /* open at once */
#define LINKS_PEER_MAX   64u          /* of them for one member */
#define LINK_MIN_S       60u          /* how long one lasts */
#define LINK_DEFAULT_S   (24u * 3600) /* when nobody says */
#define LINK_MAX_S       (7u * 86400) /* for the owner ... */
#define LINK_PEER_S      (24u * 3600) /* ... and for members */
#define LINK_FILES_MAX   20000u       /* of one Metalink */
#define LINK_HOLDERS_MAX 32u          /* who are asked to open their door */

/* The page */
#define WEB_TICKET_S         600 /* for so long a URL may be opened, once */
#define WEB_TICKETS_MAX      16
#define WEB_SESSIONS_MAX     32
#define GUEST_JOBS_MAX       16u /* files and archives sent to guests at once ... */
#define GUEST_JOBS_ADDR_MAX  6u  /* ... and to one address */
#define GUEST_SEARCHES_S     20  /* of one address, each second ... */
#define GUEST_SEARCHES_BURST 60  /* ... after so many at once */
#define GUEST_VISITORS_MAX   256 /* addresses whose searches are counted */
