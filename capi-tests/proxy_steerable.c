/* zmq_proxy_steerable: the words of its control socket. */
#include "common.h"

struct job {
    void *front, *back, *control;
    int rc;
};

static void *run (void *arg)
{
    struct job *job = arg;
    job->rc = zmq_proxy_steerable (job->front, job->back, NULL, job->control);
    zmq_close (job->front);
    zmq_close (job->back);
    zmq_close (job->control);
    return NULL;
}

static void pass (void *push, void *pull, int count)
{
    char text[8];
    for (int i = 0; i < count; i++)
        send_parts (push, "work", NULL);
    for (int i = 0; i < count; i++)
        recv_text (pull, text, sizeof text);
    show_empty ("pull", pull);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    struct job job = {sock (ctx, ZMQ_PULL), sock (ctx, ZMQ_PUSH), sock (ctx, ZMQ_PAIR), 0};
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    void *control = sock (ctx, ZMQ_PAIR);
    pthread_t thread;
    join (job.front, push, "inproc");
    join (pull, job.back, "inproc");
    join (control, job.control, "inproc");
    MUST (pthread_create (&thread, NULL, run, &job) == 0);
    pass (push, pull, 20);
    PART ("pause and resume");
    send_parts (control, "PAUSE", NULL);
    send_parts (control, "RESUME", NULL);
    pass (push, pull, 20);
    PART ("the end");
    send_parts (control, "TERMINATE", NULL);
    pthread_join (thread, NULL);
    printf ("proxy: %d\n", job.rc);
    done (push);
    done (pull);
    done (control);
    PART ("wrong arguments");
    void *s = sock (ctx, ZMQ_PULL);
    RC (zmq_proxy_steerable (NULL, NULL, NULL, s));
    done (s);
    term (ctx);
    return 0;
}
