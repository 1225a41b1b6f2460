/* Free functions and timer handlers that call the library, on the very socket whose call
   released the message, at every stage of the socket's lock: fresh, used a few times, used
   by one thread for long. They run once, under no lock, before the call returns. */
#include "robust.h"

enum { BODY = 100, MANY = 50 };

static const int warm_ups[] = {0, 1, 40, 63, 64, 65, 100, 300};
static char bodies[MANY][BODY];
static void *context, *own, *other;
static int what, ran, failed;
static atomic_int nested;

static void call_back (void)
{
    char text[8];
    int events;
    size_t size = sizeof events;
    zmq_msg_t msg;
    zmq_pollitem_t item = {own, 0, ZMQ_POLLIN, 0};
    switch (what) {
        case 0:
            zmq_send (own, "nested", 6, ZMQ_DONTWAIT);
            break;
        case 1:
            zmq_msg_init (&msg);
            zmq_msg_recv (&msg, own, ZMQ_DONTWAIT);
            zmq_msg_close (&msg);
            break;
        case 2:
            failed += zmq_getsockopt (own, ZMQ_EVENTS, &events, &size) < 0;
            break;
        case 3:
            failed += zmq_poll (&item, 1, 0) < 0;
            break;
        case 4:
            failed += zmq_connect (own, "inproc://elsewhere") < 0;
            break;
        case 5:
            zmq_recv (own, text, sizeof text, ZMQ_DONTWAIT);
            zmq_disconnect (own, "inproc://elsewhere");
            break;
        default:
            failed += zmq_setsockopt (own, ZMQ_LINGER, &(int) {0}, sizeof (int)) < 0;
    }
}

static void on_free (void *data, void *hint)
{
    (void) data;
    (void) hint;
    ran++;
    if (nested < 2) {
        nested++;
        call_back ();
        nested--;
    }
}

static void init (zmq_msg_t *msg, int i)
{
    OK (zmq_msg_init_data (msg, bodies[i], BODY, on_free, NULL));
}

static void warm_up (void *socket, int times)
{
    char c;
    for (int i = 0; i < times; i++)
        zmq_recv (socket, &c, 1, ZMQ_DONTWAIT);
}

/* Each way in which a call on a socket releases a message. */
static void dropped_by_send (int warm)
{
    zmq_msg_t msg;
    own = zmq_socket (context, ZMQ_PUB);
    warm_up (own, warm);
    init (&msg, 0);
    ran = 0;
    OK (zmq_msg_send (&msg, own, 0));
    CHECK (ran == 1, "a PUB without peers drops what it sends, before the call returns");
    OK (zmq_close (own));
}

static void dropped_by_receive (int warm)
{
    zmq_msg_t msg;
    own = zmq_socket (context, ZMQ_PULL);
    other = zmq_socket (context, ZMQ_PUSH);
    OK (zmq_bind (own, "inproc://in"));
    OK (zmq_connect (other, "inproc://in"));
    warm_up (own, warm);
    OK (zmq_send (other, "x", 1, 0));
    init (&msg, 0);
    ran = 0;
    OK (zmq_msg_recv (&msg, own, 0));
    CHECK (ran == 1, "the old content of a message that is received into");
    OK (zmq_msg_close (&msg));
    OK (zmq_close (other));
    OK (zmq_close (own));
}

static void dropped_by_disconnect (int warm)
{
    own = zmq_socket (context, ZMQ_PULL);
    other = zmq_socket (context, ZMQ_PUSH);
    OK (zmq_bind (other, "inproc://out"));
    OK (zmq_connect (own, "inproc://out"));
    warm_up (own, warm);
    for (int i = 0; i < MANY; i++) {
        zmq_msg_t msg;
        init (&msg, i);
        OK (zmq_msg_send (&msg, other, 0));
    }
    ran = 0;
    OK (zmq_disconnect (own, "inproc://out"));
    zmq_setsockopt (other, ZMQ_LINGER, &(int) {0}, sizeof (int));
    OK (zmq_close (other));
    OK (zmq_close (own));
    CHECK (ran == MANY, "unread messages of a pipe that is taken down");
}

static void *closer;
static void close_it (void *data, void *hint)
{
    (void) data;
    (void) hint;
    ran++;
    if (closer) {
        void *socket = closer;
        closer = NULL;
        failed += zmq_close (socket) < 0;
    }
}

static void closed_by_free_function (int warm)
{
    zmq_msg_t msg;
    own = zmq_socket (context, ZMQ_PUB);
    warm_up (own, warm);
    OK (zmq_msg_init_data (&msg, bodies[0], BODY, close_it, NULL));
    closer = own;
    ran = 0;
    OK (zmq_msg_send (&msg, own, 0));
    CHECK (ran == 1 && closer == NULL, "a free function closes the socket");
    CHECK (zmq_send (own, "x", 1, 0) < 0 && errno == ENOTSOCK, "and it is closed");
}

/* A message of a connection that ends is released in an I/O thread or in a call of another
   socket: its free function uses that connection's socket. */
static void dropped_by_connection (void)
{
    char endpoint[64];
    own = zmq_socket (context, ZMQ_PUSH);
    other = zmq_socket (context, ZMQ_PULL);
    set_int (other, ZMQ_RCVHWM, 1);
    bind_tcp (other, endpoint);
    OK (zmq_connect (own, endpoint));
    ran = 0;
    int sent = 0;
    for (int i = 0; i < MANY; i++) {
        zmq_msg_t msg;
        init (&msg, i);
        if (zmq_msg_send (&msg, own, 0) >= 0)
            sent++;
        else
            zmq_msg_close (&msg);
    }
    OK (zmq_close (other));
    zmq_setsockopt (own, ZMQ_LINGER, &(int) {0}, sizeof (int));
    void *socket = own;
    what = 1;
    OK (zmq_close (socket));
    double end = now () + 5;
    while (ran < sent && now () < end)
        nap (0.001);
    CHECK (ran == sent && sent == MANY, "messages of a connection");
}

static void *timers;
static void on_timer (int id, void *arg)
{
    (void) arg;
    ran++;
    zmq_timers_reset (timers, id);
    zmq_timers_timeout (timers);
    if (nested == 0) {
        nested = 1;
        zmq_timers_execute (timers);
        nested = 0;
    }
    zmq_timers_cancel (timers, id);
    call_back ();
}

static void *run (void *unused)
{
    (void) unused;
    for (size_t w = 0; w < sizeof warm_ups / sizeof *warm_ups; w++)
        for (what = 0; what < 7; what++) {
            dropped_by_send (warm_ups[w]);
            dropped_by_receive (warm_ups[w]);
            dropped_by_disconnect (warm_ups[w]);
            closed_by_free_function (warm_ups[w]);
        }
    dropped_by_connection ();
    own = zmq_socket (context, ZMQ_PULL);
    timers = zmq_timers_new ();
    what = 2;
    ran = 0;
    zmq_timers_add (timers, 0, on_timer, NULL);
    OK (zmq_timers_execute (timers));
    CHECK (ran >= 1, "a handler may use timers and sockets");
    OK (zmq_timers_destroy (&timers));
    OK (zmq_close (own));
    return NULL;
}

int main (void)
{
    pthread_t thread;
    alarm (60);
    context = zmq_ctx_new ();
    run (NULL);
    pthread_create (&thread, NULL, run, NULL);
    pthread_join (thread, NULL);
    CHECK (failed == 0, "what is called back works");
    OK (zmq_ctx_term (context));
    say ("free functions and handlers call back: %s", failures ? "wrong" : "all as it should be");
    return done ();
}
