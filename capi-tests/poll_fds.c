/* zmq_poll over plain descriptors, alone and beside sockets. */
#include "common.h"

#include <fcntl.h>
#include <sys/socket.h>

static void *late_writer (void *fd)
{
    struct timespec pause = {0, 50000000};
    nanosleep (&pause, NULL);
    MUST (write (*(int *) fd, "w", 1) == 1);
    return NULL;
}

static void *late_sender (void *s)
{
    struct timespec pause = {0, 50000000};
    nanosleep (&pause, NULL);
    MUST (zmq_send (s, "s", 1, 0) == 1);
    return NULL;
}

int main (void)
{
    int pair[2], ends[2];
    char c;
    start ();
    void *ctx = zmq_ctx_new ();
    void *pull = sock (ctx, ZMQ_PULL), *push = sock (ctx, ZMQ_PUSH);
    join (pull, push, "inproc");
    MUST (socketpair (AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe (ends) == 0);
    zmq_pollitem_t items[3];
    memset (items, 0, sizeof items);

    PART ("a descriptor alone");
    items[0] = (zmq_pollitem_t) {NULL, pair[0], ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    RC (zmq_poll (items, 1, 0));
    SHOW (items[0].revents);
    items[0].events = ZMQ_POLLIN;
    RC (zmq_poll (items, 1, 20));
    MUST (write (pair[1], "x", 1) == 1);
    RC (zmq_poll (items, 1, PATIENCE));
    SHOW (items[0].revents);
    items[0].events = 0;
    RC (zmq_poll (items, 1, 0));
    SHOW (items[0].revents);
    MUST (read (pair[0], &c, 1) == 1);

    PART ("beside a socket");
    items[0] = (zmq_pollitem_t) {NULL, pair[0], ZMQ_POLLIN, 0};
    items[1] = (zmq_pollitem_t) {pull, 0, ZMQ_POLLIN, 0};
    RC (zmq_poll (items, 2, 20));
    send_parts (push, "m", NULL);
    RC (zmq_poll (items, 2, PATIENCE));
    SHOW (items[0].revents);
    SHOW (items[1].revents);
    MUST (write (pair[1], "x", 1) == 1);
    RC (zmq_poll (items, 2, PATIENCE));
    SHOW (items[0].revents);
    SHOW (items[1].revents);
    MUST (read (pair[0], &c, 1) == 1);
    show_message ("pull", pull);

    PART ("either wakes a wait");
    pthread_t thread;
    MUST (pthread_create (&thread, NULL, late_writer, &pair[1]) == 0);
    RC (zmq_poll (items, 2, PATIENCE));
    pthread_join (thread, NULL);
    SHOW (items[0].revents);
    SHOW (items[1].revents);
    MUST (read (pair[0], &c, 1) == 1);
    MUST (pthread_create (&thread, NULL, late_sender, push) == 0);
    RC (zmq_poll (items, 2, -1));
    pthread_join (thread, NULL);
    SHOW (items[0].revents);
    SHOW (items[1].revents);
    show_message ("pull", pull);

    PART ("ends and errors");
    items[0] = (zmq_pollitem_t) {NULL, ends[0], ZMQ_POLLIN, 0};
    MUST (close (ends[1]) == 0);
    int rc = zmq_poll (items, 1, PATIENCE);
    printf ("a closed pipe: rc %d, revents %d\n", rc, items[0].revents);
    MUST (close (ends[0]) == 0);
    MUST (pipe (ends) == 0 && close (ends[0]) == 0);
    items[0] = (zmq_pollitem_t) {NULL, ends[1], ZMQ_POLLOUT, 0};
    rc = zmq_poll (items, 1, PATIENCE);
    printf ("nobody reads: rc %d, revents %d\n", rc, items[0].revents);
    MUST (close (ends[1]) == 0);
    items[0] = (zmq_pollitem_t) {NULL, pair[0], ZMQ_POLLIN, 0};
    MUST (close (pair[1]) == 0);
    RC (zmq_poll (items, 1, PATIENCE));
    SHOW (items[0].revents);
    MUST (close (pair[0]) == 0);
    PART ("descriptors that are none");
    items[0] = (zmq_pollitem_t) {NULL, 987, ZMQ_POLLIN, 0};
    rc = zmq_poll (items, 1, 0);
    printf ("closed one: rc %d, revents %d\n", rc, items[0].revents);
    done (push);
    done (pull);
    term (ctx);
    return 0;
}
