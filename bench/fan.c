/*
 * Several peers around one socket: fan <what> <transport> <size> <seconds> [<peers>]
 *
 *   in      8 PUSH to 1 PULL, messages a second at the PULL
 *   out     1 PUB to 8 SUB, messages a second at the slowest SUB, none lost
 *   router  1 ROUTER serving 8 DEALERs that keep 100 requests going each
 *   echo    the same with one request at a time each
 */
#include "bench.h"

static int peers = 8;
static int window = 100;

/* ---- 8 PUSH to 1 PULL ---- */

static void push (struct side *side)
{
    void *s = connect_socket (side, ZMQ_PUSH);
    char *body = calloc (1, side->size);
    double until = now () + side->seconds;
    MUST (body);
    do {
        for (int i = 0; i < 64; i++)
            MUST (zmq_send (s, body, side->size, 0) == (int) side->size);
    } while (now () < until);
    MUST (zmq_send (s, "e", 1, 0) == 1);
    wait_for_end (side);
    MUST (zmq_close (s) == 0);
    free (body);
}

static void pull (struct side *side)
{
    void *s = open_socket (side, ZMQ_PULL);
    double start = 0, count = -1, seconds;
    zmq_msg_t msg;
    int ended = 0;
    announce (side, s);
    MUST (zmq_msg_init (&msg) == 0);
    while (ended < peers) {
        int n = zmq_msg_recv (&msg, s, 0);
        MUST (n >= 0);
        ended += n == 1;
        if (n != 1 && count++ < 0)
            start = now ();
    }
    seconds = now () - start;
    MUST (zmq_msg_close (&msg) == 0 && zmq_close (s) == 0);
    result (count / seconds, seconds, count, "");
}

/* ---- 1 PUB to 8 SUB ---- */

static void sub (struct side *side)
{
    void *s = open_socket (side, ZMQ_SUB);
    zmq_msg_t msg;
    int n;
    set_int (s, ZMQ_RCVHWM, 0);
    MUST (zmq_setsockopt (s, ZMQ_SUBSCRIBE, "", 0) == 0);
    MUST (zmq_connect (s, side->endpoint) == 0);
    MUST (zmq_msg_init (&msg) == 0);
    uint64_t expected = 0, number;
    while ((n = zmq_msg_recv (&msg, s, 0)) != 1) {
        MUST (n == (int) side->size);
        memcpy (&number, zmq_msg_data (&msg), sizeof number);
        MUST (number == expected++);
    }
    MUST (zmq_msg_close (&msg) == 0 && zmq_close (s) == 0);
}

static void pub (struct side *side)
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
    double seconds = now () - start;
    MUST (zmq_close (s) == 0);
    result ((double) number / seconds, seconds, (double) number, "");
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
    fprintf (stderr, "usage: fan in|out|router|echo transport size seconds [peers]\n");
    return 2;
}
