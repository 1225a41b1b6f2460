/* A peer that goes and comes back at the same address; either one starts first. */
#include "common.h"

/* Binds to an address that was in use a moment ago. */
static void bind_again (void *s, const char *endpoint)
{
    long limit = now_ms () + PATIENCE;
    while (zmq_bind (s, endpoint) != 0) {
        struct timespec pause = {0, 5000000};
        MUST (zmq_errno () == EADDRINUSE && now_ms () < limit);
        nanosleep (&pause, NULL);
    }
}

static void *client (void *ctx, int type)
{
    void *s = sock (ctx, type);
    set_int (s, ZMQ_RECONNECT_IVL, 10);
    return s;
}

/* A socket that binds, in a context of its own: with that, it really ends. */
static void *server (void **ctx, int type, const char *endpoint)
{
    *ctx = zmq_ctx_new ();
    void *s = sock (*ctx, type);
    bind_again (s, endpoint);
    return s;
}

static void gone (void *ctx, void *s)
{
    done (s);
    term (ctx);
}

static void restart (void *ctx, const char *transport)
{
    char endpoint[ENDPOINT];
    void *there = zmq_ctx_new ();
    void *push = client (ctx, ZMQ_PUSH), *pull = sock (there, ZMQ_PULL);
    printf ("-- the PULL is replaced, %s\n", transport);
    bind_any (pull, transport, endpoint);
    MUST (zmq_connect (push, endpoint) == 0);
    send_parts (push, "first", NULL);
    show_message ("pull", pull);
    for (int round = 0; round < 3; round++) {
        gone (there, pull);
        pull = server (&there, ZMQ_PULL, endpoint);
        /* One sent just then may be lost with the old connection; not the rest. */
        long limit = now_ms () + PATIENCE;
        do {
            MUST (now_ms () < limit);
            zmq_send (push, "probe", 5, ZMQ_DONTWAIT);
        } while (!wait_for (pull, ZMQ_POLLIN, 10));
        send_parts (push, "end", NULL);
        char text[16];
        do {
            recv_text (pull, text, sizeof text);
        } while (strcmp (text, "end") != 0);
        printf ("round %d: again\n", round);
    }
    done (push);
    gone (there, pull);
}

static void connect_first (void *ctx, const char *transport)
{
    char endpoint[ENDPOINT];
    printf ("-- the connecting side is first, %s\n", transport);
    /* Takes an address and gives it back. */
    void *there = zmq_ctx_new (), *probe = sock (there, ZMQ_PULL);
    bind_any (probe, transport, endpoint);
    gone (there, probe);

    void *push = client (ctx, ZMQ_PUSH);
    MUST (zmq_connect (push, endpoint) == 0);
    for (int i = 0; i < 5; i++)
        send_parts (push, "early", "bird", NULL);
    void *pull = server (&there, ZMQ_PULL, endpoint);
    for (int i = 0; i < 5; i++)
        show_message ("pull", pull);
    gone (there, pull);
    done (push);

    void *req = client (ctx, ZMQ_REQ);
    MUST (zmq_connect (req, endpoint) == 0);
    send_parts (req, "anybody?", NULL);
    void *rep = server (&there, ZMQ_REP, endpoint);
    show_message ("rep", rep);
    send_parts (rep, "here", NULL);
    show_message ("req", req);
    gone (there, rep);
    done (req);

    void *sub = client (ctx, ZMQ_SUB);
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "T", 1) == 0);
    MUST (zmq_connect (sub, endpoint) == 0);
    void *pub = server (&there, ZMQ_XPUB, endpoint);
    show_message ("pub", pub);
    send_parts (pub, "Tea", NULL);
    show_message ("sub", sub);
    gone (there, pub);
    done (sub);
}

static void resubscribed (void *ctx, const char *transport)
{
    char endpoint[ENDPOINT];
    printf ("-- a subscriber tells a new publisher what it wants, %s\n", transport);
    void *there = zmq_ctx_new ();
    void *pub = sock (there, ZMQ_XPUB), *sub = client (ctx, ZMQ_SUB);
    bind_any (pub, transport, endpoint);
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "one", 3) == 0);
    MUST (zmq_connect (sub, endpoint) == 0);
    show_message ("pub", pub);
    gone (there, pub);
    pub = server (&there, ZMQ_XPUB, endpoint);
    /* The subscriber learns of the new connection inside a call. */
    long limit = now_ms () + PATIENCE;
    while (!wait_for (pub, ZMQ_POLLIN, 5) && now_ms () < limit)
        MUST (get_int (sub, ZMQ_EVENTS) >= 0);
    show_message ("pub", pub);
    send_parts (pub, "one", "more", NULL);
    show_message ("sub", sub);
    done (sub);
    gone (there, pub);
}

static void router_returns (void *ctx)
{
    char endpoint[ENDPOINT];
    PART ("a DEALER is known by its name to the new ROUTER");
    void *there = zmq_ctx_new ();
    void *router = sock (there, ZMQ_ROUTER), *dealer = client (ctx, ZMQ_DEALER);
    MUST (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "me", 2) == 0);
    bind_any (router, "tcp", endpoint);
    MUST (zmq_connect (dealer, endpoint) == 0);
    send_parts (dealer, "one", NULL);
    show_message ("router", router);
    gone (there, router);
    there = zmq_ctx_new ();
    router = sock (there, ZMQ_ROUTER);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    bind_again (router, endpoint);
    long limit = now_ms () + PATIENCE;
    while (zmq_send (router, "me", 2, ZMQ_SNDMORE) != 2) {
        struct timespec pause = {0, 2000000};
        MUST (zmq_errno () == EHOSTUNREACH && now_ms () < limit);
        nanosleep (&pause, NULL);
    }
    MUST (zmq_send (router, "welcome", 7, 0) == 7);
    show_message ("dealer", dealer);
    gone (there, router);
    done (dealer);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    restart (ctx, "tcp");
    restart (ctx, "ipc");
    connect_first (ctx, "tcp");
    connect_first (ctx, "ipc");
    resubscribed (ctx, "tcp");
    resubscribed (ctx, "ipc");
    router_returns (ctx);
    term (ctx);
    return 0;
}
