/* Long messages: their memory is used again instead of coming fresh from the system
   each time, it is never much more than what was in use at once, and it goes back
   when they are over. The kernel queues little of them to a peer on this machine, unless
   ZMQ_SNDBUF says how much; a peer that reads nothing does not hold up who sends. */
#include "robust.h"
#include <malloc.h>

#define MIB (1L << 20)

static char *body; /* 64 MiB that all messages show, or a part of it */

static void leave (void *data, void *hint)
{
    (void) data, (void) hint;
}

static int send_shown (void *socket, size_t size, int flags)
{
    zmq_msg_t message;
    OK (zmq_msg_init_data (&message, body, size, leave, NULL));
    int result = zmq_msg_send (&message, socket, flags);
    if (result < 0)
        zmq_msg_close (&message);
    return result;
}

static void receive (void *socket, size_t size)
{
    zmq_msg_t message;
    OK (zmq_msg_init (&message));
    OK (zmq_msg_recv (&message, socket, 0));
    char *data = zmq_msg_data (&message);
    CHECK (zmq_msg_size (&message) == size && data[0] == 7 && data[size - 1] == 7, "it is whole");
    OK (zmq_msg_close (&message));
}

struct pair {
    void *context, *push, *pull;
    size_t size;
    int count;
};

/* With room for one message on either side. */
static struct pair connect_pair (const char *where, int sndbuf, const char *monitor)
{
    struct pair pair = {.context = zmq_ctx_new ()};
    char endpoint[256];
    size_t length = sizeof endpoint;
    pair.push = zmq_socket (pair.context, ZMQ_PUSH);
    pair.pull = zmq_socket (pair.context, ZMQ_PULL);
    set_int (pair.push, ZMQ_SNDHWM, monitor ? 0 : 1);
    set_int (pair.pull, ZMQ_RCVHWM, 1);
    set_int (pair.push, ZMQ_LINGER, 0);
    set_int (pair.push, ZMQ_SNDTIMEO, 30000);
    set_int (pair.pull, ZMQ_RCVTIMEO, 30000);
    if (sndbuf > 0)
        set_int (pair.push, ZMQ_SNDBUF, sndbuf);
    if (monitor)
        OK (zmq_socket_monitor (pair.push, monitor, ZMQ_EVENT_CONNECTED));
    OK (zmq_bind (pair.pull, where));
    OK (zmq_getsockopt (pair.pull, ZMQ_LAST_ENDPOINT, endpoint, &length));
    OK (zmq_connect (pair.push, endpoint));
    return pair;
}

static void end_pair (struct pair *pair)
{
    OK (zmq_close (pair->push));
    OK (zmq_close (pair->pull));
    OK (zmq_ctx_term (pair->context));
}

static void *send_all (void *argument)
{
    struct pair *pair = argument;
    for (int i = 0; i < pair->count; i++)
        OK (send_shown (pair->push, pair->size, 0));
    return NULL;
}

static long faults (void)
{
    struct rusage usage;
    getrusage (RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

/* Page faults a message once a few have been through. */
static void is_used_again (const char *where, size_t size, int count)
{
    enum { FIRST = 8 };
    struct pair pair = connect_pair (where, 0, NULL);
    pthread_t sender;
    long begin = 0;
    pair.size = size;
    pair.count = FIRST + count;
    OK (-pthread_create (&sender, NULL, send_all, &pair));
    for (int i = 0; i < pair.count; i++) {
        if (i == FIRST)
            begin = faults ();
        receive (pair.pull, size);
    }
    long each = (faults () - begin) / count, pages = (long) size / 4096;
    pthread_join (sender, NULL);
    say ("%.3s, %zu MiB: %ld page faults a message of %ld pages", where, size >> 20, each, pages);
    CHECK (each <= 16 + pages / 50, "the memory is used again");
    end_pair (&pair);
}

/* One after the other, none of which fits where another one was. */
static void is_not_hoarded (void)
{
    static const int sizes[] = {10, 14, 20, 28, 40, 56};
    enum { LARGEST = 56 * 1024, SPARE = 8 * 1024, SLACK = 8 * 1024 }; /* KiB */
    struct pair pair = connect_pair ("tcp://127.0.0.1:*", 0, NULL);
    OK (send_shown (pair.push, 1000, 0));
    receive (pair.pull, 1000);
    reset_peak ();
    long before = rss ();
    for (int i = 5; i < 3 * 6; i++) {
        size_t size = (size_t) (sizes[i % 6] * MIB);
        OK (send_shown (pair.push, size, 0));
        receive (pair.pull, size);
    }
    long more = status_of (getpid (), "VmHWM:") - before;
    say ("messages of 10 to 56 MiB, one at a time: %ld KiB at most", more);
    CHECK (more <= LARGEST + SPARE + SLACK, "no more is kept than was in use at once");
    end_pair (&pair);
}

static int connected_fd (void *context, const char *monitor)
{
    void *events = zmq_socket (context, ZMQ_PAIR);
    zmq_msg_t event;
    int fd;
    OK (zmq_connect (events, monitor));
    OK (zmq_msg_init (&event));
    OK (zmq_msg_recv (&event, events, 0));
    memcpy (&fd, (char *) zmq_msg_data (&event) + 2, sizeof fd);
    OK (zmq_msg_close (&event));
    set_int (events, ZMQ_LINGER, 0);
    OK (zmq_close (events));
    return fd;
}

static int send_queue (int fd)
{
    int size = 0;
    socklen_t length = sizeof size;
    OK (getsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, &length));
    return size;
}

/* The receiver does not receive. */
static void is_not_waited_for (int sndbuf)
{
    enum { SENDS = 40 };
    struct pair pair = connect_pair ("tcp://127.0.0.1:*", sndbuf, "inproc://monitor");
    int fd = connected_fd (pair.context, "inproc://monitor");
    OK (send_shown (pair.push, 1000, 0));
    receive (pair.pull, 1000);
    int before = send_queue (fd), after = before;
    double begin = now ();
    for (int i = 0; i < SENDS; i++)
        OK (send_shown (pair.push, 8 * MIB, ZMQ_DONTWAIT));
    double took = now () - begin;
    if (sndbuf == 0)
        for (int i = 0; i < 100 && (after = send_queue (fd)) > 512 * 1024; i++)
            nap (0.02);
    else
        nap (0.1), after = send_queue (fd);
    say ("ZMQ_SNDBUF %d: the kernel's queue %d, then %d; %d sends in %.1f ms", sndbuf, before,
         after, SENDS, took * 1e3);
    CHECK (sndbuf ? after == before : after <= 512 * 1024, "the kernel queues as much as it should");
    CHECK (took < 0.5, "sending does not wait for a peer that reads nothing");
    end_pair (&pair);
}

/* A peer stops in the middle of a long message: that holds up neither the messages of
   others nor the end of ZMQ_RCVTIMEO. */
static void is_not_waited_for_in_vain (void)
{
    static const unsigned char head[9] = {2, 0, 0, 0, 0, 0, 128, 0, 0}; /* 8 MiB */
    struct pair pair = connect_pair ("tcp://127.0.0.1:*", 0, NULL);
    char endpoint[64], c;
    size_t length = sizeof endpoint;
    double worst = 0;
    OK (zmq_getsockopt (pair.pull, ZMQ_LAST_ENDPOINT, endpoint, &length));
    int fd = dial (port_of (endpoint));
    greet (fd, "PUSH");
    CHECK (read_greeting (fd), "a handshake");
    CHECK (write (fd, head, sizeof head) == sizeof head, "the head of a frame");
    for (int i = 0; i < 50; i++) {
        CHECK (write (fd, body, 50000) == 50000, "a piece of the body");
        OK (zmq_send (pair.push, "x", 1, 0));
        double begin = now ();
        CHECK (zmq_recv (pair.pull, &c, 1, 0) == 1, "the message of another peer");
        if (now () - begin > worst)
            worst = now () - begin;
    }
    CHECK (worst < 0.5, "it does not wait for the long one");
    set_int (pair.pull, ZMQ_RCVTIMEO, 50);
    double begin = now ();
    CHECK (zmq_recv (pair.pull, &c, 1, 0) == -1 && errno == EAGAIN, "no more messages");
    double took = now () - begin;
    CHECK (took >= 0.045 && took < 1, "the time limit holds");
    say ("beside half a message others take %.1f ms at most, a time limit of 50 ms %.1f ms",
         worst * 1e3, took * 1e3);
    close (fd);
    end_pair (&pair);
}

static void goes_back (long start)
{
    double begin = now (), took = 0;
    long at_once = rss (), end = at_once, most = start + start / 10 + 2048;
    while ((took = now () - begin) < 10 && end > most) {
        nap (0.1);
        end = rss ();
    }
    say ("%ld KiB before, %ld at the end, %ld after %.1f s", start, at_once, end, took);
    CHECK (end <= most, "the memory goes back");
}

int main (void)
{
    body = malloc (64 * MIB);
    memset (body, 7, 64 * MIB);
    is_used_again ("tcp://127.0.0.1:*", 1000, 10);
    malloc_trim (0);
    long start = rss ();
    static const char *const places[] = {"tcp://127.0.0.1:*", "ipc://*"};
    for (int i = 0; i < 2; i++) {
        is_used_again (places[i], 2 * MIB, 100);
        is_used_again (places[i], 8 * MIB, 40);
        is_used_again (places[i], 64 * MIB, 10);
    }
    goes_back (start);
    is_not_hoarded ();
    is_not_waited_for (0);
    is_not_waited_for (1 << 20);
    is_not_waited_for_in_vain ();
    goes_back (start);
    return done ();
}
