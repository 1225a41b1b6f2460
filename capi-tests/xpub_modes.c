/* XPUB's ways to report subscriptions: verbose, verboser, manual, welcome. */
#include "common.h"

static void asked (void *s, const char *topic)
{
    MUST (zmq_setsockopt (s, ZMQ_SUBSCRIBE, topic, strlen (topic)) == 0);
}

static void taken_back (void *s, const char *topic)
{
    MUST (zmq_setsockopt (s, ZMQ_UNSUBSCRIBE, topic, strlen (topic)) == 0);
}

static void show_all (const char *label, void *s)
{
    while (wait_for (s, ZMQ_POLLIN, 0))
        show_message (label, s);
    printf ("%s: that was all\n", label);
}

static void verbose (void *ctx, const char *name, int option, int value)
{
    void *xpub = sock (ctx, ZMQ_XPUB), *sub[2];
    char endpoint[ENDPOINT];
    PART (name);
    if (option)
        set_int (xpub, option, value);
    bind_any (xpub, "inproc", endpoint);
    for (int i = 0; i < 2; i++) {
        sub[i] = sock (ctx, ZMQ_SUB);
        MUST (zmq_connect (sub[i], endpoint) == 0);
        asked (sub[i], "A");
        asked (sub[i], "A");
    }
    show_all ("subscribed", xpub);
    for (int i = 0; i < 2; i++) {
        taken_back (sub[i], "A");
        taken_back (sub[i], "A");
    }
    show_all ("unsubscribed", xpub);
    done (sub[0]);
    done (sub[1]);
    done (xpub);
}

static void manual (void *ctx)
{
    void *xpub = sock (ctx, ZMQ_XPUB), *sub = sock (ctx, ZMQ_SUB);
    PART ("manual");
    set_int (xpub, ZMQ_XPUB_MANUAL, 1);
    join (xpub, sub, "inproc");
    RC (zmq_setsockopt (xpub, ZMQ_SUBSCRIBE, "early", 5));
    asked (sub, "A");
    show_message ("xpub", xpub);
    RC (zmq_setsockopt (xpub, ZMQ_SUBSCRIBE, "XA", 2));
    send_parts (xpub, "A", NULL);
    send_parts (xpub, "XA", NULL);
    /* The SUB filters by what it asked for, so take everything there. */
    asked (sub, "");
    show_message ("xpub", xpub);
    send_parts (xpub, "A2", NULL);
    send_parts (xpub, "XA2", NULL);
    show_all ("sub", sub);
    taken_back (sub, "A");
    show_message ("xpub", xpub);
    RC (zmq_setsockopt (xpub, ZMQ_UNSUBSCRIBE, "XA", 2));
    send_parts (xpub, "A3", NULL);
    send_parts (xpub, "XA3", NULL);
    show_all ("sub", sub);
    done (sub);
    done (xpub);
}

static void welcome (void *ctx, const char *transport)
{
    void *xpub = sock (ctx, ZMQ_XPUB), *sub = sock (ctx, ZMQ_SUB);
    void *other = sock (ctx, ZMQ_SUB);
    char endpoint[ENDPOINT];
    PART ("welcome");
    RC (zmq_setsockopt (xpub, ZMQ_XPUB_WELCOME_MSG, "Wilkommen", 9));
    bind_any (xpub, transport, endpoint);
    asked (sub, "W");
    asked (other, "x");
    MUST (zmq_connect (sub, endpoint) == 0);
    show_message ("xpub", xpub);
    show_message ("sub", sub);
    MUST (zmq_connect (other, endpoint) == 0);
    show_message ("xpub", xpub);
    send_parts (xpub, "x1", NULL);
    show_message ("other", other);
    send_parts (xpub, "W1", NULL);
    show_message ("sub", sub);
    done (sub);
    done (other);
    done (xpub);
}

static void nodrop (void *ctx)
{
    void *xpub = sock (ctx, ZMQ_XPUB), *sub = sock (ctx, ZMQ_SUB);
    PART ("nodrop");
    set_int (xpub, ZMQ_XPUB_NODROP, 1);
    set_int (xpub, ZMQ_SNDHWM, 3);
    set_int (sub, ZMQ_RCVHWM, 3);
    join (xpub, sub, "inproc");
    asked (sub, "m");
    show_message ("xpub", xpub);
    int n = 0;
    while (n < 100 && zmq_send (xpub, "m", 1, ZMQ_DONTWAIT) == 1)
        n++;
    printf ("sent %d, then %s\n", n, errno_name (zmq_errno ()));
    RC (zmq_send (xpub, "nobody's", 8, ZMQ_DONTWAIT));
    set_int (xpub, ZMQ_SNDTIMEO, 50);
    RC (zmq_send (xpub, "m", 1, 0));
    int got = 0;
    char c;
    while (zmq_recv (sub, &c, 1, ZMQ_DONTWAIT) == 1)
        got++;
    printf ("got %d\n", got);
    set_int (xpub, ZMQ_SNDTIMEO, PATIENCE);
    RC (zmq_send (xpub, "m", 1, 0));
    show_message ("sub", sub);
    done (sub);
    done (xpub);
}

static void invert (void *ctx)
{
    void *pub = sock (ctx, ZMQ_XPUB), *sub = sock (ctx, ZMQ_SUB);
    PART ("inverted");
    set_int (pub, ZMQ_INVERT_MATCHING, 1);
    set_int (sub, ZMQ_INVERT_MATCHING, 1);
    join (pub, sub, "inproc");
    asked (sub, "no");
    show_message ("pub", pub);
    send_parts (pub, "north", NULL);
    send_parts (pub, "south", NULL);
    send_parts (pub, "no", NULL);
    send_parts (pub, "n", NULL);
    show_all ("sub", sub);
    done (sub);
    done (pub);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    verbose (ctx, "plain", 0, 0);
    verbose (ctx, "verbose", ZMQ_XPUB_VERBOSE, 1);
    verbose (ctx, "verboser", ZMQ_XPUB_VERBOSER, 1);
    verbose (ctx, "verbose off", ZMQ_XPUB_VERBOSE, 0);
    manual (ctx);
    welcome (ctx, "inproc");
    welcome (ctx, "tcp");
    nodrop (ctx);
    invert (ctx);
    term (ctx);
    return 0;
}
