/* One program plays all parts of the soak test: `soak PART...`, where a part is
 * "kind key=value key=value". See lanes.py for who plays with whom. */
#ifndef SOAK_H
#define SOAK_H

#include "../robust/robust.h"
#include <stddef.h>

/* ---- the ledger: what a part has sent and seen --------------------------- */

enum { SOURCES = 8, LIVES = 8192 };

/* One life of a sender: from opening a socket to closing it. */
struct life {
    uint64_t attempted; /* messages whose sending began */
    uint64_t sent;
    uint64_t ended; /* closed in order, and not killed */
};

/* What a receiver has seen of one life. */
struct seen {
    uint64_t next;
    uint64_t incarnation; /* of the receiver, when it last saw something */
};

/* A file that the conductor reads, and that outlives a killed process. All of it
 * is written by one thread at a time. judge.py knows this layout. */
struct ledger {
    uint64_t incarnation; /* sockets or processes that have played this part */
    uint64_t lives;
    uint64_t sent;
    uint64_t received;
    uint64_t bytes;
    uint64_t in_doubt; /* gone with a killed process, or with a connection that was lost */
    uint64_t dropped; /* by a publisher that may drop */
    /* None of these may happen. */
    uint64_t lost;
    uint64_t repeated;
    uint64_t damaged;
    uint64_t stuck;
    /* Messages of each topic in the publisher's current life. */
    uint64_t topics[SOURCES];
    struct life life[LIVES];
    struct seen seen[SOURCES][LIVES];
};

/* ---- messages -------------------------------------------------------------- */

/* The first part. Everything behind it follows from it. */
struct head {
    uint32_t source;
    uint32_t life;
    uint64_t serial;
    uint64_t born; /* when that life began */
};

enum { MOST_PARTS = 8 };

struct message {
    zmq_msg_t parts[MOST_PARTS];
    int count;
};

uint64_t random_next (uint64_t *state);
uint64_t random_below (uint64_t *state, uint64_t limit);

void messages_init (void);
/* The endless bytes of which all bodies are a piece, from there on; 200,000 at most. */
const unsigned char *bytes_at (uint64_t place);
/* How many bytes the message has. */
size_t size_of (const struct head *head);
/* 0, or -1 if not even the first part was taken. */
int send_message (void *socket, const struct head *head, const char *before, int flags);
/* All parts, which the caller clears; -1 if there is none. */
int receive_message (void *socket, struct message *message, int flags);
void clear (struct message *message);
int send_on (void *socket, struct message *message);
/* Whether the parts from `from` on are what they were; gives the head. */
int whole (struct message *message, int from, struct head *head);
/* Bodies given to the library without copying, and not yet given back. */
long bodies_out (void);

/* ---- parts ------------------------------------------------------------------- */

/* What may be missing between two messages of a life. */
enum gaps {
    NO_GAPS,      /* nothing */
    KILLED_GAPS,  /* what a killed receiver had */
    DROPPED_GAPS, /* what a publisher may drop */
    ANY_GAPS,     /* somebody else counts them */
};

struct part {
    char kind[16];
    char text[512]; /* the options */
    void *context;
    struct ledger *ledger;
    void (*step) (struct part *);
    int is_done;

    void *socket;
    void *monitor;
    uint32_t source;
    uint64_t born; /* of the socket, in ns */
    uint64_t chance;
    long hwm;
    enum gaps gaps;
    int slow;

    /* Senders. */
    double rate, budget, paid;
    uint64_t goal; /* messages of this life */
    uint64_t serial, next, doubt;
    uint64_t life;
    long waits; /* for an answer, in a row */
    _Atomic uint8_t *common; /* bits of the messages that some puller has had */
};

extern volatile sig_atomic_t is_quiet, is_over;

const char *option (const struct part *part, const char *key);
long number (const struct part *part, const char *key, long otherwise);
void *open_socket (struct part *part, int type);
void attach (struct part *part, void *socket);
/* Whether a connection has been lost since the last call. */
int was_disconnected (struct part *part);
void close_socket (struct part *part, int linger);
/* Waits until the part may send. 0 if it may not yet. */
int pace (struct part *part);
uint64_t begin_life (struct part *part);
void end_life (struct part *part);
/* Sends the life's next message; 0 if there is no room. */
int send_next (struct part *part, int flags);
/* Enters a message into the ledger, with what is missing before it. */
void enter (struct part *part, const struct head *head);
void complain (struct part *part, uint64_t *count, uint64_t by, const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

void push_step (struct part *);
void pull_step (struct part *);
void pair_step (struct part *);
void req_step (struct part *);
void rep_step (struct part *);
void dealer_step (struct part *);
void router_step (struct part *);
void pub_step (struct part *);
void sub_step (struct part *);
void proxy_step (struct part *);
void client_step (struct part *);
void server_step (struct part *);

#endif
