/* Addresses that are refused, and with what errno; and some odd ones that are not. */
#include "common.h"

static const char *addresses[] = {
  "", "x", ":", "://", "tcp", "tcp:", "tcp:/", "tcp://", "://host:1", "tcp//127.0.0.1:1",
  "TCP://127.0.0.1:1", "Tcp://127.0.0.1:1", "tcp ://127.0.0.1:1", " tcp://127.0.0.1:1",
  "foo://127.0.0.1:1", "http://127.0.0.1:1", "inprocs://x",
  "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://:", "tcp://:1x", "tcp://127.0.0.1:x",
  "tcp://127.0.0.1:1:2:z", "tcp://*", "tcp://*:", "tcp://256.0.0.1:5555",
  "tcp://127.0.0.1.1:5555", "tcp://[::1:5555", "tcp://no such host:5555",
  "tcp://%:5555", "tcp://host name:1", "tcp://;127.0.0.1:5555", "tcp://127.0.0.1;5555",
  "ipc://", "inproc://", "udp://127.0.0.1:5555", "udp://*:5555", "pgm://", "epgm://",
};

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    for (int i = 0; i < COUNT (addresses); i++) {
        void *s = sock (ctx, ZMQ_DEALER);
        int rc = zmq_bind (s, addresses[i]);
        printf ("'%s': bind %s", addresses[i],
                rc ? errno_name (zmq_errno ()) : "ok");
        done (s);
        s = sock (ctx, ZMQ_DEALER);
        rc = zmq_connect (s, addresses[i]);
        printf (", connect %s", rc ? errno_name (zmq_errno ()) : "ok");
        rc = zmq_unbind (s, addresses[i]);
        printf (", unbind %s", rc ? errno_name (zmq_errno ()) : "ok");
        rc = zmq_disconnect (s, addresses[i]);
        printf (", disconnect %s\n", rc ? errno_name (zmq_errno ()) : "ok");
        done (s);
    }
    void *s = sock (ctx, ZMQ_DEALER);
    PART ("an address that is not ours");
    RC (zmq_bind (s, "tcp://192.0.2.1:5555"));
    RC (zmq_bind (s, "tcp://nosuchinterface0:5555"));
    RC (zmq_bind (s, "tcp://[::1]:5555"));
    PART ("a transport that does not fit the socket");
    void *push = sock (ctx, ZMQ_PUSH);
    RC (zmq_bind (push, "udp://127.0.0.1:5555"));
    RC (zmq_connect (push, "udp://127.0.0.1:5555"));
    done (push);
    done (s);
    term (ctx);
    be_alone ();
    return 0;
}
