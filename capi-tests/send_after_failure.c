/*
 * Sending on a socket whose only connection has failed for good: in the handshake, or by
 * what the peer sent after it. Shortly after another send, a send is taken: the socket
 * does not know yet. In the end there is no peer to send to, and still an endpoint to
 * disconnect. (What comes in between, a first send much later, is mostly taken by the
 * reference, and always by ours: tests/robust/first_send.c.)
 */
#include "monitor.h"

#include <netinet/tcp.h>
#include <sys/un.h>

/* The reference looks for news after 3 million ticks of the processor's clock. */
enum { SHORTLY = 600 };

static void *ctx;

static const struct type {
    const char *name;
    int type;
    const char *fits;
    const char *unfit;
} types[] = {
  {"PAIR", ZMQ_PAIR, "PAIR", "PULL"},       {"PUB", ZMQ_PUB, "SUB", "PULL"},
  {"REQ", ZMQ_REQ, "REP", "PULL"},          {"DEALER", ZMQ_DEALER, "ROUTER", "PULL"},
  {"ROUTER", ZMQ_ROUTER, "DEALER", "PULL"}, {"PUSH", ZMQ_PUSH, "PULL", "PUSH"},
  {"XPUB", ZMQ_XPUB, "SUB", "PULL"},        {"XSUB", ZMQ_XSUB, "PUB", "PULL"},
};

enum kind { MECHANISM, TYPE, COMMAND, REFUSED, OLD, TOO_LONG };

/* What the socket speaks, and what the peer greets with. */
static const struct failure {
    const char *name;
    enum kind kind;
    const char *ours, *theirs, *status;
} failures[] = {
  {"another mechanism", MECHANISM, "NULL", "PLAIN", ""}, {"an unfit type", TYPE, "NULL", "NULL", ""},
  {"an unknown command", COMMAND, "NULL", "NULL", ""},   {"ERROR 400", REFUSED, "NULL", "NULL", "400"},
  {"an old version", OLD, "NULL", "NULL", ""},           {"a long message", TOO_LONG, "NULL", "NULL", ""},
};

/* These over ipc as well. */
static const struct failure others[] = {
  {"CURVE for NULL", MECHANISM, "NULL", "CURVE", ""},  {"NULL for PLAIN", MECHANISM, "PLAIN", "NULL", ""},
  {"CURVE for PLAIN", MECHANISM, "PLAIN", "CURVE", ""}, {"NULL for CURVE", MECHANISM, "CURVE", "NULL", ""},
  {"PLAIN for CURVE", MECHANISM, "CURVE", "PLAIN", ""}, {"an unfit type", TYPE, "NULL", "NULL", ""},
  {"ERROR 300", REFUSED, "NULL", "NULL", "300"},        {"ERROR 500", REFUSED, "NULL", "NULL", "500"},
  {"a wrong password", REFUSED, "PLAIN", "PLAIN", "400"},
};

static void put (int fd, const void *bytes, size_t size)
{
    MUST (send (fd, bytes, size, MSG_NOSIGNAL) == (ssize_t) size);
}

static void put_command (int fd, const char *body, size_t size)
{
    char head[2] = {4, (char) size};
    put (fd, head, 2);
    put (fd, body, size);
}

static void put_ready (int fd, const char *type)
{
    char body[64] = "\5READY\13Socket-Type\0\0\0";
    size_t size = strlen (type);
    body[21] = (char) size;
    memcpy (body + 22, type, size);
    put_command (fd, body, 22 + size);
}

static void get (int fd, void *to, size_t size)
{
    MUST (recv (fd, to, size, MSG_WAITALL) == (ssize_t) size);
}

/* Plays a peer that does not fit, and waits until the other end has closed. */
static void fail (int fd, const struct failure *failure, const struct type *type)
{
    char greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0", bytes[256], error[16] = "\5ERROR\3";
    enum kind kind = failure->kind;
    memcpy (greeting + 12, failure->theirs, strlen (failure->theirs));
    if (kind == OLD)
        greeting[10] = 1;
    struct timeval limit = {PATIENCE / 1000, 0};
    int on = 1;
    MUST (setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 || errno == EOPNOTSUPP);
    MUST (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    put (fd, greeting, kind == OLD ? 12 : sizeof greeting);
    if (kind != MECHANISM && kind != OLD) {
        get (fd, bytes, 66);
        get (fd, bytes, (unsigned char) bytes[65]);
    }
    if (kind == TYPE)
        put_ready (fd, type->unfit);
    if (kind == COMMAND)
        put_command (fd, "\5HELLO", 6);
    memcpy (error + 7, failure->status, strlen (failure->status));
    if (kind == REFUSED)
        put_command (fd, error, 10);
    if (kind == TOO_LONG) {
        put_ready (fd, type->fits);
        memset (bytes, 0, sizeof bytes);
        bytes[1] = 100;
        put (fd, bytes, 102);
    }
    ssize_t n;
    while ((n = recv (fd, bytes, sizeof bytes, 0)) > 0) {
    }
    MUST (n == 0 || errno == ECONNRESET);
    close (fd);
}

static const char *attempt (void *s, const struct type *type, int flags)
{
    int rc;
    if (type->type == ZMQ_ROUTER) {
        rc = zmq_send (s, "id", 2, ZMQ_SNDMORE | flags);
        if (rc == 2)
            rc = zmq_send (s, "x", 1, flags);
    } else
        rc = zmq_send (s, "\1x", 2, flags); /* to XSUB a subscription */
    return rc >= 0 ? "taken" : errno_name (zmq_errno ());
}

static void speak (void *s, const char *mechanism)
{
    char public[41], secret[41];
    if (strcmp (mechanism, "PLAIN") == 0) {
        MUST (zmq_setsockopt (s, ZMQ_PLAIN_USERNAME, "name", 4) == 0);
        MUST (zmq_setsockopt (s, ZMQ_PLAIN_PASSWORD, "wrong", 5) == 0);
    } else if (strcmp (mechanism, "CURVE") == 0) {
        MUST (zmq_curve_keypair (public, secret) == 0);
        MUST (zmq_setsockopt (s, ZMQ_CURVE_SERVERKEY, public, 41) == 0);
        MUST (zmq_setsockopt (s, ZMQ_CURVE_PUBLICKEY, public, 41) == 0);
        MUST (zmq_setsockopt (s, ZMQ_CURVE_SECRETKEY, secret, 41) == 0);
    }
}

static void *connect_to (const char *endpoint, const struct type *type, const struct failure *failure)
{
    void *s = sock (ctx, type->type);
    set_int (s, ZMQ_SNDTIMEO, 10);
    set_int (s, ZMQ_RECONNECT_IVL, 5);
    if (type->type == ZMQ_ROUTER) {
        set_int (s, ZMQ_ROUTER_MANDATORY, 1);
        MUST (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "id", 2) == 0);
    }
    speak (s, failure->ours);
    if (failure->kind == OLD)
        MUST (zmq_setsockopt (s, ZMQ_ZAP_DOMAIN, "x", 1) == 0);
    int64_t longest = 50;
    if (failure->kind == TOO_LONG)
        MUST (zmq_setsockopt (s, ZMQ_MAXMSGSIZE, &longest, sizeof longest) == 0);
    MUST (zmq_connect (s, endpoint) == 0);
    return s;
}

static long now_us (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int listen_at (const char *transport, char *endpoint)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "here"};
    if (strcmp (transport, "tcp") == 0)
        return raw_listen (endpoint);
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    MUST (fd >= 0);
    unlink (address.sun_path);
    MUST (bind (fd, (struct sockaddr *) &address, sizeof address) == 0);
    MUST (listen (fd, 5) == 0);
    strcpy (endpoint, "ipc://here");
    return fd;
}

static void run (const char *transport, const struct type *type, const struct failure *failure, int flags)
{
    char endpoint[ENDPOINT];
    const char *soon = "", *last = "";
    int listener = listen_at (transport, endpoint);
    long limit = now_ms () + PATIENCE, took = 0;
    void *s = NULL;
    do { /* until it was fast enough */
        if (s)
            done (s);
        s = connect_to (endpoint, type, failure);
        int fd = accept (listener, NULL, NULL);
        MUST (fd >= 0);
        took = now_us ();
        MUST (strcmp (attempt (s, type, flags), "taken") == 0);
        fail (fd, failure, type);
        soon = attempt (s, type, flags);
        took = now_us () - took;
    } while (took > SHORTLY && now_ms () < limit);
    printf ("%s, %s, %s%s: shortly after %s, ", transport, type->name, failure->name, flags ? "" : ", waiting", soon);
    int drops = strstr (type->name, "UB") != NULL;
    limit = now_ms () + (drops ? 0 : PATIENCE);
    do {
        usleep (10000);
        last = attempt (s, type, flags);
    } while (strcmp (last, "taken") == 0 && now_ms () < limit);
    /* A ROUTER of the reference counts the pipe that has closed. */
    int ready = type->type != ZMQ_ROUTER && (get_int (s, ZMQ_EVENTS) & ZMQ_POLLOUT);
    printf ("in the end %s%s, ", last, ready ? " and ready" : "");
    printf ("the endpoint is %s\n", zmq_disconnect (s, endpoint) == 0 ? "known" : "unknown");
    done (s);
    close (listener);
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    for (int t = 0; t < COUNT (types); t++)
        for (int f = 0; f < COUNT (failures); f++) {
            run ("tcp", &types[t], &failures[f], ZMQ_DONTWAIT);
            run ("tcp", &types[t], &failures[f], 0);
        }
    for (int t = 0; t < COUNT (types); t++)
        for (int f = 0; f < COUNT (others); f++) {
            run ("tcp", &types[t], &others[f], t % 2 ? ZMQ_DONTWAIT : 0);
            run ("ipc", &types[t], &others[f], t % 2 ? 0 : ZMQ_DONTWAIT);
        }
    term (ctx);
    return 0;
}
