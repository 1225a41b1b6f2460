/*
 * zmq_poll over a socket and the same socket's ZMQ_FD: descriptors are reported as
 * they are on entry, before the sockets are looked at.
 */
#include "common.h"

static void *late_sender (void *s)
{
    struct timespec pause = {0, 50000000};
    nanosleep (&pause, NULL);
    MUST (zmq_send (s, "s", 1, 0) == 1);
    return NULL;
}

static void show (const char *what, int rc, zmq_pollitem_t *items, int count)
{
    printf ("%s: %d,", what, rc);
    for (int i = 0; i < count; i++)
        printf (" %s%s%s", items[i].socket ? "socket" : "fd",
                items[i].revents & ZMQ_POLLIN ? " in" : "",
                items[i].revents & ~ZMQ_POLLIN ? " more" : "");
    printf ("\n");
}

static void poll_both (const char *transport, int fd_first, int late)
{
    void *ctx = zmq_ctx_new ();
    void *pull = sock (ctx, ZMQ_PULL), *push = sock (ctx, ZMQ_PUSH);
    char c;
    printf ("-- %s, %s first, the message comes %s\n", transport, fd_first ? "fd" : "socket",
            late ? "later" : "before");
    join (pull, push, transport);
    /* The connection stands, and its events are read. */
    MUST (zmq_send (push, "1", 1, 0) == 1 && zmq_recv (pull, &c, 1, 0) == 1);
    int fd = get_int (pull, ZMQ_FD), events = get_int (pull, ZMQ_EVENTS);
    MUST ((events & ZMQ_POLLIN) == 0);
    zmq_pollitem_t items[2] = {{pull, 0, ZMQ_POLLIN, 0}, {NULL, fd, ZMQ_POLLIN, 0}};
    if (fd_first) {
        zmq_pollitem_t swap = items[0];
        items[0] = items[1];
        items[1] = swap;
    }
    show ("nothing there", zmq_poll (items, 2, 0), items, 2);
    pthread_t thread;
    if (late)
        MUST (pthread_create (&thread, NULL, late_sender, push) == 0);
    else {
        MUST (zmq_send (push, "2", 1, 0) == 1);
        /* The descriptor is a plain one to the system: wait for it there. */
        zmq_pollitem_t plain = {NULL, fd, ZMQ_POLLIN, 0};
        MUST (zmq_poll (&plain, 1, PATIENCE) == 1);
    }
    show ("a message", zmq_poll (items, 2, PATIENCE), items, 2);
    if (late)
        MUST (pthread_join (thread, NULL) == 0);
    show ("again", zmq_poll (items, 2, PATIENCE), items, 2);
    MUST (zmq_recv (pull, &c, 1, 0) == 1);
    show ("taken", zmq_poll (items, 2, 0), items, 2);
    done (pull);
    done (push);
    term (ctx);
}

int main (void)
{
    static const char *const transports[] = {"tcp", "ipc", "inproc"};
    start ();
    for (int t = 0; t < COUNT (transports); t++)
        for (int order = 0; order < 2; order++)
            for (int late = 0; late < 2; late++)
                poll_both (transports[t], order, late);
    return 0;
}
