/* PUB and SUB over time: late joiners, slow subscribers, whole messages only. */
#include "common.h"

static void late_joiner (void *ctx)
{
    void *pub = sock (ctx, ZMQ_PUB), *sub = sock (ctx, ZMQ_SUB);
    char endpoint[ENDPOINT];
    PART ("who comes late has missed it");
    bind_any (pub, "inproc", endpoint);
    RC (zmq_send (pub, "early", 5, 0));
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "", 0) == 0);
    MUST (zmq_connect (sub, endpoint) == 0);
    settle (pub, sub);
    send_parts (pub, "now", NULL);
    show_message ("sub", sub);
    show_empty ("sub", sub);
    done (sub);
    done (pub);
}

static void slow (void *ctx)
{
    void *pub = sock (ctx, ZMQ_XPUB), *slow_one = sock (ctx, ZMQ_SUB);
    void *fast = sock (ctx, ZMQ_SUB);
    char endpoint[ENDPOINT], text[64];
    PART ("a slow subscriber loses messages, and only whole ones");
    set_int (pub, ZMQ_XPUB_VERBOSE, 1);
    set_int (pub, ZMQ_SNDHWM, 5);
    set_int (slow_one, ZMQ_RCVHWM, 5);
    set_int (fast, ZMQ_RCVHWM, 0);
    bind_any (pub, "inproc", endpoint);
    MUST (zmq_setsockopt (slow_one, ZMQ_SUBSCRIBE, "m", 1) == 0);
    MUST (zmq_setsockopt (fast, ZMQ_SUBSCRIBE, "m", 1) == 0);
    MUST (zmq_connect (slow_one, endpoint) == 0);
    MUST (zmq_connect (fast, endpoint) == 0);
    show_message ("pub", pub);
    show_message ("pub", pub);
    for (int i = 0; i < 40; i++) {
        snprintf (text, sizeof text, "m%02d", i);
        send_parts (pub, text, "two", "three", NULL);
    }
    int n = 0, parts = 0;
    while (zmq_recv (slow_one, text, sizeof text, ZMQ_DONTWAIT) >= 0) {
        parts++;
        n += !get_int (slow_one, ZMQ_RCVMORE);
    }
    printf ("slow: %d messages, %d parts\n", n, parts);
    n = parts = 0;
    while (zmq_recv (fast, text, sizeof text, ZMQ_DONTWAIT) >= 0) {
        parts++;
        n += !get_int (fast, ZMQ_RCVMORE);
    }
    printf ("fast: %d messages, %d parts\n", n, parts);
    /* Read empty, it is served again. */
    SHOW (get_int (pub, ZMQ_EVENTS));
    send_parts (pub, "m again", NULL);
    show_message ("slow", slow_one);
    done (slow_one);
    done (fast);
    done (pub);
}

static void two_publishers (void *ctx)
{
    void *pub[2], *sub = sock (ctx, ZMQ_SUB);
    PART ("a subscriber of two publishers");
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "m", 1) == 0);
    for (int i = 0; i < 2; i++) {
        pub[i] = sock (ctx, ZMQ_PUB);
        join (pub[i], sub, "inproc");
        settle (pub[i], sub);
    }
    for (int i = 0; i < 3; i++) {
        send_parts (pub[0], "m from 0", NULL);
        send_parts (pub[1], "m from 1", "tail", NULL);
    }
    SHOW (get_int (sub, ZMQ_EVENTS));
    for (int i = 0; i < 6; i++)
        show_message ("sub", sub);
    done (pub[0]);
    done (pub[1]);
    done (sub);
}

static void sub_binds (void *ctx, const char *transport)
{
    void *pub = sock (ctx, ZMQ_PUB), *sub = sock (ctx, ZMQ_SUB);
    PART ("the subscriber binds");
    join (sub, pub, transport);
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "x", 1) == 0);
    settle (pub, sub);
    send_parts (pub, "xyz", NULL);
    show_message ("sub", sub);
    done (pub);
    done (sub);
}

static void resubscribe (void *ctx)
{
    char endpoint[ENDPOINT];
    void *pub = sock (ctx, ZMQ_PUB), *sub = sock (ctx, ZMQ_SUB);
    PART ("a new publisher learns of old subscriptions");
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "keep", 4) == 0);
    bind_any (pub, "inproc", endpoint);
    MUST (zmq_connect (sub, endpoint) == 0);
    settle (pub, sub);
    MUST (zmq_disconnect (sub, endpoint) == 0);
    done (pub);
    pub = sock (ctx, ZMQ_XPUB);
    bind_any (pub, "inproc", endpoint);
    MUST (zmq_connect (sub, endpoint) == 0);
    show_message ("xpub", pub);
    send_parts (pub, "keep it", NULL);
    show_message ("sub", sub);
    done (pub);
    done (sub);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    late_joiner (ctx);
    slow (ctx);
    two_publishers (ctx);
    sub_binds (ctx, "inproc");
    sub_binds (ctx, "tcp");
    resubscribe (ctx);
    term (ctx);
    return 0;
}
