/* Which values every int option takes, and what is read back. */
#include "common.h"
#include "options.h"

static void try_option (void *ctx, int type, const struct option *o)
{
    static const int values[] = {INT_MIN, -101, -100, -99, -2,  -1,    0,
                                 1,       2,    3,    99,  100, 101,   255,
                                 256,     1000, 65536, 6553599, 6553600, INT_MAX};
    for (int i = 0; i < COUNT (values); i++) {
        void *s = zmq_socket (ctx, type);
        MUST (s);
        int rc = zmq_setsockopt (s, o->number, &values[i], sizeof (int));
        printf ("%s %d: %s, then %d\n", o->name, values[i],
                rc ? errno_name (zmq_errno ()) : "ok", get_int (s, o->number));
        done (s);
    }
}

static void try_64 (void *ctx)
{
    static const int64_t values[] = {INT64_MIN, -2, -1, 0, 1, 1000, INT64_MAX};
    void *s = zmq_socket (ctx, ZMQ_PULL);
    for (int i = 0; i < COUNT (values); i++) {
        int64_t max = 0;
        uint64_t mask = 0;
        size_t len = 8;
        RC (zmq_setsockopt (s, ZMQ_MAXMSGSIZE, &values[i], 8));
        RC (zmq_getsockopt (s, ZMQ_MAXMSGSIZE, &max, &len));
        SHOW (max == values[i]);
        RC (zmq_setsockopt (s, ZMQ_AFFINITY, &values[i], 8));
        RC (zmq_getsockopt (s, ZMQ_AFFINITY, &mask, &len));
        SHOW (mask == (uint64_t) values[i]);
    }
    done (s);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    for (int i = 0; i < COUNT (int_options); i++) {
        /* A descriptor given to a socket becomes its own. */
        if (int_options[i].number != ZMQ_USE_FD)
            try_option (ctx, ZMQ_DEALER, &int_options[i]);
    }
    PART ("INVERT_MATCHING where it counts");
    for (int i = 0; i < COUNT (int_options); i++)
        if (int_options[i].number == ZMQ_INVERT_MATCHING)
            try_option (ctx, ZMQ_XPUB, &int_options[i]);
    PART ("64 bits");
    try_64 (ctx);
    PART ("one option may change another");
    void *s = zmq_socket (ctx, ZMQ_DEALER);
    int one = 1;
    RC (zmq_setsockopt (s, ZMQ_IPV6, &one, sizeof one));
    SHOW (get_int (s, ZMQ_IPV4ONLY));
    RC (zmq_setsockopt (s, ZMQ_IPV4ONLY, &one, sizeof one));
    SHOW (get_int (s, ZMQ_IPV6));
    RC (zmq_setsockopt (s, ZMQ_DELAY_ATTACH_ON_CONNECT, &one, sizeof one));
    SHOW (get_int (s, ZMQ_IMMEDIATE));
    done (s);
    term (ctx);
    return 0;
}
