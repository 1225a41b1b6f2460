/* A socket handed from thread to thread, one at a time, with a fence between. */
#include "common.h"

struct baton {
    void *socket;
    int first, count, wrong;
};

static void *send_some (void *arg)
{
    struct baton *b = arg;
    for (int i = 0; i < b->count; i++) {
        int value = b->first + i;
        b->wrong += zmq_send (b->socket, &value, sizeof value, 0) != sizeof value;
    }
    return NULL;
}

static void *recv_some (void *arg)
{
    struct baton *b = arg;
    for (int i = 0; i < b->count; i++) {
        int value = -1;
        b->wrong += zmq_recv (b->socket, &value, sizeof value, 0) != sizeof value
                    || value != b->first + i;
    }
    return NULL;
}

static void *close_it (void *arg)
{
    struct baton *b = arg;
    b->wrong += zmq_close (b->socket) != 0;
    return NULL;
}

/* Starting and joining a thread is the fence. */
static int in_thread (void *(*f) (void *), struct baton *b)
{
    pthread_t thread;
    MUST (pthread_create (&thread, NULL, f, b) == 0);
    pthread_join (thread, NULL);
    return b->wrong;
}

static void over (const char *transport)
{
    void *ctx = zmq_ctx_new ();
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    int wrong = 0;
    join (pull, push, transport);
    for (int round = 0; round < 20; round++) {
        struct baton out = {push, round * 50, 50, 0}, in = {pull, round * 50, 50, 0};
        wrong += in_thread (send_some, &out);
        wrong += in_thread (recv_some, &in);
    }
    /* Both at the same time, each in a thread of its own. */
    struct baton out = {push, 0, 5000, 0}, in = {pull, 0, 5000, 0};
    pthread_t thread;
    MUST (pthread_create (&thread, NULL, send_some, &out) == 0);
    recv_some (&in);
    pthread_join (thread, NULL);
    printf ("%s: %d wrong, then %d and %d\n", transport, wrong, out.wrong, in.wrong);
    struct baton end = {push, 0, 0, 0};
    SHOW (in_thread (close_it, &end));
    end.socket = pull;
    SHOW (in_thread (close_it, &end));
    term (ctx);
}

static void *term_it (void *ctx)
{
    return (void *) (intptr_t) zmq_ctx_term (ctx);
}

int main (void)
{
    start ();
    over ("inproc");
    over ("tcp");
    over ("ipc");
    PART ("a context ended by another thread while this one waits");
    void *ctx = zmq_ctx_new (), *s = sock (ctx, ZMQ_PULL);
    pthread_t thread;
    char c;
    MUST (zmq_bind (s, "inproc://x") == 0);
    MUST (pthread_create (&thread, NULL, term_it, ctx) == 0);
    RC (zmq_recv (s, &c, 1, 0));
    RC (zmq_recv (s, &c, 1, 0));
    RC (zmq_close (s));
    void *result;
    pthread_join (thread, &result);
    SHOW ((intptr_t) result);
    return 0;
}
