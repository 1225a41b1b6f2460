/* Names at a ROUTER: duplicates, handover, probes, names given by the ROUTER. */
#include "common.h"

static void *named (void *ctx, const char *name)
{
    void *s = sock (ctx, ZMQ_DEALER);
    MUST (zmq_setsockopt (s, ZMQ_ROUTING_ID, name, strlen (name)) == 0);
    return s;
}

static void duplicate (void *ctx, int handover, const char *transport)
{
    void *router = sock (ctx, ZMQ_ROUTER);
    void *first = named (ctx, "twin"), *second = named (ctx, "twin");
    void *other = named (ctx, "other");
    char endpoint[ENDPOINT];
    printf ("-- two of one name over %s, handover %d\n", transport, handover);
    set_int (router, ZMQ_ROUTER_HANDOVER, handover);
    bind_any (router, transport, endpoint);
    MUST (zmq_connect (first, endpoint) == 0);
    send_parts (first, "first", NULL);
    show_message ("router", router);
    MUST (zmq_connect (second, endpoint) == 0);
    send_parts (second, "second", NULL);
    if (handover)
        show_message ("router", router);
    else {
        /* The second is not heard; a third peer proves that time went by. */
        MUST (zmq_connect (other, endpoint) == 0);
        send_parts (other, "other", NULL);
        show_message ("router", router);
    }
    send_parts (router, "twin", "whose?", NULL);
    show_message (handover ? "second" : "first", handover ? second : first);
    show_empty ("the other twin", handover ? first : second);
    done (first);
    done (second);
    done (other);
    done (router);
}

static void probe (void *ctx, const char *transport)
{
    void *router = sock (ctx, ZMQ_ROUTER), *dealer = named (ctx, "prober");
    printf ("-- probe over %s\n", transport);
    set_int (dealer, ZMQ_PROBE_ROUTER, 1);
    join (router, dealer, transport);
    show_message ("router", router);
    send_parts (router, "prober", "welcome", NULL);
    show_message ("dealer", dealer);
    done (dealer);
    done (router);
}

static void probing_router (void *ctx)
{
    void *a = sock (ctx, ZMQ_ROUTER), *b = sock (ctx, ZMQ_ROUTER);
    PART ("a ROUTER probes a ROUTER");
    MUST (zmq_setsockopt (a, ZMQ_ROUTING_ID, "A", 1) == 0);
    MUST (zmq_setsockopt (b, ZMQ_ROUTING_ID, "B", 1) == 0);
    set_int (b, ZMQ_PROBE_ROUTER, 1);
    join (a, b, "tcp");
    show_message ("a", a);
    send_parts (a, "B", "hi", NULL);
    show_message ("b", b);
    done (a);
    done (b);
}

static void given_name (void *ctx, const char *transport)
{
    void *router = sock (ctx, ZMQ_ROUTER), *peer = sock (ctx, ZMQ_DEALER);
    char endpoint[ENDPOINT];
    printf ("-- ZMQ_CONNECT_ROUTING_ID over %s\n", transport);
    bind_any (peer, transport, endpoint);
    RC (zmq_setsockopt (router, ZMQ_CONNECT_ROUTING_ID, "given", 5));
    RC (zmq_connect (router, endpoint));
    /* The name is known before the connection is. */
    send_parts (router, "given", "hello", NULL);
    show_message ("peer", peer);
    send_parts (peer, "back", NULL);
    show_message ("router", router);
    done (router);
    done (peer);
}

static void long_names (void *ctx)
{
    static const size_t sizes[] = {1, 2, 33, 34, 254, 255};
    PART ("sizes of names");
    for (int i = 0; i < COUNT (sizes); i++) {
        void *router = sock (ctx, ZMQ_ROUTER), *dealer = sock (ctx, ZMQ_DEALER);
        char name[256], got[300];
        memset (name, 'n', sizeof name);
        MUST (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, name, sizes[i]) == 0);
        join (router, dealer, i % 2 ? "tcp" : "inproc");
        send_parts (dealer, "x", NULL);
        int n = zmq_recv (router, got, sizeof got, 0);
        printf ("%zu: %d, same %d\n", sizes[i], n, memcmp (got, name, sizes[i]) == 0);
        show_message ("rest", router);
        done (router);
        done (dealer);
    }
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    duplicate (ctx, 0, "inproc");
    duplicate (ctx, 1, "inproc");
    duplicate (ctx, 0, "tcp");
    duplicate (ctx, 1, "tcp");
    probe (ctx, "inproc");
    probe (ctx, "tcp");
    probing_router (ctx);
    given_name (ctx, "inproc");
    given_name (ctx, "tcp");
    given_name (ctx, "ipc");
    long_names (ctx);
    term (ctx);
    return 0;
}
