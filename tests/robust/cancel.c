/* pthread_cancel, at any moment, of a thread in the library: the thread ends soon, its
   clean-up handlers run, the process lives, and another thread can go on with the socket.
   A thread that has switched cancellation off is left alone. */
#include "robust.h"

enum { ROUNDS = 25, KINDS = 14 };

static const char *const names[KINDS] = {
  "a blocked receive", "a blocked receive of a message", "a receive with a time limit",
  "a blocked send", "zmq_poll over a socket", "zmq_poll over many sockets",
  "zmq_poll with a descriptor", "a stream of sends", "a stream of receives", "round trips",
  "a loop over ZMQ_EVENTS", "zmq_proxy", "zmq_ctx_term", "zmq_sleep",
};

static void *context, *server, *client, *front, *back, *many[40];
static atomic_int cleaned, at_work, feeding;
static int kind;

static void on_cancel (void *unused)
{
    (void) unused;
    cleaned = 1;
}

static void step (zmq_pollitem_t *items)
{
    char text[64] = {0};
    int events, one_second = 1000;
    size_t size = sizeof events;
    zmq_msg_t msg;
    switch (kind) {
        case 0:
            zmq_recv (server, text, sizeof text, 0);
            break;
        case 1:
            zmq_msg_init (&msg);
            zmq_msg_recv (&msg, server, 0);
            zmq_msg_close (&msg);
            break;
        case 2:
            zmq_setsockopt (server, ZMQ_RCVTIMEO, &one_second, sizeof one_second);
            zmq_recv (server, text, sizeof text, 0);
            break;
        case 3:
            zmq_send (front, text, sizeof text, 0);
            break;
        case 4:
            zmq_poll (items, 1, -1);
            break;
        case 5:
            zmq_poll (items + 2, 40, 2000);
            break;
        case 6:
            zmq_poll (items, 2, -1);
            break;
        case 7:
            zmq_send (client, text, sizeof text, 0);
            break;
        case 8:
            zmq_recv (server, text, sizeof text, 0);
            break;
        case 9:
            zmq_send (client, text, 8, 0);
            zmq_recv (client, text, sizeof text, 0);
            break;
        case 10:
            zmq_getsockopt (server, ZMQ_EVENTS, &events, &size);
            zmq_recv (server, text, sizeof text, ZMQ_DONTWAIT);
            break;
        case 11:
            zmq_proxy (front, back, NULL);
            break;
        case 12:
            zmq_ctx_term (context);
            break;
        default:
            zmq_sleep (60);
    }
}

static void *work (void *fd)
{
    zmq_pollitem_t items[42] = {{server, 0, ZMQ_POLLIN, 0}, {NULL, *(int *) fd, ZMQ_POLLIN, 0}};
    for (int i = 0; i < 40; i++)
        items[2 + i] = (zmq_pollitem_t) {many[i], 0, ZMQ_POLLIN, 0};
    pthread_cleanup_push (on_cancel, NULL);
    at_work = 1;
    for (;;)
        step (items);
    pthread_cleanup_pop (0);
    return NULL;
}

/* The other end of streams, round trips and proxies. */
static void *feed (void *unused)
{
    char text[64] = {0};
    (void) unused;
    while (feeding) {
        int n = 0;
        if (kind == 7)
            n = zmq_recv (server, text, sizeof text, ZMQ_DONTWAIT);
        else if (kind == 9)
            n = zmq_recv (server, text, sizeof text, ZMQ_DONTWAIT) < 0
                    ? -1
                    : zmq_send (server, text, 8, ZMQ_DONTWAIT);
        else
            n = zmq_send (client, text, 8, ZMQ_DONTWAIT);
        if (n < 0)
            nap (0.0002);
    }
    return NULL;
}

static void open_all (const char *where)
{
    char endpoint[64];
    size_t size = sizeof endpoint;
    int pair = kind == 9;
    context = zmq_ctx_new ();
    server = zmq_socket (context, pair ? ZMQ_REP : ZMQ_PULL);
    client = zmq_socket (context, pair ? ZMQ_REQ : ZMQ_PUSH);
    front = zmq_socket (context, ZMQ_DEALER);
    back = zmq_socket (context, ZMQ_DEALER);
    OK (zmq_bind (server, where));
    OK (zmq_getsockopt (server, ZMQ_LAST_ENDPOINT, endpoint, &size));
    OK (zmq_connect (client, endpoint));
    for (int i = 0; i < 40; i++)
        many[i] = zmq_socket (context, ZMQ_PULL);
}

static void close_all (void)
{
    void *const all[] = {server, client, front, back};
    for (int i = 0; i < 4; i++) {
        zmq_setsockopt (all[i], ZMQ_LINGER, &(int) {0}, sizeof (int));
        OK (zmq_close (all[i]));
    }
    for (int i = 0; i < 40; i++)
        OK (zmq_close (many[i]));
    while (zmq_ctx_term (context) < 0 && errno == EINTR) {
    }
}

/* Whether a message still gets through, for the kinds whose sockets do not end. */
static int still_works (void)
{
    char text[64];
    if (kind == 9 || kind == 12)
        return 1;
    set_int (server, ZMQ_RCVTIMEO, 10);
    int sent = 0, n = 0;
    for (double end = now () + 10; now () < end && n != 4;) {
        if (!sent)
            sent = zmq_send (client, "last", 4, ZMQ_DONTWAIT) == 4;
        n = zmq_recv (server, text, sizeof text, 0);
    }
    return n == 4 && memcmp (text, "last", 4) == 0;
}

static void cancel_once (const char *where, int fd, int delay_us)
{
    pthread_t thread, feeder;
    void *result = NULL;
    struct timespec limit;
    int feeds = kind >= 7 && kind <= 10;
    open_all (where);
    cleaned = at_work = 0;
    feeding = feeds;
    if (feeds)
        pthread_create (&feeder, NULL, feed, NULL);
    pthread_create (&thread, NULL, work, &fd);
    while (!at_work)
        nap (0.0001);
    nap (delay_us / 1e6);
    pthread_cancel (thread);
    clock_gettime (CLOCK_REALTIME, &limit);
    limit.tv_sec += 10;
    int ended = pthread_timedjoin_np (thread, &result, &limit) == 0;
    CHECK (ended && result == PTHREAD_CANCELED && cleaned, names[kind]);
    feeding = 0;
    if (feeds)
        pthread_join (feeder, NULL);
    if (!ended)
        exit (1);
    CHECK (still_works (), "the sockets work on");
    close_all ();
}

/* Cancellation that is switched off stays off, and is acted on when it is on again. */
static void *left_alone (void *socket)
{
    char text[8];
    int before;
    pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &before);
    at_work = 1;
    int n = zmq_recv (socket, text, sizeof text, 0);
    pthread_setcancelstate (PTHREAD_CANCEL_ENABLE, &before);
    CHECK (n == 1 && before == PTHREAD_CANCEL_DISABLE, "it received with cancellation off");
    zmq_recv (socket, text, sizeof text, 0);
    CHECK (0, "it is cancelled in the second receive");
    return NULL;
}

static void switched_off (void)
{
    pthread_t thread;
    void *result = NULL;
    kind = 0;
    open_all ("inproc://off");
    at_work = 0;
    pthread_create (&thread, NULL, left_alone, server);
    while (!at_work)
        nap (0.001);
    nap (0.02);
    pthread_cancel (thread);
    nap (0.02);
    OK (zmq_send (client, "x", 1, 0));
    pthread_join (thread, &result);
    CHECK (result == PTHREAD_CANCELED, "it ends when it may");
    close_all ();
}

int main (void)
{
    int ends[2];
    OK (pipe (ends));
    for (kind = 0; kind < KINDS; kind++) {
        for (int round = 0; round < ROUNDS * scale (); round++)
            cancel_once (round % 3 == 0 ? "inproc://here" : round % 3 == 1 ? "tcp://127.0.0.1:*"
                                                                           : "ipc://*",
                         ends[0], round % 5 == 4 ? 20000 : round * 40);
        say ("%s: cancelled %ld times", names[kind], ROUNDS * scale ());
    }
    switched_off ();
    return done ();
}
