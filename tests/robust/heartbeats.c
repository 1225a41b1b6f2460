/* Heartbeats: every ZMQ_HEARTBEAT_TTL means what it says, and whatever comes in
   or goes out counts as life: a large transfer that takes longer than all of the
   times, in either direction, is not cut off. */
#include "robust.h"

#define LARGE (8 << 20)

static void *context;

static void *open_socket (int type, int ivl, int timeout)
{
    void *socket = zmq_socket (context, type);
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_HEARTBEAT_IVL, ivl);
    if (timeout >= 0)
        set_int (socket, ZMQ_HEARTBEAT_TIMEOUT, timeout);
    set_int (socket, ZMQ_RECONNECT_IVL, -1);
    return socket;
}

/* Connects to a listener of ours; returns its side, the handshake done. */
static int meet (void *socket, const char *as, int receive_buffer)
{
    int port, fd = listen_any (&port);
    char endpoint[64];
    if (receive_buffer)
        setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    OK (zmq_connect (socket, endpoint));
    int peer = accept (fd, NULL, NULL);
    OK (peer);
    close (fd);
    greet (peer, as);
    CHECK (read_greeting (peer), "the handshake");
    return peer;
}

static void every_ttl (void)
{
    static const int good[] = {0, 1, 99, 100, 6400, 65500, 65535, 65536, 65600, 655350, 6553500, 6553599};
    void *socket = zmq_socket (context, ZMQ_DEALER);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int got = -1;
        size_t size = sizeof got;
        set_int (socket, ZMQ_HEARTBEAT_TTL, good[i]);
        OK (zmq_getsockopt (socket, ZMQ_HEARTBEAT_TTL, &got, &size));
        CHECK (got == good[i] / 100 * 100, "it is kept in tenths of a second");
    }
    static const int bad[] = {-100, 6553600, INT_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK (zmq_setsockopt (socket, ZMQ_HEARTBEAT_TTL, &bad[i], sizeof bad[i]) == -1
                   && errno == EINVAL,
               "beyond the range it is refused");
    OK (zmq_close (socket));
    static const int sent[] = {0, 100, 65600, 6553599};
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
        unsigned char ping[9];
        socket = open_socket (ZMQ_DEALER, 30, 0);
        set_int (socket, ZMQ_HEARTBEAT_TTL, sent[i]);
        int peer = meet (socket, "DEALER", 0);
        CHECK (read_all (peer, ping, 9, 5) && memcmp (ping, "\004\007\004PING", 7) == 0, "a PING");
        int said = ping[7] << 8 | ping[8];
        say ("ZMQ_HEARTBEAT_TTL %d: the peer is told %d tenths of a second", sent[i], said);
        CHECK (said == sent[i] / 100, "the whole of it is on the wire");
        close (peer);
        OK (zmq_close (socket));
    }
}

/* The peer says once how long it may be silent, and is silent. */
static void promised (int tenths, double silent, int lives)
{
    void *socket = open_socket (ZMQ_DEALER, 0, -1);
    int peer = meet (socket, "DEALER", 0);
    unsigned char ping[9] = {4, 7, 4, 'P', 'I', 'N', 'G', (unsigned char) (tenths >> 8),
                             (unsigned char) tenths};
    char pong[7], byte;
    CHECK (write (peer, ping, 9) == 9 && read_all (peer, pong, 7, 5), "PING and PONG");
    double start = now ();
    struct pollfd item = {peer, POLLIN, 0};
    int ended = poll (&item, 1, (int) (silent * 1e3)) == 1 && read (peer, &byte, 1) <= 0;
    say ("a peer that may be silent for %.1f s: %s after %.2f s", tenths / 10.0,
         ended ? "given up" : "still there", now () - start);
    CHECK (ended == !lives, "it is given up when its time is over, and not before");
    close (peer);
    OK (zmq_close (socket));
}

/* When this process last went on, and for how long it was held up at most. */
struct pace {
    double last, longest;
};

static void go_on (struct pace *pace)
{
    double paused = now () - pace->last;
    pace->longest = paused > pace->longest ? paused : pace->longest;
    pace->last += paused;
}

/* False if this process itself was held up, so that the peer really was silent for
   longer than the timeout, or nearly: then it says nothing. */
static int slow_in (void)
{
    void *pull = open_socket (ZMQ_PULL, 100, 200);
    set_int (pull, ZMQ_RCVTIMEO, 1000);
    int peer = meet (pull, "PUSH", 0);
    static unsigned char bytes[LARGE / 8];
    const uint64_t length = __builtin_bswap64 (sizeof bytes);
    memset (bytes, 'x', sizeof bytes);
    char head = 2;
    CHECK (write (peer, &head, 1) == 1 && write (peer, &length, 8) == 8, "the frame begins");
    size_t sent = 0;
    double start = now ();
    struct pace pace = {start, 0};
    while (sent < sizeof bytes) {
        size_t count = sizeof bytes / 40;
        count = count < sizeof bytes - sent ? count : sizeof bytes - sent;
        if (send (peer, bytes + sent, count, MSG_NOSIGNAL) != (ssize_t) count)
            break;
        sent += count;
        nap (0.05);
        go_on (&pace);
    }
    int got = zmq_recv (pull, bytes, sizeof bytes, 0);
    int fair = pace.longest < 0.15;
    say ("a message that took %.1f s to come in, with a timeout of 0.2 s and pauses of up to "
         "%.2f s: %d of %zu bytes",
         now () - start, pace.longest, got, sizeof bytes);
    if (fair)
        CHECK (got == (int) sizeof bytes, "it arrives");
    close (peer);
    OK (zmq_close (pull));
    return fair;
}

/* The peer reads a long message slowly, and says nothing; at last it does not
   read any more either. False as above. */
static int slow_out (void)
{
    void *push = open_socket (ZMQ_PUSH, 100, 300);
    set_int (push, ZMQ_SNDBUF, 128 << 10);
    int peer = meet (push, "PULL", 64 << 10);
    zmq_msg_t message;
    OK (zmq_msg_init_size (&message, LARGE));
    memset (zmq_msg_data (&message), 'x', LARGE);
    OK (zmq_msg_send (&message, push, 0));
    static char bytes[64 << 10];
    size_t got = 0;
    double start = now ();
    struct pace pace = {start, 0};
    while (got < LARGE + 9) {
        if (!read_all (peer, bytes, LARGE + 9 - got < sizeof bytes ? LARGE + 9 - got : sizeof bytes, 5))
            break;
        got += LARGE + 9 - got < sizeof bytes ? LARGE + 9 - got : sizeof bytes;
        nap (0.015);
        go_on (&pace);
    }
    double took = now () - start;
    say ("a message that took %.1f s to go out, with a timeout of 0.3 s and pauses of up to %.2f s: "
         "%zu of %d bytes",
         took, pace.longest, got, LARGE + 9);
    if (pace.longest > 0.2) {
        close (peer);
        OK (zmq_close (push));
        return 0;
    }
    CHECK (got == LARGE + 9, "it gets there");
    CHECK (took > 1.5, "it was slow");
    OK (zmq_msg_init_size (&message, LARGE));
    memset (zmq_msg_data (&message), 'x', LARGE);
    OK (zmq_msg_send (&message, push, 0));
    nap (2);
    size_t rest = 0;
    ssize_t count;
    while ((count = recv (peer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        rest += (size_t) count;
    int ended = count == 0 || errno == ECONNRESET;
    say ("a peer that reads nothing for 2 s: %s", ended ? "given up" : "still there");
    CHECK (ended && rest < LARGE, "one that takes nothing in is given up");
    close (peer);
    OK (zmq_close (push));
    return 1;
}

/* Whether it said something, in five tries. */
static int in_time (int (*what) (void))
{
    for (int tries = 0; tries < 5; tries++)
        if (what ())
            return 1;
    return 0;
}

int main (void)
{
    context = zmq_ctx_new ();
    every_ttl ();
    promised (656, 1.5, 1);
    promised (65535, 0.5, 1);
    promised (4, 3, 0);
    CHECK (in_time (slow_in), "5 times, this process was held up for 0.15 s and more");
    CHECK (in_time (slow_out), "5 times, this process was held up for 0.2 s and more");
    OK (zmq_ctx_term (context));
    return done ();
}
