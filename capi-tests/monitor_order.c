/* Readers that connect to a monitor's name before it has one, and after; of each type
   that receives. */
#include "monitor.h"

static void *ctx;

struct type {
    const char *name;
    int type;
};

static const struct type types[] = {
  {"PAIR", ZMQ_PAIR}, {"PULL", ZMQ_PULL},     {"DEALER", ZMQ_DEALER},
  {"SUB", ZMQ_SUB},   {"ROUTER", ZMQ_ROUTER}, {"XSUB", ZMQ_XSUB},
};

static void *reader_at (const struct type *type, const char *name)
{
    void *reader = sock (ctx, type->type);
    if (type->type == ZMQ_SUB)
        MUST (zmq_setsockopt (reader, ZMQ_SUBSCRIBE, "", 0) == 0);
    MUST (zmq_connect (reader, name) == 0);
    if (type->type == ZMQ_XSUB)
        MUST (zmq_send (reader, "\1", 1, 0) == 1);
    return reader;
}

/* The name of a monitor that has ended is free a little later. */
static void wait_free (const char *name)
{
    void *other = sock (ctx, ZMQ_PAIR);
    long limit = now_ms () + PATIENCE;
    while (zmq_bind (other, name) == -1)
        MUST (zmq_errno () == EADDRINUSE && now_ms () < limit);
    MUST (zmq_unbind (other, name) == 0);
    done (other);
}

/* An event, behind the monitor's routing id at a ROUTER. */
static void show (const struct type *type, void *reader)
{
    char id[64];
    set_int (reader, ZMQ_RCVTIMEO, PATIENCE);
    if (type->type == ZMQ_ROUTER) {
        int size = zmq_recv (reader, id, sizeof id, 0);
        printf ("an id of %d bytes, ", size);
    }
    show_event (type->name, reader, PATIENCE, RETRY);
}

static void listen_and_stop (const struct type *type, void *s, void *reader)
{
    char endpoint[ENDPOINT];
    bind_any (s, "tcp", endpoint);
    show (type, reader);
    MUST (zmq_unbind (s, endpoint) == 0);
    show (type, reader);
    MUST (zmq_socket_monitor (s, NULL, 0) == 0);
    show (type, reader);
}

static void order (const struct type *type, int before, int asks)
{
    static int serial = 0;
    char name[ENDPOINT];
    snprintf (name, sizeof name, "inproc://order-%d", serial++);
    printf ("-- %s connects %s%s\n", type->name, before ? "before" : "after", asks ? ", and asks" : "");
    void *s = sock (ctx, ZMQ_PULL), *reader = NULL;
    if (before)
        reader = reader_at (type, name);
    if (before && asks)
        printf ("readable: %d\n", get_int (reader, ZMQ_EVENTS) & ZMQ_POLLIN);
    MUST (zmq_socket_monitor (s, name, ZMQ_EVENT_ALL) == 0);
    if (!before)
        reader = reader_at (type, name);
    listen_and_stop (type, s, reader);
    done (s);
    done (reader);
}

/* Of two readers one gets the events: the first. */
static void two (int before)
{
    const char *name = before ? "inproc://two-before" : "inproc://two-after";
    printf ("-- two connect %s\n", before ? "before" : "after");
    void *s = sock (ctx, ZMQ_PULL);
    if (!before)
        MUST (zmq_socket_monitor (s, name, ZMQ_EVENT_ALL) == 0);
    void *first = reader_at (&types[0], name), *second = reader_at (&types[0], name);
    if (before)
        MUST (zmq_socket_monitor (s, name, ZMQ_EVENT_ALL) == 0);
    listen_and_stop (&types[0], s, first);
    show_quiet ("second", second);
    done (s);
    done (first);
    done (second);
}

/* The monitor ends and is made again under the same name; its reader connects again. */
static void restart (int before)
{
    const char *name = before ? "inproc://again-before" : "inproc://again-after";
    printf ("-- made again, connected again %s\n", before ? "before" : "after");
    void *s = sock (ctx, ZMQ_PULL);
    void *reader = reader_at (&types[0], name);
    MUST (zmq_socket_monitor (s, name, ZMQ_EVENT_ALL) == 0);
    listen_and_stop (&types[0], s, reader);
    for (int i = 0; i < 2; i++) {
        wait_free (name);
        poke (reader);
        if (before)
            MUST (zmq_connect (reader, name) == 0);
        MUST (zmq_socket_monitor (s, name, ZMQ_EVENT_ALL) == 0);
        if (!before)
            MUST (zmq_connect (reader, name) == 0);
        listen_and_stop (&types[0], s, reader);
    }
    done (s);
    done (reader);
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    for (int i = 0; i < COUNT (types); i++) {
        order (&types[i], 0, 0);
        order (&types[i], 1, 0);
        order (&types[i], 1, 1);
    }
    two (0);
    two (1);
    restart (0);
    restart (1);
    term (ctx);
    return 0;
}
