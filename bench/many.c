/*
 * Many of something in one process: many <what> <count> <seconds>
 *
 *   which          nothing, but says which library it is
 *   poll           us of one zmq_poll over <count> sockets, one of them ready
 *   asleep         us of processor time of one zmq_poll over <count> idle sockets
 *                  that sleeps for 1 ms
 *   subscriptions  subscriptions a second that reach the publisher, and bytes
 *                  of memory for each
 *   matching       messages a second against so many subscriptions, each to one
 *   tcp-pairs      bytes of memory for one PAIR-PAIR connection over tcp
 *   ipc-pairs      the same over ipc
 *   contexts       us to make and end a context with one socket (count unused)
 */
#include "bench.h"

static void *make (void *ctx, int type)
{
    void *s = zmq_socket (ctx, type);
    MUST (s);
    set_int (s, ZMQ_LINGER, 0);
    return s;
}

static void *big_context (int sockets)
{
    void *ctx = zmq_ctx_new ();
    MUST (ctx && zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, sockets + 100) == 0);
    return ctx;
}

/* Processor time of the calling thread, seconds. */
static double used_here (void)
{
    struct timespec t;
    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void poll_asleep (zmq_pollitem_t *items, int count, double seconds)
{
    double spent = used_here (), begin = now ();
    int calls = 0;
    do {
        MUST (zmq_poll (items, count, 1) == 0);
        calls++;
    } while (now () < begin + seconds);
    spent = used_here () - spent;
    result (spent / calls * 1e6, spent, calls, "");
}

static void poll_one_ready (zmq_pollitem_t *items, void **out, int count, double seconds)
{
    double spent = 0, begin = now ();
    unsigned seed = 1;
    int calls = 0;
    char c;
    while (now () < begin + seconds || calls < 10) {
        seed = seed * 1103515245u + 12345u;
        int ready = (int) ((seed >> 8) % (unsigned) count);
        MUST (zmq_send (out[ready], "x", 1, 0) == 1);
        double before = now ();
        MUST (zmq_poll (items, count, 10000) == 1);
        spent += now () - before;
        MUST (items[ready].revents == ZMQ_POLLIN);
        MUST (zmq_recv (items[ready].socket, &c, 1, 0) == 1);
        calls++;
    }
    result (spent / calls * 1e6, spent, calls, "");
}

static void poll_over (int count, double seconds, int asleep)
{
    void *ctx = big_context (2 * count);
    void **in = calloc ((size_t) count, sizeof *in);
    void **out = calloc ((size_t) count, sizeof *out);
    zmq_pollitem_t *items = calloc ((size_t) count, sizeof *items);
    char name[64];
    MUST (in && out && items);
    for (int i = 0; i < count; i++) {
        snprintf (name, sizeof name, "inproc://poll-%d", i);
        in[i] = make (ctx, ZMQ_PULL);
        out[i] = make (ctx, ZMQ_PUSH);
        MUST (zmq_bind (in[i], name) == 0 && zmq_connect (out[i], name) == 0);
        items[i].socket = in[i];
        items[i].events = ZMQ_POLLIN;
    }
    MUST (zmq_poll (items, count, 0) == 0);
    if (asleep)
        poll_asleep (items, count, seconds);
    else
        poll_one_ready (items, out, count, seconds);
    for (int i = 0; i < count; i++)
        MUST (zmq_close (in[i]) == 0 && zmq_close (out[i]) == 0);
    MUST (zmq_ctx_term (ctx) == 0);
    free (in);
    free (out);
    free (items);
}

static void poll_many (int count, double seconds)
{
    poll_over (count, seconds, 0);
}

static void asleep_many (int count, double seconds)
{
    poll_over (count, seconds, 1);
}

/*
 * Topics as they are in life: a common beginning, then numbers. Made before
 * anything is measured.
 */
enum { TOPIC = 32, TOPIC_LENGTH = 29 };

/* A high-water mark above all that is sent (not every library takes 0). */
enum { PLENTY = 1000000 };

static char (*make_topics (int count))[TOPIC]
{
    char (*topics)[TOPIC] = calloc ((size_t) count, sizeof *topics);
    MUST (topics);
    for (int i = 0; i < count; i++)
        snprintf (topics[i], TOPIC, "market/%02u/instrument/%08x",
                  (unsigned) i % 17, (unsigned) i * 2654435761u);
    return topics;
}

/* All are of one length. */
static void subscribe (void *sub, const char *topic)
{
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, topic, TOPIC_LENGTH) == 0);
}

static void subscriptions (int count, double seconds)
{
    (void) seconds;
    void *ctx = zmq_ctx_new ();
    void *pub = make (ctx, ZMQ_XPUB), *sub = make (ctx, ZMQ_SUB);
    char topic[64], extra[64], endpoint[256];
    size_t len = sizeof endpoint;
    char (*topics)[TOPIC] = make_topics (count);
    set_int (pub, ZMQ_RCVHWM, PLENTY);
    set_int (sub, ZMQ_SNDHWM, PLENTY);
    MUST (zmq_bind (pub, "tcp://127.0.0.1:*") == 0);
    MUST (zmq_getsockopt (pub, ZMQ_LAST_ENDPOINT, endpoint, &len) == 0);
    MUST (zmq_connect (sub, endpoint) == 0);
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "first", 5) == 0);
    MUST (zmq_recv (pub, topic, sizeof topic, 0) == 6);
    double memory = resident (), begin = now ();
    for (int i = 0; i < count; i++) {
        subscribe (sub, topics[i]);
        int got;
        do {
            got = zmq_recv (pub, topic, sizeof topic, ZMQ_DONTWAIT);
        } while (got > 0);
    }
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "last", 4) == 0);
    int got;
    do {
        got = zmq_recv (pub, topic, sizeof topic, 0);
        MUST (got > 0);
    } while (got != 5);
    double taken = now () - begin;
    snprintf (extra, sizeof extra, "bytes_each=%.0f",
              (resident () - memory) / (double) count);
    /* It still works. */
    MUST (zmq_send (pub, "last word", 9, 0) == 9);
    MUST (zmq_recv (sub, topic, sizeof topic, 0) == 9);
    result (count / taken, taken, count, extra);
    MUST (zmq_close (sub) == 0 && zmq_close (pub) == 0 && zmq_ctx_term (ctx) == 0);
    free (topics);
}

static void matching (int count, double seconds)
{
    void *ctx = zmq_ctx_new ();
    void *pub = make (ctx, ZMQ_PUB), *sub = make (ctx, ZMQ_SUB);
    char (*topics)[TOPIC] = make_topics (count);
    char got[TOPIC];
    int sent = 0;
    set_int (pub, ZMQ_SNDHWM, PLENTY);
    set_int (pub, ZMQ_RCVHWM, PLENTY);
    set_int (sub, ZMQ_SNDHWM, PLENTY);
    set_int (sub, ZMQ_RCVHWM, PLENTY);
    MUST (zmq_bind (pub, "inproc://matching") == 0);
    MUST (zmq_connect (sub, "inproc://matching") == 0);
    for (int i = 0; i < count; i++)
        subscribe (sub, topics[i]);
    /* The publisher takes the subscriptions in when it sends. */
    double begin = now (), end;
    do {
        MUST (zmq_send (pub, topics[count - 1], TOPIC_LENGTH, 0) == TOPIC_LENGTH);
        MUST (now () < begin + 20);
    } while (zmq_recv (sub, got, sizeof got, ZMQ_DONTWAIT) != TOPIC_LENGTH);
    begin = now ();
    do {
        for (int k = 0; k < 100; k++, sent++) {
            const char *topic = topics[(unsigned) sent * 7919u % (unsigned) count];
            MUST (zmq_send (pub, topic, TOPIC_LENGTH, 0) == TOPIC_LENGTH);
            MUST (zmq_recv (sub, got, sizeof got, 0) == TOPIC_LENGTH);
            MUST (memcmp (topic, got, TOPIC_LENGTH) == 0);
        }
        end = now ();
    } while (end < begin + seconds);
    result (sent / (end - begin), end - begin, sent, "");
    MUST (zmq_close (sub) == 0 && zmq_close (pub) == 0 && zmq_ctx_term (ctx) == 0);
    free (topics);
}

static void make_pairs (int count, const char *address)
{
    void *ctx = big_context (2 * count);
    void **s = calloc ((size_t) count * 2, sizeof *s);
    char endpoint[256], c;
    MUST (s);
    double memory = 0, begin = now ();
    /* The first pairs pay for the context and its threads. */
    for (int i = 0; i < count; i++) {
        size_t len = sizeof endpoint;
        void *a = s[2 * i] = make (ctx, ZMQ_PAIR);
        void *b = s[2 * i + 1] = make (ctx, ZMQ_PAIR);
        if (i == count / 10)
            memory = resident ();
        snprintf (endpoint, sizeof endpoint, address, (int) getpid (), i);
        MUST (zmq_bind (a, endpoint) == 0);
        MUST (zmq_getsockopt (a, ZMQ_LAST_ENDPOINT, endpoint, &len) == 0);
        MUST (zmq_connect (b, endpoint) == 0);
        MUST (zmq_send (a, "x", 1, 0) == 1 && zmq_recv (b, &c, 1, 0) == 1);
        MUST (zmq_send (b, "y", 1, 0) == 1 && zmq_recv (a, &c, 1, 0) == 1);
    }
    int counted = count - count / 10;
    result ((resident () - memory) / counted, now () - begin, counted, "");
    for (int i = 0; i < 2 * count; i++)
        MUST (zmq_close (s[i]) == 0);
    MUST (zmq_ctx_term (ctx) == 0);
    free (s);
}

static void tcp_pairs (int count, double seconds)
{
    (void) seconds;
    make_pairs (count, "tcp://127.0.0.1:*");
}

static void ipc_pairs (int count, double seconds)
{
    (void) seconds;
    make_pairs (count, "ipc://@ferro-bench-%d-%d");
}

static void contexts (int count, double seconds)
{
    (void) count;
    int n = 0;
    double begin = now (), end;
    do {
        void *ctx = zmq_ctx_new ();
        MUST (ctx);
        void *s = make (ctx, ZMQ_PUSH);
        MUST (zmq_close (s) == 0 && zmq_ctx_term (ctx) == 0);
        n++;
        end = now ();
    } while (end < begin + seconds);
    result ((end - begin) / n * 1e6, end - begin, n, "");
}

/* Only says which library it runs on. */
static void which (int count UNUSED, double seconds UNUSED)
{
}

int main (int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run) (int count, double seconds);
    } kinds[] = {{"which", which},
                 {"poll", poll_many},
                 {"asleep", asleep_many},
                 {"subscriptions", subscriptions},
                 {"matching", matching},
                 {"tcp-pairs", tcp_pairs},
                 {"ipc-pairs", ipc_pairs},
                 {"contexts", contexts}};
    alarm (TIME_LIMIT);
    if (argc == 4 && atoi (argv[2]) > 0)
        for (int i = 0; i < COUNT (kinds); i++)
            if (strcmp (argv[1], kinds[i].name) == 0) {
                print_library ();
                kinds[i].run (atoi (argv[2]), atof (argv[3]));
                return 0;
            }
    fprintf (stderr, "usage: many which|poll|asleep|subscriptions|matching|tcp-pairs|ipc-pairs|contexts count seconds\n");
    return 2;
}
