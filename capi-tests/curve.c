/* CURVE: making keys, giving them to sockets, and who gets through with them. */
#include "monitor.h"

static void *ctx;

struct keys {
    char public_key[41];
    char secret_key[41];
};

static struct keys fresh (void)
{
    struct keys keys;
    MUST (zmq_curve_keypair (keys.public_key, keys.secret_key) == 0);
    return keys;
}

static void keys (void)
{
    PART ("keys");
    uint8_t secret[32];
    char text[41], public_key[41];
    for (int n = 0; n < 4; n++) {
        for (int i = 0; i < 32; i++)
            secret[i] = (uint8_t) (n == 3 ? 255 : i * n + n);
        MUST (zmq_z85_encode (text, secret, 32) == text);
        RC (zmq_curve_public (public_key, text));
        printf ("%s\n", public_key);
    }
    struct keys one = fresh (), other = fresh ();
    SHOW (strlen (one.public_key));
    SHOW (strlen (one.secret_key));
    SHOW (strcmp (one.secret_key, other.secret_key) != 0);
    RC (zmq_curve_public (public_key, one.secret_key));
    SHOW (strcmp (public_key, one.public_key));
    RC (zmq_curve_public (public_key, "too short"));
    RC (zmq_curve_public (public_key, "0123456789012345678901234567890123456~89"));
}

static void options (void)
{
    static const struct {
        const char *name;
        int number;
    } texts[] = {{"public", ZMQ_CURVE_PUBLICKEY},
                 {"secret", ZMQ_CURVE_SECRETKEY},
                 {"server", ZMQ_CURVE_SERVERKEY}};
    static const char key[64] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    static const size_t sizes[] = {0, 1, 31, 32, 33, 39, 40, 41, 42};
    PART ("options");
    for (int i = 0; i < COUNT (texts); i++) {
        void *s = sock (ctx, ZMQ_DEALER);
        for (int n = 0; n < COUNT (sizes); n++) {
            char got[64];
            size_t len = sizes[n];
            int rc = zmq_setsockopt (s, texts[i].number, key, sizes[n]);
            printf ("%s of %zu: %s", texts[i].name, sizes[n], rc ? errno_name (zmq_errno ()) : "ok");
            rc = zmq_getsockopt (s, texts[i].number, got, &len);
            printf (", read: %s", rc ? errno_name (zmq_errno ()) : "ok");
            len = 41;
            MUST (zmq_getsockopt (s, texts[i].number, got, &len) == 0);
            printf (", now %s, %zu\n", got, len);
        }
        RC (zmq_setsockopt (s, texts[i].number, "0123456789012345678901234567890123456~89", 40));
        SHOW (get_int (s, ZMQ_MECHANISM) == ZMQ_CURVE);
        done (s);
    }
    void *s = sock (ctx, ZMQ_DEALER);
    SHOW (get_int (s, ZMQ_CURVE_SERVER));
    static const int values[] = {-1, 2, 1, 0};
    for (int i = 0; i < COUNT (values); i++) {
        RC (zmq_setsockopt (s, ZMQ_CURVE_SERVER, &values[i], sizeof (int)));
        SHOW (get_int (s, ZMQ_CURVE_SERVER));
        SHOW (get_int (s, ZMQ_MECHANISM) == ZMQ_CURVE);
    }
    done (s);
}

static void serve (void *s, const struct keys *own)
{
    set_int (s, ZMQ_CURVE_SERVER, 1);
    MUST (zmq_setsockopt (s, ZMQ_CURVE_SECRETKEY, own->secret_key, 40) == 0);
}

static void call (void *s, const struct keys *own, const char *server)
{
    MUST (zmq_setsockopt (s, ZMQ_CURVE_SERVERKEY, server, 41) == 0);
    MUST (zmq_setsockopt (s, ZMQ_CURVE_PUBLICKEY, own->public_key, 41) == 0);
    MUST (zmq_setsockopt (s, ZMQ_CURVE_SECRETKEY, own->secret_key, 41) == 0);
}

static void echo (void *from, void *to, size_t size)
{
    char *text = malloc (size + 1), *got = malloc (size + 1);
    MUST (text && got);
    for (size_t i = 0; i < size; i++)
        text[i] = (char) (i * 31 + size);
    MUST (zmq_send (from, text, size, ZMQ_SNDMORE) == (int) size);
    MUST (zmq_send (from, "end", 3, 0) == 3);
    int n = zmq_recv (to, got, size, 0);
    printf ("%zu: %d, same %d, more %d", size, n, memcmp (text, got, size) == 0,
            get_int (to, ZMQ_RCVMORE));
    free (text);
    free (got);
    show_message ("", to);
}

static void right (const char *transport)
{
    static const size_t sizes[] = {0, 1, 33, 255, 256, 8192, 65536, 1000000};
    struct keys mine = fresh (), yours = fresh ();
    void *server = sock (ctx, ZMQ_DEALER), *client = sock (ctx, ZMQ_DEALER);
    printf ("-- the right keys, %s\n", transport);
    serve (server, &mine);
    call (client, &yours, mine.public_key);
    void *mon = watch (ctx, client, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_MONITOR_STOPPED);
    join (server, client, transport);
    show_event ("client", mon, PATIENCE, RETRY);
    for (int i = 0; i < COUNT (sizes); i++) {
        echo (client, server, sizes[i]);
        echo (server, client, sizes[i]);
    }
    done_watched ("client", client, mon);
    done (server);
}

enum {
    OUTCOME = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
              | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
              | ZMQ_EVENT_MONITOR_STOPPED
};

/* Shows what each end thinks of a connection that cannot come about. */
static void wrong (const char *what, void *server, void *client)
{
    printf ("-- %s\n", what);
    set_int (client, ZMQ_RECONNECT_IVL, -1);
    void *theirs = watch (ctx, server, OUTCOME), *ours = watch (ctx, client, OUTCOME);
    join (server, client, "tcp");
    show_event ("server", theirs, PATIENCE, RETRY);
    zmq_send (client, "never to arrive", 15, ZMQ_DONTWAIT);
    poke (client);
    show_empty ("server", server);
    done_watched ("client", client, ours);
    done_watched ("server", server, theirs);
}

int main (void)
{
    start ();
    ctx = zmq_ctx_new ();
    SHOW (zmq_has ("curve"));
    keys ();
    options ();
    right ("tcp");
    right ("ipc");

    struct keys mine = fresh (), yours = fresh (), another = fresh ();
    void *server = sock (ctx, ZMQ_DEALER), *client = sock (ctx, ZMQ_DEALER);
    serve (server, &mine);
    call (client, &yours, another.public_key);
    wrong ("another server's key", server, client);

    server = sock (ctx, ZMQ_DEALER), client = sock (ctx, ZMQ_DEALER);
    serve (server, &mine);
    call (client, &yours, mine.public_key);
    MUST (zmq_setsockopt (client, ZMQ_CURVE_PUBLICKEY, another.public_key, 40) == 0);
    wrong ("a public key that does not fit", server, client);

    server = sock (ctx, ZMQ_DEALER), client = sock (ctx, ZMQ_DEALER);
    serve (server, &mine);
    wrong ("a client without security", server, client);
    term (ctx);
    return 0;
}
