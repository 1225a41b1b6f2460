/*
 * Authentication through ZAP (RFC 27): what the handler is asked, what its
 * answer does, and what a wrong answer is called.
 */
#include "monitor.h"

static void *ctx, *handler;
static struct {
    char public_key[41], secret_key[41];
} keys;

enum {
    OUTCOME = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
              | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
              | ZMQ_EVENT_MONITOR_STOPPED
};

static void text_option (void *s, int option, const char *text)
{
    MUST (zmq_setsockopt (s, option, text, strlen (text)) == 0);
}

/* A handler's answer; what is NULL is as it ought to be. */
struct answer {
    const char *what;
    const char *version;
    const char *id;
    const char *status;
    const char *user;
    const char *metadata;
    size_t metadata_size;
    int parts; /* fewer or more than the six; 0 is six */
    unsigned code; /* of the protocol error it is */
};

/* Receives a question, shows it and answers. */
static void reply (const struct answer *answer)
{
    char id[32] = "";
    int more = 1;
    printf ("question:");
    for (int part = 0; more && part < 20; part++) {
        unsigned char text[256];
        int size = zmq_recv (handler, text, sizeof text, 0);
        MUST (size >= 0 && size <= (int) sizeof text);
        more = get_int (handler, ZMQ_RCVMORE);
        putchar (' ');
        if (part == 1) {
            MUST (size < (int) sizeof id);
            memcpy (id, text, (size_t) size);
            printf ("id");
        } else {
            print_bytes (text, (size_t) size);
        }
    }
    putchar ('\n');
    const char *parts[] = {answer->version ? answer->version : "1.0",
                           answer->id ? answer->id : id,
                           answer->status ? answer->status : "200",
                           "some words",
                           answer->user ? answer->user : "",
                           answer->metadata ? answer->metadata : "",
                           "too much"};
    int count = answer->parts ? answer->parts : 6;
    for (int i = 0; i < count; i++) {
        size_t size = i == 5 ? answer->metadata_size : strlen (parts[i]);
        MUST (zmq_send (handler, parts[i], size, i < count - 1 ? ZMQ_SNDMORE : 0) == (int) size);
    }
}

static void secure (void *server, void *client, int mechanism)
{
    if (mechanism == ZMQ_PLAIN) {
        set_int (server, ZMQ_PLAIN_SERVER, 1);
        text_option (client, ZMQ_PLAIN_USERNAME, "admin");
        text_option (client, ZMQ_PLAIN_PASSWORD, "open sesame");
    } else if (mechanism == ZMQ_CURVE) {
        set_int (server, ZMQ_CURVE_SERVER, 1);
        MUST (zmq_setsockopt (server, ZMQ_CURVE_SECRETKEY, keys.secret_key, 41) == 0);
        MUST (zmq_setsockopt (client, ZMQ_CURVE_SERVERKEY, keys.public_key, 41) == 0);
        MUST (zmq_setsockopt (client, ZMQ_CURVE_PUBLICKEY, keys.public_key, 41) == 0);
        MUST (zmq_setsockopt (client, ZMQ_CURVE_SECRETKEY, keys.secret_key, 41) == 0);
    }
    SHOW (get_int (server, ZMQ_MECHANISM) == mechanism);
    SHOW (get_int (client, ZMQ_MECHANISM) == mechanism);
}

static void show_property (zmq_msg_t *msg, const char *name)
{
    errno = 0;
    const char *value = zmq_msg_gets (msg, name);
    printf ("%s: %s\n", name, value ? value : errno_name (zmq_errno ()));
}

static void let_in (void *server, void *client)
{
    zmq_msg_t msg;
    send_parts (client, "hello", NULL);
    MUST (zmq_msg_init (&msg) == 0);
    MUST (zmq_msg_recv (&msg, server, 0) == 5);
    show_property (&msg, "User-Id");
    show_property (&msg, "From-Handler");
    show_property (&msg, "Socket-Type");
    MUST (zmq_msg_close (&msg) == 0);
    send_parts (server, "welcome", NULL);
    show_message ("client", client);
}

/*
 * Ends a server. With the reference that takes until the handler has noticed
 * the end of the server's line to it.
 */
static void end (void *server, void *mon)
{
    long limit = now_ms () + PATIENCE;
    done (server);
    while (!wait_for (mon, ZMQ_POLLIN, 5) && now_ms () < limit)
        if (handler)
            MUST (get_int (handler, ZMQ_EVENTS) >= 0);
    /* The reference says twice that an enforced handler is missing. */
    uint16_t event = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    while (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) {
        unsigned char head[6];
        char text[ENDPOINT];
        MUST (zmq_recv (mon, head, sizeof head, 0) == sizeof head);
        recv_text (mon, text, sizeof text);
        memcpy (&event, head, sizeof event);
    }
    printf ("server: %s\n", event_name (event));
    done (mon);
}

/* One connection; without an answer the handler is not to be asked. */
static void attempt (const char *what, int mechanism, const char *domain, int enforce,
                     const struct answer *answer)
{
    char endpoint[ENDPOINT];
    void *server = sock (ctx, ZMQ_DEALER), *client = sock (ctx, ZMQ_DEALER);
    printf ("-- %s\n", what);
    text_option (client, ZMQ_ROUTING_ID, "its name");
    set_int (client, ZMQ_RECONNECT_IVL, -1);
    secure (server, client, mechanism);
    if (domain)
        text_option (server, ZMQ_ZAP_DOMAIN, domain);
    set_int (server, ZMQ_ZAP_ENFORCE_DOMAIN, enforce);
    void *theirs = watch (ctx, server, OUTCOME);
    bind_any (server, "tcp", endpoint);
    MUST (zmq_connect (client, endpoint) == 0);
    if (answer)
        reply (answer);
    if (show_event ("server", theirs, PATIENCE, RETRY) == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        let_in (server, client);
    if (answer && answer->code)
        SHOW (event_value == answer->code);
    if (handler)
        show_empty ("handler", handler);
    done (client);
    end (server, theirs);
}

/* What a refused client is told. */
static void told (const char *status)
{
    char endpoint[ENDPOINT];
    const struct answer answer = {.status = status};
    void *server = sock (ctx, ZMQ_DEALER), *client = sock (ctx, ZMQ_DEALER);
    printf ("-- a client refused with %s\n", status);
    set_int (client, ZMQ_RECONNECT_IVL, -1);
    secure (server, client, ZMQ_PLAIN);
    void *mon = watch (ctx, client, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
                                      | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_MONITOR_STOPPED);
    bind_any (server, "tcp", endpoint);
    MUST (zmq_connect (client, endpoint) == 0);
    reply (&answer);
    show_event ("client", mon, PATIENCE, RETRY);
    done_watched ("client", client, mon);
    done (server);
}

static void without_handler (void)
{
    attempt ("NULL, no handler", ZMQ_NULL, "somewhere", 0, NULL);
    attempt ("NULL, no handler, enforced", ZMQ_NULL, "somewhere", 1, NULL);
    attempt ("CURVE, no handler", ZMQ_CURVE, "somewhere", 0, NULL);
    attempt ("CURVE, no handler, enforced", ZMQ_CURVE, "somewhere", 1, NULL);
    attempt ("CURVE, enforced without a domain", ZMQ_CURVE, NULL, 1, NULL);
    attempt ("PLAIN, no handler", ZMQ_PLAIN, NULL, 0, NULL);
}

int main (void)
{
    static const struct answer yes = {.user = "the user",
                                      .metadata = "\014From-Handler\000\000\000\003yes",
                                      .metadata_size = 20},
                               answers[] = {
      {.what = "300", .status = "300"},
      {.what = "400", .status = "400"},
      {.what = "500", .status = "500"},
      {.what = "another version", .code = ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION, .version = "2.0"},
      {.what = "another question's number", .code = ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID, .id = "0"},
      {.what = "no such status", .code = ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE, .status = "204"},
      {.what = "a status that is no number", .code = ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE, .status = "OK"},
      {.what = "broken metadata", .code = ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA, .metadata = "\020From", .metadata_size = 5},
      {.what = "too few parts", .code = ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY, .parts = 5},
      {.what = "too many parts", .code = ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY, .parts = 7},
    };
    start ();
    ctx = zmq_ctx_new ();
    MUST (zmq_curve_public (keys.public_key, "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs") == 0);
    strcpy (keys.secret_key, "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs");
    without_handler ();
    handler = sock (ctx, ZMQ_REP);
    MUST (zmq_bind (handler, "inproc://zeromq.zap.01") == 0);
    attempt ("NULL", ZMQ_NULL, "somewhere", 0, &yes);
    attempt ("NULL, no domain", ZMQ_NULL, NULL, 0, NULL);
    attempt ("PLAIN", ZMQ_PLAIN, "somewhere", 0, &yes);
    attempt ("PLAIN, no domain", ZMQ_PLAIN, NULL, 0, &yes);
    attempt ("CURVE", ZMQ_CURVE, "somewhere", 0, &yes);
    attempt ("CURVE, enforced", ZMQ_CURVE, "somewhere", 1, &yes);
    attempt ("CURVE, enforced without a domain", ZMQ_CURVE, NULL, 1, NULL);
    for (int i = 0; i < COUNT (answers); i++)
        attempt (answers[i].what, ZMQ_PLAIN, "somewhere", 0, &answers[i]);
    told ("400");
    told ("500");
    done (handler);
    term (ctx);
    return 0;
}
