/* PAIR: one peer at a time, both directions, over every transport. */
#include "common.h"

static void both_ways (void *ctx, const char *transport)
{
    void *a = sock (ctx, ZMQ_PAIR), *b = sock (ctx, ZMQ_PAIR);
    PART (transport);
    join (a, b, transport);
    send_parts (a, "ping", NULL);
    show_message ("b", b);
    send_parts (b, "pong", "and", "", "more", NULL);
    show_message ("a", a);
    /* Both directions do not wait for one another. */
    for (int i = 0; i < 5; i++) {
        char text[16];
        snprintf (text, sizeof text, "%d", i);
        send_parts (a, text, NULL);
        send_parts (b, text, text, NULL);
    }
    for (int i = 0; i < 5; i++) {
        show_message ("a", a);
        show_message ("b", b);
    }
    show_empty ("a", a);
    show_empty ("b", b);
    done (a);
    done (b);
}

static void third_party (void *ctx)
{
    void *a = sock (ctx, ZMQ_PAIR), *b = sock (ctx, ZMQ_PAIR);
    void *c = sock (ctx, ZMQ_PAIR);
    char endpoint[ENDPOINT];
    PART ("a third PAIR stays outside");
    bind_any (a, "inproc", endpoint);
    RC (zmq_connect (b, endpoint));
    send_parts (b, "from b", NULL);
    show_message ("a", a);
    RC (zmq_connect (c, endpoint));
    /* c's pipe is ended by a, which has to be awake for that. */
    SHOW (get_int (a, ZMQ_EVENTS));
    send_parts (a, "for b", NULL);
    show_message ("b", b);
    show_empty ("c", c);
    done (c);
    done (b);
    done (a);
}

static void replacement (void *ctx)
{
    char endpoint[ENDPOINT];
    void *a = sock (ctx, ZMQ_PAIR), *b = sock (ctx, ZMQ_PAIR);
    PART ("a new peer after the first has gone");
    bind_any (a, "inproc", endpoint);
    RC (zmq_connect (b, endpoint));
    send_parts (a, "one", NULL);
    show_message ("b", b);
    RC (zmq_disconnect (b, endpoint));
    /* Both ends take note of the end inside a call. */
    show_empty ("a", a);
    SHOW (get_int (b, ZMQ_EVENTS));
    SHOW (get_int (a, ZMQ_EVENTS));
    RC (zmq_send (a, "x", 1, ZMQ_DONTWAIT));
    void *c = sock (ctx, ZMQ_PAIR);
    RC (zmq_connect (c, endpoint));
    send_parts (a, "two", NULL);
    show_message ("c", c);
    send_parts (c, "three", NULL);
    show_message ("a", a);
    done (b);
    done (c);
    done (a);
}

static void full (void *ctx)
{
    void *a = sock (ctx, ZMQ_PAIR), *b = sock (ctx, ZMQ_PAIR);
    PART ("high-water mark");
    set_int (a, ZMQ_SNDHWM, 4);
    set_int (b, ZMQ_RCVHWM, 6);
    join (a, b, "inproc");
    int n = 0;
    while (n < 1000 && zmq_send (a, "m", 1, ZMQ_DONTWAIT) == 1)
        n++;
    printf ("sent %d, then %s\n", n, errno_name (zmq_errno ()));
    SHOW (get_int (a, ZMQ_EVENTS));
    for (int i = 0; i < n; i++) {
        char c;
        MUST (zmq_recv (b, &c, 1, 0) == 1);
    }
    SHOW (wait_for (a, ZMQ_POLLOUT, PATIENCE));
    done (a);
    done (b);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    both_ways (ctx, "inproc");
    both_ways (ctx, "tcp");
    both_ways (ctx, "ipc");
    third_party (ctx);
    replacement (ctx);
    full (ctx);
    PART ("alone");
    void *s = sock (ctx, ZMQ_PAIR);
    RC (zmq_send (s, "x", 1, ZMQ_DONTWAIT));
    show_empty ("alone", s);
    done (s);
    term (ctx);
    return 0;
}
