/* An endpoint to which no further attempt is made, because reconnecting is off, a flag of
   ZMQ_RECONNECT_STOP says so, or the peer does not fit: another zmq_connect connects, with
   the options of then. What the socket had taken before is sent; there is one connection
   and not two; zmq_disconnect works once; and with no peer to come the context ends. */
#include "robust.h"

#ifndef ZMQ_RECONNECT_STOP
#define ZMQ_RECONNECT_STOP 109
#endif
enum { CONN_REFUSED = 1, HANDSHAKE_FAILED = 2 };

static const struct kind {
    const char *name;
    int type, peer;
    int queues; /* what is sent is kept for a peer to come */
} kinds[] = {
  {"PAIR", ZMQ_PAIR, ZMQ_PAIR, 1},       {"PUB", ZMQ_PUB, ZMQ_SUB, 0},
  {"SUB", ZMQ_SUB, ZMQ_PUB, 0},          {"REQ", ZMQ_REQ, ZMQ_REP, 1},
  {"REP", ZMQ_REP, ZMQ_REQ, 0},          {"DEALER", ZMQ_DEALER, ZMQ_DEALER, 1},
  {"ROUTER", ZMQ_ROUTER, ZMQ_DEALER, 0}, {"PULL", ZMQ_PULL, ZMQ_PUSH, 0},
  {"PUSH", ZMQ_PUSH, ZMQ_PULL, 1},       {"XPUB", ZMQ_XPUB, ZMQ_SUB, 0},
  {"XSUB", ZMQ_XSUB, ZMQ_PUB, 0},        {"STREAM", ZMQ_STREAM, ZMQ_STREAM, 0},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void *context;

static void *socket_of (int type)
{
    void *socket = zmq_socket (context, type);
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_RCVTIMEO, 3000);
    set_int (socket, ZMQ_SNDTIMEO, 3000);
    if (type == ZMQ_SUB)
        OK (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "", 0));
    return socket;
}

static void endpoint_at (char *endpoint, const char *transport)
{
    static int number;
    if (strcmp (transport, "tcp") == 0)
        snprintf (endpoint, 96, "tcp://127.0.0.1:%d", free_port ());
    else
        snprintf (endpoint, 96, "ipc://again-%d", number++);
}

/* Binds the peer and connects once more; again, if the attempt before is not over yet. */
static void meet (void *socket, void *peer, const char *endpoint)
{
    static int number;
    char name[32], event[8];
    void *monitor = socket_of (ZMQ_PAIR);
    snprintf (name, sizeof name, "inproc://accepts-%d", number++);
    OK (zmq_socket_monitor (peer, name, ZMQ_EVENT_ACCEPTED));
    OK (zmq_connect (monitor, name));
    double end = now () + 5;
    while (zmq_bind (peer, endpoint) < 0 && now () < end)
        nap (0.01);
    zmq_pollitem_t accepted = {monitor, 0, ZMQ_POLLIN, 0};
    do
        OK (zmq_connect (socket, endpoint));
    while (zmq_poll (&accepted, 1, 100) == 0 && now () < end);
    CHECK (zmq_recv (monitor, event, sizeof event, ZMQ_DONTWAIT) == 6, "there is a connection");
    OK (zmq_close (monitor));
}

static int passes (void *from, void *to, const char *text)
{
    char buffer[32];
    return zmq_send (from, text, strlen (text), 0) >= 0 && zmq_recv (to, buffer, sizeof buffer, 0) == (int) strlen (text)
           && memcmp (buffer, text, strlen (text)) == 0;
}

/* A publisher's messages get through when the subscription has come. */
static int publishes (void *from, void *to)
{
    char buffer[32];
    double end = now () + 5;
    while (now () < end) {
        zmq_send (from, "news", 4, 0);
        if (zmq_recv (to, buffer, sizeof buffer, ZMQ_DONTWAIT) == 4)
            return 1;
        nap (0.005);
    }
    return 0;
}

/* Whether a socket and its peer reach each other. */
static int works (const struct kind *kind, void *socket, void *peer)
{
    char id[64];
    switch (kind->type) {
        case ZMQ_PUB:
        case ZMQ_XPUB:
            return publishes (socket, peer);
        case ZMQ_XSUB:
            return zmq_send (socket, "\1", 1, 0) == 1 && publishes (peer, socket);
        case ZMQ_SUB:
            return publishes (peer, socket);
        case ZMQ_PUSH:
            return passes (socket, peer, "work");
        case ZMQ_PULL:
            return passes (peer, socket, "work");
        case ZMQ_REP:
            return passes (peer, socket, "ask") && passes (socket, peer, "tell");
        case ZMQ_ROUTER:
            return zmq_send (peer, "hello", 5, 0) == 5 && zmq_recv (socket, id, sizeof id, 0) == 5
                   && zmq_recv (socket, id, sizeof id, 0) == 5;
        case ZMQ_STREAM: /* an empty message tells of the connection */
            return zmq_recv (peer, id, sizeof id, 0) == 5 && zmq_recv (peer, id, sizeof id, 0) == 0;
        default:
            return passes (socket, peer, "ask") && passes (peer, socket, "tell");
    }
}

static int hears_nothing (void *socket)
{
    char buffer[32];
    set_int (socket, ZMQ_RCVTIMEO, 15);
    int size = zmq_recv (socket, buffer, sizeof buffer, 0);
    set_int (socket, ZMQ_RCVTIMEO, 3000);
    return size < 0;
}

/* The first attempts fail; then there is a peer. */
static void refused (const struct kind *kind, const char *transport, int interval, int attempts, int disconnects)
{
    char endpoint[96];
    int queued = 0;
    endpoint_at (endpoint, transport);
    void *socket = socket_of (kind->type), *peer = socket_of (kind->peer);
    set_int (socket, ZMQ_RECONNECT_IVL, interval);
    for (int i = 0; i < attempts; i++) {
        OK (zmq_connect (socket, endpoint));
        nap (0.02);
        if (kind->queues && kind->type != ZMQ_REQ)
            queued += zmq_send (socket, "queued", 6, ZMQ_DONTWAIT) == 6;
        if (disconnects)
            OK (zmq_disconnect (socket, endpoint));
    }
    meet (socket, peer, endpoint);
    char buffer[32];
    int kept = 0;
    while (!disconnects && kept < queued && zmq_recv (peer, buffer, sizeof buffer, 0) == 6)
        kept++;
    int good = works (kind, socket, peer);
    if (!good || (!disconnects && kept != queued))
        say ("%s, %s, interval %d, %d attempts%s: %d of %d messages, then %s", kind->name, transport, interval, attempts,
             disconnects ? " and zmq_disconnect" : "", kept, queued, good ? "more" : "none");
    CHECK (good, "it connects");
    CHECK (disconnects || kept == queued, "and what was taken before is sent");
    if (kind->queues)
        CHECK (hears_nothing (peer), "once");
    CHECK (zmq_disconnect (socket, endpoint) == 0, "one zmq_disconnect");
    CHECK (zmq_disconnect (socket, endpoint) == -1 && errno == ENOENT, "and no other");
    OK (zmq_close (socket));
    OK (zmq_close (peer));
}

/* A connection that stood and is lost. */
static void lost (const struct kind *kind, const char *transport)
{
    char endpoint[96];
    endpoint_at (endpoint, transport);
    void *socket = socket_of (kind->type), *peer = socket_of (kind->peer);
    set_int (socket, ZMQ_RECONNECT_IVL, -1);
    OK (zmq_bind (peer, endpoint));
    OK (zmq_connect (socket, endpoint));
    int before = works (kind, socket, peer);
    OK (zmq_close (peer));
    nap (0.05);
    peer = socket_of (kind->peer);
    if (kind->type == ZMQ_STREAM || kind->type == ZMQ_REQ) { /* they have something in hand */
        OK (zmq_close (socket));
        socket = socket_of (kind->type);
    }
    meet (socket, peer, endpoint);
    int after = works (kind, socket, peer);
    if (!before || !after)
        say ("%s, %s, lost: %d before, %d after", kind->name, transport, before, after);
    CHECK (before && after, "it connects after it was lost");
    OK (zmq_close (socket));
    OK (zmq_close (peer));
}

/* A REQ has asked before there is anybody, and gets the answer of the one that comes. */
static void asks (void)
{
    char endpoint[96];
    endpoint_at (endpoint, "tcp");
    void *req = socket_of (ZMQ_REQ), *rep = socket_of (ZMQ_REP);
    set_int (req, ZMQ_RECONNECT_IVL, -1);
    OK (zmq_connect (req, endpoint));
    nap (0.02);
    OK (zmq_send (req, "question", 8, 0));
    meet (req, rep, endpoint);
    char buffer[32];
    CHECK (zmq_recv (rep, buffer, sizeof buffer, 0) == 8, "the question arrives");
    CHECK (passes (rep, req, "answer"), "and the answer");
    OK (zmq_close (req));
    OK (zmq_close (rep));
}

/* A peer that the application has named. */
static void named (const char *again)
{
    char endpoint[96], buffer[32];
    endpoint_at (endpoint, "tcp");
    void *router = socket_of (ZMQ_ROUTER), *dealer = socket_of (ZMQ_DEALER);
    set_int (router, ZMQ_RECONNECT_IVL, -1);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    OK (zmq_setsockopt (router, ZMQ_CONNECT_ROUTING_ID, "peer", 4));
    OK (zmq_connect (router, endpoint));
    nap (0.02);
    OK (zmq_send (router, "peer", 4, ZMQ_SNDMORE));
    OK (zmq_send (router, "queued", 6, 0));
    OK (zmq_bind (dealer, endpoint));
    nap (0.2);
    double end = now () + 5;
    do /* until the attempt before is over */
        OK (zmq_setsockopt (router, ZMQ_CONNECT_ROUTING_ID, again, strlen (again)));
    while (zmq_connect (router, endpoint) < 0 && errno == EADDRINUSE && now () < end);
    CHECK (now () < end, "the name is free");
    if (strcmp (again, "peer") == 0)
        CHECK (zmq_recv (dealer, buffer, sizeof buffer, 0) == 6, "what is for it is sent");
    else
        CHECK (zmq_send (router, "peer", 4, ZMQ_SNDMORE) == -1 && errno == EHOSTUNREACH, "the old name is gone");
    CHECK (zmq_send (router, again, strlen (again), ZMQ_SNDMORE) >= 0 && passes (router, dealer, "hello"),
           "and the peer reached by the new one");
    CHECK (hears_nothing (dealer), "with nothing else");
    OK (zmq_close (router));
    OK (zmq_close (dealer));
}

/* A flag of ZMQ_RECONNECT_STOP ends the attempts. */
static void stopped (const struct kind *kind, int flag)
{
    char endpoint[96];
    int port, listener = listen_any (&port);
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    void *socket = socket_of (kind->type), *peer = socket_of (kind->peer);
    set_int (socket, ZMQ_RECONNECT_IVL, 10);
    set_int (socket, ZMQ_RECONNECT_STOP, flag);
    if (flag == CONN_REFUSED)
        close (listener);
    OK (zmq_connect (socket, endpoint));
    if (flag == HANDSHAKE_FAILED) {
        close (accept (listener, NULL, NULL));
        close (listener);
    }
    nap (0.03); /* if there were attempts, one would get through */
    meet (socket, peer, endpoint);
    int good = works (kind, socket, peer);
    if (!good)
        say ("%s, ZMQ_RECONNECT_STOP %d: no connection", kind->name, flag);
    CHECK (good, "it connects after the attempts have been stopped");
    CHECK (zmq_disconnect (socket, endpoint) == 0 && zmq_disconnect (socket, endpoint) == -1, "one zmq_disconnect");
    OK (zmq_close (socket));
    OK (zmq_close (peer));
}

/* A PAIR whose peer does not fit connects to another one at once. */
static void elsewhere (void)
{
    char wrong[96], right[96];
    endpoint_at (wrong, "tcp");
    endpoint_at (right, "tcp");
    void *pair = socket_of (ZMQ_PAIR), *pull = socket_of (ZMQ_PULL), *peer = socket_of (ZMQ_PAIR);
    OK (zmq_bind (pull, wrong));
    OK (zmq_bind (peer, right));
    OK (zmq_connect (pair, wrong));
    double end = now () + 5;
    int good = 0;
    while (!good && now () < end) { /* an attempt may end with a reset, and is then repeated */
        nap (0.02);
        OK (zmq_connect (pair, right));
        set_int (peer, ZMQ_RCVTIMEO, 50);
        char buffer[8];
        good = zmq_send (pair, "x", 1, ZMQ_DONTWAIT) == 1 && zmq_recv (peer, buffer, sizeof buffer, 0) == 1;
    }
    CHECK (good, "it connects elsewhere");
    OK (zmq_close (pair));
    OK (zmq_close (pull));
    OK (zmq_close (peer));
}

/* The peer wants a password; with it, the second zmq_connect works. */
static void corrected (const struct kind *kind)
{
    char endpoint[96];
    endpoint_at (endpoint, "tcp");
    void *socket = socket_of (kind->type), *peer = socket_of (kind->peer);
    set_int (socket, ZMQ_RECONNECT_IVL, 10);
    set_int (peer, ZMQ_PLAIN_SERVER, 1);
    OK (zmq_bind (peer, endpoint));
    OK (zmq_connect (socket, endpoint));
    nap (0.05);
    OK (zmq_setsockopt (socket, ZMQ_PLAIN_USERNAME, "me", 2));
    OK (zmq_setsockopt (socket, ZMQ_PLAIN_PASSWORD, "pw", 2));
    double end = now () + 5;
    int good = 0;
    while (!good && now () < end) { /* an attempt may end with a reset, and is then repeated */
        OK (zmq_connect (socket, endpoint));
        zmq_pollitem_t item = {socket, 0, ZMQ_POLLOUT, 0};
        nap (0.02);
        OK (zmq_poll (&item, 1, 0));
        good = item.revents && zmq_send (socket, "hello", 5, ZMQ_DONTWAIT) == 5;
        set_int (peer, ZMQ_RCVTIMEO, 100);
        char buffer[32];
        good = good && zmq_recv (peer, buffer, sizeof buffer, 0) == 5;
    }
    CHECK (good, "it connects with the right options");
    OK (zmq_close (socket));
    OK (zmq_close (peer));
}

/* Answers every question of PLAIN with yes. */
static void *approve (void *handler)
{
    char part[256], id[256];
    for (;;) {
        int size = 0, more = 1;
        size_t length = sizeof more;
        for (int i = 0; more; i++) {
            int got = zmq_recv (handler, part, sizeof part, 0);
            if (got < 0)
                return NULL;
            if (i == 1)
                memcpy (id, part, (size_t) (size = got));
            OK (zmq_getsockopt (handler, ZMQ_RCVMORE, &more, &length));
        }
        OK (zmq_send (handler, "1.0", 3, ZMQ_SNDMORE));
        OK (zmq_send (handler, id, (size_t) size, ZMQ_SNDMORE));
        OK (zmq_send (handler, "200", 3, ZMQ_SNDMORE));
        OK (zmq_send (handler, "", 0, ZMQ_SNDMORE));
        OK (zmq_send (handler, "", 0, ZMQ_SNDMORE));
        OK (zmq_send (handler, "", 0, 0));
    }
}

/* ZMQ_LINGER -1, and no connection that could send what is queued. */
static void ends (void)
{
    void *own = zmq_ctx_new (), *socket = zmq_socket (own, ZMQ_DEALER);
    char endpoint[96];
    endpoint_at (endpoint, "tcp");
    set_int (socket, ZMQ_RECONNECT_IVL, -1);
    set_int (socket, ZMQ_LINGER, -1);
    OK (zmq_connect (socket, endpoint));
    nap (0.02);
    OK (zmq_send (socket, "unsent", 6, 0));
    double start = now ();
    OK (zmq_close (socket));
    OK (zmq_ctx_term (own));
    CHECK (now () - start < 1, "the context ends");
}

int main (void)
{
    context = zmq_ctx_new ();
    for (int i = 0; i < KINDS; i++) {
        refused (&kinds[i], "tcp", -1, 1, 0);
        refused (&kinds[i], "ipc", -1, 1, 0);
        refused (&kinds[i], "tcp", 0, 3, 0);
        refused (&kinds[i], "tcp", -1, 1, 1);
        lost (&kinds[i], i % 2 ? "ipc" : "tcp");
        stopped (&kinds[i], CONN_REFUSED);
        if (kinds[i].type != ZMQ_STREAM) /* which has no handshake */
            stopped (&kinds[i], HANDSHAKE_FAILED);
        say ("%s: connects when asked again", kinds[i].name);
    }
    asks ();
    elsewhere ();
    named ("peer");
    named ("other");
    pthread_t thread;
    void *handler = socket_of (ZMQ_REP);
    set_int (handler, ZMQ_RCVTIMEO, -1);
    OK (zmq_bind (handler, "inproc://zeromq.zap.01"));
    pthread_create (&thread, NULL, approve, handler);
    for (int i = 0; i < KINDS; i++)
        if (kinds[i].type == ZMQ_DEALER || kinds[i].type == ZMQ_PUSH)
            corrected (&kinds[i]);
    ends ();
    OK (zmq_ctx_shutdown (context));
    pthread_join (thread, NULL);
    OK (zmq_close (handler));
    OK (zmq_ctx_term (context));
    return done ();
}
