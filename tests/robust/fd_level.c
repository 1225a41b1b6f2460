/* ZMQ_FD is readable if and only if the socket has mail: an event loop that asks for
   ZMQ_EVENTS whenever the descriptor is readable neither spins nor sleeps through a
   message, over tcp and inproc, while the other end sends and receives as it likes. */
#include "robust.h"

enum { ROUNDS = 15000, EMPTY_MOST = 50 };

static void *context;
static char endpoint[64];
static atomic_int stop;

/* Sends bursts with short pauses of all lengths; reads the answers now and then. */
static void *writer (void *unused)
{
    unsigned seed = 1;
    char text[8];
    void *socket = zmq_socket (context, ZMQ_PAIR);
    (void) unused;
    set_int (socket, ZMQ_LINGER, 0);
    OK (zmq_connect (socket, endpoint));
    while (!stop) {
        zmq_send (socket, "x", 1, ZMQ_DONTWAIT);
        for (int i = rand_r (&seed) % 3000; i; i--)
            __asm__ volatile ("" ::: "memory");
        if (rand_r (&seed) % 400 == 0)
            nap (0.0003);
        while (zmq_recv (socket, text, sizeof text, ZMQ_DONTWAIT) >= 0) {
        }
    }
    OK (zmq_close (socket));
    return NULL;
}

static void run (const char *where)
{
    pthread_t thread;
    size_t size = sizeof endpoint;
    int fd, events;
    long wakes = 0, received = 0, empty = 0, most_empty = 0, slept_through = 0;
    char text[8];
    context = zmq_ctx_new ();
    void *socket = zmq_socket (context, ZMQ_PAIR);
    set_int (socket, ZMQ_LINGER, 0);
    OK (zmq_bind (socket, where));
    OK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
    size = sizeof fd;
    OK (zmq_getsockopt (socket, ZMQ_FD, &fd, &size));
    stop = 0;
    pthread_create (&thread, NULL, writer, NULL);
    double end = now () + 5.0 * (double) scale ();
    while (wakes < ROUNDS * scale () && now () < end && most_empty < 10000) {
        struct pollfd item = {fd, POLLIN, 0};
        int ready = poll (&item, 1, 1000);
        size = sizeof events;
        OK (zmq_getsockopt (socket, ZMQ_EVENTS, &events, &size));
        if (ready == 0) {
            /* A second without a wake-up, from a peer that sends all the time. */
            slept_through++;
            continue;
        }
        wakes++;
        long before = received;
        while (events & ZMQ_POLLIN) {
            while (zmq_recv (socket, text, sizeof text, ZMQ_DONTWAIT) >= 0)
                received++;
            size = sizeof events;
            OK (zmq_getsockopt (socket, ZMQ_EVENTS, &events, &size));
        }
        if (received > before) {
            empty = 0;
            zmq_send (socket, "y", 1, ZMQ_DONTWAIT);
        } else if (++empty > most_empty)
            most_empty = empty;
    }
    stop = 1;
    pthread_join (thread, NULL);
    say ("%s: %s; wake-ups in a row for nothing: %s", where,
         received > 0 && slept_through == 0 ? "woken for every burst" : "slept through messages",
         most_empty <= EMPTY_MOST ? "few" : "without end");
    CHECK (received > 0 && slept_through == 0, "mail makes the descriptor readable");
    CHECK (most_empty <= EMPTY_MOST, "without mail it is not readable");
    OK (zmq_close (socket));
    OK (zmq_ctx_term (context));
}

/* After zmq_ctx_shutdown a loop hears of it once, and then the descriptor rests. */
static void shutdown_is_told_once (void)
{
    void *ctx = zmq_ctx_new (), *socket = zmq_socket (ctx, ZMQ_PULL);
    int fd, events;
    size_t size = sizeof fd;
    OK (zmq_getsockopt (socket, ZMQ_FD, &fd, &size));
    OK (zmq_ctx_shutdown (ctx));
    struct pollfd item = {fd, POLLIN, 0};
    CHECK (poll (&item, 1, 1000) == 1, "a shutdown makes the descriptor readable");
    size = sizeof events;
    CHECK (zmq_getsockopt (socket, ZMQ_EVENTS, &events, &size) < 0 && errno == ETERM, "ETERM");
    CHECK (poll (&item, 1, 0) == 0, "and then it rests");
    OK (zmq_close (socket));
    OK (zmq_ctx_term (ctx));
}

int main (void)
{
    run ("inproc://fd-level");
    run ("tcp://127.0.0.1:*");
    shutdown_is_told_once ();
    return done ();
}
