/*
 * Several peers around one socket: fan <what> <transport> <size> <seconds> [<peers>]
 *
 *   in      8 PUSH to 1 PULL, messages a second at the PULL
 *   out     1 PUB to 8 SUB, messages a second delivered to all of them together
 *   out-all the same, the publisher waiting for the slowest: none is lost
 *   router  1 ROUTER serving 8 DEALERs that keep 100 requests going each
 *   echo    the same with one request at a time each
 */
#include "bench.h"

#include <poll.h>

static int peers = 8;
static int window = 100;

/* ---- 8 PUSH to 1 PULL ---- */

static void pull (struct side *side)
{
    pull_from (side, open_socket (side, ZMQ_PULL), peers);
}

/* ---- 1 PUB to 8 SUB, every message waited for ---- */

static void *subscriber (struct side *side)
{
    void *s = open_socket (side, ZMQ_SUB);
    MUST (zmq_setsockopt (s, ZMQ_SUBSCRIBE, "", 0) == 0);
    MUST (zmq_connect (s, side->endpoint) == 0);
    return s;
}

static void sub_all (struct side *side)
{
    void *s = subscriber (side);
    zmq_msg_t msg;
    int n;
    MUST (zmq_msg_init (&msg) == 0);
    uint64_t expected = 0, number;
    while ((n = zmq_msg_recv (&msg, s, 0)) != 1) {
        MUST (n == (int) side->size);
        memcpy (&number, zmq_msg_data (&msg), sizeof number);
        MUST (number == expected++);
    }
    MUST (zmq_msg_close (&msg) == 0 && zmq_close (s) == 0);
}

static void pub_all (struct side *side)
{
    void *s = open_socket (side, ZMQ_XPUB);
    char *body = calloc (1, side->size), word[8];
    uint64_t number = 0;
    set_int (s, ZMQ_XPUB_VERBOSE, 1);
    /* Blocks instead of dropping, so that everything sent also arrives. */
    set_int (s, ZMQ_XPUB_NODROP, 1);
    MUST (body);
    announce (side, s);
    for (int i = 0; i < peers; i++)
        MUST (zmq_recv (s, word, sizeof word, 0) == 1);
    double start = now (), until = start + side->seconds;
    do {
        for (int i = 0; i < 64; i++, number++) {
            memcpy (body, &number, sizeof number);
            MUST (zmq_send (s, body, side->size, 0) == (int) side->size);
        }
    } while (now () < until);
    MUST (zmq_send (s, "e", 1, 0) == 1);
    /* The last subscriber that leaves takes the subscription with it. */
    MUST (zmq_recv (s, word, sizeof word, 0) == 1 && word[0] == 0);
    double seconds = now () - start, delivered = (double) number * peers;
    MUST (zmq_close (s) == 0);
    result (delivered / seconds, seconds, delivered, "");
    free (body);
}

/* ---- 1 PUB to 8 SUB as they come: what a full subscriber misses is gone ---- */

/* Messages of 1 byte: "h" until all subscribers have it, "e" at the end. */
static void say (void *s, const char *word, struct side *side, double *count,
                 double *last)
{
    double figures[REPORTED];
    struct pollfd heard = {side->reports[0], POLLIN, 0};
    *count = *last = 0;
    for (int have = 0; have < peers;) {
        MUST (zmq_send (s, word, 1, 0) == 1);
        while (have < peers && poll (&heard, 1, 1) == 1) {
            read_report (side, figures);
            *count += figures[0];
            if (figures[1] > *last)
                *last = figures[1];
            have++;
        }
    }
}

static void sub (struct side *side)
{
    void *s = subscriber (side);
    double count = 0, last = 0;
    uint64_t next = 0, number;
    int greeted = 0;
    zmq_msg_t msg;
    MUST (zmq_msg_init (&msg) == 0);
    for (;;) {
        int n = zmq_msg_recv (&msg, s, 0);
        MUST (n == 1 || n == (int) side->size);
        char *data = zmq_msg_data (&msg);
        if (n > 1) {
            memcpy (&number, data, sizeof number);
            MUST (number >= next);
            next = number + 1;
            count++;
        } else if (*data == 'h') {
            if (!greeted++)
                report (side, 0, 0, 0);
        } else
            break;
        /* The clock is read seldom: it is no part of receiving. */
        if (n > 1 && (uint64_t) count % 256 == 0)
            last = now ();
    }
    report (side, count, last, 0);
    wait_for_end (side);
    MUST (zmq_msg_close (&msg) == 0 && zmq_close (s) == 0);
}

static void pub (struct side *side)
{
    void *s = open_socket (side, ZMQ_PUB);
    char *body = calloc (1, side->size), extra[64];
    uint64_t number = 0;
    double delivered, last;
    MUST (body);
    announce (side, s);
    say (s, "h", side, &delivered, &last);
    double start = now (), until = start + side->seconds;
    do {
        for (int i = 0; i < 64; i++, number++) {
            memcpy (body, &number, sizeof number);
            MUST (zmq_send (s, body, side->size, 0) == (int) side->size);
        }
    } while (now () < until);
    say (s, "e", side, &delivered, &last);
    MUST (zmq_close (s) == 0 && last > start);
    snprintf (extra, sizeof extra, "delivered_percent=%.1f",
              delivered / (double) number / peers * 100);
    result (delivered / (last - start), last - start, delivered, extra);
    free (body);
}

/* ---- 1 ROUTER and 8 DEALERs ---- */

static void dealer (struct side *side)
{
    void *s = connect_socket (side, ZMQ_DEALER);
    char *body = calloc (1, side->size), *got = calloc (1, side->size);
    double until = now () + side->seconds;
    int open = 0;
    MUST (body && got);
    while (now () < until) {
        for (; open < window; open++)
            MUST (zmq_send (s, body, side->size, 0) == (int) side->size);
        for (; open > window / 2; open--)
            MUST (zmq_recv (s, got, side->size, 0) == (int) side->size);
    }
    for (; open > 0; open--)
        MUST (zmq_recv (s, got, side->size, 0) == (int) side->size);
    MUST (zmq_send (s, "e", 1, 0) == 1);
    wait_for_end (side);
    MUST (zmq_close (s) == 0);
    free (body);
    free (got);
}

static void router (struct side *side)
{
    void *s = open_socket (side, ZMQ_ROUTER);
    zmq_msg_t id, body;
    double start = 0, count = -1;
    int ended = 0;
    announce (side, s);
    MUST (zmq_msg_init (&id) == 0 && zmq_msg_init (&body) == 0);
    while (ended < peers) {
        MUST (zmq_msg_recv (&id, s, 0) >= 0);
        int n = zmq_msg_recv (&body, s, 0);
        MUST (n >= 0);
        if (n == 1) {
            ended++;
            continue;
        }
        if (count++ < 0)
            start = now ();
        MUST (zmq_msg_send (&id, s, ZMQ_SNDMORE) >= 0);
        MUST (zmq_msg_send (&body, s, 0) == n);
    }
    double seconds = now () - start;
    MUST (zmq_msg_close (&id) == 0 && zmq_msg_close (&body) == 0);
    MUST (zmq_close (s) == 0);
    result (count / seconds, seconds, count, "");
}

int main (int argc, char **argv)
{
    static const struct {
        const char *name;
        side_fn *measure, *peer;
    } kinds[] = {{"in", pull, push},
                 {"out", pub, sub},
                 {"out-all", pub_all, sub_all},
                 {"router", router, dealer},
                 {"echo", router, dealer}};
    if (argc == 6)
        peers = atoi (argv[5]);
    if (argc > 1 && strcmp (argv[1], "echo") == 0)
        window = 1;
    if ((argc == 5 || argc == 6) && atoi (argv[3]) >= 8 && peers > 0 && peers <= MAX_PEERS)
        for (int i = 0; i < COUNT (kinds); i++)
            if (strcmp (argv[1], kinds[i].name) == 0) {
                run_sides (argv[2], (size_t) atoi (argv[3]), atof (argv[4]), peers,
                           kinds[i].measure, kinds[i].peer);
                return 0;
            }
    fprintf (stderr, "usage: fan in|out|out-all|router|echo transport size seconds [peers]\n");
    return 2;
}
