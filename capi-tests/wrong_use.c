/* Flags that do not exist, calls in the wrong direction, odd sizes. */
#include "common.h"
#include "options.h"

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    PART ("the wrong direction");
    for (int t = 0; t < COUNT (socket_types); t++) {
        void *s = zmq_socket (ctx, socket_types[t].number);
        char c;
        MUST (s);
        set_int (s, ZMQ_LINGER, 0);
        int sent = zmq_send (s, "x", 1, ZMQ_DONTWAIT);
        printf ("%s: send %s", socket_types[t].name,
                sent == -1 ? errno_name (zmq_errno ()) : "ok");
        int got = zmq_recv (s, &c, 1, ZMQ_DONTWAIT);
        printf (", recv %s\n", got == -1 ? errno_name (zmq_errno ()) : "ok");
        done (s);
    }

    PART ("the same, blocking, where it need not wait");
    static const int one_way[] = {ZMQ_PULL, ZMQ_SUB};
    for (int i = 0; i < COUNT (one_way); i++) {
        void *s = sock (ctx, one_way[i]);
        RC (zmq_send (s, "x", 1, 0));
        RC (zmq_send (s, "x", 1, ZMQ_SNDMORE));
        done (s);
    }
    void *push = sock (ctx, ZMQ_PUSH), *pub = sock (ctx, ZMQ_PUB);
    char c;
    RC (zmq_recv (push, &c, 1, 0));
    RC (zmq_recv (pub, &c, 1, 0));
    done (push);
    done (pub);

    PART ("flags");
    void *a = sock (ctx, ZMQ_PAIR), *b = sock (ctx, ZMQ_PAIR);
    join (a, b, "inproc");
    static const int flags[] = {0, ZMQ_DONTWAIT, 4, 8, 16, 1024, 0x40000000};
    for (int i = 0; i < COUNT (flags); i++) {
        int rc = zmq_send (a, "x", 1, flags[i]);
        printf ("send flags %d: %s\n", flags[i],
                rc == -1 ? errno_name (zmq_errno ()) : "ok");
        rc = zmq_recv (b, &c, 1, flags[i] | ZMQ_DONTWAIT);
        printf ("recv flags %d: %s\n", flags[i],
                rc == -1 ? errno_name (zmq_errno ()) : "ok");
    }

    PART ("a buffer too small is told the true size");
    send_parts (a, "0123456789", NULL);
    char small[5] = "abcd";
    RC (zmq_recv (b, small, 4, 0));
    print_bytes (small, 5);
    putchar ('\n');
    send_parts (a, "0123456789", "tail", NULL);
    RC (zmq_recv (b, small, 0, 0));
    RC (zmq_recv (b, NULL, 0, 0));
    send_parts (a, "", NULL);
    RC (zmq_recv (b, small, 4, 0));
    RC (zmq_send_const (a, "constant", 8, 0));
    show_message ("constant", b);
    RC (zmq_send_const (a, "", 0, 0));
    show_message ("empty constant", b);
    done (a);
    done (b);

    PART ("connecting what does not fit");
    /* inproc does not compare types; the others do so in the handshake. */
    a = sock (ctx, ZMQ_PUSH);
    b = sock (ctx, ZMQ_SUB);
    RC (zmq_bind (a, "inproc://odd"));
    RC (zmq_connect (b, "inproc://odd"));
    done (a);
    done (b);
    term (ctx);
    return 0;
}
