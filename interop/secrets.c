/*
 * CURVE between two sockets, with every secret marked as memory of unknown
 * content: valgrind then reports each branch and each address that depends on
 * one. For secrets.py.
 */
#include <zmq.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <valgrind/memcheck.h>

static int marking;

/* Stands before the C library's: short-term keys are secrets, too. */
ssize_t getrandom (void *bytes, size_t size, unsigned flags)
{
    ssize_t rc = syscall (SYS_getrandom, bytes, size, flags);
    if (marking && rc == 32)
        (void) VALGRIND_MAKE_MEM_UNDEFINED (bytes, 32);
    return rc;
}

static void *make (void *ctx, const unsigned char *secret)
{
    void *s = zmq_socket (ctx, ZMQ_DEALER);
    int wait = 60000, linger = 0;
    if (zmq_setsockopt (s, ZMQ_CURVE_SECRETKEY, secret, 32)
        || zmq_setsockopt (s, ZMQ_RCVTIMEO, &wait, sizeof wait)
        || zmq_setsockopt (s, ZMQ_LINGER, &linger, sizeof linger))
        exit (2);
    return s;
}

int main (void)
{
    static const size_t sizes[] = {0, 5, 40, 300, 1500, 5000};
    static char body[5000];
    char server_public[41], client_public[41], text[41], last[256];
    unsigned char server_secret[32], client_secret[32];
    size_t len = sizeof last;
    int yes = 1;
    if (zmq_curve_keypair (server_public, text) || !zmq_z85_decode (server_secret, text)
        || zmq_curve_keypair (client_public, text) || !zmq_z85_decode (client_secret, text))
        return 2;
    (void) VALGRIND_MAKE_MEM_UNDEFINED (server_secret, 32);
    (void) VALGRIND_MAKE_MEM_UNDEFINED (client_secret, 32);
    void *ctx = zmq_ctx_new ();
    void *server = make (ctx, server_secret), *client = make (ctx, client_secret);
    if (zmq_setsockopt (server, ZMQ_CURVE_SERVER, &yes, sizeof yes)
        || zmq_setsockopt (client, ZMQ_CURVE_SERVERKEY, server_public, 40)
        || zmq_setsockopt (client, ZMQ_CURVE_PUBLICKEY, client_public, 40)
        || zmq_bind (server, "tcp://127.0.0.1:*")
        || zmq_getsockopt (server, ZMQ_LAST_ENDPOINT, last, &len))
        return 2;
    marking = 1;
    if (zmq_connect (client, last))
        return 2;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *ends[] = {client, server, client};
        for (int way = 0; way < 2; way++) {
            if (zmq_send (ends[way], body, sizes[i], 0) != (int) sizes[i]
                || zmq_recv (ends[way + 1], body, sizeof body, 0) != (int) sizes[i])
                return 3;
            (void) VALGRIND_MAKE_MEM_DEFINED (body, sizeof body);
        }
    }
    zmq_close (server);
    zmq_close (client);
    zmq_ctx_term (ctx);
    return 0;
}
