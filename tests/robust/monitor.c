/* A monitor that nobody reads, or whose reader has gone without a word, stops
   nothing: 10,000 connects and disconnects go on. What the reader finds later are
   whole events, and the socket has counted the others. */
#include "robust.h"

enum { PEERS = 10000 };

static char endpoint[64];

static long drops_of (void *socket)
{
    uint64_t drops = 0;
    size_t size = sizeof drops;
    return zmq_getsockopt (socket, ZMQ_FERRO_MONITOR_DROPS, &drops, &size) ? -1 : (long) drops;
}

/* A peer that connects, is heard, and goes. */
static int visit (void *pull)
{
    static const unsigned char hello[] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL";
    static const unsigned char ready[] = "\4\x1a\5READY\x0bSocket-Type\0\0\0\4PUSH";
    unsigned char greeting[64] = {0};
    char word[8], answer[256];
    ssize_t got = 0;
    int fd = dial (port_of (endpoint));
    memcpy (greeting, hello, sizeof hello - 1);
    int sent = send (fd, greeting, sizeof greeting, MSG_NOSIGNAL) == (ssize_t) sizeof greeting
               && send (fd, ready, sizeof ready - 1, MSG_NOSIGNAL) == (ssize_t) sizeof ready - 1;
    while (sent && got <= (ssize_t) sizeof greeting) { /* until its own READY comes */
        struct pollfd readable = {fd, POLLIN, 0};
        ssize_t count = poll (&readable, 1, 5000) == 1 ? recv (fd, answer, sizeof answer, 0) : -1;
        sent = count > 0;
        got += count;
    }
    int heard = sent && send (fd, "\0\4word", 6, MSG_NOSIGNAL) == 6 && zmq_recv (pull, word, sizeof word, 0) == 4;
    struct linger reset = {1, 0}; /* or ports would run out */
    setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close (fd);
    return sent && heard;
}

/* What has come in, of whole events; -1 if half of one is among them. */
static long whole_events (void *reader, int *stopped)
{
    struct {
        uint16_t kind;
        uint32_t value;
    } __attribute__ ((packed)) event;
    char text[256];
    long count = 0;
    while (zmq_recv (reader, &event, sizeof event, ZMQ_DONTWAIT) >= 0) {
        int more;
        size_t size = sizeof more;
        OK (zmq_getsockopt (reader, ZMQ_RCVMORE, &more, &size));
        if (!more)
            return -1;
        int length = zmq_recv (reader, text, sizeof text, ZMQ_DONTWAIT);
        if (length < 0)
            return -1;
        if (event.kind == ZMQ_EVENT_MONITOR_STOPPED)
            *stopped = 1;
        else if (length != (int) strlen (endpoint) || memcmp (text, endpoint, (size_t) length) != 0)
            return -1;
        count++;
    }
    return count;
}

enum reader { NEVER, LATE, GONE };

static void visits (enum reader reader)
{
    static const char *const names[] = {"nobody reads", "somebody reads late", "the reader has gone"};
    void *context = zmq_ctx_new (), *pull = zmq_socket (context, ZMQ_PULL), *pair = NULL;
    set_int (pull, ZMQ_RCVTIMEO, 5000);
    bind_tcp (pull, endpoint);
    OK (zmq_socket_monitor (pull, "inproc://events", ZMQ_EVENT_ALL));
    if (reader != NEVER) {
        pair = zmq_socket (context, ZMQ_PAIR);
        OK (zmq_connect (pair, "inproc://events"));
    }
    if (reader == GONE)
        OK (zmq_close (pair));
    double start = now ();
    int fine = 0, stopped = 0;
    while (fine < PEERS && visit (pull))
        fine++;
    double took = now () - start;
    CHECK (fine == PEERS, "connects and disconnects go on");
    nap (0.1); /* for the last of them to be reported */
    long drops = drops_of (pull), read = reader == LATE ? whole_events (pair, &stopped) : 0;
    say ("%s: %d of %d peers came and went in %.1f s; %ld events read, %ld dropped", names[reader], fine, PEERS,
         took, read, drops);
    if (reader == LATE) {
        CHECK (read > 0, "whole events wait for the reader");
        CHECK (read + drops == 3L * PEERS, "and those that did not fit are counted");
        OK (zmq_socket_monitor (pull, NULL, 0));
        CHECK (whole_events (pair, &stopped) == 1 && stopped, "a reader that has caught up hears of the end");
        OK (zmq_close (pair));
    } else if (reader == NEVER)
        CHECK (drops > 2L * PEERS, "what nobody can read is counted");
    OK (zmq_close (pull));
    start = now ();
    OK (zmq_ctx_term (context));
    CHECK (now () - start < 1, "the end is not held up");
}

int main (void)
{
    visits (NEVER);
    visits (LATE);
    visits (GONE);
    return done ();
}
