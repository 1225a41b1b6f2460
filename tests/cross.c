/* A message over inproc and one over tcp, with I/O threads: what a program on another
   processor or C library needs first. */
#include <zmq.h>
#include <zmq_utils.h>
#include <stdio.h>
#include <string.h>

#ifndef __GLIBC__
/* Debian's unwinder for static programs asks this of its own C library, and musl has no
   such function. Nothing here panics, so there is nothing to find. */
int _dl_find_object (void *address, void *result);
int _dl_find_object (void *address, void *result)
{
    (void) address;
    (void) result;
    return -1;
}
#endif

static int transfer (void *context, const char *endpoint)
{
    char bound[64], got[8] = "";
    size_t size = sizeof bound;
    int wait = 20000;
    void *pull = zmq_socket (context, ZMQ_PULL), *push = zmq_socket (context, ZMQ_PUSH);
    if (zmq_setsockopt (pull, ZMQ_RCVTIMEO, &wait, sizeof wait) || zmq_bind (pull, endpoint)
        || zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, bound, &size) || zmq_connect (push, bound)
        || zmq_send (push, "hello", 5, 0) != 5 || zmq_recv (pull, got, sizeof got, 0) != 5
        || strcmp (got, "hello"))
        return 1;
    return zmq_close (push) || zmq_close (pull);
}

int main (void)
{
    int major = 0, minor = 0, patch = 0;
    char public_key[41], secret_key[41];
    void *context = zmq_ctx_new ();
    zmq_version (&major, &minor, &patch);
    if (ZMQ_MAKE_VERSION (major, minor, patch) != ZMQ_VERSION)
        return 1;
    if (transfer (context, "inproc://cross") || transfer (context, "tcp://127.0.0.1:*")
        || zmq_curve_keypair (public_key, secret_key))
        return 2;
    printf ("two messages by %d.%d.%d\n", major, minor, patch);
    return zmq_ctx_term (context) ? 3 : 0;
}
