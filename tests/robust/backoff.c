/* A peer that accepts and drops is tried again less and less often: with
   ZMQ_RECONNECT_IVL 10 and ZMQ_RECONNECT_IVL_MAX 2000 about 9 times in 5 s,
   wherever in the handshake it drops. Only a handshake that is through lets the
   next try come soon again. */
#include "robust.h"

#define SECONDS 5.0

enum drop { AT_ONCE, GREETED, MIDWAY, RESET, CASES };

static const char *const names[] = {"at once", "after the greeting", "in READY", "with a reset"};

static void drop (int fd, enum drop how)
{
    char bytes[10];
    if (how != AT_ONCE)
        read_all (fd, bytes, 10, 1); /* it waits for ours now */
    if (how == GREETED || how == MIDWAY) {
        int pair[2];
        OK (socketpair (AF_UNIX, SOCK_STREAM, 0, pair));
        greet (pair[0], "DEALER");
        char out[80];
        ssize_t size = how == GREETED ? 64 : 80;
        if (!read_all (pair[1], out, (size_t) size, 1) || write (fd, out, (size_t) size) < 0)
            say ("no greeting");
        close (pair[0]);
        close (pair[1]);
    }
    if (how == RESET) {
        struct linger none = {1, 0};
        setsockopt (fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    }
    close (fd);
}

static void *dealer (void *context, int port, int ivl, int ivl_max)
{
    void *socket = zmq_socket (context, ZMQ_DEALER);
    char endpoint[64];
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_RECONNECT_IVL, ivl);
    set_int (socket, ZMQ_RECONNECT_IVL_MAX, ivl_max);
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    OK (zmq_connect (socket, endpoint));
    return socket;
}

static void drops (void *context)
{
    struct pollfd items[CASES];
    void *sockets[CASES];
    int tries[CASES] = {0};
    for (int i = 0; i < CASES; i++) {
        int port;
        items[i] = (struct pollfd) {listen_any (&port), POLLIN, 0};
        sockets[i] = dealer (context, port, 10, 2000);
    }
    for (double end = now () + SECONDS; now () < end;)
        if (poll (items, CASES, 50) > 0)
            for (int i = 0; i < CASES; i++)
                if (items[i].revents & POLLIN) {
                    drop (accept (items[i].fd, NULL, NULL), (enum drop) i);
                    tries[i]++;
                }
    for (int i = 0; i < CASES; i++) {
        say ("dropped %s: %d tries in %.0f s", names[i], tries[i], SECONDS);
        CHECK (tries[i] >= 7 && tries[i] <= 11, "the intervals grow, to 2 s");
        OK (zmq_close (sockets[i]));
        close (items[i].fd);
    }
}

/* After three drops the interval is 800 ms; a handshake resets it to 100. */
static void a_handshake_resets (void *context)
{
    int port, fd = listen_any (&port);
    void *socket = dealer (context, port, 100, 2000);
    double last = now (), gaps[5];
    for (int i = 0; i < 5; i++) {
        struct pollfd item = {fd, POLLIN, 0};
        CHECK (poll (&item, 1, 5000) == 1, "it tries again");
        int peer = accept (fd, NULL, NULL);
        gaps[i] = now () - last;
        last = now ();
        if (i == 3) {
            greet (peer, "DEALER");
            CHECK (read_greeting (peer), "the handshake is through");
        }
        close (peer);
    }
    say ("tries after %.0f, %.0f, %.0f, %.0f ms; then a handshake; then %.0f ms", gaps[0] * 1e3,
         gaps[1] * 1e3, gaps[2] * 1e3, gaps[3] * 1e3, gaps[4] * 1e3);
    CHECK (gaps[3] > 0.35, "the interval has grown before");
    CHECK (gaps[4] < 0.35, "and is short again");
    OK (zmq_close (socket));
    close (fd);
}

/* ZMQ_RECONNECT_IVL -1: one try and no more. */
static void never_again (void *context)
{
    int port, fd = listen_any (&port), tries = 0;
    void *socket = dealer (context, port, -1, 2000);
    struct pollfd item = {fd, POLLIN, 0};
    for (double end = now () + 1; now () < end;)
        if (poll (&item, 1, 100) > 0) {
            close (accept (fd, NULL, NULL));
            tries++;
        }
    CHECK (tries == 1, "without an interval it does not try again");
    OK (zmq_close (socket));
    close (fd);
}

int main (void)
{
    void *context = zmq_ctx_new ();
    drops (context);
    a_handshake_resets (context);
    never_again (context);
    OK (zmq_ctx_term (context));
    return done ();
}
