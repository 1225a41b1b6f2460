/*
 * ZMQ_LINGER 0 on a live connection: a message that the kernel takes at once is
 * delivered, though the socket is closed or disconnected right after the send.
 */
#include "common.h"

enum { ROUNDS = 20 };

static char endpoint[ENDPOINT];

/* What brings both ends into a state in which `from` may send. */
static void prepare (void *from, void *to, int from_type)
{
    char text[64];
    if (from_type == ZMQ_REP) {
        send_parts (to, "question", NULL);
        recv_text (from, text, sizeof text);
    } else if (from_type == ZMQ_ROUTER) {
        send_parts (to, "id", NULL);
        recv_text (from, text, sizeof text); /* the routing id */
        MUST (zmq_send (from, text, 3, ZMQ_SNDMORE) == 3);
        recv_text (from, text, sizeof text);
    } else if (from_type == ZMQ_PUB)
        settle (from, to);
    else if (from_type == ZMQ_XPUB) {
        /* A SUB that bound sends its subscription in one of its calls. */
        for (int i = 0; i < PATIENCE / 10 && !wait_for (from, ZMQ_POLLIN, 10); i++)
            get_int (to, ZMQ_EVENTS);
        recv_text (from, text, sizeof text);
    } else {
        /* The connection stands once the other side can send, or both know of it. */
        MUST (wait_for (from, ZMQ_POLLOUT, PATIENCE));
    }
}

/* One message from a socket that goes at once. */
static int arrives (void *ctx, int from_type, int to_type, const char *transport, int connects,
                    int ends_by_close)
{
    void *from = sock (ctx, from_type), *to = sock (ctx, to_type);
    void *binder = connects ? to : from, *connecter = connects ? from : to;
    char got[64];
    int n;
    if (to_type == ZMQ_DEALER && from_type == ZMQ_ROUTER)
        MUST (zmq_setsockopt (to, ZMQ_ROUTING_ID, "one", 3) == 0);
    if (to_type == ZMQ_SUB)
        MUST (zmq_setsockopt (to, ZMQ_SUBSCRIBE, "", 0) == 0);
    set_int (to, ZMQ_RCVTIMEO, 1000);
    bind_any (binder, transport, endpoint);
    MUST (zmq_connect (connecter, endpoint) == 0);
    prepare (from, to, from_type);
    if (from_type == ZMQ_PUSH || from_type == ZMQ_PAIR || from_type == ZMQ_DEALER
        || from_type == ZMQ_REQ) {
        /* A first message shows that the connection is up. */
        send_parts (from, "first", NULL);
        do
            n = recv_text (to, got, sizeof got);
        while (strcmp (got, "first") != 0);
        if (from_type == ZMQ_REQ) {
            send_parts (to, "answer", NULL);
            recv_text (from, got, sizeof got);
        }
    }
    send_parts (from, "part", "last", NULL);
    if (ends_by_close || !connects)
        done (from);
    else
        MUST (zmq_disconnect (from, endpoint) == 0);
    do
        n = zmq_recv (to, got, sizeof got, 0);
    while (n >= 0 && !(n == 4 && memcmp (got, "last", 4) == 0));
    done (to);
    if (!ends_by_close && connects)
        done (from);
    return n == 4;
}

int main (void)
{
    static const struct {
        int from, to;
        const char *name;
    } pairs[] = {
      {ZMQ_PAIR, ZMQ_PAIR, "PAIR to PAIR"},     {ZMQ_PUSH, ZMQ_PULL, "PUSH to PULL"},
      {ZMQ_DEALER, ZMQ_DEALER, "DEALER to DEALER"}, {ZMQ_REQ, ZMQ_REP, "REQ to REP"},
      {ZMQ_REP, ZMQ_REQ, "REP to REQ"},         {ZMQ_ROUTER, ZMQ_DEALER, "ROUTER to DEALER"},
      {ZMQ_PUB, ZMQ_SUB, "PUB to SUB"},         {ZMQ_XPUB, ZMQ_SUB, "XPUB to SUB"},
    };
    start ();
    void *ctx = zmq_ctx_new ();
    for (int i = 0; i < COUNT (pairs); i++)
        for (int tcp = 0; tcp < 2; tcp++) {
            int bound = 0, connected = 0, disconnected = 0;
            for (int round = 0; round < ROUNDS; round++) {
                const char *transport = tcp ? "tcp" : "ipc";
                bound += arrives (ctx, pairs[i].from, pairs[i].to, transport, 0, 1);
                connected += arrives (ctx, pairs[i].from, pairs[i].to, transport, 1, 1);
                if (pairs[i].from == ZMQ_PUSH)
                    disconnected += arrives (ctx, pairs[i].from, pairs[i].to, transport, 1, 0);
            }
            printf ("%s, %s: bound %d, connected %d, disconnected %d of %d\n", pairs[i].name,
                    tcp ? "tcp" : "ipc", bound, connected, disconnected, ROUNDS);
        }
    term (ctx);
    return 0;
}
