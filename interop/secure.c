/*
 * One socket with security options, a monitor, and a ZAP handler if asked.
 *
 *   secure <type> <bind|connect> <endpoint> [NAME=i:<number> | NAME=s:<text> |
 *          NAME=x:<hex> | NAME=z:<text, its NUL too>] ... [zap...=<value>] ...
 *
 * zap=<status> starts a handler that answers so; zapallow=<hex> has it answer
 * 400 unless the credentials, joined with '/', are these; zapuser, zapmeta
 * (hex) go into the answer; zapfault=<what> breaks it; zaphold=1 keeps each
 * answer back until the command "release", or "bury", at which the handler ends
 * without answering; zaptype=REP instead of ROUTER.
 *
 *   secure keys | secure public <secret key>
 *
 * first=<hex> is sent before anything else can happen, if there is a pipe yet.
 *
 * Commands on stdin: send <hex>, recv, look, exchange, echo, release, bury, end.
 * On stdout, a line each: what the handler was asked, the events of the
 * monitor, what came in.
 */
#include <zmq.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Options that headers of 4.3 keep for drafts. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif
#ifndef ZMQ_METADATA
#define ZMQ_METADATA 95
#endif

#define COUNT(a) ((int) (sizeof (a) / sizeof ((a)[0])))

struct pair
{
    const char *name;
    int number;
};

static const struct pair types[] = {
  {"DEALER", ZMQ_DEALER}, {"ROUTER", ZMQ_ROUTER}, {"REQ", ZMQ_REQ},   {"REP", ZMQ_REP},
  {"XPUB", ZMQ_XPUB},     {"PUB", ZMQ_PUB},       {"SUB", ZMQ_SUB},   {"XSUB", ZMQ_XSUB},
};

static const struct pair options[] = {
  {"PLAIN_SERVER", ZMQ_PLAIN_SERVER},
  {"PLAIN_USERNAME", ZMQ_PLAIN_USERNAME},
  {"PLAIN_PASSWORD", ZMQ_PLAIN_PASSWORD},
  {"CURVE_SERVER", ZMQ_CURVE_SERVER},
  {"CURVE_PUBLICKEY", ZMQ_CURVE_PUBLICKEY},
  {"CURVE_SECRETKEY", ZMQ_CURVE_SECRETKEY},
  {"CURVE_SERVERKEY", ZMQ_CURVE_SERVERKEY},
  {"ZAP_DOMAIN", ZMQ_ZAP_DOMAIN},
  {"ZAP_ENFORCE_DOMAIN", ZMQ_ZAP_ENFORCE_DOMAIN},
  {"HANDSHAKE_IVL", ZMQ_HANDSHAKE_IVL},
  {"RECONNECT_IVL", ZMQ_RECONNECT_IVL},
  {"HEARTBEAT_IVL", ZMQ_HEARTBEAT_IVL},
  {"HEARTBEAT_TIMEOUT", ZMQ_HEARTBEAT_TIMEOUT},
  {"ROUTING_ID", ZMQ_ROUTING_ID},
  {"SUBSCRIBE", ZMQ_SUBSCRIBE},
  {"METADATA", ZMQ_METADATA},
};

static const struct pair events[] = {
  {"CONNECTED", ZMQ_EVENT_CONNECTED},
  {"CONNECT_DELAYED", ZMQ_EVENT_CONNECT_DELAYED},
  {"CONNECT_RETRIED", ZMQ_EVENT_CONNECT_RETRIED},
  {"LISTENING", ZMQ_EVENT_LISTENING},
  {"ACCEPTED", ZMQ_EVENT_ACCEPTED},
  {"CLOSED", ZMQ_EVENT_CLOSED},
  {"DISCONNECTED", ZMQ_EVENT_DISCONNECTED},
  {"HANDSHAKE_SUCCEEDED", ZMQ_EVENT_HANDSHAKE_SUCCEEDED},
  {"FAILED_NO_DETAIL", ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL},
  {"FAILED_PROTOCOL", ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL},
  {"FAILED_AUTH", ZMQ_EVENT_HANDSHAKE_FAILED_AUTH},
};

/* Frames of one message of every size from 0 to here. */
#define SWEEP 1200
static const size_t sizes[] = {0, 1, 33, 255, 256, 8191, 8192, 9000, 65503, 65536, 1048576};

static void *ctx, *s, *handler;
static const char *zap_status, *zap_allow, *zap_user = "", *zap_meta, *zap_fault = "";
static const char *first;
static int zap_type = ZMQ_ROUTER, zap_hold;
static volatile int buried;
static sem_t release;
static unsigned char bytes[1048576];

static int find (const struct pair *list, int count, const char *name, size_t len)
{
    for (int i = 0; i < count; i++)
        if (strlen (list[i].name) == len && memcmp (list[i].name, name, len) == 0)
            return list[i].number;
    return -1;
}

static void print_library (void)
{
    FILE *maps = fopen ("/proc/self/maps", "r");
    char line[1024], last[1024] = "";
    while (maps && fgets (line, sizeof line, maps)) {
        char *path = strchr (line, '/');
        if (path && strstr (path, "libzmq") && strcmp (path, last) != 0) {
            strcpy (last, path);
            printf ("library %s", path);
        }
    }
    if (maps)
        fclose (maps);
}

static void fail (const char *what)
{
    printf ("failed %s: %s\n", what, zmq_strerror (zmq_errno ()));
    fflush (stdout);
    _exit (1);
}

static size_t unhex (const char *text, unsigned char *out)
{
    size_t n = 0;
    for (; text[0] && text[1]; text += 2) {
        char two[3] = {text[0], text[1], 0};
        out[n++] = (unsigned char) strtoul (two, NULL, 16);
    }
    return n;
}

static void hex (char *out, const void *data, size_t size)
{
    const unsigned char *from = data;
    for (size_t i = 0; i < size; i++)
        out += sprintf (out, "%02x", from[i]);
    *out = 0;
}

/* ---- the handler ---- */

/* Reads a request, says what was in it, and joins the credentials. -1 at the
   end of the context. */
static int read_request (char *id, size_t *id_len, char *credentials)
{
    char line[4096] = "zap";
    int frame = zap_type == ZMQ_REP ? 1 : -1, more = 1;
    *credentials = 0;
    for (; more; frame++) {
        unsigned char part[512];
        char text[1100];
        size_t more_len = sizeof more;
        int n = zmq_recv (handler, part, sizeof part, 0);
        if (n == -1)
            return -1;
        zmq_getsockopt (handler, ZMQ_RCVMORE, &more, &more_len);
        if (frame == -1) {
            memcpy (id, part, (size_t) n);
            *id_len = (size_t) n;
            continue;
        }
        hex (text, part, (size_t) n);
        if (frame >= 1)
            sprintf (line + strlen (line), " %s", n ? text : "-");
        if (frame >= 7)
            sprintf (credentials + strlen (credentials), "%s%s", frame > 7 ? "/" : "", text);
    }
    printf ("%s\n", line);
    fflush (stdout);
    return 0;
}

static void send_text (const char *text, int more)
{
    zmq_send (handler, text, strlen (text), more ? ZMQ_SNDMORE : 0);
}

static void send_reply (const char *id, size_t id_len, const char *status)
{
    unsigned char meta[512];
    size_t meta_len = zap_meta ? unhex (zap_meta, meta) : 0;
    int is_short = strcmp (zap_fault, "short") == 0, is_long = strcmp (zap_fault, "long") == 0;
    if (zap_type == ZMQ_ROUTER) {
        zmq_send (handler, id, id_len, ZMQ_SNDMORE);
        send_text (strcmp (zap_fault, "delimiter") ? "" : "x", 1);
    }
    if (strcmp (zap_fault, "one") == 0) {
        send_text ("1.0", 0);
        return;
    }
    send_text (strcmp (zap_fault, "version") ? "1.0" : "2.0", 1);
    send_text (strcmp (zap_fault, "id") ? "1" : "2", 1);
    send_text (status, 1);
    send_text ("text", 1);
    send_text (zap_user, !is_short);
    if (!is_short)
        zmq_send (handler, meta, meta_len, is_long ? ZMQ_SNDMORE : 0);
    if (is_long)
        send_text ("one too many", 0);
}

static void *handle (void *unused)
{
    char id[256] = "", credentials[4096];
    size_t id_len = 0;
    while (read_request (id, &id_len, credentials) == 0) {
        if (zap_hold)
            sem_wait (&release);
        if (buried)
            break;
        int good = !zap_allow || strcmp (zap_allow, credentials) == 0;
        if (strcmp (zap_fault, "silent") != 0)
            send_reply (id, id_len, good ? zap_status : "400");
    }
    zmq_close (handler);
    return unused;
}

/* ---- the monitor ---- */

static void *watch (void *monitor)
{
    for (;;) {
        unsigned char head[6], address[256];
        uint16_t event;
        uint32_t value;
        if (zmq_recv (monitor, head, sizeof head, 0) != sizeof head
            || zmq_recv (monitor, address, sizeof address, 0) == -1)
            break;
        memcpy (&event, head, 2);
        memcpy (&value, head + 2, 4);
        if (event == ZMQ_EVENT_MONITOR_STOPPED)
            break;
        const char *name = "?";
        for (int i = 0; i < COUNT (events); i++)
            if (events[i].number == event)
                name = events[i].name;
        if (strncmp (name, "FAILED", 6) == 0)
            printf ("event %s %x\n", name, value);
        else
            printf ("event %s\n", name);
        fflush (stdout);
    }
    zmq_close (monitor);
    return NULL;
}

/* ---- the commands ---- */

static void fill (size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char) (i * 31 + (i >> 8) + size);
}

static void send_frame (size_t size, int more)
{
    fill (size);
    if (zmq_send (s, bytes, size, more ? ZMQ_SNDMORE : 0) == -1)
        fail ("send");
}

static void want_frame (size_t size, int more)
{
    zmq_msg_t msg;
    zmq_msg_init (&msg);
    if (zmq_msg_recv (&msg, s, 0) == -1)
        fail ("recv");
    fill (size);
    if (zmq_msg_size (&msg) != size || memcmp (zmq_msg_data (&msg), bytes, size) != 0
        || zmq_msg_more (&msg) != more)
        fail ("a frame is not what was sent");
    zmq_msg_close (&msg);
}

/* Sends everything, then takes it back in. */
static void exchange (void)
{
    for (int i = 0; i < COUNT (sizes); i++)
        send_frame (sizes[i], 0);
    for (size_t n = 0; n <= SWEEP; n++)
        send_frame (n, n < SWEEP);
    for (int i = 0; i < COUNT (sizes); i++)
        want_frame (sizes[i], 0);
    for (size_t n = 0; n <= SWEEP; n++)
        want_frame (n, n < SWEEP);
    printf ("exchanged\n");
}

/* Sends back what an exchange sends. */
static void echo (void)
{
    for (int i = 0; i <= COUNT (sizes); i++) {
        int more = 1;
        while (more) {
            zmq_msg_t msg;
            zmq_msg_init (&msg);
            if (zmq_msg_recv (&msg, s, 0) == -1)
                fail ("recv");
            more = zmq_msg_more (&msg);
            if (zmq_msg_send (&msg, s, more ? ZMQ_SNDMORE : 0) == -1)
                fail ("send");
        }
    }
    printf ("echoed\n");
}

/* Receives a message; shows each part, and what is known of its sender. */
static void show (int flags)
{
    static const char *const names[] = {"User-Id", "Socket-Type", "Identity", "Routing-Id",
                                        "Peer-Address", "Hello", "X-Made-Up"};
    char line[4096] = "recv", text[1100];
    int more = 1;
    while (more) {
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        if (zmq_msg_recv (&msg, s, flags) == -1) {
            printf ("recv nothing: %s\n", zmq_strerror (zmq_errno ()));
            return;
        }
        more = zmq_msg_more (&msg);
        size_t size = zmq_msg_size (&msg);
        hex (text, zmq_msg_data (&msg), size < 500 ? size : 500);
        sprintf (line + strlen (line), " %s", size ? text : "-");
        for (int i = 0; !more && i < COUNT (names); i++) {
            const char *value = zmq_msg_gets (&msg, names[i]);
            if (value)
                sprintf (line + strlen (line), " %s=%.100s", names[i], value);
        }
        zmq_msg_close (&msg);
    }
    printf ("%s\n", line);
}

static void obey (void)
{
    char line[4096];
    while (fgets (line, sizeof line, stdin)) {
        const char *command = strtok (line, " \n");
        if (!command || strcmp (command, "end") == 0)
            return;
        if (strcmp (command, "send") == 0) {
            const char *text = strtok (NULL, " \n");
            size_t n = unhex (text ? text : "", bytes);
            if (zmq_send (s, bytes, n, ZMQ_DONTWAIT) == -1)
                printf ("send: %s\n", zmq_strerror (zmq_errno ()));
        } else if (strcmp (command, "recv") == 0)
            show (0);
        else if (strcmp (command, "look") == 0)
            show (ZMQ_DONTWAIT);
        else if (strcmp (command, "exchange") == 0)
            exchange ();
        else if (strcmp (command, "echo") == 0)
            echo ();
        else if (strcmp (command, "release") == 0)
            sem_post (&release);
        else if (strcmp (command, "bury") == 0) {
            buried = 1;
            sem_post (&release);
        }
        fflush (stdout);
    }
}

/* ---- the beginning ---- */

static void set_option (const char *argument)
{
    const char *equals = strchr (argument, '='), *value = equals ? equals + 3 : "";
    unsigned char raw[4096];
    int option = equals ? find (options, COUNT (options), argument, (size_t) (equals - argument)) : -1;
    int number = atoi (value), rc = -1;
    if (option == -1)
        fail (argument);
    switch (equals[1]) {
        case 'i':
            rc = zmq_setsockopt (s, option, &number, sizeof number);
            break;
        case 's':
            rc = zmq_setsockopt (s, option, value, strlen (value));
            break;
        case 'z':
            rc = zmq_setsockopt (s, option, value, strlen (value) + 1);
            break;
        case 'x':
            rc = zmq_setsockopt (s, option, raw, unhex (value, raw));
            break;
    }
    /* Refused values are part of what is compared. */
    if (rc == -1)
        printf ("refused %.*s: %s\n", (int) (equals - argument), argument,
                zmq_strerror (zmq_errno ()));
}

static void read_argument (const char *argument)
{
    static const struct
    {
        const char *name;
        const char **value;
    } texts[] = {{"zap=", &zap_status},
                 {"zapallow=", &zap_allow},
                 {"zapuser=", &zap_user},
                 {"zapmeta=", &zap_meta},
                 {"zapfault=", &zap_fault},
                 {"first=", &first}};
    for (int i = 0; i < COUNT (texts); i++)
        if (strncmp (argument, texts[i].name, strlen (texts[i].name)) == 0) {
            *texts[i].value = argument + strlen (texts[i].name);
            return;
        }
    if (strcmp (argument, "zaphold=1") == 0)
        zap_hold = 1;
    else if (strcmp (argument, "zaptype=REP") == 0)
        zap_type = ZMQ_REP;
    else
        set_option (argument);
}

static void set_int (void *socket, int option, int value)
{
    if (zmq_setsockopt (socket, option, &value, sizeof value))
        fail ("option");
}

/* "keys" prints a pair of keys, "public <secret key>" what belongs to it. */
static int keys (int argc, char **argv)
{
    char public_key[41], secret_key[41];
    if (argc == 2 && zmq_curve_keypair (public_key, secret_key) == 0)
        return printf ("%s %s\n", public_key, secret_key) < 0;
    if (argc == 3 && zmq_curve_public (public_key, argv[2]) == 0)
        return printf ("%s\n", public_key) < 0;
    return 2;
}

int main (int argc, char **argv)
{
    pthread_t handling, watching;
    char last[256];
    size_t len = sizeof last;
    if (argc < 4)
        return keys (argc, argv);
    alarm (60);
    print_library ();
    sem_init (&release, 0, 0);
    ctx = zmq_ctx_new ();
    s = zmq_socket (ctx, find (types, COUNT (types), argv[1], strlen (argv[1])));
    if (!s || !zmq_has ("curve"))
        fail ("start");
    set_int (s, ZMQ_RCVTIMEO, 15000);
    set_int (s, ZMQ_SNDTIMEO, 15000);
    set_int (s, ZMQ_LINGER, 0);
    set_int (s, ZMQ_RECONNECT_IVL, -1);
    for (int i = 4; i < argc; i++)
        read_argument (argv[i]);
    if (zap_status) {
        handler = zmq_socket (ctx, zap_type);
        if (!handler || zmq_bind (handler, "inproc://zeromq.zap.01"))
            fail ("handler");
        set_int (handler, ZMQ_LINGER, 0);
        pthread_create (&handling, NULL, handle, NULL);
    }
    void *monitor = zmq_socket (ctx, ZMQ_PAIR);
    if (zmq_socket_monitor (s, "inproc://monitor", ZMQ_EVENT_ALL)
        || zmq_connect (monitor, "inproc://monitor"))
        fail ("monitor");
    pthread_create (&watching, NULL, watch, monitor);
    if ((strcmp (argv[2], "bind") ? zmq_connect : zmq_bind) (s, argv[3])
        || zmq_getsockopt (s, ZMQ_LAST_ENDPOINT, last, &len))
        fail (argv[3]);
    if (first)
        zmq_send (s, bytes, unhex (first, bytes), ZMQ_DONTWAIT);
    printf ("endpoint %s\n", last);
    fflush (stdout);
    obey ();
    zmq_close (s);
    pthread_join (watching, NULL);
    sem_post (&release);
    zmq_ctx_shutdown (ctx);
    if (zap_status)
        pthread_join (handling, NULL);
    zmq_ctx_term (ctx);
    printf ("done\n");
    return 0;
}
