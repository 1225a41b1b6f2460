/* tcp: wildcards, names, interfaces, source addresses and what is reported. */
#include "common.h"

/* Shows an endpoint with its port hidden. */
static void show_endpoint (const char *what, void *s)
{
    char text[ENDPOINT];
    last_endpoint (s, text);
    char *colon = strrchr (text, ':');
    int port = atoi (colon + 1);
    printf ("%s: %.*s:%s\n", what, (int) (colon - text), text,
            port > 0 && port < 65536 ? "port" : colon + 1);
}

static int port_of (void *s)
{
    char text[ENDPOINT];
    last_endpoint (s, text);
    return atoi (strrchr (text, ':') + 1);
}

static void reach (void *ctx, const char *bind_to, const char *connect_format)
{
    void *in = sock (ctx, ZMQ_PULL), *out = sock (ctx, ZMQ_PUSH);
    char address[ENDPOINT];
    int rc = zmq_bind (in, bind_to);
    printf ("bind %s: %s\n", bind_to, rc ? errno_name (zmq_errno ()) : "ok");
    if (rc == 0) {
        show_endpoint ("bound", in);
        snprintf (address, sizeof address, connect_format, port_of (in));
        rc = zmq_connect (out, address);
        printf ("connect %s: %s\n", connect_format, rc ? errno_name (zmq_errno ()) : "ok");
        last_endpoint (out, address);
        printf ("reported as given: %d\n", strncmp (address, connect_format, 10) == 0);
        send_parts (out, "hello", NULL);
        show_message ("got", in);
    }
    done (in);
    done (out);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    reach (ctx, "tcp://127.0.0.1:*", "tcp://127.0.0.1:%d");
    reach (ctx, "tcp://127.0.0.1:0", "tcp://localhost:%d");
    reach (ctx, "tcp://*:*", "tcp://127.0.0.1:%d");
    reach (ctx, "tcp://0.0.0.0:*", "tcp://127.0.0.1:%d");
    reach (ctx, "tcp://lo:*", "tcp://127.0.0.1:%d");
    reach (ctx, "tcp://127.0.0.2:*", "tcp://127.0.0.2:%d");
    PART ("source address");
    reach (ctx, "tcp://127.0.0.1:*", "tcp://127.0.0.1:0;127.0.0.1:%d");
    reach (ctx, "tcp://127.0.0.1:*", "tcp://127.0.0.3:0;127.0.0.1:%d");
    reach (ctx, "tcp://127.0.0.1:*", "tcp://lo:0;127.0.0.1:%d");

    PART ("the source address seen by the peer");
    void *in = sock (ctx, ZMQ_PULL), *out = sock (ctx, ZMQ_PUSH);
    char address[ENDPOINT];
    zmq_msg_t msg;
    MUST (zmq_bind (in, "tcp://127.0.0.1:*") == 0);
    snprintf (address, sizeof address, "tcp://127.0.0.3:0;127.0.0.1:%d", port_of (in));
    MUST (zmq_connect (out, address) == 0);
    send_parts (out, "x", NULL);
    MUST (zmq_msg_init (&msg) == 0 && zmq_msg_recv (&msg, in, 0) == 1);
    printf ("%s\n", zmq_msg_gets (&msg, "Peer-Address"));
    MUST (zmq_msg_close (&msg) == 0);
    done (out);

    PART ("in use");
    void *second = sock (ctx, ZMQ_PULL);
    last_endpoint (in, address);
    int rc = zmq_bind (second, address);
    printf ("%s\n", rc ? errno_name (zmq_errno ()) : "ok");
    snprintf (address, sizeof address, "tcp://*:%d", port_of (in));
    rc = zmq_bind (second, address);
    printf ("with a wildcard: %s\n", rc ? errno_name (zmq_errno ()) : "ok");
    done (second);

    PART ("disconnect by another spelling");
    out = sock (ctx, ZMQ_PUSH);
    snprintf (address, sizeof address, "tcp://localhost:%d", port_of (in));
    MUST (zmq_connect (out, address) == 0);
    RC (zmq_disconnect (out, address));
    RC (zmq_disconnect (out, address));
    done (out);
    done (in);

    PART ("odd ports");
    static const char *odd[] = {"tcp://127.0.0.1:00", "tcp://127.0.0.1:-",
                                "tcp://127.0.0.1:*0", "tcp://127.0.0.1: 0"};
    for (int i = 0; i < COUNT (odd); i++) {
        in = sock (ctx, ZMQ_PULL);
        rc = zmq_bind (in, odd[i]);
        printf ("%s: bind %s\n", odd[i], rc ? errno_name (zmq_errno ()) : "ok");
        done (in);
    }
    static const char *targets[] = {"tcp://127.0.0.1:*", "tcp://*:5555", "tcp://127.0.0.1:0",
                                    "tcp://-:1", "tcp://a_b:1", "tcp://a.b-c:1", "tcp://.:1",
                                    "tcp://no.such.host.invalid:1"};
    for (int i = 0; i < COUNT (targets); i++) {
        out = sock (ctx, ZMQ_PUSH);
        rc = zmq_connect (out, targets[i]);
        printf ("%s: connect %s\n", targets[i], rc ? errno_name (zmq_errno ()) : "ok");
        done (out);
    }
    term (ctx);
    be_alone ();
    return 0;
}
