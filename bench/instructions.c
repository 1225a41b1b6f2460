/*
 * What a message costs, for a run under callgrind: instructions push|echo|pub|route
 * <endpoint> <size> <rounds>. Both sockets are of this one thread; each round is a
 * hundred messages one way, or one there and back for echo.
 */
#include "bench.h"

enum { BURST = 100 };

struct way {
    const char *name;
    int from, to; /* socket types; `from` connects */
};

static const struct way ways[] = {{"push", ZMQ_PUSH, ZMQ_PULL},
                                  {"pub", ZMQ_PUB, ZMQ_SUB},
                                  {"route", ZMQ_DEALER, ZMQ_ROUTER},
                                  {"echo", ZMQ_REQ, ZMQ_REP}};

static char body[1 << 20];

static void put (void *s, size_t size)
{
    MUST (zmq_send (s, body, size, 0) == (int) size);
}

static void get (void *s, size_t size, int routed)
{
    if (routed)
        MUST (zmq_recv (s, body, sizeof body, 0) > 0);
    MUST (zmq_recv (s, body, sizeof body, 0) == (int) size);
}

static void *open_end (void *ctx, int type)
{
    void *s = zmq_socket (ctx, type);
    MUST (s);
    set_int (s, ZMQ_SNDHWM, 0);
    set_int (s, ZMQ_RCVHWM, 0);
    set_int (s, ZMQ_RCVTIMEO, 10000);
    return s;
}

static void connect_ends (const struct way *way, void *from, void *to, const char *endpoint)
{
    char bound[256];
    size_t length = sizeof bound;
    if (way->to == ZMQ_SUB)
        MUST (zmq_setsockopt (to, ZMQ_SUBSCRIBE, "", 0) == 0);
    MUST (zmq_bind (to, endpoint) == 0);
    MUST (zmq_getsockopt (to, ZMQ_LAST_ENDPOINT, bound, &length) == 0);
    MUST (zmq_connect (from, bound) == 0);
    /* A publisher has to know the subscription before it sends. */
    while (way->to == ZMQ_SUB) {
        put (from, 1);
        if (zmq_recv (to, body, sizeof body, ZMQ_DONTWAIT) == 1)
            break;
    }
    while (way->to == ZMQ_SUB && zmq_recv (to, body, sizeof body, ZMQ_DONTWAIT) == 1) {
    }
}

static void rounds_of (const struct way *way, void *from, void *to, size_t size, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        if (way->from == ZMQ_REQ) {
            put (from, size), get (to, size, 0);
            put (to, size), get (from, size, 0);
            continue;
        }
        for (int i = 0; i < BURST; i++)
            put (from, size);
        for (int i = 0; i < BURST; i++)
            get (to, size, way->to == ZMQ_ROUTER);
    }
}

int main (int argc, char **argv)
{
    if (argc != 5) {
        fprintf (stderr, "usage: instructions push|echo|pub|route endpoint size rounds\n");
        return 2;
    }
    alarm (10 * TIME_LIMIT);
    for (int i = 0; i < COUNT (ways); i++) {
        if (strcmp (argv[1], ways[i].name) != 0)
            continue;
        void *ctx = zmq_ctx_new ();
        void *from = open_end (ctx, ways[i].from), *to = open_end (ctx, ways[i].to);
        connect_ends (&ways[i], from, to, argv[2]);
        rounds_of (&ways[i], from, to, (size_t) atol (argv[3]), atoi (argv[4]));
        print_library ();
        MUST (zmq_close (from) == 0 && zmq_close (to) == 0 && zmq_ctx_term (ctx) == 0);
        return 0;
    }
    fprintf (stderr, "no such way: %s\n", argv[1]);
    return 2;
}
