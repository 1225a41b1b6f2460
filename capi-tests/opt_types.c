/* Which socket type knows which option, with what values; and read-only ones. */
#include "common.h"
#include "options.h"

int main (void)
{
    static const int values[] = {-1, 0, 1, 2, INT_MAX};
    start ();
    void *ctx = zmq_ctx_new ();
    for (int t = 0; t < COUNT (socket_types); t++) {
        PART (socket_types[t].name);
        for (int i = 0; i < COUNT (type_options); i++) {
            printf ("%s:", type_options[i].name);
            for (int v = 0; v < COUNT (values); v++) {
                void *s = zmq_socket (ctx, socket_types[t].number);
                MUST (s);
                int rc = zmq_setsockopt (s, type_options[i].number, &values[v],
                                         sizeof (int));
                printf (" %s", rc ? errno_name (zmq_errno ()) : "ok");
                done (s);
            }
            putchar ('\n');
        }
        void *s = zmq_socket (ctx, socket_types[t].number);
        RC (zmq_setsockopt (s, ZMQ_SUBSCRIBE, "a", 1));
        RC (zmq_setsockopt (s, ZMQ_UNSUBSCRIBE, "a", 1));
        RC (zmq_setsockopt (s, ZMQ_XPUB_WELCOME_MSG, "hi", 2));
        RC (zmq_setsockopt (s, ZMQ_XPUB_WELCOME_MSG, NULL, 0));
        RC (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "id", 2));
        RC (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "", 0));
        for (int i = 0; i < COUNT (read_options); i++) {
            int value = 0, rc;
            rc = zmq_setsockopt (s, read_options[i].number, &value, sizeof value);
            printf ("set %s: %s\n", read_options[i].name,
                    rc ? errno_name (zmq_errno ()) : "ok");
        }
        for (int i = 0; i < COUNT (type_options); i++) {
            int value = 0, rc;
            size_t len = sizeof value;
            rc = zmq_getsockopt (s, type_options[i].number, &value, &len);
            printf ("get %s: %s\n", type_options[i].name,
                    rc ? errno_name (zmq_errno ()) : "ok");
        }
        done (s);
    }
    PART ("no such option");
    static const int unknown[] = {-1, 0,  1,  2,   3,    10,   20,
                                  26, 30, 37, 70,  82,   83,   200,
                                  999, 4711, INT_MAX, INT_MIN};
    void *s = zmq_socket (ctx, ZMQ_PAIR);
    for (int i = 0; i < COUNT (unknown); i++) {
        int value = 0;
        size_t len = sizeof value;
        printf ("%d: ", unknown[i]);
        int rc = zmq_setsockopt (s, unknown[i], &value, sizeof value);
        printf ("set %s, ", rc ? errno_name (zmq_errno ()) : "ok");
        rc = zmq_getsockopt (s, unknown[i], &value, &len);
        printf ("get %s\n", rc ? errno_name (zmq_errno ()) : "ok");
    }
    done (s);
    term (ctx);
    return 0;
}
