/* How many messages fit: over inproc the two marks add up, exactly. */
#include "common.h"

static int fill (void *s, int limit)
{
    int n = 0;
    while (n < limit && zmq_send (s, "m", 1, ZMQ_DONTWAIT) == 1)
        n++;
    return n;
}

static int drain (void *s)
{
    int n = 0;
    char c;
    while (zmq_recv (s, &c, 1, ZMQ_DONTWAIT) >= 0)
        n++;
    return n;
}

static void marks (void *ctx, int snd, int rcv, int bind_first)
{
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    set_int (push, ZMQ_SNDHWM, snd);
    set_int (pull, ZMQ_RCVHWM, rcv);
    /* The marks of the other direction do not count. */
    set_int (push, ZMQ_RCVHWM, 1);
    set_int (pull, ZMQ_SNDHWM, 1);
    int before = -1;
    char name[64];
    snprintf (name, sizeof name, "inproc://%d-%d-%d", snd, rcv, bind_first);
    if (bind_first) {
        MUST (zmq_bind (pull, name) == 0);
        MUST (zmq_connect (push, name) == 0);
    } else {
        MUST (zmq_connect (push, name) == 0);
        before = fill (push, 5000);
        MUST (zmq_bind (pull, name) == 0);
        /* Lets the sender take note of the bind. */
        MUST (get_int (push, ZMQ_EVENTS) >= 0);
    }
    int sent = fill (push, 5000);
    printf ("send %d, receive %d, %s: before %d, sent %d", snd, rcv,
            bind_first ? "bind first" : "connect first", before, sent);
    printf (", received %d\n", drain (pull));
    done (push);
    done (pull);
}

static void refill (void *ctx)
{
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    char c;
    PART ("room comes back in batches");
    set_int (push, ZMQ_SNDHWM, 5);
    set_int (pull, ZMQ_RCVHWM, 5);
    join (pull, push, "inproc");
    SHOW (fill (push, 100));
    for (int i = 0; i < 10; i++) {
        MUST (zmq_recv (pull, &c, 1, 0) == 1);
        /* Lets the sender take note at once, not some time later. */
        MUST (get_int (push, ZMQ_EVENTS) >= 0);
        printf ("after %d read: %d\n", i + 1, fill (push, 100));
    }
    done (push);
    done (pull);
}

static void multipart (void *ctx)
{
    void *push = sock (ctx, ZMQ_PUSH), *pull = sock (ctx, ZMQ_PULL);
    PART ("messages count, not parts");
    set_int (push, ZMQ_SNDHWM, 2);
    set_int (pull, ZMQ_RCVHWM, 2);
    join (pull, push, "inproc");
    int n = 0;
    while (n < 100 && zmq_send (push, "1", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE) == 1) {
        for (int i = 0; i < 10; i++)
            MUST (zmq_send (push, "2", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE) == 1);
        MUST (zmq_send (push, "3", 1, ZMQ_DONTWAIT) == 1);
        n++;
    }
    printf ("%d messages, then %s\n", n, errno_name (zmq_errno ()));
    printf ("%d parts\n", drain (pull));
    done (push);
    done (pull);
}

static void two_way (void *ctx, const char *name, int a_type, int b_type)
{
    void *a = sock (ctx, a_type), *b = sock (ctx, b_type);
    set_int (a, ZMQ_SNDHWM, 3);
    set_int (b, ZMQ_RCVHWM, 4);
    set_int (b, ZMQ_SNDHWM, 5);
    set_int (a, ZMQ_RCVHWM, 6);
    join (a, b, "inproc");
    int there = fill (a, 100), back = fill (b, 100);
    printf ("%s: %d there, %d back\n", name, there, back);
    done (a);
    done (b);
}

int main (void)
{
    static const int marks_of[][2] = {{1, 1}, {1, 2}, {2, 1},   {3, 4},   {10, 10},
                                      {0, 5}, {5, 0}, {0, 0},   {100, 1}, {1, 100},
                                      {1000, 1000}};
    start ();
    void *ctx = zmq_ctx_new ();
    for (int i = 0; i < COUNT (marks_of); i++) {
        marks (ctx, marks_of[i][0], marks_of[i][1], 1);
        marks (ctx, marks_of[i][0], marks_of[i][1], 0);
    }
    refill (ctx);
    multipart (ctx);
    PART ("two-way types");
    two_way (ctx, "PAIR", ZMQ_PAIR, ZMQ_PAIR);
    two_way (ctx, "DEALER", ZMQ_DEALER, ZMQ_DEALER);
    term (ctx);
    return 0;
}
