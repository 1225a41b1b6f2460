/* Functions that are deprecated and still there. */
#include "common.h"

static const int kinds[] = {ZMQ_QUEUE, ZMQ_STREAMER, ZMQ_FORWARDER};
static int kind;

static void *forward (void *arg)
{
    void **ends = arg;
    int rc = zmq_device (kind, ends[0], ends[1]);
    int e = zmq_errno ();
    zmq_close (ends[0]);
    zmq_close (ends[1]);
    return (void *) (intptr_t) (rc == -1 ? e : 0);
}

/* The kind makes no difference. */
static void device (int which)
{
    printf ("-- zmq_device %d\n", which);
    void *ctx = zmq_init (1);
    kind = which;
    void *ends[2] = {sock (ctx, ZMQ_XREP), sock (ctx, ZMQ_XREQ)}, *result;
    void *req = sock (ctx, ZMQ_REQ), *rep = sock (ctx, ZMQ_REP);
    pthread_t thread;
    join (ends[0], req, "tcp");
    join (ends[1], rep, "inproc");
    MUST (pthread_create (&thread, NULL, forward, ends) == 0);
    send_parts (req, "through the device", NULL);
    show_message ("rep", rep);
    send_parts (rep, "and back", NULL);
    show_message ("req", req);
    done (req);
    done (rep);
    RC (zmq_ctx_shutdown (ctx));
    pthread_join (thread, &result);
    printf ("device: %s\n", errno_name ((int) (intptr_t) result));
    RC (zmq_term (ctx));
}

int main (void)
{
    start ();
    PART ("zmq_init and zmq_term");
    void *ctx = PTR (zmq_init (2));
    RC (zmq_ctx_get (ctx, ZMQ_IO_THREADS));
    RC (zmq_term (ctx));
    PTR (zmq_init (-1));
    ctx = PTR (zmq_init (0));
    RC (zmq_ctx_get (ctx, ZMQ_IO_THREADS));
    RC (zmq_ctx_destroy (ctx));

    for (int i = 0; i < COUNT (kinds); i++)
        device (kinds[i]);

    PART ("names of options");
    ctx = zmq_ctx_new ();
    void *s = sock (ctx, ZMQ_ROUTER);
    int one = 1;
    RC (zmq_setsockopt (s, ZMQ_FAIL_UNROUTABLE, &one, sizeof one));
    RC (zmq_send (s, "nobody", 6, ZMQ_SNDMORE));
    one = 0;
    RC (zmq_setsockopt (s, ZMQ_ROUTER_BEHAVIOR, &one, sizeof one));
    RC (zmq_send (s, "nobody", 6, ZMQ_SNDMORE));
    RC (zmq_send (s, "lost", 4, 0));
    one = 1;
    RC (zmq_setsockopt (s, ZMQ_ROUTER_BEHAVIOR, &one, sizeof one));
    RC (zmq_send (s, "nobody", 6, ZMQ_SNDMORE));
    void *peer = sock (ctx, ZMQ_DEALER);
    char endpoint[ENDPOINT];
    bind_any (peer, "tcp", endpoint);
    RC (zmq_setsockopt (s, ZMQ_CONNECT_RID, "by my name", 10));
    MUST (zmq_connect (s, endpoint) == 0);
    send_parts (s, "by my name", "hello", NULL);
    show_message ("peer", peer);
    done (peer);
    RC (zmq_setsockopt (s, ZMQ_IDENTITY, "old", 3));
    char id[8];
    size_t len = sizeof id;
    RC (zmq_getsockopt (s, ZMQ_ROUTING_ID, id, &len));
    SHOW (len);
    SHOW (ZMQ_NOBLOCK == ZMQ_DONTWAIT);
    done (s);
    term (ctx);
    return 0;
}
