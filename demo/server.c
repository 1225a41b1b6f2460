/* Hello world, the answering side: server bind|connect <endpoint> <requests> */
#include "who.h"

#include <stdlib.h>
#include <string.h>

int main (int argc, char **argv)
{
    if (argc != 4)
        return 2;
    who ("C server");
    int wait = 20000, count = atoi (argv[3]);
    void *context = zmq_ctx_new ();
    void *socket = zmq_socket (context, ZMQ_REP);
    zmq_setsockopt (socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    int rc = strcmp (argv[1], "bind") == 0 ? zmq_bind (socket, argv[2])
                                           : zmq_connect (socket, argv[2]);
    if (rc != 0) {
        fprintf (stderr, "%s: %s\n", argv[2], zmq_strerror (zmq_errno ()));
        return 1;
    }
    for (int i = 0; i < count; i++) {
        char request[64], reply[96];
        int n = zmq_recv (socket, request, sizeof request - 1, 0);
        if (n < 0) {
            fprintf (stderr, "no request: %s\n", zmq_strerror (zmq_errno ()));
            return 1;
        }
        request[n < (int) sizeof request ? n : (int) sizeof request - 1] = 0;
        snprintf (reply, sizeof reply, "World of C for %s", request);
        printf ("C server: got %s\n", request);
        zmq_send (socket, reply, strlen (reply), 0);
    }
    zmq_close (socket);
    zmq_ctx_term (context);
    return 0;
}
