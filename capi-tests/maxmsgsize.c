/* ZMQ_MAXMSGSIZE: a larger part ends the connection, a smaller one does not. */
#include "common.h"

static char body[5000];

static void limit_of (void *ctx, const char *transport, int64_t limit, size_t good,
                      size_t bad)
{
    void *pull = sock (ctx, ZMQ_PULL), *push = sock (ctx, ZMQ_PUSH);
    char got[5000], endpoint[ENDPOINT];
    printf ("-- %s, limit %lld\n", transport, (long long) limit);
    MUST (zmq_setsockopt (pull, ZMQ_MAXMSGSIZE, &limit, sizeof limit) == 0);
    set_int (push, ZMQ_RECONNECT_IVL, 20);
    bind_any (pull, transport, endpoint);
    MUST (zmq_connect (push, endpoint) == 0);
    MUST (zmq_send (push, body, good, 0) == (int) good);
    SHOW (zmq_recv (pull, got, sizeof got, 0));
    /* The limit is one of parts, not of messages. */
    MUST (zmq_send (push, body, good, ZMQ_SNDMORE) == (int) good);
    MUST (zmq_send (push, body, good, 0) == (int) good);
    SHOW (zmq_recv (pull, got, sizeof got, 0));
    SHOW (zmq_recv (pull, got, sizeof got, 0));
    MUST (zmq_send (push, body, bad, 0) == (int) bad);
    if (strcmp (transport, "inproc") == 0) {
        SHOW (zmq_recv (pull, got, sizeof got, 0));
    } else {
        /* It is lost, and the sender comes again. */
        long until = now_ms () + PATIENCE;
        int n;
        do {
            MUST (now_ms () < until);
            zmq_send (push, "again", 5, ZMQ_DONTWAIT);
        } while (!wait_for (pull, ZMQ_POLLIN, 10));
        n = zmq_recv (pull, got, sizeof got, 0);
        printf ("then %d bytes\n", n);
    }
    done (push);
    done (pull);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    limit_of (ctx, "tcp", 1000, 1000, 1001);
    limit_of (ctx, "ipc", 1000, 1000, 1001);
    limit_of (ctx, "tcp", 300, 255, 4000);
    limit_of (ctx, "inproc", 10, 10, 1000);
    PART ("no limit");
    int64_t none = -1;
    void *pull = sock (ctx, ZMQ_PULL), *push = sock (ctx, ZMQ_PUSH);
    MUST (zmq_setsockopt (pull, ZMQ_MAXMSGSIZE, &none, sizeof none) == 0);
    join (pull, push, "tcp");
    SHOW (zmq_send (push, body, sizeof body, 0));
    SHOW (zmq_recv (pull, body, sizeof body, 0));
    done (push);
    done (pull);
    term (ctx);
    return 0;
}
