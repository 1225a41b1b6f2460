/* ROUTER: addresses in front, fair among peers, what happens to strangers. */
#include "common.h"

enum { N = 3 };

static const char *names[N] = {"ann", "bob", "cid"};

static void fill_and_read (void *ctx, const char *transport)
{
    void *router = sock (ctx, ZMQ_ROUTER), *dealer[N];
    char endpoint[ENDPOINT], text[32];
    PART (transport);
    bind_any (router, transport, endpoint);
    for (int i = 0; i < N; i++) {
        dealer[i] = sock (ctx, ZMQ_DEALER);
        MUST (zmq_setsockopt (dealer[i], ZMQ_ROUTING_ID, names[i], 3) == 0);
        MUST (zmq_connect (dealer[i], endpoint) == 0);
        /* One by one, so that the order of the peers is known. */
        send_parts (dealer[i], "hello", NULL);
        show_message ("router", router);
    }
    for (int i = 0; i < N; i++) {
        for (int m = 0; m < 2; m++) {
            snprintf (text, sizeof text, "%s/%d", names[i], m);
            send_parts (dealer[i], text, "", NULL);
        }
        if (strcmp (transport, "inproc") != 0)
            for (int m = 0; m < 2; m++)
                show_message ("router", router);
    }
    /* Lets the socket see what waits before it chooses whose turn it is. */
    SHOW (get_int (router, ZMQ_EVENTS) & ZMQ_POLLOUT);
    if (strcmp (transport, "inproc") == 0)
        for (int m = 0; m < 2 * N; m++)
            show_message ("router", router);
    for (int i = N - 1; i >= 0; i--)
        send_parts (router, names[i], "for", names[i], NULL);
    for (int i = 0; i < N; i++)
        show_message (names[i], dealer[i]);

    PART ("nobody of that name");
    RC (zmq_send (router, "nobody", 6, ZMQ_SNDMORE));
    RC (zmq_send (router, "body", 4, 0));
    RC (zmq_send (router, "ann", 3, ZMQ_SNDMORE));
    RC (zmq_send (router, "after it", 8, 0));
    show_message ("ann", dealer[0]);
    PART ("an address and nothing behind it");
    RC (zmq_send (router, "ann", 3, 0));
    RC (zmq_send (router, "ann", 3, ZMQ_SNDMORE));
    RC (zmq_send (router, "", 0, 0));
    show_message ("ann", dealer[0]);
    RC (zmq_send (router, "", 0, ZMQ_SNDMORE));
    RC (zmq_send (router, "empty address", 13, 0));
    SHOW (get_int (router, ZMQ_EVENTS));
    for (int i = 0; i < N; i++)
        done (dealer[i]);
    done (router);
}

static void anonymous (void *ctx, const char *transport)
{
    void *router = sock (ctx, ZMQ_ROUTER), *dealer[2];
    unsigned char id[2][16];
    char endpoint[ENDPOINT], text[16];
    PART ("peers without a name");
    bind_any (router, transport, endpoint);
    for (int i = 0; i < 2; i++) {
        dealer[i] = sock (ctx, ZMQ_DEALER);
        MUST (zmq_connect (dealer[i], endpoint) == 0);
        send_parts (dealer[i], "x", NULL);
        SHOW (zmq_recv (router, id[i], sizeof id[i], 0));
        SHOW (id[i][0]);
        recv_text (router, text, sizeof text);
    }
    SHOW (memcmp (id[0], id[1], 5) != 0);
    for (int i = 0; i < 2; i++) {
        MUST (zmq_send (router, id[i], 5, ZMQ_SNDMORE) == 5);
        snprintf (text, sizeof text, "number %d", i);
        send_parts (router, text, NULL);
    }
    for (int i = 0; i < 2; i++) {
        show_message ("dealer", dealer[i]);
        done (dealer[i]);
    }
    done (router);
}

static void routers (void *ctx)
{
    void *a = sock (ctx, ZMQ_ROUTER), *b = sock (ctx, ZMQ_ROUTER);
    PART ("two ROUTERs");
    MUST (zmq_setsockopt (a, ZMQ_ROUTING_ID, "A", 1) == 0);
    MUST (zmq_setsockopt (b, ZMQ_ROUTING_ID, "B", 1) == 0);
    join (a, b, "inproc");
    send_parts (a, "B", "to b", NULL);
    show_message ("b", b);
    send_parts (b, "A", "", "to a", NULL);
    show_message ("a", a);
    done (a);
    done (b);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    fill_and_read (ctx, "inproc");
    fill_and_read (ctx, "tcp");
    fill_and_read (ctx, "ipc");
    anonymous (ctx, "inproc");
    anonymous (ctx, "tcp");
    routers (ctx);
    term (ctx);
    return 0;
}
