/* ZMQ_CONNECT_TIMEOUT and ZMQ_RECONNECT_IVL_MAX: how long, how often. */
#include "monitor.h"

#include <fcntl.h>

static void *ctx;

/* A listener whose queue is full: the kernel lets further connects hang. */
static int full_listener (char *endpoint, int *waiting, int count)
{
    struct sockaddr_in address;
    int listener = raw_listen (endpoint);
    MUST (listen (listener, 0) == 0);
    address = to_address (endpoint);
    for (int i = 0; i < count; i++) {
        waiting[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        MUST (waiting[i] >= 0);
        MUST (connect (waiting[i], (struct sockaddr *) &address, sizeof address) == 0
              || errno == EINPROGRESS);
    }
    return listener;
}

static void timeout (void)
{
    char endpoint[ENDPOINT];
    int waiting[4];
    PART ("a connect that hangs");
    int listener = full_listener (endpoint, waiting, COUNT (waiting));
    void *client = sock (ctx, ZMQ_DEALER);
    set_int (client, ZMQ_CONNECT_TIMEOUT, 300);
    set_int (client, ZMQ_RECONNECT_IVL, RETRY);
    void *mon = watch (ctx, client, ZMQ_EVENT_ALL);
    long since = now_ms ();
    MUST (zmq_connect (client, endpoint) == 0);
    show_event ("client", mon, PATIENCE, RETRY);
    show_event ("client", mon, PATIENCE, RETRY);
    printf ("given up: %s\n", coarse (now_ms () - since, 300));
    show_event ("client", mon, PATIENCE, RETRY);
    show_event ("client", mon, PATIENCE, RETRY);
    show_event ("client", mon, PATIENCE, RETRY);
    /* From the beginning: this thread may be late for an event in between. */
    printf ("given up again: %s\n", coarse (now_ms () - since, 300 + RETRY + 300));
    RC (zmq_disconnect (client, endpoint));
    for (int i = 0; i < COUNT (waiting); i++)
        close (waiting[i]);
    close (listener);
    done (client);
    done (mon);
}

/* The event is announced with the delay until the next try. */
static void intervals (int first, int max, const int *expected, int count)
{
    char endpoint[ENDPOINT];
    printf ("-- intervals from %d, at most %d\n", first, max);
    close (raw_listen (endpoint));
    void *client = sock (ctx, ZMQ_DEALER);
    set_int (client, ZMQ_RECONNECT_IVL, first);
    set_int (client, ZMQ_RECONNECT_IVL_MAX, max);
    void *mon = watch (ctx, client, ZMQ_EVENT_CONNECT_RETRIED);
    long since = now_ms (), sum = 0;
    MUST (zmq_connect (client, endpoint) == 0);
    for (int i = 0; i < count; i++) {
        printf ("%d ", expected[i]);
        show_event ("client", mon, PATIENCE, expected[i]);
        printf ("%s\n", coarse (now_ms () - since, sum));
        sum += expected[i];
    }
    done (client);
    done (mon);
}

int main (void)
{
    static const int doubled[] = {50, 100, 200, 400, 400, 400};
    static const int steady[] = {50, 50, 50, 50};
    start ();
    ctx = zmq_ctx_new ();
    timeout ();
    intervals (50, 400, doubled, COUNT (doubled));
    intervals (50, 0, steady, COUNT (steady));
    intervals (50, 20, steady, COUNT (steady));
    term (ctx);
    return 0;
}
