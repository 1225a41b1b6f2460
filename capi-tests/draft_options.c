/* Options that are no part of a stable header, yet work in a stable library. */
#include "common.h"

static void *ctx;

static void values (const char *name, int option)
{
    static const int tried[] = {INT_MIN, -1, 0, 1, 2, INT_MAX};
    PART (name);
    for (int i = 0; i < COUNT (tried); i++) {
        void *s = sock (ctx, ZMQ_DEALER);
        int before = get_int (s, option);
        int rc = zmq_setsockopt (s, option, &tried[i], sizeof (int));
        printf ("%d, set %d: %s, then %d\n", before, tried[i], rc ? errno_name (zmq_errno ()) : "ok",
                get_int (s, option));
        done (s);
    }
}

static void subscribe (void *sub, const char *topic)
{
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, topic, strlen (topic)) == 0);
}

static void last_value (void)
{
    PART ("ZMQ_XPUB_MANUAL_LAST_VALUE");
    char endpoint[ENDPOINT];
    void *xpub = sock (ctx, ZMQ_XPUB), *sub[2];
    set_int (xpub, ZMQ_XPUB_MANUAL_LAST_VALUE, 1);
    bind_any (xpub, "inproc", endpoint);
    for (int i = 0; i < 2; i++) {
        sub[i] = sock (ctx, ZMQ_SUB);
        MUST (zmq_connect (sub[i], endpoint) == 0);
        subscribe (sub[i], "A");
        show_message ("asked", xpub);
        RC (zmq_setsockopt (xpub, ZMQ_SUBSCRIBE, "A", 1));
        send_parts (xpub, i ? "A for the second" : "A for the first", NULL);
    }
    send_parts (xpub, "A for both", NULL);
    for (int i = 0; i < 2; i++) {
        show_message (i ? "second" : "first", sub[i]);
        show_message (i ? "second" : "first", sub[i]);
        show_empty (i ? "second" : "first", sub[i]);
        done (sub[i]);
    }
    done (xpub);
}

/* What later parts mean that look like subscriptions. */
static void only_first (int value)
{
    printf ("-- ZMQ_ONLY_FIRST_SUBSCRIBE %d\n", value);
    void *xpub = sock (ctx, ZMQ_XPUB), *xsub = sock (ctx, ZMQ_XSUB);
    set_int (xpub, ZMQ_ONLY_FIRST_SUBSCRIBE, value);
    set_int (xsub, ZMQ_ONLY_FIRST_SUBSCRIBE, value);
    join (xpub, xsub, "inproc");
    send_parts (xsub, "\1A", NULL);
    show_message ("xpub", xpub);
    send_parts (xsub, "data", "\1B", NULL);
    send_parts (xsub, "the end", NULL);
    for (int i = 0; i < 3 && wait_for (xpub, ZMQ_POLLIN, 0); i++)
        show_message ("xpub", xpub);
    show_empty ("xpub", xpub);
    send_parts (xpub, "A message", NULL);
    send_parts (xpub, "B message", NULL);
    for (int i = 0; i < 2 && wait_for (xsub, ZMQ_POLLIN, 0); i++)
        show_message ("xsub", xsub);
    show_empty ("xsub", xsub);
    done (xsub);
    done (xpub);
}

static void topics (const char *when, void *s)
{
    int count = -1;
    size_t len = sizeof count;
    int rc = zmq_getsockopt (s, ZMQ_TOPICS_COUNT, &count, &len);
    if (rc)
        printf ("%s: %s\n", when, errno_name (zmq_errno ()));
    else
        printf ("%s: %d topics\n", when, count);
}

static void topics_count (void)
{
    PART ("ZMQ_TOPICS_COUNT");
    void *xpub = sock (ctx, ZMQ_XPUB), *sub = sock (ctx, ZMQ_SUB), *other = sock (ctx, ZMQ_PAIR);
    join (xpub, sub, "inproc");
    topics ("none yet", sub);
    subscribe (sub, "A");
    subscribe (sub, "AB");
    topics ("two, where they are asked for", sub);
    for (int i = 0; i < 2; i++)
        show_message ("xpub", xpub);
    topics ("two, where they are heard", xpub);
    MUST (zmq_setsockopt (sub, ZMQ_UNSUBSCRIBE, "A", 1) == 0);
    topics ("one left", sub);
    topics ("on a PAIR", other);
    int value = 1;
    RC (zmq_setsockopt (sub, ZMQ_TOPICS_COUNT, &value, sizeof value));
    done (other);
    done (sub);
    done (xpub);
}

/* Messages come whole with and without it. */
static void zero_copy (void)
{
    PART ("ZMQ_ZERO_COPY_RECV");
    static char sent[9000], got[9000];
    RC (zmq_ctx_get (ctx, ZMQ_ZERO_COPY_RECV));
    RC (zmq_ctx_set (ctx, ZMQ_ZERO_COPY_RECV, -1));
    for (int value = 0; value < 3; value++) {
        RC (zmq_ctx_set (ctx, ZMQ_ZERO_COPY_RECV, value));
        SHOW (zmq_ctx_get (ctx, ZMQ_ZERO_COPY_RECV));
        void *in = sock (ctx, ZMQ_PULL), *out = sock (ctx, ZMQ_PUSH);
        join (in, out, "tcp");
        for (size_t size = 0; size <= sizeof sent; size = 3 * size + 7) {
            memset (sent, (int) size, size);
            MUST (zmq_send (out, sent, size, 0) == (int) size);
            MUST (zmq_recv (in, got, sizeof got, 0) == (int) size);
            printf ("%zu: %d\n", size, memcmp (sent, got, size));
        }
        done (out);
        done (in);
    }
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    values ("ZMQ_ZAP_ENFORCE_DOMAIN", ZMQ_ZAP_ENFORCE_DOMAIN);
    values ("ZMQ_LOOPBACK_FASTPATH", ZMQ_LOOPBACK_FASTPATH);
    values ("ZMQ_MULTICAST_LOOP", ZMQ_MULTICAST_LOOP);
    values ("ZMQ_RECONNECT_STOP", ZMQ_RECONNECT_STOP);
    last_value ();
    only_first (0);
    only_first (1);
    topics_count ();
    zero_copy ();
    term (ctx);
    return 0;
}
