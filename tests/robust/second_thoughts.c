/* A server that connects to its clients, and whose ZAP handler refuses (300, 400, 500),
   answers nonsense, or is not there yet: it asks again, with growing delays, and when the
   handler changes its mind the connection comes about and what was queued arrives. The
   client is refused all the while. One that connects and is refused does not come again. */
#include "robust.h"

enum mechanism { NULL_, PLAIN, CURVE };
static const char *const mechanisms[] = {"NULL", "PLAIN", "CURVE"};

static void *context;
static _Atomic (const char *) verdict;
static atomic_int asked;  /* in this round, */
static atomic_int round_; /* which the domain names */
static char server_public[41], server_secret[41], client_public[41], client_secret[41];

static void *socket_of (int type)
{
    void *socket = zmq_socket (context, type);
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_RCVTIMEO, 5000);
    set_int (socket, ZMQ_SNDTIMEO, 5000);
    return socket;
}

/* Answers every question with the present verdict. */
static void *judge (void *handler)
{
    char part[256], id[256];
    for (;;) {
        size_t size = 0, length = sizeof (int);
        for (int more = 1, i = 0; more; i++) {
            int got = zmq_recv (handler, part, sizeof part, 0);
            if (got < 0)
                return NULL;
            if (i == 1)
                memcpy (id, part, size = (size_t) got);
            if (i == 2 && got == 1 && part[0] == round_)
                asked++;
            OK (zmq_getsockopt (handler, ZMQ_RCVMORE, &more, &length));
        }
        const char *status = verdict;
        OK (zmq_send (handler, "1.0", 3, ZMQ_SNDMORE));
        OK (zmq_send (handler, id, size, ZMQ_SNDMORE));
        OK (zmq_send (handler, status, strlen (status), ZMQ_SNDMORE));
        OK (zmq_send (handler, "", 0, ZMQ_SNDMORE));
        OK (zmq_send (handler, "", 0, ZMQ_SNDMORE));
        OK (zmq_send (handler, "", 0, 0));
    }
}

static pthread_t thread;
static void *handler;

static void start_handler (void)
{
    handler = socket_of (ZMQ_REP);
    set_int (handler, ZMQ_RCVTIMEO, -1);
    OK (zmq_bind (handler, "inproc://zeromq.zap.01"));
    pthread_create (&thread, NULL, judge, handler);
}

static void secure (void *server, void *client, enum mechanism mechanism)
{
    char domain = (char) ++round_;
    asked = 0;
    OK (zmq_setsockopt (server, ZMQ_ZAP_DOMAIN, &domain, 1));
    if (mechanism == NULL_)
        set_int (server, 93 /* ZMQ_ZAP_ENFORCE_DOMAIN */, 1);
    if (mechanism == PLAIN) {
        set_int (server, ZMQ_PLAIN_SERVER, 1);
        OK (zmq_setsockopt (client, ZMQ_PLAIN_USERNAME, "me", 2));
        OK (zmq_setsockopt (client, ZMQ_PLAIN_PASSWORD, "pw", 2));
    }
    if (mechanism == CURVE) {
        set_int (server, ZMQ_CURVE_SERVER, 1);
        OK (zmq_setsockopt (server, ZMQ_CURVE_SECRETKEY, server_secret, 40));
        OK (zmq_setsockopt (client, ZMQ_CURVE_SERVERKEY, server_public, 40));
        OK (zmq_setsockopt (client, ZMQ_CURVE_PUBLICKEY, client_public, 40));
        OK (zmq_setsockopt (client, ZMQ_CURVE_SECRETKEY, client_secret, 40));
    }
}

/* Reads the monitor: the first failure's event, and the delays before further attempts,
   so many of them. */
static int delays_of (void *monitor, unsigned *failure, long *delays, int room)
{
    unsigned char head[6];
    char text[128];
    int count = 0;
    while (count < room && zmq_recv (monitor, head, sizeof head, 0) == 6) {
        uint16_t event;
        uint32_t value;
        memcpy (&event, head, 2);
        memcpy (&value, head + 2, 4);
        zmq_recv (monitor, text, sizeof text, 0);
        if (event == ZMQ_EVENT_CONNECT_RETRIED && *failure)
            delays[count++] = value;
        int failed = event & (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                              | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        if (failed && !*failure)
            *failure = (unsigned) event << 16 | (value & 0xffff);
    }
    return count;
}

/* `first` is the verdict at first; NULL for no handler. */
static void server_connects (enum mechanism mechanism, const char *first, unsigned failure)
{
    char endpoint[64], buffer[32], name[32];
    long delays[5];
    unsigned seen = 0;
    void *server = socket_of (ZMQ_DEALER), *client = socket_of (ZMQ_DEALER), *monitor = socket_of (ZMQ_PAIR);
    secure (server, client, mechanism);
    set_int (server, ZMQ_RECONNECT_IVL, 10);
    set_int (server, ZMQ_RECONNECT_IVL_MAX, 80);
    snprintf (name, sizeof name, "inproc://monitor-%d", round_);
    OK (zmq_socket_monitor (server, name, ZMQ_EVENT_ALL));
    OK (zmq_connect (monitor, name));
    bind_tcp (client, endpoint);
    verdict = first ? first : "200";
    OK (zmq_connect (server, endpoint));
    OK (zmq_send (server, "queued", 6, 0));
    int count = delays_of (monitor, &seen, delays, 5), attempts = asked, growing = count == 5;
    for (int i = 1; i < count; i++)
        growing = growing && delays[i] >= delays[i - 1] && delays[i] <= 80;
    say ("%s, %s: asked %d times, failure %#x, %d further attempts, delays %s", mechanisms[mechanism],
         first ? first : "no handler", attempts, seen, count, growing ? "grow" : "do not grow");
    CHECK (seen == failure, "the monitor says why");
    CHECK (growing, "it tries again, and later each time");
    CHECK (!first || attempts >= 3, "and asks each time");
    CHECK (zmq_recv (client, buffer, sizeof buffer, ZMQ_DONTWAIT) == -1, "the client is not let in");
    if (!first)
        start_handler ();
    verdict = "200";
    CHECK (zmq_recv (client, buffer, sizeof buffer, 0) == 6, "in the end what was queued arrives");
    OK (zmq_send (client, "answer", 6, 0));
    CHECK (zmq_recv (server, buffer, sizeof buffer, 0) == 6, "and an answer");
    OK (zmq_close (server));
    OK (zmq_close (client));
    OK (zmq_close (monitor));
}

/* The refused client is the one that connects: as in libzmq that is the end of it, but
   after 300, which the server does not explain. */
static void client_connects (enum mechanism mechanism, const char *first, int again)
{
    char endpoint[64];
    void *server = socket_of (ZMQ_DEALER), *client = socket_of (ZMQ_DEALER);
    secure (server, client, mechanism);
    set_int (client, ZMQ_RECONNECT_IVL, 10);
    bind_tcp (server, endpoint);
    verdict = first;
    OK (zmq_connect (client, endpoint));
    double end = now () + 5;
    while (asked < (again ? 3 : 1) && now () < end)
        nap (0.005);
    nap (again ? 0 : 0.15);
    int attempts = asked;
    say ("%s, %s to a client that connects: asked %d times", mechanisms[mechanism], first, attempts);
    CHECK (again ? attempts >= 3 : attempts == 1, "it comes again if there is hope");
    OK (zmq_close (server));
    OK (zmq_close (client));
}

int main (void)
{
    enum { AUTH = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH << 16, DETAIL = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL << 16,
           PROTOCOL = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL << 16 };
    OK (zmq_curve_keypair (server_public, server_secret));
    OK (zmq_curve_keypair (client_public, client_secret));
    for (int m = NULL_; m <= CURVE; m++) {
        if (m == CURVE && !zmq_has ("curve"))
            continue;
        context = zmq_ctx_new ();
        if (m == CURVE) /* it does without a handler */
            start_handler ();
        else
            server_connects (m, NULL, DETAIL | EFAULT);
        server_connects (m, "300", AUTH | 300);
        server_connects (m, "400", AUTH | 400);
        server_connects (m, "500", AUTH | 500);
        server_connects (m, "hm?", PROTOCOL | (ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE & 0xffff));
        client_connects (m, "300", 1);
        client_connects (m, "400", 0);
        client_connects (m, "500", 0);
        OK (zmq_ctx_shutdown (context));
        pthread_join (thread, NULL);
        OK (zmq_close (handler));
        OK (zmq_ctx_term (context));
    }
    return done ();
}
