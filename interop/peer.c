/*
 * One end of an exchange between two libraries.
 *
 *   peer <type> <first|second> <bind|connect> <endpoint> [<peer type>]
 *
 * "first" starts the exchange and "second" answers it (or only listens, for
 * the one-way patterns). Both know the same list of messages, so each checks
 * every byte it gets. On stdout: the library in use, the endpoint bound, and
 * in the end how many messages came and the checksum of their bytes.
 */
#include <zmq.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNT(a) ((int) (sizeof (a) / sizeof ((a)[0])))

static const struct {
    const char *name;
    int number;
} types[] = {
  {"PAIR", ZMQ_PAIR}, {"PUB", ZMQ_PUB},   {"SUB", ZMQ_SUB},
  {"REQ", ZMQ_REQ},   {"REP", ZMQ_REP},   {"DEALER", ZMQ_DEALER},
  {"ROUTER", ZMQ_ROUTER}, {"PULL", ZMQ_PULL}, {"PUSH", ZMQ_PUSH},
  {"XPUB", ZMQ_XPUB}, {"XSUB", ZMQ_XSUB},
};

/* The plan: every message is `parts` parts whose sizes start at `from`. */
static const size_t sizes[] = {0,   1,   33,   34,    255,
                               256, 8191, 8192, 65536, 1048576};
static const struct {
    int parts;
    int from;  /* index of the first size */
    int cycle; /* how many sizes take turns */
} plan[] = {
  {1, 0, 1}, {1, 1, 1}, {1, 2, 1},   {1, 3, 1},   {1, 4, 1},  {1, 5, 1},
  {1, 6, 1}, {1, 7, 1}, {1, 8, 1},   {1, 9, 1},   {2, 0, 2},  {2, 2, 2},
  {3, 4, 3}, {5, 0, 5}, {10, 0, 10}, {100, 3, 1}, {100, 0, 2}, {50, 2, 4},
  {20, 6, 2}, {1, 0, 1}, {7, 1, 7},
};

static void *ctx, *s;
static int type;
static uint64_t checksum = 1469598103934665603u;
static unsigned char scratch[1048576];

static void fail (const char *what, int message, int part)
{
    printf ("failed: %s (message %d, part %d, errno %s)\n", what, message, part,
            zmq_strerror (zmq_errno ()));
    fflush (stdout);
    _exit (1);
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
    fflush (stdout);
}

static size_t part_size (int message, int part)
{
    return sizes[plan[message].from + part % plan[message].cycle];
}

static unsigned char pattern (int message, int part, int way, size_t i)
{
    return (unsigned char) (i * 31 + (i >> 8) * 3 + (size_t) message * 7
                            + (size_t) part * 13 + (size_t) way * 101);
}

/* Sends one part; `more` says whether another follows in this message. */
static void put (const void *data, size_t size, int more, int message)
{
    if (zmq_send (s, data, size, more ? ZMQ_SNDMORE : 0) != (int) size)
        fail ("send", message, -1);
}

/* Sends the body of a planned message behind any envelope already sent. */
static void put_body (int message, int way)
{
    int parts = plan[message].parts;
    for (int p = 0; p < parts; p++) {
        zmq_msg_t msg;
        size_t size = part_size (message, p);
        if (zmq_msg_init_size (&msg, size) != 0)
            fail ("init", message, p);
        unsigned char *data = zmq_msg_data (&msg);
        for (size_t i = 0; i < size; i++)
            data[i] = pattern (message, p, way, i);
        if (zmq_msg_send (&msg, s, p + 1 < parts ? ZMQ_SNDMORE : 0) == -1)
            fail ("send", message, p);
    }
}

static int more (void)
{
    int value = 0;
    size_t len = sizeof value;
    zmq_getsockopt (s, ZMQ_RCVMORE, &value, &len);
    return value;
}

/* Receives one part into `scratch` and returns its size. */
static size_t get (int message, int part)
{
    int n = zmq_recv (s, scratch, sizeof scratch, 0);
    if (n == -1)
        fail ("recv", message, part);
    if ((size_t) n > sizeof scratch)
        fail ("a part too large", message, part);
    return (size_t) n;
}

/* Receives and checks the body of a planned message, byte by byte. */
static void get_body (int message, int way)
{
    int parts = plan[message].parts;
    for (int p = 0; p < parts; p++) {
        size_t size = part_size (message, p);
        if (get (message, p) != size)
            fail ("wrong size", message, p);
        for (size_t i = 0; i < size; i++) {
            if (scratch[i] != pattern (message, p, way, i))
                fail ("wrong content", message, p);
            checksum = (checksum ^ scratch[i]) * 1099511628211u;
        }
        if (more () != (p + 1 < parts))
            fail ("wrong number of parts", message, p);
    }
}

static void expect (const char *text, size_t size, int message)
{
    if (get (message, -1) != size || memcmp (scratch, text, size) != 0)
        fail ("wrong envelope", message, -1);
    if (!more ())
        fail ("no part behind the envelope", message, -1);
}

/* ---- request and reply ---------------------------------------------- */

/* What stands in front of a request: an address, a delimiter, or nothing. */
static void put_envelope (int peer, int message)
{
    if (type == ZMQ_ROUTER) {
        /* The peer is unknown until its handshake is done: try again. */
        for (int tries = 0; zmq_send (s, "second", 6, ZMQ_SNDMORE) == -1; tries++) {
            struct timespec pause = {0, 2000000};
            if (zmq_errno () != EHOSTUNREACH || tries > 4000)
                fail ("send to a ROUTER", message, -1);
            nanosleep (&pause, NULL);
        }
    }
    if (type == ZMQ_DEALER && peer == ZMQ_REP)
        put ("", 0, 1, message);
}

static void ask_one (int peer, int message)
{
    put_envelope (peer, message);
    put_body (message, 0);
}

static void take_answer (int peer, int message)
{
    if (type == ZMQ_ROUTER)
        expect ("second", 6, message);
    if (type == ZMQ_DEALER && peer == ZMQ_REP)
        expect ("", 0, message);
    get_body (message, 1);
}

static void ask (int peer)
{
    int lockstep = type == ZMQ_REQ;
    for (int m = 0; m < COUNT (plan); m++) {
        ask_one (peer, m);
        if (lockstep)
            take_answer (peer, m);
    }
    for (int m = 0; m < COUNT (plan) && !lockstep; m++)
        take_answer (peer, m);
}

static void answer (int peer)
{
    for (int m = 0; m < COUNT (plan); m++) {
        unsigned char id[256];
        size_t id_size = 0;
        if (type == ZMQ_ROUTER) {
            id_size = get (m, -1);
            if (id_size == 0 || id_size > sizeof id || !more ())
                fail ("wrong routing id", m, -1);
            memcpy (id, scratch, id_size);
            if (peer == ZMQ_ROUTER && (id_size != 5 || memcmp (id, "first", 5)))
                fail ("wrong routing id", m, -1);
            if (peer == ZMQ_REQ)
                expect ("", 0, m);
        }
        get_body (m, 0);
        if (type == ZMQ_ROUTER) {
            put (id, id_size, 1, m);
            if (peer == ZMQ_REQ)
                put ("", 0, 1, m);
        }
        put_body (m, 1);
    }
}

/* ---- one way -------------------------------------------------------- */

static void publish (void)
{
    char line[16];
    if (type == ZMQ_XPUB) {
        if (get (-1, 0) != 2 || memcmp (scratch, "\1T", 2) != 0)
            fail ("wrong subscription", -1, 0);
    }
    /* A publisher cannot know; the driver says when the subscriber hears. */
    zmq_pollitem_t in = {NULL, 0, ZMQ_POLLIN, 0};
    for (int tries = 0; zmq_poll (&in, 1, 2) == 0; tries++) {
        if (tries > 4000)
            fail ("no word from the driver", -1, 0);
        put ("Tsync", 5, 0, -1);
    }
    if (!fgets (line, sizeof line, stdin))
        fail ("no word from the driver", -1, 0);
    for (int m = 0; m < COUNT (plan); m++) {
        put ("not for you", 11, 1, m);
        put ("T", 1, 0, m);
        put ("Topic", 5, 1, m);
        put_body (m, 0);
    }
    /* The subscriber takes its subscription back when it has everything. */
    if (type == ZMQ_XPUB
        && (get (-1, 1) != 2 || memcmp (scratch, "\0T", 2) != 0))
        fail ("wrong end of the subscription", -1, 1);
    /* Nothing is left to send once the subscriber has said that it is done. */
    if (!fgets (line, sizeof line, stdin))
        fail ("no last word from the driver", -1, 0);
}

static void subscribe (void)
{
    if (type == ZMQ_XSUB)
        put ("\1T", 2, 0, -1);
    else if (zmq_setsockopt (s, ZMQ_SUBSCRIBE, "T", 1) != 0)
        fail ("subscribe", -1, 0);
    if (get (-1, 0) != 5 || memcmp (scratch, "Tsync", 5) != 0)
        fail ("wrong first message", -1, 0);
    printf ("ready\n");
    fflush (stdout);
    for (int m = 0; m < COUNT (plan); m++) {
        size_t size;
        do {
            size = get (m, -1);
        } while (size == 5 && memcmp (scratch, "Tsync", 5) == 0);
        if (size != 5 || memcmp (scratch, "Topic", 5) != 0 || !more ())
            fail ("wrong topic", m, -1);
        get_body (m, 0);
    }
    if (type == ZMQ_XSUB)
        put ("\0T", 2, 0, -1);
    else if (zmq_setsockopt (s, ZMQ_UNSUBSCRIBE, "T", 1) != 0)
        fail ("unsubscribe", -1, 0);
}

static void push (void)
{
    for (int m = 0; m < COUNT (plan); m++)
        put_body (m, 0);
}

static void pull (void)
{
    for (int m = 0; m < COUNT (plan); m++)
        get_body (m, 0);
}

/* ---- start ---------------------------------------------------------- */

static int type_number (const char *name)
{
    for (int i = 0; i < COUNT (types); i++)
        if (strcmp (types[i].name, name) == 0)
            return types[i].number;
    fail ("unknown socket type", -1, -1);
    return -1;
}

static void option (int number, int value)
{
    if (zmq_setsockopt (s, number, &value, sizeof value) != 0)
        fail ("setsockopt", -1, number);
}

static void open_socket (int first, int binds, const char *endpoint)
{
    char last[256];
    size_t len = sizeof last;
    ctx = zmq_ctx_new ();
    s = zmq_socket (ctx, type);
    if (!s)
        fail ("socket", -1, -1);
    option (ZMQ_SNDHWM, 0);
    option (ZMQ_RCVHWM, 0);
    option (ZMQ_RCVTIMEO, 15000);
    option (ZMQ_SNDTIMEO, 15000);
    if (type == ZMQ_ROUTER) {
        const char *id = first ? "first" : "second";
        option (ZMQ_ROUTER_MANDATORY, 1);
        if (zmq_setsockopt (s, ZMQ_ROUTING_ID, id, strlen (id)) != 0)
            fail ("routing id", -1, -1);
    }
    if ((binds ? zmq_bind : zmq_connect) (s, endpoint) != 0)
        fail (endpoint, -1, -1);
    if (zmq_getsockopt (s, ZMQ_LAST_ENDPOINT, last, &len) != 0)
        fail ("last endpoint", -1, -1);
    printf ("endpoint %s\n", last);
    fflush (stdout);
}

int main (int argc, char **argv)
{
    if (argc != 6) {
        fprintf (stderr, "usage: peer type first|second bind|connect endpoint "
                         "peer-type\n");
        return 2;
    }
    alarm (20);
    type = type_number (argv[1]);
    int first = strcmp (argv[2], "first") == 0;
    int peer = type_number (argv[5]);
    print_library ();
    open_socket (first, strcmp (argv[3], "bind") == 0, argv[4]);
    switch (type) {
        case ZMQ_PUB:
        case ZMQ_XPUB:
            publish ();
            break;
        case ZMQ_SUB:
        case ZMQ_XSUB:
            subscribe ();
            break;
        case ZMQ_PUSH:
            push ();
            break;
        case ZMQ_PULL:
            pull ();
            break;
        default:
            if (first)
                ask (peer);
            else
                answer (peer);
    }
    /* What is still queued leaves before the process does. */
    option (ZMQ_LINGER, type == ZMQ_PUB || type == ZMQ_XPUB ? 100 : 10000);
    if (zmq_close (s) != 0 || zmq_ctx_term (ctx) != 0)
        fail ("end", -1, -1);
    printf ("done %d %016llx\n", COUNT (plan), (unsigned long long) checksum);
    return 0;
}
