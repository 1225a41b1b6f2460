/* ZMQ_TCP_ACCEPT_FILTER and ZMQ_IPC_FILTER_*: who gets in, and which values are taken. */
#include "common.h"

static void *ctx;

/* Whether a message from a new peer arrives. */
static void show_entry (const char *what, void *pull, const char *endpoint, int expected)
{
    void *push = sock (ctx, ZMQ_PUSH);
    set_int (push, ZMQ_SNDTIMEO, expected ? PATIENCE : 150);
    set_int (pull, ZMQ_RCVTIMEO, expected ? PATIENCE : 150);
    set_int (push, ZMQ_IMMEDIATE, 1);
    MUST (zmq_connect (push, endpoint) == 0);
    char got[8] = "";
    zmq_send (push, "hello", 5, 0);
    int rc = zmq_recv (pull, got, sizeof got, 0);
    printf ("%s: %s\n", what, rc == 5 ? "in" : errno_name (zmq_errno ()));
    done (push);
}

static void tcp (const char *filter, const char *second, int ipv6, int expected)
{
    void *pull = sock (ctx, ZMQ_PULL);
    char endpoint[ENDPOINT], label[ENDPOINT];
    set_int (pull, ZMQ_IPV6, ipv6);
    int rc = zmq_setsockopt (pull, ZMQ_TCP_ACCEPT_FILTER, filter, strlen (filter));
    if (rc == 0 && second)
        rc = zmq_setsockopt (pull, ZMQ_TCP_ACCEPT_FILTER, second, strlen (second));
    printf ("'%s' '%s' ipv6 %d: ", filter, second ? second : "", ipv6);
    if (rc) {
        printf ("%s\n", errno_name (zmq_errno ()));
    } else {
        MUST (zmq_bind (pull, "tcp://127.0.0.1:*") == 0);
        last_endpoint (pull, endpoint);
        snprintf (label, sizeof label, "peer");
        /* A dual-stack listener shows a mapped address. */
        char *port = strrchr (endpoint, ':');
        char target[ENDPOINT];
        snprintf (target, sizeof target, "tcp://127.0.0.1%s", port);
        show_entry (label, pull, target, expected);
    }
    done (pull);
}

static void ipc (const char *what, int option, unsigned value, int expected)
{
    void *pull = sock (ctx, ZMQ_PULL);
    char endpoint[ENDPOINT];
    MUST (zmq_setsockopt (pull, option, &value, sizeof value) == 0);
    bind_any (pull, "ipc", endpoint);
    show_entry (what, pull, endpoint, expected);
    done (pull);
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    PART ("tcp");
    tcp ("127.0.0.1", NULL, 0, 1);
    tcp ("127.0.0.2", NULL, 0, 0);
    tcp ("127.0.0.2", "127.0.0.0/8", 0, 1);
    tcp ("127.128.0.0/9", NULL, 0, 0);
    tcp ("1.2.3.4/0", NULL, 0, 1);
    tcp ("::1", NULL, 0, 0);
    tcp ("localhost", NULL, 0, 0);
    tcp ("127.0.0.1/", NULL, 0, 0);
    tcp ("127.0.0.1/33", NULL, 0, 0);
    tcp ("127.0.0.1/x", NULL, 0, 0);

    PART ("cleared");
    void *pull = sock (ctx, ZMQ_PULL);
    char endpoint[ENDPOINT];
    RC (zmq_setsockopt (pull, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.2", 9));
    RC (zmq_setsockopt (pull, ZMQ_TCP_ACCEPT_FILTER, "", 0));
    RC (zmq_setsockopt (pull, ZMQ_TCP_ACCEPT_FILTER, NULL, 0));
    bind_any (pull, "tcp", endpoint);
    show_entry ("peer", pull, endpoint, 1);
    PART ("too late for this listener");
    RC (zmq_setsockopt (pull, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.2", 9));
    show_entry ("peer", pull, endpoint, 1);
    done (pull);

    PART ("ipc");
    ipc ("own uid", ZMQ_IPC_FILTER_UID, getuid (), 1);
    ipc ("other uid", ZMQ_IPC_FILTER_UID, getuid () + 1, 0);
    ipc ("own gid", ZMQ_IPC_FILTER_GID, getgid (), 1);
    ipc ("other gid", ZMQ_IPC_FILTER_GID, 3999999, 0);
    ipc ("own pid", ZMQ_IPC_FILTER_PID, (unsigned) getpid (), 1);
    ipc ("other pid", ZMQ_IPC_FILTER_PID, 1, 0);
    term (ctx);
    return 0;
}
