/* What a handle points to begins with a word that no program can take for a
   descriptor or an address: bindings that take a socket or a descriptor by the same
   pointer look at the first int. It is there for all kinds, while they are used,
   when they have ended, and when the place is used again. */
#include "robust.h"

#define AGAIN 200 /* more than rest before one is used again */

static uint64_t word;

static void look (const void *handle, const char *kind, const char *when)
{
    int32_t halves[2];
    uint64_t found;
    if (!handle) {
        say ("no %s to look at", kind);
        failures++;
        return;
    }
    memcpy (halves, handle, sizeof halves);
    memcpy (&found, handle, sizeof found);
    if (halves[0] < 0 && halves[1] < 0 && (!word || found == word)
        && fcntl (halves[0], F_GETFD) < 0 && fcntl (halves[1], F_GETFD) < 0) {
        word = found;
        return;
    }
    failures++;
    say ("FAILED: %s, %s: begins with %d and %d", kind, when, halves[0], halves[1]);
}

static void *make_poller (void)
{
    void *(*make) (void) = (void *(*) (void)) dlsym (RTLD_DEFAULT, "zmq_poller_new");
    return make ? make () : NULL;
}

static void end_poller (void *poller)
{
    int (*end) (void **) = (int (*) (void **)) dlsym (RTLD_DEFAULT, "zmq_poller_destroy");
    CHECK (end && end (&poller) == 0, "the poller ends");
}

static void end_timers (void *timers)
{
    CHECK (zmq_timers_destroy (&timers) == 0, "the timers end");
}

static void end_counter (void *counter)
{
    zmq_atomic_counter_destroy (&counter);
}

static void end_watch (void *watch)
{
    zmq_stopwatch_stop (watch);
}

static void nothing (void *arg)
{
    (void) arg;
}

static void *make_thread (void)
{
    return zmq_threadstart (nothing, NULL);
}

static void end_context (void *context)
{
    OK (zmq_ctx_term (context));
}

static const struct {
    const char *kind;
    void *(*make) (void);
    void (*end) (void *);
} kinds[] = {
    {"context", zmq_ctx_new, end_context},
    {"timers", zmq_timers_new, end_timers},
    {"counter", zmq_atomic_counter_new, end_counter},
    {"stopwatch", zmq_stopwatch_start, end_watch},
    {"thread", make_thread, zmq_threadclose},
    {"poller", make_poller, end_poller},
};

static void look_at_kinds (void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *kind = kinds[i].kind;
        void *before[AGAIN];
        if (kinds[i].make == make_poller && !dlsym (RTLD_DEFAULT, "zmq_poller_new"))
            continue; /* a part of the draft interface */
        for (int round = 0; round < AGAIN; round++) {
            void *handle = before[round] = kinds[i].make ();
            look (handle, kind, round ? "one of many" : "new");
            kinds[i].end (handle);
            look (handle, kind, "ended");
        }
        for (int round = 0; round < AGAIN; round++)
            look (before[round], kind, "ended, or used again");
    }
}

static void look_at_sockets (void)
{
    static const int types[] = {ZMQ_PAIR, ZMQ_PUB,  ZMQ_SUB,  ZMQ_REQ,  ZMQ_REP,  ZMQ_DEALER,
                                ZMQ_ROUTER, ZMQ_PULL, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB, ZMQ_STREAM};
    void *context = zmq_ctx_new ();
    char endpoint[64], byte;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (int round = 0; round < AGAIN; round++) {
            void *socket = zmq_socket (context, types[i]);
            look (socket, "socket", "new");
            OK (zmq_close (socket));
            look (socket, "socket", "closed");
        }
    }
    void *pull = zmq_socket (context, ZMQ_PULL), *push = zmq_socket (context, ZMQ_PUSH);
    bind_tcp (pull, endpoint);
    OK (zmq_connect (push, endpoint));
    for (int i = 0; i < 1000; i++) {
        OK (zmq_send (push, "x", 1, 0));
        OK (zmq_recv (pull, &byte, 1, 0));
        look (push, "socket", "sending");
        look (pull, "socket", "receiving");
    }
    zmq_pollitem_t items[] = {{pull, 0, ZMQ_POLLIN, 0}, {push, 0, ZMQ_POLLOUT, 0}};
    OK (zmq_poll (items, 2, 10));
    look (pull, "socket", "polled");
    OK (zmq_ctx_shutdown (context));
    look (context, "context", "shut down");
    look (pull, "socket", "of a context that was shut down");
    OK (zmq_close (pull));
    OK (zmq_close (push));
    OK (zmq_ctx_term (context));
    look (context, "context", "ended");
    look (pull, "socket", "after its context");
}

/* A forked child has the parent's handles. */
static void look_in_a_child (void)
{
    void *context = zmq_ctx_new (), *socket = zmq_socket (context, ZMQ_PAIR);
    int status = -1;
    pid_t child = fork ();
    OK (child);
    if (child == 0) {
        look (context, "context", "in a child");
        look (socket, "socket", "in a child");
        zmq_close (socket);
        look (socket, "socket", "closed in a child");
        _exit (done ());
    }
    OK (waitpid (child, &status, 0));
    CHECK (status == 0, "the child saw the same");
    OK (zmq_close (socket));
    OK (zmq_ctx_term (context));
}

int main (void)
{
    /* Descriptors beside the usual three, for a number to be taken for one. */
    for (int i = 0; i < 100; i++)
        OK (dup (0));
    look_at_kinds ();
    look_at_sockets ();
    look_in_a_child ();
    say ("the word of a handle is %016llx", (unsigned long long) word);
    return done ();
}
