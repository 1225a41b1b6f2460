/* A PAIR whose peer goes and comes: the newcomer is taken at once, in whatever order its
   socket hears of the two, what the one before left unread is read first and in order,
   and a second peer beside a living one is refused. After each sequence messages arrive
   both ways, and zmq_poll says so before they are asked for. */
#include "robust.h"

static void *pair_of (void *context)
{
    void *pair = zmq_socket (context, ZMQ_PAIR);
    set_int (pair, ZMQ_LINGER, 1000);
    set_int (pair, ZMQ_RCVTIMEO, 3000);
    set_int (pair, ZMQ_SNDTIMEO, 3000);
    set_int (pair, ZMQ_RECONNECT_IVL, 20);
    return pair;
}

/* An endpoint that is not in use; for tcp bind_any finds one. */
static void fresh (const char *transport, char *endpoint)
{
    static int number;
    snprintf (endpoint, 96, strcmp (transport, "tcp") ? "%s://pairs-%d" : "tcp://127.0.0.1:*", transport, number++);
}

static void bind_any (void *socket, const char *transport, char *endpoint)
{
    size_t size = 96;
    fresh (transport, endpoint);
    OK (zmq_bind (socket, endpoint));
    OK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
}

static int sends (void *socket, const char *text)
{
    return zmq_send (socket, text, strlen (text), 0) == (int) strlen (text);
}

/* Polls, and then receives without waiting. */
static int hears (void *socket, const char *text)
{
    char buffer[64] = "";
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    int ready = zmq_poll (&item, 1, 3000), size = zmq_recv (socket, buffer, sizeof buffer - 1, ZMQ_DONTWAIT);
    int right = ready == 1 && size == (int) strlen (text) && memcmp (buffer, text, (size_t) size) == 0;
    if (!right)
        say ("heard '%s' in place of '%s'; zmq_poll said %d", size < 0 ? zmq_strerror (errno) : buffer, text, ready);
    return right;
}

static int talk (void *a, void *b)
{
    return sends (b, "to a") && hears (a, "to a") && sends (a, "to b") && hears (b, "to b");
}

static void end (void *context, void *a, void *b)
{
    OK (zmq_close (a));
    OK (zmq_close (b));
    OK (zmq_ctx_term (context));
}

/* connect and disconnect so many times, with a message each time or without. */
static void again (const char *transport, int times, int with_message)
{
    char endpoint[96], text[16];
    void *context = zmq_ctx_new (), *a = pair_of (context), *b = pair_of (context);
    bind_any (a, transport, endpoint);
    for (int i = 0; i < times; i++) {
        OK (zmq_connect (b, endpoint));
        snprintf (text, sizeof text, "%d", i);
        if (with_message)
            CHECK (sends (b, text), "a message is taken");
        OK (zmq_disconnect (b, endpoint));
    }
    OK (zmq_connect (b, endpoint));
    CHECK (sends (b, "last"), "the last connection takes a message");
    for (int i = 0; with_message && i < times; i++) {
        snprintf (text, sizeof text, "%d", i);
        CHECK (hears (a, text), "what was left is read in order");
    }
    CHECK (hears (a, "last"), "and then what came by the last connection");
    CHECK (talk (a, b), "both ways work");
    say ("%s: connect and disconnect %d times%s, and connect: everything arrives", transport, times,
         with_message ? " with a message" : "");
    end (context, a, b);
}

/* A socket in place of another, at either end. */
static void replaced (const char *transport)
{
    char endpoint[96];
    void *context = zmq_ctx_new (), *a = pair_of (context), *b = pair_of (context), *c = pair_of (context);
    bind_any (a, transport, endpoint);
    OK (zmq_connect (b, endpoint));
    CHECK (talk (a, b), "a peer");
    CHECK (sends (b, "one") && sends (b, "two"), "leaves something unread");
    OK (zmq_close (b));
    OK (zmq_connect (c, endpoint));
    CHECK (sends (c, "three"), "the next peer may send at once");
    CHECK (hears (a, "one") && hears (a, "two") && hears (a, "three"), "and is heard after it");
    CHECK (talk (a, c), "and answered");
    OK (zmq_close (a));
    a = pair_of (context);
    double limit = now () + 5;
    while (zmq_bind (a, endpoint) < 0 && now () < limit)
        nap (0.01);
    if (strcmp (transport, "inproc") == 0)
        OK (zmq_connect (c, endpoint)); /* the others come back by themselves */
    else
        nap (0.1); /* what is sent before they have noticed is lost on the way */
    CHECK (talk (a, c), "the one that connects finds the next that binds");
    OK (zmq_unbind (a, endpoint));
    OK (zmq_disconnect (c, endpoint));
    bind_any (a, transport, endpoint);
    OK (zmq_connect (c, endpoint));
    CHECK (talk (a, c), "and after unbind and disconnect another endpoint");
    say ("%s: peers are replaced at either end", transport);
    end (context, a, c);
}

/* A second peer beside a living one is refused, and gets in when the first is gone. */
static void refused (const char *transport)
{
    char endpoint[96], byte;
    void *context = zmq_ctx_new (), *a = pair_of (context), *b = pair_of (context), *c = pair_of (context);
    bind_any (a, transport, endpoint);
    OK (zmq_connect (b, endpoint));
    CHECK (talk (a, b), "a peer");
    OK (zmq_connect (c, endpoint));
    set_int (a, ZMQ_RCVTIMEO, 100);
    zmq_send (c, "x", 1, ZMQ_DONTWAIT);
    CHECK (zmq_recv (a, &byte, 1, 0) == -1, "a second one is not heard");
    set_int (a, ZMQ_RCVTIMEO, 3000);
    CHECK (talk (a, b), "and the first stays");
    OK (zmq_disconnect (b, endpoint));
    zmq_disconnect (c, endpoint); /* over inproc it is no endpoint any more */
    OK (zmq_connect (c, endpoint));
    CHECK (talk (a, c), "when it is gone, another gets in");
    say ("%s: a second peer waits until the first is gone", transport);
    OK (zmq_close (b));
    end (context, a, c);
}

/* A message in several parts, half sent or half read when the peer is replaced. */
static void halves (const char *transport)
{
    char endpoint[96];
    void *context = zmq_ctx_new (), *a = pair_of (context), *b = pair_of (context), *c = pair_of (context);
    bind_any (a, transport, endpoint);
    OK (zmq_connect (b, endpoint));
    CHECK (talk (a, b), "a peer");
    OK (zmq_send (b, "1", 1, ZMQ_SNDMORE));
    OK (zmq_send (b, "2", 1, ZMQ_SNDMORE));
    OK (zmq_send (b, "3", 1, 0));
    CHECK (hears (a, "1"), "a part is read");
    OK (zmq_send (a, "half", 4, ZMQ_SNDMORE));
    OK (zmq_close (b));
    OK (zmq_connect (c, endpoint));
    CHECK (sends (c, "whole"), "the next peer sends");
    CHECK (hears (a, "2") && hears (a, "3") && hears (a, "whole"), "the other parts come first");
    OK (zmq_send (a, "the other half", 14, 0));
    CHECK (sends (a, "next") && hears (c, "next"), "the other half goes nowhere");
    CHECK (talk (a, c), "and both ways work");
    say ("%s: halves of messages stay together", transport);
    end (context, a, c);
}

/* Over inproc a connection may come before the binder, and go again. */
static void pending (int times)
{
    char endpoint[96];
    void *context = zmq_ctx_new (), *a = pair_of (context), *b = pair_of (context);
    fresh ("inproc", endpoint);
    for (int i = 0; i < times; i++) {
        OK (zmq_connect (b, endpoint));
        if (i % 2)
            CHECK (sends (b, "left"), "a message is taken");
        OK (zmq_disconnect (b, endpoint));
    }
    OK (zmq_connect (b, endpoint));
    CHECK (sends (b, "last"), "the last connection takes a message");
    OK (zmq_bind (a, endpoint));
    for (int i = 0; i < times / 2; i++)
        CHECK (hears (a, "left"), "what was sent before is read");
    CHECK (hears (a, "last") && talk (a, b), "and then the last peer is there");
    say ("inproc: connect and disconnect %d times before bind: everything arrives", times);
    end (context, a, b);
}

/* Nothing is left of connections that were given up before a binder came. */
static void no_trace (void)
{
    char endpoint[96];
    void *context = zmq_ctx_new (), *b = pair_of (context);
    fresh ("inproc", endpoint);
    long before = 0;
    for (long i = 0; i < 60000; i++) {
        OK (zmq_connect (b, endpoint));
        OK (zmq_disconnect (b, endpoint));
        if (i == 10000)
            before = rss ();
    }
    long grown = rss () - before;
    say ("inproc: 50000 times connect and disconnect with no binder: %ld KiB more", grown);
    CHECK (grown < 4096, "they are forgotten");
    OK (zmq_close (b));
    OK (zmq_ctx_term (context));
}

int main (void)
{
    static const char *const transports[] = {"inproc", "tcp", "ipc"};
    for (int t = 0; t < 3; t++) {
        /* By way of the network several connections come at the same time, and the
           order is open. */
        for (int message = 0; message <= (t == 0); message++) {
            again (transports[t], 1, message);
            again (transports[t], 2, message);
            again (transports[t], 5, message);
        }
        replaced (transports[t]);
        refused (transports[t]);
        halves (transports[t]);
    }
    pending (1);
    pending (4);
    no_trace ();
    return done ();
}
