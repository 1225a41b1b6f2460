/* tcp over IPv6 and over both families. */
#include "common.h"

static void reach (void *ctx, int ipv6_in, int ipv6_out, const char *bind_to,
                   const char *connect_format)
{
    void *in = sock (ctx, ZMQ_PULL), *out = sock (ctx, ZMQ_PUSH);
    char address[ENDPOINT];
    set_int (in, ZMQ_IPV6, ipv6_in);
    set_int (out, ZMQ_IPV6, ipv6_out);
    int rc = zmq_bind (in, bind_to);
    printf ("bind %s (%d): %s\n", bind_to, ipv6_in, rc ? errno_name (zmq_errno ()) : "ok");
    if (rc == 0) {
        last_endpoint (in, address);
        char *colon = strrchr (address, ':');
        printf ("bound: %.*s\n", (int) (colon - address), address);
        int port = atoi (colon + 1);
        snprintf (address, sizeof address, connect_format, port);
        rc = zmq_connect (out, address);
        printf ("connect %s (%d): %s\n", connect_format, ipv6_out,
                rc ? errno_name (zmq_errno ()) : "ok");
        zmq_msg_t msg;
        MUST (zmq_msg_init (&msg) == 0);
        send_parts (out, "six", NULL);
        MUST (zmq_msg_recv (&msg, in, 0) == 3);
        printf ("from %s\n", zmq_msg_gets (&msg, "Peer-Address"));
        MUST (zmq_msg_close (&msg) == 0);
    }
    done (in);
    done (out);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    reach (ctx, 1, 1, "tcp://[::1]:*", "tcp://[::1]:%d");
    reach (ctx, 1, 1, "tcp://::1:*", "tcp://[::1]:%d");
    reach (ctx, 0, 1, "tcp://[::1]:*", "tcp://[::1]:%d");
    reach (ctx, 1, 1, "tcp://*:*", "tcp://[::1]:%d");
    reach (ctx, 1, 0, "tcp://*:*", "tcp://127.0.0.1:%d");
    reach (ctx, 1, 1, "tcp://*:*", "tcp://127.0.0.1:%d");
    reach (ctx, 1, 1, "tcp://[::]:*", "tcp://127.0.0.1:%d");
    reach (ctx, 1, 1, "tcp://127.0.0.1:*", "tcp://127.0.0.1:%d");
    PART ("not without the option");
    void *s = sock (ctx, ZMQ_PUSH);
    RC (zmq_connect (s, "tcp://[::1]:5555"));
    RC (zmq_connect (s, "tcp://::1:5555"));
    set_int (s, ZMQ_IPV6, 1);
    RC (zmq_bind (s, "tcp://[::1%]:*"));
    RC (zmq_bind (s, "tcp://[fe80::1%nosuch]:*"));
    RC (zmq_bind (s, "tcp://[2001:db8::1]:*"));
    done (s);
    term (ctx);
    return 0;
}
