/* zmq_sendiov and zmq_recviov. */
#include "common.h"

#include <sys/uio.h>


static void receive (void *s, size_t room)
{
    struct iovec iov[8];
    size_t count = room;
    memset (iov, 0, sizeof iov);
    int rc = zmq_recviov (s, iov, &count, 0);
    printf ("recviov %zu: rc %d, count %zu:", room, rc, count);
    for (size_t i = 0; i < count; i++) {
        putchar (' ');
        print_bytes (iov[i].iov_base, iov[i].iov_len);
        free (iov[i].iov_base);
    }
    putchar ('\n');
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    void *a = sock (ctx, ZMQ_PAIR), *b = sock (ctx, ZMQ_PAIR);
    char x[] = "one", y[] = "", z[] = "three";
    struct iovec iov[3] = {{x, 3}, {y, 0}, {z, 5}};
    size_t count = 3;
    join (a, b, "inproc");

    PART ("one message of three parts");
    RC (zmq_sendiov (a, iov, 3, ZMQ_SNDMORE));
    show_message ("b", b);
    PART ("three messages");
    RC (zmq_sendiov (a, iov, 3, 0));
    for (int i = 0; i < 3; i++)
        show_message ("b", b);
    PART ("received as vectors");
    RC (zmq_sendiov (a, iov, 3, ZMQ_SNDMORE));
    receive (b, 3);
    RC (zmq_sendiov (a, iov, 3, ZMQ_SNDMORE));
    receive (b, 8);
    RC (zmq_sendiov (a, iov, 3, ZMQ_SNDMORE));
    receive (b, 2);
    show_message ("the rest", b);
    send_parts (a, "alone", NULL);
    receive (b, 4);
    PART ("wrong use");
    RC (zmq_sendiov (a, iov, 0, 0));
    RC (zmq_sendiov (a, NULL, 1, 0));
    RC (zmq_sendiov (NULL, iov, 1, 0));
    RC (zmq_recviov (NULL, iov, &count, 0));
    count = 0;
    RC (zmq_recviov (b, iov, &count, 0));
    count = 2;
    RC (zmq_recviov (b, iov, &count, ZMQ_DONTWAIT));
    done (a);
    done (b);
    term (ctx);
    return 0;
}
