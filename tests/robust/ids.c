/* Names at a ROUTER. A name given twice is an error of the second zmq_connect. A
   peer with a name that is taken is closed, with events on both sides, and gets in
   when the name is free. A peer that died and came back under its name works, though
   the ROUTER made no call meanwhile and has not read what it sent before. */
#include "robust.h"

static void *socket_of (void *context, int type, const char *id)
{
    void *socket = zmq_socket (context, type);
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_RCVTIMEO, 3000);
    set_int (socket, ZMQ_RECONNECT_IVL, 50);
    if (id)
        OK (zmq_setsockopt (socket, ZMQ_ROUTING_ID, id, strlen (id)));
    return socket;
}

static void bind_any (void *socket, const char *transport, char *endpoint)
{
    static int number;
    size_t size = 96;
    snprintf (endpoint, size, strcmp (transport, "tcp") ? "%s://ids-%d" : "tcp://127.0.0.1:*", transport, number++);
    OK (zmq_bind (socket, endpoint));
    OK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
}

static int send_to (void *router, const char *id, const char *text)
{
    return zmq_send (router, id, strlen (id), ZMQ_SNDMORE) >= 0 && zmq_send (router, text, strlen (text), 0) >= 0;
}

static int hears (void *socket, const char *text)
{
    char buffer[64] = "";
    int size = zmq_recv (socket, buffer, sizeof buffer - 1, 0);
    return size == (int) strlen (text) && memcmp (buffer, text, (size_t) size) == 0;
}

static void given_twice (const char *transport)
{
    void *context = zmq_ctx_new (), *router = socket_of (context, ZMQ_ROUTER, NULL);
    void *a = socket_of (context, ZMQ_DEALER, NULL), *b = socket_of (context, ZMQ_DEALER, NULL);
    char to_a[96], to_b[96];
    bind_any (a, transport, to_a);
    bind_any (b, transport, to_b);
    OK (zmq_setsockopt (router, ZMQ_CONNECT_ROUTING_ID, "peer", 4));
    OK (zmq_connect (router, to_a));
    OK (zmq_setsockopt (router, ZMQ_CONNECT_ROUTING_ID, "peer", 4));
    int rc = zmq_connect (router, to_b), error = errno;
    say ("%s: a name given twice: %s", transport, rc == 0 ? "no error" : zmq_strerror (error));
    CHECK (rc == -1 && error == EADDRINUSE, "the second zmq_connect fails");
    CHECK (send_to (router, "peer", "hello") && hears (a, "hello"), "the first peer has the name");
    OK (zmq_setsockopt (router, ZMQ_CONNECT_ROUTING_ID, "other", 5));
    OK (zmq_connect (router, to_b));
    CHECK (send_to (router, "other", "welcome") && hears (b, "welcome"), "and the second one can get another");
    OK (zmq_close (router));
    OK (zmq_close (a));
    OK (zmq_close (b));
    OK (zmq_ctx_term (context));
}

static void *monitor_of (void *context, void *socket, const char *name)
{
    void *monitor = socket_of (context, ZMQ_PAIR, NULL);
    OK (zmq_socket_monitor (socket, name, ZMQ_EVENT_ALL));
    OK (zmq_connect (monitor, name));
    return monitor;
}

/* Waits for an event; its value, or -1. `busy` is kept in calls meanwhile. */
static long event_of (void *monitor, int kind, void *busy)
{
    unsigned char event[6];
    char text[128];
    double end = now () + 3;
    while (now () < end) {
        zmq_recv (busy, text, sizeof text, ZMQ_DONTWAIT);
        if (zmq_recv (monitor, event, sizeof event, ZMQ_DONTWAIT) < 0) {
            nap (0.001);
            continue;
        }
        zmq_recv (monitor, text, sizeof text, 0);
        uint16_t is;
        uint32_t value;
        memcpy (&is, event, 2);
        memcpy (&value, event + 2, 4);
        if (is == kind)
            return value;
    }
    return -1;
}

static void taken (const char *transport)
{
    void *context = zmq_ctx_new (), *router = socket_of (context, ZMQ_ROUTER, NULL);
    void *first = socket_of (context, ZMQ_DEALER, "twin"), *second = socket_of (context, ZMQ_DEALER, "twin");
    char endpoint[96];
    bind_any (router, transport, endpoint);
    OK (zmq_connect (first, endpoint));
    OK (zmq_send (first, "first", 5, 0));
    CHECK (hears (router, "twin") && hears (router, "first"), "the first is heard");
    void *at_router = monitor_of (context, router, "inproc://at-router");
    void *at_second = monitor_of (context, second, "inproc://at-second");
    OK (zmq_connect (second, endpoint));
    long why = event_of (at_router, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, router);
    long closed = event_of (at_router, ZMQ_EVENT_DISCONNECTED, router);
    long told = event_of (at_second, ZMQ_EVENT_DISCONNECTED, router);
    long again = event_of (at_second, ZMQ_EVENT_CONNECT_RETRIED, router);
    say ("%s: a peer whose name is taken: %s, then %s; it tries again after %ld ms", transport,
         why >= 0 ? zmq_strerror ((int) why) : "no event", closed >= 0 ? "closed" : "not closed", again);
    CHECK (why == EADDRINUSE, "the ROUTER's monitor says why");
    CHECK (closed >= 0, "and that the connection is closed");
    CHECK (told >= 0 && again > 0, "the peer's monitor says so, and that it waits before the next try");
    CHECK (send_to (router, "twin", "whose?") && hears (first, "whose?"), "the first has the name all the while");
    OK (zmq_close (first));
    double start = now ();
    int heard = 0;
    while (!heard && now () - start < 5) {
        char buffer[8];
        zmq_send (second, "second", 6, ZMQ_DONTWAIT);
        nap (0.01);
        while (zmq_recv (router, buffer, sizeof buffer, ZMQ_DONTWAIT) >= 0)
            heard = memcmp (buffer, "second", 6) == 0;
    }
    say ("%s: the name is free: %s after %.2f s", transport, heard ? "heard" : "NOT heard", now () - start);
    CHECK (heard, "the second gets in when the name is free");
    OK (zmq_close (second));
    OK (zmq_close (at_router));
    OK (zmq_close (at_second));
    OK (zmq_close (router));
    OK (zmq_ctx_term (context));
}

/* A peer in its own process: sends so many messages, reports, and waits for a
   reply. */
static pid_t worker (const char *endpoint, int messages, int report)
{
    pid_t child = fork ();
    if (child != 0)
        return child;
    void *context = zmq_ctx_new (), *dealer = socket_of (context, ZMQ_DEALER, "worker");
    char text[64] = "";
    set_int (dealer, ZMQ_SNDHWM, 0);
    set_int (dealer, ZMQ_RCVTIMEO, 10000);
    OK (zmq_connect (dealer, endpoint));
    for (int i = 0; i < messages; i++)
        OK (zmq_send (dealer, text, sizeof text, 0));
    nap (0.3); /* all of that is on its way */
    OK (write (report, "!", 1));
    _exit (hears (dealer, "reply") ? 0 : 1);
}

static void restarted (const char *transport, int hwm, int unread)
{
    char endpoint[96], word[64];
    int report[2], heard = 0, status = -1;
    OK (pipe (report));
    void *context = zmq_ctx_new (), *router = socket_of (context, ZMQ_ROUTER, NULL);
    set_int (router, ZMQ_RCVHWM, hwm);
    set_int (router, ZMQ_RCVTIMEO, 1000);
    bind_any (router, transport, endpoint);
    pid_t child = worker (endpoint, 1 + unread, report[1]);
    CHECK (hears (router, "worker") && zmq_recv (router, word, sizeof word, 0) >= 0, "the peer is known");
    OK (read (report[0], word, 1));
    kill (child, SIGKILL);
    waitpid (child, NULL, 0);
    child = worker (endpoint, 1, report[1]);
    OK (read (report[0], word, 1));
    while (zmq_recv (router, word, sizeof word, 0) >= 0)
        heard += zmq_recv (router, word, sizeof word, 0) >= 0;
    CHECK (send_to (router, "worker", "reply"), "a reply is sent");
    waitpid (child, &status, 0);
    say ("%s: killed with %d messages unread (RCVHWM %d), and back: %d heard in all, %s", transport, unread, hwm,
         heard, status == 0 ? "answered" : "NOT answered");
    CHECK (heard == unread + 1, "all that both lives of the peer sent is heard");
    CHECK (status == 0, "the reply reaches the second one");
    OK (zmq_close (router));
    OK (zmq_ctx_term (context));
    close (report[0]);
    close (report[1]);
}

int main (void)
{
    static const char *const transports[] = {"tcp", "ipc", "inproc"};
    for (int t = 0; t < 2; t++) {
        restarted (transports[t], 1000, 0);
        restarted (transports[t], 1000, 100);
        restarted (transports[t], 10, 200);
        taken (transports[t]);
    }
    for (int t = 0; t < 3; t++)
        given_twice (transports[t]);
    return done ();
}
