/* ZMQ_METADATA (95, not in every zmq.h): properties of the application's own. */
#include "common.h"

static void show_property (zmq_msg_t *msg, const char *name)
{
    errno = 0;
    const char *value = zmq_msg_gets (msg, name);
    printf ("%s: %s\n", name, value ? value : errno_name (zmq_errno ()));
}

int main (void)
{
    static const char *names[] = {"X-hello",     "X-empty",  "X-twice",     "x-hello", "X-late",
                                  "Socket-Type", "Identity", "Peer-Address"};
    static const char *good[] = {"X-hello:world", "X-twice:first:part", "X-twice:second", "X-:y!"};
    static const char *bad[] = {"", "X-", "X-a", "X-a:", "Y-a:b", "x-a:b", ":X-a:b", "hello", "X-a:b", "X-a b:c", "X-a=b:c"};
    char long_key[300];
    start ();
    void *ctx = zmq_ctx_new ();
    void *server = sock (ctx, ZMQ_DEALER), *client = sock (ctx, ZMQ_DEALER);
    for (int i = 0; i < COUNT (good); i++)
        MUST (zmq_setsockopt (client, ZMQ_METADATA, good[i], strlen (good[i])) == 0);
    PART ("refused");
    void *other = sock (ctx, ZMQ_DEALER);
    for (int i = 0; i < COUNT (bad); i++) {
        int rc = zmq_setsockopt (other, ZMQ_METADATA, bad[i], strlen (bad[i]));
        printf ("'%s': %s\n", bad[i], rc ? errno_name (zmq_errno ()) : "ok");
    }
    for (int length = 255; length < 257; length++) {
        memset (long_key, 'k', sizeof long_key);
        memcpy (long_key, "X-", 2);
        long_key[length] = ':';
        int rc = zmq_setsockopt (other, ZMQ_METADATA, long_key, (size_t) length + 5);
        printf ("a key of %d: %s\n", length, rc ? errno_name (zmq_errno ()) : "ok");
    }
    RC (zmq_setsockopt (other, ZMQ_METADATA, NULL, 0));
    done (other);

    for (int i = 0; i < 2; i++) {
        const char *transport = i ? "ipc" : "tcp";
        PART (transport);
        join (server, client, transport);
        MUST (zmq_setsockopt (client, ZMQ_METADATA, "X-late:too late", 15) == 0);
        send_parts (client, "message", NULL);
        zmq_msg_t msg;
        MUST (zmq_msg_init (&msg) == 0);
        MUST (zmq_msg_recv (&msg, server, 0) == 7);
        for (int n = 0; n < COUNT (names) - i; n++) /* an ipc address is the process's own */
            show_property (&msg, names[n]);
        MUST (zmq_msg_close (&msg) == 0);
        done (client);
        client = sock (ctx, ZMQ_DEALER);
        MUST (zmq_setsockopt (client, ZMQ_METADATA, "X-hello:again", 13) == 0);
    }
    done (client);
    done (server);
    term (ctx);
    return 0;
}
