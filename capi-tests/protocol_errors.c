/* Peers that break the protocol, and what the monitor calls it. */
#include "monitor.h"

static void *ctx;

enum {
    OUTCOME = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
              | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
              | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_MONITOR_STOPPED
};

struct code {
    const char *name;
    unsigned value;
};

static const struct code codes[] = {
  {"UNSPECIFIED", ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED},
  {"UNEXPECTED_COMMAND", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
  {"INVALID_SEQUENCE", ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE},
  {"KEY_EXCHANGE", ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE},
  {"MALFORMED_COMMAND_UNSPECIFIED", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED},
  {"MALFORMED_COMMAND_MESSAGE", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE},
  {"MALFORMED_COMMAND_HELLO", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO},
  {"MALFORMED_COMMAND_INITIATE", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE},
  {"MALFORMED_COMMAND_ERROR", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR},
  {"MALFORMED_COMMAND_READY", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY},
  {"MALFORMED_COMMAND_WELCOME", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME},
  {"INVALID_METADATA", ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA},
  {"CRYPTOGRAPHIC", ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC},
  {"MECHANISM_MISMATCH", ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH},
};

/* Prints the first event and the name of its code. */
static void show_outcome (void *mon)
{
    unsigned char head[6];
    char text[ENDPOINT];
    uint16_t event;
    uint32_t value;
    if (zmq_recv (mon, head, sizeof head, 0) != sizeof head) {
        printf ("nothing\n");
        return;
    }
    recv_text (mon, text, sizeof text);
    memcpy (&event, head, sizeof event);
    memcpy (&value, head + 2, sizeof value);
    printf ("%s", event_name (event));
    for (int i = 0; i < COUNT (codes); i++)
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL && codes[i].value == value)
            printf (" %s", codes[i].name);
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        printf (" %u", value);
    putchar ('\n');
}

static void greet (int fd, const char *mechanism, int as_server)
{
    unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0};
    memcpy (greeting + 12, mechanism, strlen (mechanism));
    greeting[32] = (unsigned char) as_server;
    MUST (write (fd, greeting, sizeof greeting) == sizeof greeting);
}

/* Sends a command with a body that is made longer with zeros. */
static void command (int fd, const char *body, size_t size, size_t total)
{
    unsigned char frame[1000] = {4, (unsigned char) total};
    size_t head = 2;
    if (total > 255) {
        frame[0] = 6;
        memset (frame + 1, 0, 8);
        frame[7] = (unsigned char) (total >> 8);
        frame[8] = (unsigned char) total;
        head = 9;
    }
    MUST (size <= total && head + total <= sizeof frame);
    memcpy (frame + head, body, size);
    MUST (write (fd, frame, head + total) == (ssize_t) (head + total));
}

static void get (int fd, void *to, size_t size)
{
    struct timeval limit = {PATIENCE / 1000, 0};
    MUST (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    for (size_t have = 0; have < size;) {
        ssize_t n = read (fd, (char *) to + have, size - have);
        MUST (n > 0);
        have += (size_t) n;
    }
}

/* Waits for the greeting and the first command of an end that connects. */
static void hear_out (int fd)
{
    unsigned char text[256];
    get (fd, text, 64);
    get (fd, text, 2);
    MUST (text[0] == 4);
    get (fd, text, text[1]);
}

static void secure (void *s, int mechanism, int as_server)
{
    static const char secret[] = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
    char public_key[41];
    MUST (zmq_curve_public (public_key, secret) == 0);
    if (mechanism == ZMQ_PLAIN && as_server)
        set_int (s, ZMQ_PLAIN_SERVER, 1);
    if (mechanism == ZMQ_PLAIN && !as_server) {
        MUST (zmq_setsockopt (s, ZMQ_PLAIN_USERNAME, "me", 2) == 0);
        MUST (zmq_setsockopt (s, ZMQ_PLAIN_PASSWORD, "pw", 2) == 0);
    }
    if (mechanism != ZMQ_CURVE)
        return;
    MUST (zmq_setsockopt (s, ZMQ_CURVE_PUBLICKEY, public_key, 41) == 0);
    MUST (zmq_setsockopt (s, ZMQ_CURVE_SECRETKEY, secret, 41) == 0);
    if (as_server)
        set_int (s, ZMQ_CURVE_SERVER, 1);
    else
        MUST (zmq_setsockopt (s, ZMQ_CURVE_SERVERKEY, public_key, 41) == 0);
}

struct step {
    const char *what;
    int mechanism; /* of the library's end */
    int connects;  /* whether that end connects */
    const char *greeting;
    const char *body;
    size_t size;
    size_t total;
};

#define BODY(text) text, sizeof text - 1, sizeof text - 1
#define LONG(text, total) text, sizeof text - 1, total

static void run (const struct step *step)
{
    char endpoint[ENDPOINT];
    void *s = sock (ctx, ZMQ_DEALER);
    int listener = -1, fd;
    secure (s, step->mechanism, !step->connects);
    set_int (s, ZMQ_RECONNECT_IVL, -1);
    void *mon = watch (ctx, s, OUTCOME);
    if (step->connects) {
        listener = raw_listen (endpoint);
        MUST (zmq_connect (s, endpoint) == 0);
        fd = accept (listener, NULL, NULL);
        MUST (fd >= 0);
    } else {
        bind_any (s, "tcp", endpoint);
        fd = raw_connect (endpoint);
    }
    greet (fd, step->greeting, step->connects);
    if (step->connects)
        hear_out (fd);
    if (step->body)
        command (fd, step->body, step->size, step->total);
    printf ("%s: ", step->what);
    show_outcome (mon);
    close (fd);
    if (listener >= 0)
        close (listener);
    done (s);
    done (mon);
}

int main (void)
{
    static const struct step steps[] = {
      {"another mechanism", ZMQ_NULL, 0, "PLAIN", NULL, 0, 0},
      {"a mechanism of no name", ZMQ_NULL, 0, "", NULL, 0, 0},
      {"an unknown command", ZMQ_NULL, 0, "NULL", BODY ("\005READX")},
      {"a command without a name", ZMQ_NULL, 0, "NULL", BODY ("\000")},
      {"READY with half a property", ZMQ_NULL, 0, "NULL", BODY ("\005READY\013Socket")},
      {"ERROR without a reason", ZMQ_NULL, 0, "NULL", BODY ("\005ERROR")},
      {"ERROR with half a reason", ZMQ_NULL, 0, "NULL", BODY ("\005ERROR\00340")},
      {"ERROR 400", ZMQ_NULL, 1, "NULL", BODY ("\005ERROR\003400")},
      {"PLAIN, an unknown command", ZMQ_PLAIN, 0, "PLAIN", BODY ("\005HULLO\001a\001b")},
      {"PLAIN, HELLO without a password", ZMQ_PLAIN, 0, "PLAIN", BODY ("\005HELLO\001a")},
      {"PLAIN, HELLO with too much", ZMQ_PLAIN, 0, "PLAIN", BODY ("\005HELLO\001a\001bc")},
      {"PLAIN, HELLO with half a name", ZMQ_PLAIN, 0, "PLAIN", BODY ("\005HELLO\010abc")},
      {"PLAIN, a long WELCOME", ZMQ_PLAIN, 1, "PLAIN", BODY ("\007WELCOME!")},
      {"PLAIN, READY too early", ZMQ_PLAIN, 1, "PLAIN", BODY ("\005READY")},
      {"PLAIN, ERROR without a reason", ZMQ_PLAIN, 1, "PLAIN", BODY ("\005ERROR")},
      {"PLAIN, ERROR 500", ZMQ_PLAIN, 1, "PLAIN", BODY ("\005ERROR\003500")},
      {"PLAIN, no command", ZMQ_PLAIN, 1, "PLAIN", BODY ("what")},
      {"CURVE, an unknown command", ZMQ_CURVE, 0, "CURVE", LONG ("\005HULLO", 200)},
      {"CURVE, a short HELLO", ZMQ_CURVE, 0, "CURVE", LONG ("\005HELLO\001", 199)},
      {"CURVE, HELLO of another version", ZMQ_CURVE, 0, "CURVE", LONG ("\005HELLO\002", 200)},
      {"CURVE, HELLO with a wrong box", ZMQ_CURVE, 0, "CURVE", LONG ("\005HELLO\001", 200)},
      {"CURVE, INITIATE too early", ZMQ_CURVE, 0, "CURVE", LONG ("\010INITIATE", 300)},
      {"CURVE, a short WELCOME", ZMQ_CURVE, 1, "CURVE", LONG ("\007WELCOME", 167)},
      {"CURVE, WELCOME with a wrong box", ZMQ_CURVE, 1, "CURVE", LONG ("\007WELCOME", 168)},
      {"CURVE, READY too early", ZMQ_CURVE, 1, "CURVE", LONG ("\005READY", 40)},
      {"CURVE, ERROR without a reason", ZMQ_CURVE, 1, "CURVE", BODY ("\005ERROR")},
      {"CURVE, ERROR 400", ZMQ_CURVE, 1, "CURVE", BODY ("\005ERROR\003400")},
    };
    start ();
    ctx = zmq_ctx_new ();
    for (int i = 0; i < COUNT (steps); i++)
        run (&steps[i]);
    term (ctx);
    return 0;
}
