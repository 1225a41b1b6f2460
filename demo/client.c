/* Hello world, the asking side: client bind|connect <endpoint> <requests> */
#include "who.h"

#include <stdlib.h>
#include <string.h>

int main (int argc, char **argv)
{
    if (argc != 4)
        return 2;
    who ("C client");
    int wait = 20000, count = atoi (argv[3]);
    void *context = zmq_ctx_new ();
    void *socket = zmq_socket (context, ZMQ_REQ);
    zmq_setsockopt (socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    zmq_setsockopt (socket, ZMQ_SNDTIMEO, &wait, sizeof wait);
    int rc = strcmp (argv[1], "bind") == 0 ? zmq_bind (socket, argv[2])
                                           : zmq_connect (socket, argv[2]);
    if (rc != 0) {
        fprintf (stderr, "%s: %s\n", argv[2], zmq_strerror (zmq_errno ()));
        return 1;
    }
    for (int i = 0; i < count; i++) {
        char request[32], reply[128];
        snprintf (request, sizeof request, "Hello %d", i);
        zmq_send (socket, request, strlen (request), 0);
        int n = zmq_recv (socket, reply, sizeof reply - 1, 0);
        if (n < 0 || n >= (int) sizeof reply) {
            fprintf (stderr, "no reply: %s\n", zmq_strerror (zmq_errno ()));
            return 1;
        }
        reply[n] = 0;
        printf ("C client: got %s\n", reply);
        if (strstr (reply, request) == NULL) {
            fprintf (stderr, "that is no reply to %s\n", request);
            return 1;
        }
    }
    zmq_close (socket);
    zmq_ctx_term (context);
    return 0;
}
