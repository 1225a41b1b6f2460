/* Thousands of connections that talk nonsense, to every socket type under every
   mechanism: what real peers say, recorded and then damaged, or random bytes. The
   process lives, its memory and descriptors level off, and a good peer of each
   socket is served all the while. The seed is fixed.
   run alone */
#include "robust.h"
#include "damage.h"

#define CONNECTIONS (10000 * scale ())
#define WINDOW 64          /* connections of an attacker open at once */
#define HANDSHAKE_IVL 1000 /* milliseconds */
#define COPIES 32          /* of an answer that bad peers may get in place of the good one */

static const char server_public[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
static const char server_secret[] = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

enum way { ECHO, IN, OUT };

static const struct type {
    const char *name;
    int number, peer;
    enum way way;
    int copies;
} types[] = {
  {"REP", ZMQ_REP, ZMQ_REQ, ECHO, 1},        {"ROUTER", ZMQ_ROUTER, ZMQ_DEALER, ECHO, 1},
  {"PAIR", ZMQ_PAIR, ZMQ_PAIR, ECHO, 1},     {"DEALER", ZMQ_DEALER, ZMQ_DEALER, ECHO, COPIES},
  {"PULL", ZMQ_PULL, ZMQ_PUSH, IN, 1},       {"SUB", ZMQ_SUB, ZMQ_PUB, IN, 1},
  {"XSUB", ZMQ_XSUB, ZMQ_PUB, IN, 1},        {"PUSH", ZMQ_PUSH, ZMQ_PULL, OUT, COPIES},
  {"PUB", ZMQ_PUB, ZMQ_SUB, OUT, 1},         {"XPUB", ZMQ_XPUB, ZMQ_SUB, OUT, 1},
  {"REQ", ZMQ_REQ, ZMQ_REP, OUT, 1},         {"STREAM", ZMQ_STREAM, -1, ECHO, 1},
};
#define TYPES ((int) (sizeof types / sizeof *types))

enum mechanism { NONE, ZAP, PLAIN, CURVE, MECHANISMS };

/* A socket under attack. STREAM knows no mechanism. */
#define SPOTS (TYPES * MECHANISMS - MECHANISMS + 1)
#define TYPE_OF(spot) (&types[(spot) / MECHANISMS])
#define MECHANISM_OF(spot) ((enum mechanism) ((spot) % MECHANISMS))

static void secure (void *s, int spot, int as_server)
{
    int on = 1;
    char public_key[41], secret_key[41];
    switch (MECHANISM_OF (spot)) {
    case ZAP:
        if (as_server)
            OK (zmq_setsockopt (s, ZMQ_ZAP_DOMAIN, "global", 6));
        break;
    case PLAIN:
        if (as_server) {
            OK (zmq_setsockopt (s, ZMQ_PLAIN_SERVER, &on, sizeof on));
        } else {
            OK (zmq_setsockopt (s, ZMQ_PLAIN_USERNAME, "admin", 5));
            OK (zmq_setsockopt (s, ZMQ_PLAIN_PASSWORD, "secret", 6));
        }
        break;
    case CURVE:
        if (as_server) {
            OK (zmq_setsockopt (s, ZMQ_CURVE_SERVER, &on, sizeof on));
            OK (zmq_setsockopt (s, ZMQ_CURVE_SECRETKEY, server_secret, 41));
        } else {
            OK (zmq_curve_keypair (public_key, secret_key));
            OK (zmq_setsockopt (s, ZMQ_CURVE_SERVERKEY, server_public, 41));
            OK (zmq_setsockopt (s, ZMQ_CURVE_PUBLICKEY, public_key, 41));
            OK (zmq_setsockopt (s, ZMQ_CURVE_SECRETKEY, secret_key, 41));
        }
        break;
    default:
        break;
    }
}

static void *open_socket (void *ctx, int type)
{
    void *s = zmq_socket (ctx, type);
    OK (s ? 0 : -1);
    set_int (s, ZMQ_LINGER, 0);
    if (type == ZMQ_REQ) {
        set_int (s, ZMQ_REQ_RELAXED, 1);
        set_int (s, ZMQ_REQ_CORRELATE, 1);
    }
    if (type == ZMQ_SUB)
        OK (zmq_setsockopt (s, ZMQ_SUBSCRIBE, "", 0));
    return s;
}

/* ---- the server, a process of its own ----------------------------------- */

static char endpoints[SPOTS][64];
static void *sockets[SPOTS];

/* Lets in everybody under NULL and CURVE, and those who know the password. */
static void *zap_handler (void *rep)
{
    char frames[12][256];
    int sizes[12];
    for (;;) {
        int count = 0, more = 1;
        while (more) {
            size_t size = sizeof more;
            int at = count < 11 ? count : 11;
            if ((sizes[at] = zmq_recv (rep, frames[at], 256, 0)) < 0)
                return NULL;
            if (zmq_getsockopt (rep, ZMQ_RCVMORE, &more, &size) < 0)
                return NULL; /* the context is shut down */
            count++;
        }
        int good = count > 5
                   && (memcmp (frames[5], "PLAIN", 5) != 0
                       || (count == 8 && sizes[7] == 6 && memcmp (frames[7], "secret", 6) == 0));
        const char *reply[] = {"1.0", "1", good ? "200" : "400", "", good ? "somebody" : "", ""};
        for (int i = 0; i < 6; i++)
            zmq_send (rep, reply[i], strlen (reply[i]), i < 5 ? ZMQ_SNDMORE : 0);
    }
}

/* Sends copies of a message's parts. One that is refused ends it: a STREAM whose
   peer has gone would take the data that follows an id for the next id. */
static void send_back (void *s, zmq_msg_t *parts, int count)
{
    for (int i = 0, sent = 0; i < count && sent >= 0; i++) {
        zmq_msg_t part;
        zmq_msg_init (&part);
        zmq_msg_copy (&part, &parts[i]);
        sent = zmq_msg_send (&part, s, ZMQ_DONTWAIT | (i < count - 1 ? ZMQ_SNDMORE : 0));
        if (sent < 0)
            zmq_msg_close (&part);
    }
}

/* One message of a socket: sent back, or the last part of it passed on. */
static void answer (int spot, void *control)
{
    const struct type *type = TYPE_OF (spot);
    zmq_msg_t parts[16];
    int count = 0, more = 1;
    while (more) {
        zmq_msg_t *part = &parts[count < 15 ? count++ : 15];
        zmq_msg_init (part);
        if (zmq_msg_recv (part, sockets[spot], ZMQ_DONTWAIT) < 0) {
            zmq_msg_close (part);
            count--;
            break;
        }
        more = zmq_msg_more (part);
    }
    /* To a STREAM's peer an empty message would be the end. */
    int echo = type->way == ECHO && count > 0
               && (type->number != ZMQ_STREAM || zmq_msg_size (&parts[count - 1]) > 0);
    for (int copy = 0; echo && copy < type->copies; copy++)
        send_back (sockets[spot], parts, count);
    if (type->way == IN && count > 0) {
        zmq_msg_t *last = &parts[count - 1];
        if (zmq_msg_size (last) < 32 && memchr (zmq_msg_data (last), '#', zmq_msg_size (last)))
            zmq_send (control, zmq_msg_data (last), zmq_msg_size (last), ZMQ_DONTWAIT);
    }
    for (int i = 0; i < count; i++)
        zmq_msg_close (&parts[i]);
}

/* A word from the test: something to be said on a socket; "end" is the last. */
static int obey (void *control)
{
    char text[64];
    int size = zmq_recv (control, text, sizeof text - 1, ZMQ_DONTWAIT);
    if (size < 0)
        return 1;
    text[size] = 0;
    int spot = atoi (text);
    if (size == 3 || spot < 0 || spot >= SPOTS)
        return 0;
    for (int copy = 0; copy < TYPE_OF (spot)->copies; copy++)
        zmq_send (sockets[spot], text, (size_t) size, ZMQ_DONTWAIT);
    return 1;
}

static void serve (const char *meeting, int out)
{
    void *ctx = zmq_ctx_new (), *control = open_socket (ctx, ZMQ_DEALER);
    void *rep = open_socket (ctx, ZMQ_REP);
    pthread_t thread;
    OK (zmq_bind (rep, "inproc://zeromq.zap.01"));
    pthread_create (&thread, NULL, zap_handler, rep);
    zmq_pollitem_t items[SPOTS + 1];
    for (int spot = 0; spot < SPOTS; spot++) {
        sockets[spot] = open_socket (ctx, TYPE_OF (spot)->number);
        secure (sockets[spot], spot, 1);
        set_int (sockets[spot], ZMQ_HANDSHAKE_IVL, HANDSHAKE_IVL);
        OK (zmq_setsockopt (sockets[spot], ZMQ_MAXMSGSIZE, &(int64_t){1 << 20}, 8));
        bind_tcp (sockets[spot], endpoints[spot]);
        if (TYPE_OF (spot)->number == ZMQ_XSUB)
            OK (zmq_send (sockets[spot], "\1", 1, 0));
        items[spot] = (zmq_pollitem_t){sockets[spot], 0, ZMQ_POLLIN, 0};
        if (TYPE_OF (spot)->number == ZMQ_PUSH || TYPE_OF (spot)->number == ZMQ_PUB)
            items[spot].events = 0;
    }
    OK (zmq_connect (control, meeting));
    items[SPOTS] = (zmq_pollitem_t){control, 0, ZMQ_POLLIN, 0};
    CHECK (write (out, endpoints, sizeof endpoints) == sizeof endpoints, "endpoints");
    for (int goes_on = 1; goes_on;) {
        OK (zmq_poll (items, SPOTS + 1, -1));
        for (int spot = 0; spot < SPOTS; spot++)
            if (items[spot].revents)
                answer (spot, control);
        if (items[SPOTS].revents)
            goes_on = obey (control);
    }
    for (int spot = 0; spot < SPOTS; spot++)
        zmq_close (sockets[spot]);
    zmq_close (control);
    zmq_ctx_shutdown (ctx);
    pthread_join (thread, NULL);
    zmq_close (rep);
    OK (zmq_ctx_term (ctx));
}

static pid_t start_server (const char *meeting)
{
    int up[2];
    OK (pipe2 (up, O_CLOEXEC));
    pid_t server = fork ();
    if (server == 0) {
        int errors = open ("server-errors", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2 (errors, 2);
        setenv ("ZMQ_LOG", "error", 1);
        close (up[0]);
        serve (meeting, up[1]);
        exit (done ());
    }
    close (up[1]);
    size_t have = 0;
    for (ssize_t n; have < sizeof endpoints; have += (size_t) n)
        if ((n = read (up[0], (char *) endpoints + have, sizeof endpoints - have)) <= 0)
            break;
    CHECK (have == sizeof endpoints, "the server is there");
    close (up[0]);
    return server;
}

/* ---- good peers ---------------------------------------------------------- */

static void *ctx, *control, *good[SPOTS];
static int stream_fd = -1;
static unsigned serial;

static int hear (int spot, void *s, const char *text, int size)
{
    char got[64];
    int n = zmq_recv (s, got, sizeof got, ZMQ_DONTWAIT);
    if (n >= 0 && TYPE_OF (spot)->peer == ZMQ_REP)
        zmq_send (s, "", 0, ZMQ_DONTWAIT);
    return n == size && memcmp (got, text, (size_t) size) == 0;
}

/* Asks a socket something until the answer comes; the seconds that took. */
static double ask (int spot)
{
    char text[32], got[64];
    int size = snprintf (text, sizeof text, "%d#%u", spot, ++serial);
    enum way way = TYPE_OF (spot)->way;
    void *to = way == OUT ? control : good[spot], *from = way == IN ? control : good[spot];
    double begun = now ();
    while (now () < begun + 20) {
        if (!good[spot]) {
            struct pollfd item = {stream_fd, POLLIN, 0};
            CHECK (send (stream_fd, text, (size_t) size, MSG_NOSIGNAL) == size, "asked");
            if (poll (&item, 1, 5000) == 1 && recv (stream_fd, got, sizeof got, 0) == size)
                return now () - begun;
            continue;
        }
        zmq_send (to, text, (size_t) size, ZMQ_DONTWAIT);
        zmq_pollitem_t item = {from, 0, ZMQ_POLLIN, 0};
        double again = now () + 0.1;
        while (now () < again)
            if (zmq_poll (&item, 1, 20) > 0 && hear (spot, from, text, size))
                return now () - begun;
    }
    say ("no answer from %s, mechanism %d", TYPE_OF (spot)->name, MECHANISM_OF (spot));
    CHECK (0, "a good peer is served");
    return 20;
}

static void make_good_peers (void)
{
    for (int spot = 0; spot < SPOTS; spot++) {
        if (TYPE_OF (spot)->peer < 0) {
            stream_fd = dial (port_of (endpoints[spot]));
            continue;
        }
        good[spot] = open_socket (ctx, TYPE_OF (spot)->peer);
        secure (good[spot], spot, 0);
        OK (zmq_connect (good[spot], endpoints[spot]));
    }
}

/* Asks all around, at least once and until the time is over or `goes_on` ends. */
static double rounds (const char *when, double seconds, atomic_int *attackers)
{
    double begun = now (), worst = 0;
    int count = 0, worst_spot = 0;
    do
        for (int spot = 0; spot < SPOTS; spot++, count++) {
            double took = ask (spot);
            if (took > worst) {
                worst = took;
                worst_spot = spot;
            }
        }
    while (now () < begun + seconds || (attackers && atomic_load (attackers)));
    say ("%s: %.0f questions a second, the worst took %.3f s (%s, mechanism %d)", when,
         count / (now () - begun), worst, TYPE_OF (worst_spot)->name, MECHANISM_OF (worst_spot));
    return worst;
}

/* ---- bad peers ----------------------------------------------------------- */

/* What a real peer of each socket says. */
static struct words recorded[SPOTS];

/* Stands between a real peer and the socket: records what the peer says, and
   changes the byte at `wrong`, if it comes so far. */
static void relay (int listener, int spot, struct words *said, size_t wrong, double until)
{
    int near = accept (listener, NULL, NULL), far = dial (port_of (endpoints[spot]));
    struct pollfd ends[2] = {{near, POLLIN, 0}, {far, POLLIN, 0}};
    while (now () < until && poll (ends, 2, 10) >= 0) {
        unsigned char bytes[BYTES];
        ssize_t n = ends[0].revents ? recv (near, bytes, sizeof bytes, 0) : -1;
        if (ends[0].revents && n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++) {
            if (said->size == wrong)
                bytes[i] ^= (unsigned char) (1 << (wrong % 8));
            if (said->size < BYTES)
                said->bytes[said->size++] = bytes[i];
        }
        if (n > 0 && send (far, bytes, (size_t) n, MSG_NOSIGNAL) != n)
            break;
        n = ends[1].revents ? recv (far, bytes, sizeof bytes, 0) : -1;
        if (ends[1].revents && (n <= 0 || send (near, bytes, (size_t) n, MSG_NOSIGNAL) != n))
            break;
    }
    close (near);
    close (far);
}

/* A real peer says what such peers say, through a relay. */
static void be_real (int spot, struct words *said, size_t wrong)
{
    int listener = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = address_of ("127.0.0.1", 0);
    socklen_t size = sizeof at;
    char to[64], got[64];
    OK (bind (listener, (struct sockaddr *) &at, sizeof at));
    OK (listen (listener, 4));
    OK (getsockname (listener, (struct sockaddr *) &at, &size));
    snprintf (to, sizeof to, "tcp://127.0.0.1:%d", ntohs (at.sin_port));
    void *s = open_socket (ctx, TYPE_OF (spot)->peer);
    secure (s, spot, 0);
    set_int (s, ZMQ_RECONNECT_IVL, -1);
    OK (zmq_setsockopt (s, ZMQ_ROUTING_ID, "real", 4));
    OK (zmq_connect (s, to));
    for (int i = 0; i < 3; i++) {
        zmq_send (s, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE);
        zmq_send (s, "a message of some length, or more than that", 43, ZMQ_DONTWAIT);
    }
    said->size = 0;
    relay (listener, spot, said, wrong, now () + 0.04);
    zmq_recv (s, got, sizeof got, ZMQ_DONTWAIT);
    zmq_close (s);
    close (listener);
}

/* What is said before it is damaged. */
static void choose (uint64_t *seed, int spot, struct words *to)
{
    to->size = 0;
    switch (below (seed, 8)) {
    case 0: /* ZMTP 1.0 */
        add (to, "\6\0ident\6\1first\5\0last", 20);
        break;
    case 1: { /* ZMTP 2.0 */
        int number = TYPE_OF (spot)->peer;
        unsigned char type = (unsigned char) (number < 0 ? 5 : number);
        add (to, "\377\0\0\0\0\0\0\0\1\177\1", 11);
        add (to, &type, 1);
        add (to, "\0\5ident\1\5first\0\4last", 20);
        break;
    }
    case 2: /* random */
        while (to->size < 1 + below (seed, BYTES / 4))
            to->bytes[to->size++] = (unsigned char) draw (seed);
        break;
    case 3: /* another's words */
        spot = (int) below (seed, SPOTS - 1);
        /* fall through */
    default:
        add (to, recorded[spot].bytes, recorded[spot].size);
        if (to->size > 11 && below (seed, 4) == 0)
            to->bytes[11] = 0; /* ZMTP 3.0 */
    }
}

/* A connection of an attacker. */
struct bad {
    int fd;
    struct words words;
    size_t sent, step;
};

static void go_on (struct bad *bad)
{
    size_t size = bad->words.size - bad->sent;
    size = size < bad->step ? size : bad->step;
    ssize_t n = size ? send (bad->fd, bad->words.bytes + bad->sent, size,
                             MSG_NOSIGNAL | MSG_DONTWAIT)
                     : 0;
    bad->sent += n > 0 ? (size_t) n : 0;
}

static void end (uint64_t *seed, struct bad *bad)
{
    char bytes[4096];
    struct linger reset = {1, 0};
    if (below (seed, 4) == 0)
        while (recv (bad->fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
        }
    /* An orderly end keeps the port for a minute: not too many of them. */
    if (below (seed, 8) != 0)
        setsockopt (bad->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    else if (below (seed, 2) != 0)
        shutdown (bad->fd, SHUT_WR);
    close (bad->fd);
}

struct attack {
    uint64_t seed;
    long count;
    atomic_int *running;
    atomic_long *made;
};

/* Connections one after the other, WINDOW of them at a time; some drip. */
static void *attack (void *arg)
{
    struct attack *plan = arg;
    struct bad *window = calloc (WINDOW, sizeof *window);
    for (long i = 0; i < plan->count + WINDOW; i++) {
        struct bad *bad = &window[i % WINDOW];
        for (int k = 0; k < 4; k++)
            go_on (&window[below (&plan->seed, WINDOW)]);
        if (i >= WINDOW)
            end (&plan->seed, bad);
        bad->words.size = bad->sent = 0;
        if (i >= plan->count)
            continue;
        int spot = (int) (i % SPOTS);
        choose (&plan->seed, spot, &bad->words);
        for (size_t k = 0; k <= below (&plan->seed, 3); k++)
            damage (&plan->seed, &bad->words);
        bad->step = below (&plan->seed, 3) ? BYTES : 1 + below (&plan->seed, 40);
        bad->fd = dial (port_of (endpoints[spot]));
        go_on (bad);
        atomic_fetch_add (plan->made, 1);
    }
    free (window);
    atomic_fetch_sub (plan->running, 1);
    return NULL;
}

/* Real peers under CURVE, whose words are damaged on the way. */
static void *tamper (void *arg)
{
    struct attack *plan = arg;
    struct words *said = malloc (sizeof *said);
    for (long i = 0; i < plan->count; i++) {
        int spot = (int) below (&plan->seed, TYPES - 1) * MECHANISMS + CURVE;
        be_real (spot, said, below (&plan->seed, recorded[spot].size));
        atomic_fetch_add (plan->made, 1);
    }
    free (said);
    atomic_fetch_sub (plan->running, 1);
    return NULL;
}

/* ---- the whole ------------------------------------------------------------ */

/* The attack, part `part`, while good peers ask. */
static void wave (int part)
{
    atomic_int running = 3;
    atomic_long made = 0;
    struct attack plans[3];
    pthread_t threads[3];
    char name[32];
    for (int i = 0; i < 3; i++) {
        long count = i < 2 ? CONNECTIONS / 4 : CONNECTIONS / 200;
        plans[i] = (struct attack){0x9e3779b97f4a7c15ull * (uint64_t) (3 * part + i + 1), count,
                                   &running, &made};
        pthread_create (&threads[i], NULL, i < 2 ? attack : tamper, &plans[i]);
    }
    snprintf (name, sizeof name, "wave %d", part);
    jitter_start ();
    double begun = now (), worst = rounds (name, 0, &running), late = jitter_end ();
    for (int i = 0; i < 3; i++)
        pthread_join (threads[i], NULL);
    say ("%ld bad connections in %.1f s, %.3f s of jitter", atomic_load (&made), now () - begun,
         late);
    CHECK (worst < 1 + 10 * late, "good peers are served all the while");
}

int main (void)
{
    char meeting[64];
    struct stat errors;
    int status = 0;
    snprintf (meeting, sizeof meeting, "ipc://@robust-hostile-%d", (int) getpid ());
    pid_t server = start_server (meeting);
    ctx = zmq_ctx_new ();
    control = open_socket (ctx, ZMQ_DEALER);
    OK (zmq_bind (control, meeting));
    make_good_peers ();
    rounds ("getting to know each other", 0, NULL);
    rounds ("in peace", 0.5, NULL);
    for (int spot = 0; spot < SPOTS - 1; spot++) {
        if (TYPE_OF (spot)->number != ZMQ_PAIR)
            be_real (spot, &recorded[spot], BYTES);
        else
            recorded[spot] = recorded[3 * MECHANISMS + MECHANISM_OF (spot)];
    }
    int before = count_fds_of (server);
    wave (1);
    long memory = status_of (server, "VmRSS:");
    wave (2);
    long grown = status_of (server, "VmRSS:") - memory;
    double limit = now () + HANDSHAKE_IVL / 1000.0 + 3;
    while (count_fds_of (server) > before && now () < limit)
        nap (0.05);
    say ("the server has %ld KiB, %ld more than after the first wave, and %d descriptors more than before",
         memory, grown, count_fds_of (server) - before);
    CHECK (grown < 4096, "memory levels off");
    CHECK (count_fds_of (server) <= before, "no connection is left of them");
    rounds ("in peace again", 0.5, NULL);
    OK (zmq_send (control, "end", 3, 0));
    OK (waitpid (server, &status, 0));
    CHECK (status == 0, "the server ends well");
    CHECK (stat ("server-errors", &errors) == 0 && errors.st_size == 0, "no internal error");
    for (int spot = 0; spot < SPOTS; spot++)
        if (good[spot])
            zmq_close (good[spot]);
    zmq_close (control);
    OK (zmq_ctx_term (ctx));
    return done ();
}
