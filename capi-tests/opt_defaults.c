/* The value of every int option on a fresh socket of every type. */
#include "common.h"
#include "options.h"

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    for (int t = 0; t < COUNT (socket_types); t++) {
        void *s = zmq_socket (ctx, socket_types[t].number);
        uint64_t affinity = 7;
        int64_t max = 7;
        size_t len = 8;
        char text[64];
        MUST (s);
        PART (socket_types[t].name);
        for (int i = 0; i < COUNT (int_options); i++)
            printf ("%s %d\n", int_options[i].name,
                    get_int (s, int_options[i].number));
        SHOW (get_int (s, ZMQ_RCVMORE));
        SHOW (get_int (s, ZMQ_EVENTS));
        SHOW (get_int (s, ZMQ_TYPE));
        SHOW (get_int (s, ZMQ_MECHANISM));
        SHOW (get_int (s, ZMQ_THREAD_SAFE));
        SHOW (get_int (s, ZMQ_FD) >= 0);
        RC (zmq_getsockopt (s, ZMQ_AFFINITY, &affinity, &len));
        SHOW (affinity);
        RC (zmq_getsockopt (s, ZMQ_MAXMSGSIZE, &max, &len));
        SHOW (max);
        static const struct option texts[] = {
          OPTION (ROUTING_ID),     OPTION (LAST_ENDPOINT),
          OPTION (BINDTODEVICE)};
        for (int i = 0; i < COUNT (texts); i++) {
            len = sizeof text;
            memset (text, 'x', sizeof text);
            int rc = zmq_getsockopt (s, texts[i].number, text, &len);
            printf ("%s: rc %d, length %zu, ", texts[i].name, rc, len);
            print_bytes (text, len < sizeof text ? len : 0);
            putchar ('\n');
        }
        done (s);
    }
    term (ctx);
    return 0;
}
