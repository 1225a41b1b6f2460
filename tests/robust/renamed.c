/* A ROUTER or REP that connects, and at the endpoint another peer comes up in place of
   the one before: by its routing id. The new one is reached and heard under its own id,
   the old id is unreachable, and nothing that was meant for the one before gets to the
   other. A peer that comes back under its id finds what was sent meanwhile. */
#include "robust.h"

/* Where the peers come up, one after the other. */
static char endpoint[96];

static void *socket_of (void *context, int type, const char *id)
{
    void *socket = zmq_socket (context, type);
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_RCVTIMEO, 5000);
    set_int (socket, ZMQ_SNDTIMEO, 5000);
    set_int (socket, ZMQ_RECONNECT_IVL, 20);
    if (*id)
        OK (zmq_setsockopt (socket, ZMQ_ROUTING_ID, id, strlen (id)));
    return socket;
}

/* A peer at the endpoint; the first one chooses it. */
static void *peer_at (void *context, int type, const char *transport, const char *id)
{
    static int number;
    void *peer = socket_of (context, type, id);
    size_t size = sizeof endpoint;
    if (!*endpoint) {
        snprintf (endpoint, size, strcmp (transport, "tcp") ? "ipc://renamed-%d" : "tcp://127.0.0.1:*", number++);
        OK (zmq_bind (peer, endpoint));
        OK (zmq_getsockopt (peer, ZMQ_LAST_ENDPOINT, endpoint, &size));
        return peer;
    }
    double end = now () + 5;
    while (zmq_bind (peer, endpoint) < 0 && now () < end)
        nap (0.01);
    return peer;
}

/* A routing id; one that the ROUTER has made begins with a zero. */
struct id {
    char bytes[64];
    size_t size;
};

static struct id named (const char *name)
{
    struct id id = {.size = strlen (name)};
    memcpy (id.bytes, name, id.size);
    return id;
}

static int same (struct id a, struct id b)
{
    return a.size == b.size && memcmp (a.bytes, b.bytes, a.size) == 0;
}

static int send_to (void *router, struct id id, const char *text)
{
    return zmq_send (router, id.bytes, id.size, ZMQ_SNDMORE) >= 0
           && zmq_send (router, text, strlen (text), 0) >= 0;
}

/* Sends until the peer is there; 0 if it never is. */
static int reaches (void *router, struct id id, const char *text)
{
    double end = now () + 5;
    while (!send_to (router, id, text)) {
        if (errno != EHOSTUNREACH || now () > end)
            return 0;
        nap (0.005);
    }
    return 1;
}

static int hears (void *socket, const char *text)
{
    char buffer[64] = "";
    int size = zmq_recv (socket, buffer, sizeof buffer - 1, 0);
    if (size != (int) strlen (text) || memcmp (buffer, text, (size_t) size) != 0)
        say ("heard '%s' in place of '%s'", size < 0 ? zmq_strerror (errno) : buffer, text);
    return size == (int) strlen (text) && memcmp (buffer, text, (size_t) size) == 0;
}

static int hears_nothing (void *socket)
{
    set_int (socket, ZMQ_RCVTIMEO, 100);
    char buffer[64];
    int size = zmq_recv (socket, buffer, sizeof buffer, 0);
    set_int (socket, ZMQ_RCVTIMEO, 5000);
    return size < 0;
}

/* Receives a message and its peer's id, which goes to `id`; 0 if it is not `text`. */
static int hears_from (void *router, struct id *id, const char *text)
{
    int size = zmq_recv (router, id->bytes, sizeof id->bytes, 0);
    id->size = size < 0 ? 0 : (size_t) size;
    return size >= 0 && hears (router, text);
}

static int unreachable (void *router, struct id id)
{
    return zmq_send (router, id.bytes, id.size, ZMQ_SNDMORE) == -1 && errno == EHOSTUNREACH;
}

/* The peer of one name goes and one of another name comes; either may have none. */
static void replaced (const char *transport, const char *old, const char *new, int mandatory)
{
    const char *text = "unmeant";
    struct id at_first, at_last;
    void *context = zmq_ctx_new (), *router = socket_of (context, ZMQ_ROUTER, "");
    *endpoint = 0;
    void *peer = peer_at (context, ZMQ_DEALER, transport, old);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    OK (zmq_connect (router, endpoint));
    OK (zmq_send (peer, "here", 4, 0));
    CHECK (hears_from (router, &at_first, "here"), "the first peer is heard");
    CHECK (send_to (router, at_first, "welcome") && hears (peer, "welcome"), "and reached");
    OK (zmq_send (peer, "unread", 6, 0));
    set_int (router, ZMQ_ROUTER_MANDATORY, mandatory);
    nap (0.05);
    OK (zmq_close (peer));
    for (int i = 0; i < 5; i++)
        send_to (router, at_first, text);
    zmq_send (router, at_first.bytes, at_first.size, ZMQ_SNDMORE); /* and half of one */
    zmq_send (router, text, strlen (text), ZMQ_SNDMORE);
    peer = peer_at (context, ZMQ_DEALER, transport, new);
    OK (zmq_send (peer, "I am new", 8, 0));
    CHECK (hears_from (router, &at_last, "unread") && same (at_last, at_first), "what the old one sent is read under its id");
    CHECK (hears_from (router, &at_last, "I am new"), "the new peer is heard");
    CHECK (!same (at_last, at_first) && (!*new || same (at_last, named (new))), "under its own id");
    zmq_send (router, text, strlen (text), 0); /* the other half */
    CHECK (reaches (router, at_last, "for the new"), "and reached by it");
    CHECK (hears (peer, "for the new"), "and gets this first of all");
    if (mandatory)
        CHECK (unreachable (router, at_first), "the old id is not reachable");
    else
        CHECK (send_to (router, at_first, text), "what is for the old id is dropped");
    CHECK (hears_nothing (peer), "and does not get to the new one");
    say ("%s: '%s' replaced by '%s'%s: heard under %s id", transport, old, new, mandatory ? ", mandatory" : "",
         *new ? "its" : "a new");
    OK (zmq_close (peer));
    OK (zmq_close (router));
    OK (zmq_ctx_term (context));
}

/* The same peer comes back, or one that the application has named itself. */
static void returns (const char *transport, const char *old, const char *new, const char *given)
{
    struct id at_first, at_last;
    void *context = zmq_ctx_new (), *router = socket_of (context, ZMQ_ROUTER, "");
    *endpoint = 0;
    void *peer = peer_at (context, ZMQ_DEALER, transport, old);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    if (*given)
        OK (zmq_setsockopt (router, ZMQ_CONNECT_ROUTING_ID, given, strlen (given)));
    OK (zmq_connect (router, endpoint));
    OK (zmq_send (peer, "here", 4, 0));
    CHECK (hears_from (router, &at_first, "here"), "the first peer is heard");
    OK (zmq_close (peer));
    nap (0.05);
    CHECK (send_to (router, at_first, "meanwhile"), "something is sent while it is away");
    peer = peer_at (context, ZMQ_DEALER, transport, new);
    CHECK (hears (peer, "meanwhile"), "it is there when the peer comes back");
    OK (zmq_send (peer, "again", 5, 0));
    CHECK (hears_from (router, &at_last, "again") && same (at_last, at_first), "which is heard under the same id");
    say ("%s: '%s' comes back as '%s'%s%s: under the same id", transport, old, new, *given ? ", to us " : "", given);
    OK (zmq_close (peer));
    OK (zmq_close (router));
    OK (zmq_ctx_term (context));
}

/* The new one has the id of a peer that is there already. */
static void taken (int handover)
{
    struct id id, a = named ("A"), b = named ("B");
    void *context = zmq_ctx_new (), *router = socket_of (context, ZMQ_ROUTER, "");
    *endpoint = 0;
    void *peer = peer_at (context, ZMQ_DEALER, "tcp", "A"), *other = socket_of (context, ZMQ_DEALER, "B");
    char to_router[64];
    bind_tcp (router, to_router);
    set_int (router, ZMQ_ROUTER_MANDATORY, 1);
    set_int (router, ZMQ_ROUTER_HANDOVER, handover);
    if (handover)
        set_int (other, ZMQ_RECONNECT_IVL, -1); /* or it would take the id back */
    OK (zmq_connect (other, to_router));
    OK (zmq_send (other, "other", 5, 0));
    CHECK (hears_from (router, &id, "other") && same (id, b), "B is there");
    OK (zmq_connect (router, endpoint));
    CHECK (reaches (router, a, "hello") && hears (peer, "hello"), "and A");
    OK (zmq_close (peer));
    peer = peer_at (context, ZMQ_DEALER, "tcp", "B");
    double end = now () + 5;
    int gone = 0;
    while (!gone && now () < end) {
        gone = unreachable (router, a);
        if (!gone)
            zmq_send (router, "unmeant", 7, 0);
        nap (0.005);
    }
    CHECK (gone, "A is unreachable when another B has come in its place");
    void *wanted = handover ? peer : other, *unwanted = handover ? other : peer;
    OK (zmq_send (wanted, "I am B", 6, 0));
    CHECK (hears_from (router, &id, "I am B") && same (id, b), "B is heard");
    CHECK (send_to (router, b, "to B") && hears (wanted, "to B"), "and reached");
    CHECK (hears_nothing (unwanted), "and the other B is not");
    say ("a second B in place of A: the %s one has the id", handover ? "new" : "first");
    OK (zmq_close (peer));
    OK (zmq_close (other));
    OK (zmq_close (router));
    OK (zmq_ctx_term (context));
}

/* A REP that connects owes an answer to a peer that is replaced. */
static void answers (void)
{
    void *context = zmq_ctx_new (), *rep = socket_of (context, ZMQ_REP, "");
    *endpoint = 0;
    void *peer = peer_at (context, ZMQ_REQ, "tcp", "A");
    OK (zmq_connect (rep, endpoint));
    OK (zmq_send (peer, "question", 8, 0));
    CHECK (hears (rep, "question"), "a question");
    OK (zmq_close (peer));
    nap (0.05);
    OK (zmq_send (rep, "to A", 4, 0));
    peer = peer_at (context, ZMQ_DEALER, "tcp", "B");
    OK (zmq_send (peer, "", 0, ZMQ_SNDMORE));
    OK (zmq_send (peer, "another", 7, 0));
    CHECK (hears (rep, "another"), "and one of the new peer");
    OK (zmq_send (rep, "to B", 4, 0));
    CHECK (hears (peer, "") && hears (peer, "to B"), "which gets its own answer and no other");
    say ("an answer to a peer that was replaced is dropped");
    OK (zmq_close (peer));
    OK (zmq_close (rep));
    OK (zmq_ctx_term (context));
}

int main (void)
{
    for (int i = 0; i < 2; i++) {
        const char *transport = i ? "ipc" : "tcp";
        replaced (transport, "ID0", "ID1", 1);
        replaced (transport, "ID0", "ID1", 0);
        replaced (transport, "ID0", "", 1);
        replaced (transport, "", "ID1", 1);
        returns (transport, "ID0", "ID0", "");
        returns (transport, "", "", "");
        returns (transport, "ID0", "ID1", "given");
    }
    taken (0);
    taken (1);
    answers ();
    return done ();
}
