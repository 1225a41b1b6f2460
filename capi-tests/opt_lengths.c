/* Buffers too short, exact and too long, for setting and for reading. */
#include "common.h"
#include "options.h"

static void lengths (void *s, const char *name, int number, int set)
{
    /* All ones would be -1, so the value set is the one just read. */
    for (size_t n = 0; n <= 12; n++) {
        unsigned char value[16];
        size_t len = n;
        memset (value, 0, sizeof value);
        value[0] = 1;
        int rc = set ? zmq_setsockopt (s, number, value, n)
                     : zmq_getsockopt (s, number, value, &len);
        printf ("%s %s %zu: %s", set ? "set" : "get", name, n,
                rc ? errno_name (zmq_errno ()) : "ok");
        if (!set)
            printf (", length %zu", len);
        putchar ('\n');
    }
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    void *s = zmq_socket (ctx, ZMQ_DEALER);
    MUST (s);
    for (int i = 0; i < COUNT (int_options); i++) {
        lengths (s, int_options[i].name, int_options[i].number, 0);
        if (int_options[i].number != ZMQ_USE_FD)
            lengths (s, int_options[i].name, int_options[i].number, 1);
    }
    for (int i = 0; i < COUNT (read_options); i++)
        lengths (s, read_options[i].name, read_options[i].number, 0);
    lengths (s, "MAXMSGSIZE", ZMQ_MAXMSGSIZE, 0);
    lengths (s, "MAXMSGSIZE", ZMQ_MAXMSGSIZE, 1);
    lengths (s, "AFFINITY", ZMQ_AFFINITY, 0);
    lengths (s, "AFFINITY", ZMQ_AFFINITY, 1);
    done (s);

    for (int i = 0; i < COUNT (type_options); i++) {
        static const int owner[] = {ZMQ_ROUTER, ZMQ_ROUTER, ZMQ_DEALER,
                                    ZMQ_REQ,    ZMQ_REQ,    ZMQ_XPUB,
                                    ZMQ_XPUB,   ZMQ_XPUB,   ZMQ_XPUB};
        s = zmq_socket (ctx, owner[i]);
        MUST (s);
        lengths (s, type_options[i].name, type_options[i].number, 1);
        done (s);
    }

    PART ("the rest of a long buffer");
    s = zmq_socket (ctx, ZMQ_ROUTER);
    unsigned char wide[12];
    size_t len = sizeof wide;
    memset (wide, 0xee, sizeof wide);
    RC (zmq_getsockopt (s, ZMQ_EVENTS, wide, &len));
    print_bytes (wide, sizeof wide);
    putchar ('\n');
    memset (wide, 0xee, sizeof wide);
    len = sizeof wide;
    RC (zmq_setsockopt (s, ZMQ_ROUTING_ID, "abc", 3));
    RC (zmq_getsockopt (s, ZMQ_ROUTING_ID, wide, &len));
    print_bytes (wide, sizeof wide);
    putchar ('\n');
    len = 2;
    RC (zmq_getsockopt (s, ZMQ_ROUTING_ID, wide, &len));
    SHOW (len);
    len = 3;
    RC (zmq_getsockopt (s, ZMQ_ROUTING_ID, wide, &len));
    SHOW (len);
    done (s);
    term (ctx);
    return 0;
}
