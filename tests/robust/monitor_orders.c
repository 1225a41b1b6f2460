/* Readers of a monitor that come, go and come again, before it is made and after: the one
   that is there when the monitor is made, or the first that comes, gets every event, whole
   and in order; a reader that has gone holds up no other; one that waits for ZMQ_FD wakes. */
#include "robust.h"

static void *context;

static void *reader_of (int type)
{
    void *reader = zmq_socket (context, type);
    set_int (reader, ZMQ_LINGER, 0);
    set_int (reader, ZMQ_RCVTIMEO, 3000);
    return reader;
}

static void monitor (void *socket, const char *name)
{
    OK (zmq_socket_monitor (socket, name, ZMQ_EVENT_LISTENING | ZMQ_EVENT_CLOSED | ZMQ_EVENT_MONITOR_STOPPED));
}

/* One event and another. */
static void happen (void *socket)
{
    char endpoint[64];
    bind_tcp (socket, endpoint);
    OK (zmq_unbind (socket, endpoint));
}

/* The next event, or 0 if none comes. */
static int event_of (void *reader)
{
    unsigned char head[64];
    char text[128];
    int more = 0, size = zmq_recv (reader, head, sizeof head, 0);
    size_t length = sizeof more;
    if (size < 0)
        return 0;
    OK (zmq_getsockopt (reader, ZMQ_RCVMORE, &more, &length));
    if (size != 6 || !more || zmq_recv (reader, text, sizeof text, 0) < 0)
        return -1;
    uint16_t event;
    memcpy (&event, head, sizeof event);
    return event;
}

static int hears_both (void *reader)
{
    int first = event_of (reader), second = event_of (reader);
    if (first != ZMQ_EVENT_LISTENING || second != ZMQ_EVENT_CLOSED)
        say ("heard %#x and %#x", (unsigned) first, (unsigned) second);
    return first == ZMQ_EVENT_LISTENING && second == ZMQ_EVENT_CLOSED;
}

static int hears_nothing (void *reader)
{
    set_int (reader, ZMQ_RCVTIMEO, 50);
    int event = event_of (reader);
    set_int (reader, ZMQ_RCVTIMEO, 3000);
    return event == 0;
}

/* The only reader connects and disconnects a few times before. */
static void in_and_out (int times)
{
    void *socket = zmq_socket (context, ZMQ_PULL), *reader = reader_of (ZMQ_PAIR);
    for (int i = 0; i < times; i++) {
        OK (zmq_connect (reader, "inproc://in-and-out"));
        OK (zmq_disconnect (reader, "inproc://in-and-out"));
    }
    OK (zmq_connect (reader, "inproc://in-and-out"));
    monitor (socket, "inproc://in-and-out");
    happen (socket);
    CHECK (hears_both (reader), "the last connection counts");
    OK (zmq_disconnect (reader, "inproc://in-and-out"));
    happen (socket);
    OK (zmq_connect (reader, "inproc://in-and-out"));
    happen (socket);
    CHECK (hears_both (reader), "and the next one, from then on");
    CHECK (hears_nothing (reader), "what was in between is lost");
    OK (zmq_close (socket));
    CHECK (event_of (reader) == ZMQ_EVENT_MONITOR_STOPPED, "the last event is MONITOR_STOPPED");
    OK (zmq_close (reader));
}

/* Readers that have gone, before one that stays. */
static void gone (int type)
{
    void *socket = zmq_socket (context, ZMQ_PULL), *first = reader_of (type), *second = reader_of (type);
    OK (zmq_connect (first, "inproc://gone"));
    OK (zmq_connect (second, "inproc://gone"));
    OK (zmq_close (first));
    monitor (socket, "inproc://gone");
    happen (socket);
    CHECK (hears_both (second), "the one that has stayed gets the events");
    void *third = reader_of (type);
    OK (zmq_connect (third, "inproc://gone"));
    happen (socket);
    CHECK (hears_both (second) && hears_nothing (third), "and keeps them");
    OK (zmq_close (second));
    OK (zmq_close (third));
    third = reader_of (type);
    OK (zmq_connect (third, "inproc://gone"));
    happen (socket);
    CHECK (hears_both (third), "then another gets them");
    OK (zmq_close (socket));
    OK (zmq_close (third));
}

/* Ended and made again under the same name, with no call of the reader in between but
   to connect; what it has not read comes first. */
static void anew (void)
{
    void *socket = zmq_socket (context, ZMQ_PULL), *reader = reader_of (ZMQ_PAIR);
    OK (zmq_connect (reader, "inproc://anew"));
    for (int i = 0; i < 3; i++) {
        monitor (socket, "inproc://anew");
        happen (socket);
        OK (zmq_socket_monitor (socket, NULL, 0));
        OK (zmq_connect (reader, "inproc://anew"));
    }
    monitor (socket, "inproc://anew");
    happen (socket);
    for (int i = 0; i < 3; i++)
        CHECK (hears_both (reader) && event_of (reader) == ZMQ_EVENT_MONITOR_STOPPED, "all of the monitors before");
    CHECK (hears_both (reader) && hears_nothing (reader), "and the present one");
    OK (zmq_close (socket));
    OK (zmq_close (reader));
}

/* Events before anybody has connected wait, also for a ROUTER, which has to be told of
   the peer first. */
static void late (int type)
{
    char id[64];
    void *socket = zmq_socket (context, ZMQ_PULL), *reader = reader_of (type);
    monitor (socket, "inproc://late");
    happen (socket);
    OK (zmq_connect (reader, "inproc://late"));
    int first = 5, second = 5;
    if (type == ZMQ_ROUTER)
        first = zmq_recv (reader, id, sizeof id, 0);
    CHECK (event_of (reader) == ZMQ_EVENT_LISTENING, "the first event has waited");
    if (type == ZMQ_ROUTER)
        second = zmq_recv (reader, id, sizeof id, 0);
    CHECK (event_of (reader) == ZMQ_EVENT_CLOSED, "and the second");
    CHECK (first == 5 && second == 5, "with an id in front at a ROUTER");
    OK (zmq_close (socket));
    OK (zmq_close (reader));
}

/* An event loop: it looks at ZMQ_EVENTS once, and then waits for the descriptor. */
static void wakes (void)
{
    int fd, events;
    size_t size = sizeof fd;
    void *socket = zmq_socket (context, ZMQ_PULL), *reader = reader_of (ZMQ_PAIR);
    OK (zmq_connect (reader, "inproc://wakes"));
    OK (zmq_getsockopt (reader, ZMQ_FD, &fd, &size));
    OK (zmq_getsockopt (reader, ZMQ_EVENTS, &events, &size));
    CHECK (!(events & ZMQ_POLLIN), "there is nothing yet");
    monitor (socket, "inproc://wakes");
    happen (socket);
    double end = now () + 3;
    while (!(events & ZMQ_POLLIN) && now () < end) {
        struct pollfd item = {fd, POLLIN, 0};
        CHECK (poll (&item, 1, 3000) == 1, "the descriptor becomes readable");
        OK (zmq_getsockopt (reader, ZMQ_EVENTS, &events, &size));
    }
    CHECK (hears_both (reader), "and the events are there");
    OK (zmq_close (socket));
    OK (zmq_close (reader));
}

/* The reader connects in another thread while the monitor is made, and made again. */
static pthread_barrier_t barrier;
enum { RACES = 300 };

static void *connect_in_race (void *reader)
{
    for (int i = 0; i < RACES; i++) {
        pthread_barrier_wait (&barrier);
        for (volatile int spin = i * 37 % 2000; spin > 0; spin--) {
        }
        OK (zmq_connect (reader, "inproc://race"));
        pthread_barrier_wait (&barrier);
        if (!failures) /* or each round would wait for its events */
            CHECK (hears_both (reader) && event_of (reader) == ZMQ_EVENT_MONITOR_STOPPED, "what comes after both is heard");
    }
    return NULL;
}

static void race (int type)
{
    pthread_t thread;
    void *socket = zmq_socket (context, ZMQ_PULL), *reader = reader_of (type);
    OK (-pthread_barrier_init (&barrier, NULL, 2));
    OK (-pthread_create (&thread, NULL, connect_in_race, reader));
    for (int i = 0; i < RACES; i++) {
        pthread_barrier_wait (&barrier);
        for (volatile int spin = i * 73 % 2000; spin > 0; spin--) {
        }
        monitor (socket, "inproc://race");
        pthread_barrier_wait (&barrier);
        happen (socket);
        OK (zmq_socket_monitor (socket, NULL, 0));
    }
    OK (-pthread_join (thread, NULL));
    pthread_barrier_destroy (&barrier);
    OK (zmq_close (socket));
    OK (zmq_close (reader));
}

int main (void)
{
    context = zmq_ctx_new ();
    race (ZMQ_PAIR);
    race (ZMQ_PULL);
    in_and_out (0);
    in_and_out (1);
    in_and_out (3);
    gone (ZMQ_PAIR);
    gone (ZMQ_PULL);
    gone (ZMQ_DEALER);
    anew ();
    late (ZMQ_PAIR);
    late (ZMQ_PULL);
    late (ZMQ_ROUTER);
    wakes ();
    OK (zmq_ctx_term (context));
    say ("every reader got the events that were for it");
    return done ();
}
