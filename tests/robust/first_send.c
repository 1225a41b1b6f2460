/* A connection fails for good: another mechanism, an unfit type, bytes that make no sense,
   a refusal. Whenever the socket then sends for the first time, after nothing or half a
   second, with or without waiting, or because it was told that it can, that is taken, and
   so is the next one: who asks and waits for the answer with a time limit does not wait in
   zmq_send for ever. Then the socket has no peer any more. */
#include "robust.h"

#include <netinet/tcp.h>

static void *context;

static const struct type {
    const char *name;
    int type;
    const char *fits, *unfit;
} types[] = {
  {"PAIR", ZMQ_PAIR, "PAIR", "PULL"},       {"REQ", ZMQ_REQ, "REP", "PULL"},
  {"DEALER", ZMQ_DEALER, "ROUTER", "PULL"}, {"ROUTER", ZMQ_ROUTER, "DEALER", "PULL"},
  {"PUSH", ZMQ_PUSH, "PULL", "PUSH"},
};
enum { TYPES = sizeof types / sizeof *types };

enum failure { MECHANISM, UNFIT, METADATA, COMMAND, REFUSED, TOO_LONG, FAILURES };
static const char *const names[] = {"another mechanism", "an unfit type", "bad metadata",
                                    "an unknown command", "ERROR 400",    "a long message"};

static void put (int fd, const char *bytes, size_t size)
{
    OK (send (fd, bytes, size, MSG_NOSIGNAL));
}

/* Accepts, and fails the connection; returns when the other end has closed. */
static void fail (int listener, enum failure failure, const struct type *type)
{
    static const char greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\1PLAIN", null[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL";
    char bytes[256] = {0, 100};
    int on = 1, fd = accept (listener, NULL, NULL);
    OK (fd);
    OK (setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    if (failure == UNFIT || failure == TOO_LONG)
        greet (fd, failure == UNFIT ? type->unfit : type->fits);
    else
        put (fd, failure == MECHANISM ? greeting : null, 64);
    if (failure != MECHANISM)
        CHECK (read_greeting (fd), "the other end greets");
    if (failure == METADATA)
        put (fd, "\4\13\5READY\13Sock", 13);
    if (failure == COMMAND)
        put (fd, "\4\6\5HELLO", 8);
    if (failure == REFUSED)
        put (fd, "\4\12\5ERROR\003400", 12);
    if (failure == TOO_LONG)
        put (fd, bytes, 102);
    CHECK (!read_all (fd, bytes, sizeof bytes, 5), "and closes");
    close (fd);
}

static int sends (void *socket, const struct type *type, int flags)
{
    int rc;
    if (type->type == ZMQ_ROUTER) {
        rc = zmq_send (socket, "id", 2, ZMQ_SNDMORE | flags);
        if (rc == 2)
            rc = zmq_send (socket, "x", 1, flags);
    } else
        rc = zmq_send (socket, "x", 1, flags);
    return rc >= 0;
}

/* Connects, has the handshake fail, and waits for so long. Returns the time. */
static double fail_once (void *socket, const struct type *type, const char *endpoint, int listener, enum failure failure,
                         double delay)
{
    if (type->type == ZMQ_ROUTER) {
        set_int (socket, ZMQ_ROUTER_MANDATORY, 1);
        OK (zmq_setsockopt (socket, ZMQ_CONNECT_ROUTING_ID, "id", 2));
    }
    OK (zmq_connect (socket, endpoint));
    fail (listener, failure, type);
    nap (delay);
    return now ();
}

enum how { AT_ONCE, WAITING, ASKING };

/* `to_the_end`: until there is no peer any more, which is a matter of the interval. */
static void send_first (const struct type *type, enum failure failure, double delay, enum how how, int to_the_end)
{
    static const char *const hows[] = {"", ", waiting", ", asking"};
    char endpoint[64];
    int port, listener = listen_any (&port), first, ready = 1, flags = how == WAITING ? 0 : ZMQ_DONTWAIT;
    int64_t longest = 50;
    void *socket = NULL;
    double took = 0, end = now () + 10;
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    do { /* what it was told holds for a moment */
        if (socket)
            OK (zmq_close (socket));
        socket = zmq_socket (context, type->type);
        set_int (socket, ZMQ_LINGER, 0);
        set_int (socket, ZMQ_SNDTIMEO, 100);
        if (to_the_end)
            set_int (socket, ZMQ_RECONNECT_IVL, 1);
        if (failure == TOO_LONG)
            OK (zmq_setsockopt (socket, ZMQ_MAXMSGSIZE, &longest, sizeof longest));
        double start = fail_once (socket, type, endpoint, listener, failure, delay);
        if (how == ASKING) {
            size_t size = sizeof ready;
            OK (zmq_getsockopt (socket, ZMQ_EVENTS, &ready, &size));
            ready &= ZMQ_POLLOUT;
        }
        first = sends (socket, type, flags) && (type->type == ZMQ_REQ || sends (socket, type, flags));
        took = now () - start;
    } while (took > (to_the_end ? 0.001 : 0.1) && now () < end);
    if (!first || !ready)
        say ("%s, %s, after %g ms%s: %s", type->name, names[failure], delay * 1e3, hows[how], ready ? "not taken" : "not ready");
    CHECK (first && ready, "the first is taken");
    end = now () + 5;
    while (to_the_end && type->type != ZMQ_REQ && sends (socket, type, ZMQ_DONTWAIT) && now () < end)
        nap (0.002);
    CHECK (now () < end, "in the end there is no peer to send to");
    OK (zmq_disconnect (socket, endpoint));
    double start = now ();
    OK (zmq_close (socket));
    CHECK (now () - start < 1, "it closes");
    close (listener);
}

/* Sends for as long as the socket could wait for a second attempt, 2 ms apart; `polls`: it
   reads its mail in between. */
static void go_on (const struct type *type, double delay, int polls)
{
    char endpoint[64];
    int port, listener = listen_any (&port), taken = 0, tries = 0;
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    void *socket = zmq_socket (context, type->type);
    set_int (socket, ZMQ_LINGER, 0);
    if (type->type == ZMQ_REQ) {
        set_int (socket, ZMQ_REQ_RELAXED, 1);
        set_int (socket, ZMQ_REQ_CORRELATE, 1);
    }
    double start = fail_once (socket, type, endpoint, listener, MECHANISM, delay);
    do {
        zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
        if (polls && type->type != ZMQ_PUSH)
            OK (zmq_poll (&item, 1, 0));
        int rc = sends (socket, type, ZMQ_DONTWAIT);
        if (now () - start < 0.1) { /* it was asked in time */
            tries++;
            taken += rc;
        }
        nap (0.002);
    } while (now () - start < 0.1);
    if (taken != tries)
        say ("%s, after %g ms: %d of %d", type->name, delay * 1e3, taken, tries);
    CHECK (taken == tries, "what comes before a second attempt would is taken");
    OK (zmq_close (socket));
    close (listener);
}

/* A client with a time limit, in its own words. */
static void client (void)
{
    char endpoint[64], buffer[8];
    int port, listener = listen_any (&port);
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    void *req = zmq_socket (context, ZMQ_REQ);
    set_int (req, ZMQ_LINGER, 0);
    set_int (req, ZMQ_RCVTIMEO, 100);
    OK (zmq_connect (req, endpoint));
    fail (listener, UNFIT, &types[1]);
    nap (0.01);
    double start = now ();
    OK (zmq_send (req, "question", 8, 0));
    CHECK (zmq_recv (req, buffer, sizeof buffer, 0) == -1 && errno == EAGAIN, "no answer comes");
    CHECK (now () - start < 5, "and the client is not held up");
    OK (zmq_close (req));
    close (listener);
}

int main (void)
{
    static const double delays[] = {0, 0.0002, 0.002, 0.05};
    context = zmq_ctx_new ();
    for (int t = 0; t < TYPES; t++) {
        for (int f = 0; f < FAILURES; f++)
            send_first (&types[t], f, 0.002, f % 2 ? AT_ONCE : WAITING, 1);
        for (int d = 0; d < 4; d++)
            for (int how = AT_ONCE; how <= ASKING; how++)
                send_first (&types[t], MECHANISM, delays[d], how, 0);
        say ("%s: the first two sends after a failure are taken", types[t].name);
    }
    send_first (&types[2], UNFIT, 0.5, AT_ONCE, 0);
    for (int t = 0; t < TYPES; t++)
        for (int d = 0; d < 4; d++)
            go_on (&types[t], delays[d], d % 2);
    client ();
    OK (zmq_ctx_term (context));
    return done ();
}
