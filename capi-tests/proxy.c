/* zmq_proxy: request and reply, publish and subscribe, capture, its end. */
#include "common.h"

struct job {
    void *front, *back, *capture;
    int rc, error;
};

static void *run (void *arg)
{
    struct job *job = arg;
    job->rc = zmq_proxy (job->front, job->back, job->capture);
    job->error = zmq_errno ();
    zmq_close (job->front);
    if (job->back != job->front)
        zmq_close (job->back);
    if (job->capture)
        zmq_close (job->capture);
    return NULL;
}

static void request_reply (void)
{
    void *ctx = zmq_ctx_new ();
    struct job job = {sock (ctx, ZMQ_ROUTER), sock (ctx, ZMQ_DEALER),
                      sock (ctx, ZMQ_PUSH), 0, 0};
    void *req = sock (ctx, ZMQ_REQ), *rep = sock (ctx, ZMQ_REP), *tap = sock (ctx, ZMQ_PULL);
    pthread_t thread;
    PART ("ROUTER to DEALER, with a capture");
    MUST (zmq_setsockopt (req, ZMQ_ROUTING_ID, "asker", 5) == 0);
    join (job.front, req, "tcp");
    join (job.back, rep, "tcp");
    join (tap, job.capture, "inproc");
    MUST (pthread_create (&thread, NULL, run, &job) == 0);
    for (int i = 0; i < 3; i++) {
        send_parts (req, "question", "two", NULL);
        show_message ("rep", rep);
        send_parts (rep, "answer", NULL);
        show_message ("req", req);
        show_message ("tap", tap);
        show_message ("tap", tap);
    }
    done (req);
    done (rep);
    done (tap);
    RC (zmq_ctx_shutdown (ctx));
    pthread_join (thread, NULL);
    printf ("proxy: %d %s\n", job.rc, errno_name (job.error));
    term (ctx);
}

static void publish (void)
{
    void *ctx = zmq_ctx_new ();
    struct job job = {sock (ctx, ZMQ_XSUB), sock (ctx, ZMQ_XPUB), NULL, 0, 0};
    void *pub = sock (ctx, ZMQ_XPUB), *sub = sock (ctx, ZMQ_SUB);
    pthread_t thread;
    PART ("XSUB to XPUB");
    MUST (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "T", 1) == 0);
    join (pub, job.front, "inproc");
    join (job.back, sub, "inproc");
    MUST (pthread_create (&thread, NULL, run, &job) == 0);
    show_message ("pub", pub);
    send_parts (pub, "no", NULL);
    send_parts (pub, "Tea", "for", "two", NULL);
    show_message ("sub", sub);
    MUST (zmq_setsockopt (sub, ZMQ_UNSUBSCRIBE, "T", 1) == 0);
    show_message ("pub", pub);
    done (pub);
    done (sub);
    RC (zmq_ctx_shutdown (ctx));
    pthread_join (thread, NULL);
    printf ("proxy: %d %s\n", job.rc, errno_name (job.error));
    term (ctx);
}

static void one_socket (void)
{
    void *ctx = zmq_ctx_new ();
    void *both = sock (ctx, ZMQ_DEALER), *peer = sock (ctx, ZMQ_DEALER);
    struct job job = {both, both, NULL, 0, 0};
    pthread_t thread;
    PART ("one socket on both sides");
    join (both, peer, "inproc");
    MUST (pthread_create (&thread, NULL, run, &job) == 0);
    send_parts (peer, "echo", "me", NULL);
    show_message ("peer", peer);
    done (peer);
    RC (zmq_ctx_shutdown (ctx));
    pthread_join (thread, NULL);
    printf ("proxy: %d %s\n", job.rc, errno_name (job.error));
    term (ctx);
}

int main (void)
{
    start ();
    request_reply ();
    publish ();
    one_socket ();
    PART ("wrong arguments");
    void *ctx = zmq_ctx_new (), *s = sock (ctx, ZMQ_PULL);
    RC (zmq_proxy (NULL, s, NULL));
    RC (zmq_proxy (s, NULL, NULL));
    done (s);
    term (ctx);
    return 0;
}
