/* How many sockets a context gives, and what works without I/O threads. */
#include "common.h"

int main (void)
{
    start ();
    PART ("ZMQ_MAX_SOCKETS");
    void *ctx = zmq_ctx_new ();
    void *s[4];
    RC (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 3));
    for (int i = 0; i < 3; i++)
        MUST ((s[i] = zmq_socket (ctx, ZMQ_PUSH)) != NULL);
    PTR (zmq_socket (ctx, ZMQ_PUSH));
    /* A closed socket gives its place back, though perhaps not at once. */
    done (s[0]);
    long limit = now_ms () + PATIENCE;
    while ((s[0] = zmq_socket (ctx, ZMQ_PULL)) == NULL)
        MUST (zmq_errno () == EMFILE && now_ms () < limit);
    SHOW (s[0] != NULL);
    for (int i = 0; i < 3; i++)
        done (s[i]);
    term (ctx);

    PART ("socket types");
    ctx = zmq_ctx_new ();
    static const int types[] = {-1, 0,  1,  2,  3,  4,   5,
                                6,  7,  8,  9,  10, 21,
                                22, 99, 1000, INT_MAX, INT_MIN};
    for (int i = 0; i < COUNT (types); i++) {
        void *one = zmq_socket (ctx, types[i]);
        int e = zmq_errno ();
        printf ("type %d: %s\n", types[i], one ? "ok" : errno_name (e));
        if (one)
            done (one);
    }
    PTR (zmq_socket (NULL, ZMQ_PAIR));
    PTR (zmq_socket (NULL, -1));
    term (ctx);

    PART ("no I/O threads");
    ctx = zmq_ctx_new ();
    RC (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 0));
    void *a = sock (ctx, ZMQ_PAIR), *b = sock (ctx, ZMQ_PAIR);
    RC (zmq_bind (a, "inproc://works"));
    RC (zmq_connect (b, "inproc://works"));
    send_parts (a, "over", "inproc", NULL);
    show_message ("received", b);
    void *c = sock (ctx, ZMQ_PAIR);
    RC (zmq_bind (c, "tcp://127.0.0.1:*"));
    RC (zmq_connect (c, "tcp://127.0.0.1:9"));
    RC (zmq_bind (c, "ipc://x"));
    RC (zmq_connect (c, "ipc://x"));
    done (a);
    done (b);
    done (c);
    term (ctx);

    PART ("ZMQ_AFFINITY");
    ctx = zmq_ctx_new ();
    a = sock (ctx, ZMQ_PAIR);
    uint64_t mask = 2;
    RC (zmq_setsockopt (a, ZMQ_AFFINITY, &mask, sizeof mask));
    RC (zmq_bind (a, "tcp://127.0.0.1:*"));
    RC (zmq_connect (a, "tcp://127.0.0.1:9"));
    mask = 3;
    RC (zmq_setsockopt (a, ZMQ_AFFINITY, &mask, sizeof mask));
    RC (zmq_bind (a, "tcp://127.0.0.1:*"));
    done (a);
    term (ctx);
    return 0;
}
