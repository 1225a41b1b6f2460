/* Listens to a topic until the word "end": subscriber <endpoint> <topic> */
#include "who.h"

#include <string.h>

int main (int argc, char **argv)
{
    if (argc != 3)
        return 2;
    who ("C subscriber");
    int wait = 20000, count = 0;
    size_t topic = strlen (argv[2]);
    char text[256];
    void *context = zmq_ctx_new ();
    void *socket = zmq_socket (context, ZMQ_SUB);
    zmq_setsockopt (socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    zmq_setsockopt (socket, ZMQ_SUBSCRIBE, argv[2], topic);
    if (zmq_connect (socket, argv[1]) != 0)
        return 1;
    for (;;) {
        int n = zmq_recv (socket, text, sizeof text - 1, 0);
        if (n < 0) {
            fprintf (stderr, "nothing heard: %s\n", zmq_strerror (zmq_errno ()));
            return 1;
        }
        text[n < (int) sizeof text ? n : (int) sizeof text - 1] = 0;
        if (strncmp (text, argv[2], topic) != 0) {
            fprintf (stderr, "not asked for: %s\n", text);
            return 1;
        }
        if (strstr (text, " end"))
            break;
        count++;
    }
    printf ("C subscriber: got %d messages\n", count);
    zmq_close (socket);
    zmq_ctx_term (context);
    return count > 0 ? 0 : 1;
}
