/* Several threads on each socket: all send, all receive, and others poll, read and
   set options, connect, disconnect and monitor meanwhile. Calls serialise, and
   nothing is lost, doubled or torn. Half a second a pattern in `make test`; with
   ROBUST_SCALE 100 (`make soak-robust`) an hour for all of them. */
#include "robust.h"

#define THREADS 3
#define MOST 3000 /* bytes in a message */

struct head {
    uint32_t sender, size;
    uint64_t number;
};

static double until;
static char endpoint[64];

/* What was sent and received, by sender. */
struct count {
    atomic_ulong sent, got, numbers_sent, numbers_got, torn;
};

static struct count total;

/* Senders that may still send one more. */
static atomic_int sending;

/* A message in which each byte follows from who sent it and which one it is. */
static size_t fill (unsigned char *bytes, uint32_t sender, uint64_t number)
{
    static const uint32_t lengths[] = {16, 20, 33, 34, 100, 700, 2048, 2049, MOST};
    struct head head = {sender, lengths[(number * 7 + sender) % 9], number};
    memcpy (bytes, &head, sizeof head);
    memset (bytes + sizeof head, (int) (sender * 31 + number), head.size - sizeof head);
    return head.size;
}

static void check (const unsigned char *bytes, int size, size_t skip)
{
    static __thread unsigned char wanted[MOST];
    struct head head = {0, 0, 0};
    bytes += skip;
    size -= (int) skip;
    if (size >= (int) sizeof head)
        memcpy (&head, bytes, sizeof head);
    if (head.size != (uint32_t) size || fill (wanted, head.sender, head.number) != head.size
        || memcmp (wanted, bytes, head.size) != 0)
        total.torn++;
    total.got++;
    total.numbers_got += (head.sender + 1) * 1000003UL * (head.number + 1);
}

static void note_sent (uint32_t sender, uint64_t number)
{
    total.sent++;
    total.numbers_sent += (sender + 1) * 1000003UL * (number + 1);
}

static int may_fail (int error)
{
    return error == EAGAIN || error == EFSM;
}

struct job {
    void *socket;
    uint32_t number;
};

static void *sender (void *argument)
{
    struct job *job = argument;
    unsigned char bytes[MOST];
    for (uint64_t i = 0; now () < until;) {
        size_t size = fill (bytes, job->number, i);
        if (zmq_send (job->socket, bytes, size, 0) == (int) size)
            note_sent (job->number, i++);
        else
            CHECK (may_fail (errno), zmq_strerror (errno));
    }
    sending--;
    return NULL;
}

/* Until all that was sent has come, or nothing for five seconds after the end. */
static void *receiver (void *argument)
{
    struct job *job = argument;
    unsigned char bytes[MOST + 1];
    double last = now ();
    while (sending > 0 || (total.got < total.sent && now () - last < 5)) {
        int size = zmq_recv (job->socket, bytes, sizeof bytes, 0);
        if (size >= 0) {
            check (bytes, size, 0);
            last = now ();
        } else
            CHECK (may_fail (errno), zmq_strerror (errno));
    }
    return NULL;
}

/* Sends back what comes. As many threads as there are share a REP; a request is
   answered by whichever has received it or finds it to be answered. */
static void *replier (void *argument)
{
    struct job *job = argument;
    unsigned char bytes[MOST + 1];
    while (now () < until + 1) {
        int size = zmq_recv (job->socket, bytes, sizeof bytes, 0);
        if (size < 0) {
            CHECK (may_fail (errno), zmq_strerror (errno));
            continue;
        }
        /* It is this thread's to answer: the others get EFSM until then. */
        CHECK (zmq_send (job->socket, bytes, (size_t) size, 0) == size, "the reply");
    }
    return NULL;
}

static void *requester (void *argument)
{
    struct job *job = argument;
    unsigned char bytes[MOST + 1];
    for (uint64_t i = 0; now () < until;) {
        size_t length = fill (bytes, job->number, i);
        if (zmq_send (job->socket, bytes, length, 0) < 0) {
            CHECK (may_fail (errno), zmq_strerror (errno));
            sched_yield ();
            continue;
        }
        note_sent (job->number, i++);
        /* The answer may go to another thread, and another's come here. */
        int size;
        while ((size = zmq_recv (job->socket, bytes, sizeof bytes, 0)) < 0 && total.got < total.sent
               && now () < until + 5)
            CHECK (may_fail (errno), zmq_strerror (errno));
        if (size >= 0)
            check (bytes, size, 0);
    }
    return NULL;
}

/* Everything else that can be done with a socket. */
static void *meddler (void *argument)
{
    struct job *job = argument;
    void *socket = job->socket;
    char nowhere[64], name[64];
    snprintf (nowhere, sizeof nowhere, "ipc://nobody-%u.sock", job->number);
    snprintf (name, sizeof name, "inproc://monitor-%p", socket);
    for (int round = 0; now () < until; round++) {
        int value;
        size_t size = sizeof value;
        zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
        CHECK (zmq_poll (&item, 1, round % 2) >= 0, "zmq_poll");
        OK (zmq_getsockopt (socket, ZMQ_EVENTS, &value, &size));
        OK (zmq_getsockopt (socket, ZMQ_FD, &value, &size));
        size = sizeof value;
        OK (zmq_getsockopt (socket, ZMQ_RCVMORE, &value, &size));
        set_int (socket, ZMQ_SNDHWM, 500 + round % 500);
        set_int (socket, ZMQ_RCVHWM, 500 + round % 500);
        set_int (socket, ZMQ_RECONNECT_IVL, 100);
        if (job->number == 0 && round % 10 == 0) {
            /* One to which no message is ever routed. */
            set_int (socket, ZMQ_IMMEDIATE, 1);
            OK (zmq_connect (socket, nowhere));
            set_int (socket, ZMQ_IMMEDIATE, 0);
            OK (zmq_disconnect (socket, nowhere));
            OK (zmq_socket_monitor (socket, name, ZMQ_EVENT_ALL));
            OK (zmq_socket_monitor (socket, NULL, 0));
        }
        sched_yield ();
    }
    return NULL;
}

typedef void *thread (void *);

static int run (pthread_t *threads, thread *what, void *socket, int times)
{
    for (int i = 0; i < times; i++) {
        struct job *job = malloc (sizeof *job);
        *job = (struct job) {socket, (uint32_t) i};
        pthread_create (&threads[i], NULL, what, job);
    }
    return times;
}

static void pattern (const char *where, int type, int other_type, thread *work, thread *other_work)
{
    void *context = zmq_ctx_new ();
    void *ends[2] = {zmq_socket (context, type), zmq_socket (context, other_type)};
    size_t size = sizeof endpoint;
    double seconds = scale () == 1 ? 0.5 : 3.6 * (double) scale ();
    memset (&total, 0, sizeof total);
    for (int i = 0; i < 2; i++) {
        set_int (ends[i], ZMQ_RCVTIMEO, 20);
        set_int (ends[i], ZMQ_SNDTIMEO, 20);
        set_int (ends[i], ZMQ_LINGER, 0);
    }
    if (other_type == ZMQ_SUB)
        OK (zmq_setsockopt (ends[1], ZMQ_SUBSCRIBE, "", 0));
    OK (zmq_bind (ends[1], where));
    OK (zmq_getsockopt (ends[1], ZMQ_LAST_ENDPOINT, endpoint, &size));
    OK (zmq_connect (ends[0], endpoint));
    if (type == ZMQ_XPUB) {
        char topic[8];
        set_int (ends[0], ZMQ_XPUB_NODROP, 1);
        double limit = now () + 5;
        while (zmq_recv (ends[0], topic, sizeof topic, 0) < 0 && now () < limit) {
        }
    }
    pthread_t threads[32];
    int count = 0;
    until = now () + seconds;
    sending = work == sender ? (other_work == sender ? 2 : 1) * THREADS : 0;
    count += run (threads + count, work, ends[0], THREADS);
    count += run (threads + count, other_work, ends[1], THREADS);
    if (other_work == sender) /* both ways */
        count += run (threads + count, receiver, ends[0], THREADS);
    if (other_work == sender)
        count += run (threads + count, receiver, ends[1], THREADS);
    count += run (threads + count, meddler, ends[0], 2);
    count += run (threads + count, meddler, ends[1], 2);
    while (count > 0)
        pthread_join (threads[--count], NULL);
    say ("%.6s, types %d and %d, %.1f s: %lu sent, %lu received, %lu torn", where, type, other_type,
         seconds, total.sent, total.got, total.torn);
    CHECK (total.sent > 100, "there was something to see");
    CHECK (total.got == total.sent && total.numbers_got == total.numbers_sent,
           "each arrives, once");
    CHECK (total.torn == 0, "none is torn");
    OK (zmq_close (ends[0]));
    OK (zmq_close (ends[1]));
    OK (zmq_ctx_term (context));
}

int main (void)
{
    static const char *const places[] = {"tcp://127.0.0.1:*", "inproc://here"};
    for (int i = 0; i < 2; i++) {
        pattern (places[i], ZMQ_PUSH, ZMQ_PULL, sender, receiver);
        pattern (places[i], ZMQ_XPUB, ZMQ_SUB, sender, receiver);
        pattern (places[i], ZMQ_DEALER, ZMQ_DEALER, sender, sender);
        pattern (places[i], ZMQ_PAIR, ZMQ_PAIR, sender, sender);
        pattern (places[i], ZMQ_REQ, ZMQ_REP, requester, replier);
    }
    return done ();
}
