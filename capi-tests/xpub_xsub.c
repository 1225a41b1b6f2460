/* XPUB and XSUB: subscriptions are messages that can be read and written. */
#include "common.h"

static void basics (void *ctx, const char *transport)
{
    void *xpub = sock (ctx, ZMQ_XPUB), *xsub = sock (ctx, ZMQ_XSUB);
    PART (transport);
    join (xpub, xsub, transport);
    RC (zmq_send (xsub, "\1A", 2, 0));
    show_message ("xpub", xpub);
    send_parts (xpub, "Apple", "pie", NULL);
    send_parts (xpub, "Banana", NULL);
    send_parts (xpub, "Avocado", NULL);
    show_message ("xsub", xsub);
    show_message ("xsub", xsub);
    RC (zmq_send (xsub, "\0A", 2, 0));
    show_message ("xpub", xpub);
    RC (zmq_send (xsub, "\0unknown", 8, 0));
    RC (zmq_send (xsub, "\1", 1, 0));
    show_message ("xpub", xpub);
    send_parts (xpub, "", NULL);
    show_message ("xsub", xsub);
    /* Anything else is data for the publisher's application. */
    RC (zmq_send (xsub, "hello", 5, 0));
    show_message ("xpub", xpub);
    RC (zmq_send (xsub, "many", 4, ZMQ_SNDMORE));
    RC (zmq_send (xsub, "parts", 5, 0));
    show_message ("xpub", xpub);
    RC (zmq_send (xsub, "\2odd", 4, 0));
    show_message ("xpub", xpub);
    done (xsub);
    done (xpub);
}

static void merging (void *ctx)
{
    void *xpub = sock (ctx, ZMQ_XPUB), *sub[2];
    char endpoint[ENDPOINT];
    PART ("one of two subscribers");
    bind_any (xpub, "inproc", endpoint);
    for (int i = 0; i < 2; i++) {
        sub[i] = sock (ctx, ZMQ_SUB);
        MUST (zmq_connect (sub[i], endpoint) == 0);
        MUST (zmq_setsockopt (sub[i], ZMQ_SUBSCRIBE, "T", 1) == 0);
    }
    show_message ("xpub", xpub);
    show_empty ("xpub", xpub);
    MUST (zmq_setsockopt (sub[0], ZMQ_SUBSCRIBE, "T", 1) == 0);
    show_empty ("xpub, asked twice by one", xpub);
    MUST (zmq_setsockopt (sub[0], ZMQ_UNSUBSCRIBE, "T", 1) == 0);
    MUST (zmq_setsockopt (sub[0], ZMQ_UNSUBSCRIBE, "T", 1) == 0);
    show_empty ("xpub, one left", xpub);
    MUST (zmq_setsockopt (sub[1], ZMQ_UNSUBSCRIBE, "T", 1) == 0);
    show_message ("xpub", xpub);
    show_empty ("xpub", xpub);
    done (sub[0]);
    done (sub[1]);
    done (xpub);
}

static void leaving (void *ctx, const char *transport)
{
    void *xpub = sock (ctx, ZMQ_XPUB), *sub = sock (ctx, ZMQ_SUB);
    PART ("a subscriber leaves");
    join (xpub, sub, transport);
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "b", 1) == 0);
    show_message ("xpub", xpub);
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "a", 1) == 0);
    show_message ("xpub", xpub);
    done (sub);
    show_message ("xpub", xpub);
    show_message ("xpub", xpub);
    show_empty ("xpub", xpub);
    done (xpub);
}

static void chain (void *ctx)
{
    void *pub = sock (ctx, ZMQ_PUB), *xsub = sock (ctx, ZMQ_XSUB);
    void *xpub = sock (ctx, ZMQ_XPUB), *sub = sock (ctx, ZMQ_SUB);
    char c[8];
    PART ("by hand through a middle");
    join (pub, xsub, "inproc");
    join (xpub, sub, "inproc");
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "T", 1) == 0);
    int n = zmq_recv (xpub, c, sizeof c, 0);
    SHOW (n);
    SHOW (zmq_send (xsub, c, (size_t) n, 0));
    send_parts (pub, "no", NULL);
    send_parts (pub, "Tea", NULL);
    n = zmq_recv (xsub, c, sizeof c, 0);
    SHOW (n);
    SHOW (zmq_send (xpub, c, (size_t) n, 0));
    show_message ("sub", sub);
    done (pub);
    done (xsub);
    done (xpub);
    done (sub);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    basics (ctx, "inproc");
    basics (ctx, "tcp");
    basics (ctx, "ipc");
    merging (ctx);
    leaving (ctx, "inproc");
    leaving (ctx, "tcp");
    chain (ctx);
    PART ("XSUB without anybody");
    void *xsub = sock (ctx, ZMQ_XSUB);
    RC (zmq_send (xsub, "\1A", 2, ZMQ_DONTWAIT));
    RC (zmq_send (xsub, "data", 4, ZMQ_DONTWAIT));
    show_empty ("xsub", xsub);
    done (xsub);
    term (ctx);
    return 0;
}
