/* The free function runs exactly once, on every way a message can end. */
#include "common.h"

struct owner {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int calls, wrong;
    void *data;
};

static char buffer[4096];
static struct owner owner = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
                             0, 0, buffer};

static void release (void *data, void *hint)
{
    struct owner *o = hint;
    pthread_mutex_lock (&o->lock);
    o->calls++;
    o->wrong += data != o->data;
    pthread_cond_broadcast (&o->changed);
    pthread_mutex_unlock (&o->lock);
}

/* The call may come from another thread: wait for it, a bounded time. */
static void show_calls (const char *label)
{
    struct timespec until;
    clock_gettime (CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE / 1000;
    pthread_mutex_lock (&owner.lock);
    while (owner.calls == 0
           && pthread_cond_timedwait (&owner.changed, &owner.lock, &until) == 0)
        ;
    printf ("%s: %d calls, %d wrong\n", label, owner.calls, owner.wrong);
    owner.calls = 0;
    pthread_mutex_unlock (&owner.lock);
}

static void make (zmq_msg_t *msg, size_t size)
{
    MUST (zmq_msg_init_data (msg, buffer, size, release, &owner) == 0);
}

static void over (const char *transport, size_t size)
{
    void *ctx = zmq_ctx_new ();
    void *in = sock (ctx, ZMQ_PULL), *out = sock (ctx, ZMQ_PUSH);
    zmq_msg_t msg;
    char got[4096];
    join (in, out, transport);
    make (&msg, size);
    int rc = zmq_msg_send (&msg, out, 0);
    printf ("%s %zu: send %d, left %zu\n", transport, size, rc,
            zmq_msg_size (&msg));
    MUST (zmq_msg_close (&msg) == 0);
    MUST (zmq_recv (in, got, sizeof got, 0) == (int) size);
    SHOW (memcmp (got, buffer, size));
    done (out);
    done (in);
    term (ctx);
    show_calls ("delivered");
}

int main (void)
{
    zmq_msg_t msg, copy;
    start ();
    memset (buffer, 'b', sizeof buffer);

    PART ("closed");
    make (&msg, 10);
    MUST (zmq_msg_close (&msg) == 0);
    show_calls ("close");
    make (&msg, 0);
    MUST (zmq_msg_close (&msg) == 0);
    show_calls ("close of no bytes");

    PART ("delivered");
    static const char *transports[] = {"inproc", "tcp", "ipc"};
    for (int i = 0; i < COUNT (transports); i++) {
        over (transports[i], 5);
        over (transports[i], 33);
        over (transports[i], 4000);
    }

    PART ("refused");
    void *ctx = zmq_ctx_new ();
    void *out = sock (ctx, ZMQ_PUSH);
    make (&msg, 100);
    RC (zmq_msg_send (&msg, out, ZMQ_DONTWAIT));
    SHOW (zmq_msg_size (&msg));
    SHOW (owner.calls);
    RC (zmq_msg_close (&msg));
    show_calls ("refused, closed");

    PART ("never delivered");
    MUST (zmq_connect (out, "tcp://127.0.0.1:1") == 0);
    make (&msg, 100);
    RC (zmq_msg_send (&msg, out, ZMQ_DONTWAIT));
    RC (zmq_msg_close (&msg));
    done (out);
    term (ctx);
    show_calls ("dropped with the context");

    PART ("dropped by a publisher without subscribers");
    ctx = zmq_ctx_new ();
    void *pub = sock (ctx, ZMQ_PUB);
    make (&msg, 100);
    RC (zmq_msg_send (&msg, pub, 0));
    show_calls ("dropped");
    done (pub);

    PART ("one message, two subscribers");
    pub = sock (ctx, ZMQ_XPUB);
    void *sub[2];
    char endpoint[ENDPOINT];
    bind_any (pub, "inproc", endpoint);
    for (int i = 0; i < 2; i++) {
        sub[i] = sock (ctx, ZMQ_SUB);
        MUST (zmq_setsockopt (sub[i], ZMQ_SUBSCRIBE, "", 0) == 0);
        MUST (zmq_connect (sub[i], endpoint) == 0);
    }
    show_message ("subscription", pub);
    make (&msg, 100);
    MUST (zmq_msg_init (&copy) == 0 && zmq_msg_copy (&copy, &msg) == 0);
    RC (zmq_msg_send (&msg, pub, 0));
    RC (zmq_msg_close (&copy));
    for (int i = 0; i < 2; i++)
        done (sub[i]);
    done (pub);
    term (ctx);
    show_calls ("after both");
    return 0;
}
