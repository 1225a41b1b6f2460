/* Options that hold text or bytes: lengths allowed, resets, buffers. */
#include "common.h"
#include "options.h"

static char bytes[512];

static void set_and_get (void *s, const struct option *o, const void *value,
                         size_t size)
{
    char got[600];
    size_t len = sizeof got;
    int rc = zmq_setsockopt (s, o->number, value, size);
    printf ("%s %s%zu: %s", o->name, value ? "" : "NULL ", size,
            rc ? errno_name (zmq_errno ()) : "ok");
    rc = zmq_getsockopt (s, o->number, got, &len);
    printf (", then %s length %zu\n", rc ? errno_name (zmq_errno ()) : "", len);
}

int main (void)
{
    static const struct option texts[] = {
      OPTION (ROUTING_ID), OPTION (BINDTODEVICE)};
    static const size_t sizes[] = {1, 2, 15, 16, 17, 254, 255, 256, 300, 0};
    start ();
    memset (bytes, 'q', sizeof bytes);
    void *ctx = zmq_ctx_new ();
    for (int i = 0; i < COUNT (texts); i++) {
        void *s = zmq_socket (ctx, ZMQ_DEALER);
        MUST (s);
        for (int n = 0; n < COUNT (sizes); n++)
            set_and_get (s, &texts[i], bytes, sizes[n]);
        set_and_get (s, &texts[i], NULL, 0);
        done (s);
    }
    void *s = sock (ctx, ZMQ_DEALER);
    PART ("a routing id may begin with anything");
    RC (zmq_setsockopt (s, ZMQ_ROUTING_ID, "\0abc", 4));
    RC (zmq_setsockopt (s, ZMQ_ROUTING_ID, "\0", 1));
    RC (zmq_setsockopt (s, ZMQ_IDENTITY, "xyz", 3));
    char id[8];
    size_t len = sizeof id;
    RC (zmq_getsockopt (s, ZMQ_ROUTING_ID, id, &len));
    print_bytes (id, len);
    putchar ('\n');
    PART ("filters");
    RC (zmq_setsockopt (s, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.1", 9));
    RC (zmq_setsockopt (s, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.0/8", 11));
    RC (zmq_setsockopt (s, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.0/33", 12));
    RC (zmq_setsockopt (s, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.0/", 10));
    RC (zmq_setsockopt (s, ZMQ_TCP_ACCEPT_FILTER, "nonsense", 8));
    RC (zmq_setsockopt (s, ZMQ_TCP_ACCEPT_FILTER, "", 0));
    RC (zmq_setsockopt (s, ZMQ_TCP_ACCEPT_FILTER, NULL, 0));
    pid_t pid = 1;
    RC (zmq_setsockopt (s, ZMQ_IPC_FILTER_PID, &pid, sizeof pid));
    RC (zmq_setsockopt (s, ZMQ_IPC_FILTER_PID, &pid, 1));
    RC (zmq_setsockopt (s, ZMQ_IPC_FILTER_PID, NULL, 0));
    done (s);
    term (ctx);
    return 0;
}
