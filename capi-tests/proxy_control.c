/* zmq_proxy and zmq_proxy_steerable: what passes, what the control words do, what ends it. */
#include "common.h"

static void *ctx;

struct run {
    void *front, *back, *capture, *control;
    int rc, error;
    pthread_t thread;
};

static void *work (void *arg)
{
    struct run *run = arg;
    errno = 0;
    run->rc = zmq_proxy_steerable (run->front, run->back, run->capture, run->control);
    run->error = run->rc ? zmq_errno () : 0;
    return NULL;
}

static void finish (struct run *run)
{
    MUST (pthread_join (run->thread, NULL) == 0);
    printf ("proxy returned %d %s\n", run->rc, errno_name (run->error));
}

static void show_statistics (void *control)
{
    MUST (zmq_send (control, "STATISTICS", 10, 0) == 10);
    printf ("statistics:");
    for (int more = 1; more; more = get_int (control, ZMQ_RCVMORE)) {
        uint64_t number = 0;
        int size = zmq_recv (control, &number, sizeof number, 0);
        MUST (size == sizeof number);
        printf (" %llu", (unsigned long long) number);
    }
    printf ("\n");
}

/*
 * One question and its answer. Single parts: versions of the reference differ
 * in whether they count parts or messages.
 */
static void ask (void *client, void *server, const char *text)
{
    send_parts (client, text, NULL);
    show_message ("server", server);
    send_parts (server, "the answer", NULL);
    show_message ("client", client);
}

static void steerable (void)
{
    PART ("steerable");
    char to_front[ENDPOINT], to_back[ENDPOINT];
    void *front = sock (ctx, ZMQ_DEALER), *back = sock (ctx, ZMQ_DEALER);
    void *control = sock (ctx, ZMQ_PAIR), *steer = sock (ctx, ZMQ_PAIR);
    void *capture = sock (ctx, ZMQ_PUSH), *tap = sock (ctx, ZMQ_PULL);
    bind_any (front, "tcp", to_front);
    bind_any (back, "tcp", to_back);
    MUST (zmq_bind (control, "inproc://control") == 0);
    MUST (zmq_connect (steer, "inproc://control") == 0);
    MUST (zmq_bind (tap, "inproc://tap") == 0);
    MUST (zmq_connect (capture, "inproc://tap") == 0);
    void *client = sock (ctx, ZMQ_DEALER), *server = sock (ctx, ZMQ_DEALER);
    MUST (zmq_connect (client, to_front) == 0);
    MUST (zmq_connect (server, to_back) == 0);
    struct run run = {.front = front, .back = back, .capture = capture, .control = control};
    MUST (pthread_create (&run.thread, NULL, work, &run) == 0);

    ask (client, server, "one");
    show_message ("tap", tap);
    show_message ("tap", tap);
    show_statistics (steer);
    PART ("paused");
    MUST (zmq_send (steer, "PAUSE", 5, 0) == 5);
    show_statistics (steer);
    send_parts (client, "while paused", NULL);
    set_int (server, ZMQ_RCVTIMEO, 200);
    show_message ("server", server);
    set_int (server, ZMQ_RCVTIMEO, PATIENCE);
    show_statistics (steer);
    PART ("resumed");
    MUST (zmq_send (steer, "RESUME", 6, 0) == 6);
    show_message ("server", server);
    send_parts (server, "late answer", NULL);
    show_message ("client", client);
    show_statistics (steer);
    PART ("terminated");
    MUST (zmq_send (steer, "TERMINATE", 9, 0) == 9);
    finish (&run);
    send_parts (client, "after the end", NULL);
    set_int (server, ZMQ_RCVTIMEO, 100);
    show_message ("server", server);
    done (client);
    done (server);
    done (front);
    done (back);
    done (control);
    done (steer);
    done (capture);
    done (tap);
}

/* A sink that takes nothing must not keep control from being heard. */
static void blocked (void)
{
    PART ("a full sink");
    char to_front[ENDPOINT], to_back[ENDPOINT];
    void *front = sock (ctx, ZMQ_PULL), *back = sock (ctx, ZMQ_PUSH);
    void *control = sock (ctx, ZMQ_PAIR), *steer = sock (ctx, ZMQ_PAIR);
    void *push = sock (ctx, ZMQ_PUSH);
    bind_any (front, "tcp", to_front);
    bind_any (back, "tcp", to_back);
    MUST (zmq_bind (control, "inproc://control-2") == 0);
    MUST (zmq_connect (steer, "inproc://control-2") == 0);
    MUST (zmq_connect (push, to_front) == 0);
    for (int i = 0; i < 5; i++)
        send_parts (push, "nobody takes it", NULL);
    struct run run = {.front = front, .back = back, .control = control};
    MUST (pthread_create (&run.thread, NULL, work, &run) == 0);
    usleep (50000);
    show_statistics (steer);
    MUST (zmq_send (steer, "TERMINATE", 9, 0) == 9);
    finish (&run);
    done (front);
    done (back);
    done (control);
    done (steer);
    done (push);
}

static void wrong_calls (void)
{
    PART ("wrong calls");
    void *a = sock (ctx, ZMQ_PAIR);
    RC (zmq_proxy (NULL, a, NULL));
    RC (zmq_proxy (a, NULL, NULL));
    RC (zmq_proxy_steerable (NULL, a, NULL, NULL));
    RC (zmq_proxy_steerable (a, NULL, NULL, a));
    done (a);
}

/* The end of the context ends a proxy, steered or not. */
static void ended (int steered)
{
    PART ("the context ends");
    void *own = zmq_ctx_new ();
    struct run run = {.front = sock (own, ZMQ_XSUB), .back = sock (own, ZMQ_XPUB)};
    MUST (zmq_bind (run.front, "inproc://in") == 0);
    MUST (zmq_bind (run.back, "inproc://out") == 0);
    if (steered)
        run.control = sock (own, ZMQ_PAIR);
    MUST (pthread_create (&run.thread, NULL, work, &run) == 0);
    usleep (20000);
    MUST (zmq_ctx_shutdown (own) == 0);
    finish (&run);
    done (run.front);
    done (run.back);
    if (steered)
        done (run.control);
    term (own);
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    steerable ();
    blocked ();
    wrong_calls ();
    ended (0);
    ended (1);
    term (ctx);
    return 0;
}
