/* ZMQ_FD and ZMQ_EVENTS, as an event loop uses them: the edges must all come. */
#include "common.h"

#include <poll.h>

/* An event loop in small: waits on the descriptor only when EVENTS says no. */
static int loop_until (void *s, int fd, int events)
{
    long limit = now_ms () + PATIENCE;
    while ((get_int (s, ZMQ_EVENTS) & events) == 0) {
        struct pollfd one = {fd, POLLIN, 0};
        long left = limit - now_ms ();
        if (left <= 0 || poll (&one, 1, (int) left) == 0)
            return 0;
    }
    return 1;
}

static void *sender (void *s)
{
    for (int i = 0; i < 300; i++) {
        MUST (zmq_send (s, &i, sizeof i, 0) == sizeof i);
        if (i % 16 == 0) {
            struct timespec pause = {0, 1000000};
            nanosleep (&pause, NULL);
        }
    }
    return NULL;
}

static void all_edges (void *ctx, const char *transport, int read_all)
{
    void *pull = sock (ctx, ZMQ_PULL), *push = sock (ctx, ZMQ_PUSH);
    int fd = get_int (pull, ZMQ_FD), got = 0, wrong = 0, value;
    pthread_t thread;
    printf ("-- %s, %s\n", transport, read_all ? "reading all there is" : "one by one");
    join (pull, push, transport);
    MUST (pthread_create (&thread, NULL, sender, push) == 0);
    while (got < 300 && loop_until (pull, fd, ZMQ_POLLIN)) {
        do {
            if (zmq_recv (pull, &value, sizeof value, ZMQ_DONTWAIT) == -1)
                break;
            wrong += value != got++;
        } while (read_all);
    }
    pthread_join (thread, NULL);
    printf ("%d got, %d wrong\n", got, wrong);
    SHOW (get_int (pull, ZMQ_EVENTS));
    done (pull);
    done (push);
}

static void writable_again (void *ctx)
{
    void *pull = sock (ctx, ZMQ_PULL), *push = sock (ctx, ZMQ_PUSH);
    int fd = get_int (push, ZMQ_FD);
    char c;
    PART ("room again");
    set_int (push, ZMQ_SNDHWM, 2);
    set_int (pull, ZMQ_RCVHWM, 2);
    SHOW (get_int (push, ZMQ_EVENTS));
    join (pull, push, "inproc");
    SHOW (loop_until (push, fd, ZMQ_POLLOUT));
    while (zmq_send (push, "x", 1, ZMQ_DONTWAIT) == 1)
        ;
    SHOW (get_int (push, ZMQ_EVENTS));
    for (int i = 0; i < 4; i++)
        MUST (zmq_recv (pull, &c, 1, 0) == 1);
    SHOW (loop_until (push, fd, ZMQ_POLLOUT));
    done (push);
    done (pull);
}

static void request_loop (void *ctx)
{
    void *req = sock (ctx, ZMQ_REQ), *rep = sock (ctx, ZMQ_REP);
    int req_fd = get_int (req, ZMQ_FD), rep_fd = get_int (rep, ZMQ_FD), wrong = 0, n = 0;
    char text[16];
    PART ("requests, both ends in an event loop");
    join (rep, req, "tcp");
    for (int i = 0; i < 50; i++) {
        wrong += !loop_until (req, req_fd, ZMQ_POLLOUT);
        send_parts (req, "q", NULL);
        wrong += !loop_until (rep, rep_fd, ZMQ_POLLIN);
        recv_text (rep, text, sizeof text);
        wrong += !loop_until (rep, rep_fd, ZMQ_POLLOUT);
        send_parts (rep, "a", NULL);
        wrong += !loop_until (req, req_fd, ZMQ_POLLIN);
        recv_text (req, text, sizeof text);
        n++;
    }
    printf ("%d rounds, %d wrong\n", n, wrong);
    done (req);
    done (rep);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    static const char *transports[] = {"inproc", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        all_edges (ctx, transports[i], 1);
        all_edges (ctx, transports[i], 0);
    }
    writable_again (ctx);
    request_loop (ctx);
    PART ("the descriptor stays the same");
    void *s = sock (ctx, ZMQ_PAIR), *t = sock (ctx, ZMQ_PAIR);
    int fd = get_int (s, ZMQ_FD);
    join (s, t, "inproc");
    SHOW (fd == get_int (s, ZMQ_FD));
    SHOW (fd != get_int (t, ZMQ_FD));
    send_parts (t, "x", NULL);
    struct pollfd one = {fd, POLLIN, 0};
    SHOW (poll (&one, 1, PATIENCE));
    SHOW (get_int (s, ZMQ_EVENTS));
    done (s);
    done (t);
    term (ctx);
    return 0;
}
