/* Peers come, send something and go, and it is not read. New peers get in all the
   same, memory levels off, and what is dropped is what the first ones left, with a
   line in the log. A REP keeps the requests of the last 1,000 departed clients;
   other sockets keep what 10,000 departed peers have left, and 256 MiB of it: to
   fewer and less, nothing happens.
   run alone */
#include "robust.h"

#define CLIENTS 3000
#define AT_ONCE 100 /* as many as wait in the system's queue */
#define BODY 200
#define PEERS 10000           /* departed ones that leave something, at a socket */
#define BYTES (256L << 20)    /* of theirs */
#define LIMIT 160             /* descriptors */

static char endpoint[64];

static void *context, *bound;

static void open_bound (int type, int hwm)
{
    context = zmq_ctx_new ();
    bound = zmq_socket (context, type);
    set_int (bound, ZMQ_RCVHWM, hwm);
    set_int (bound, ZMQ_LINGER, 0);
    set_int (bound, ZMQ_RCVTIMEO, 300);
    bind_tcp (bound, endpoint);
}

static void close_bound (void)
{
    OK (zmq_close (bound));
    OK (zmq_ctx_term (context));
}

/* ---- peers by hand ------------------------------------------------------------ */

static const char *type_of_peer (int type)
{
    switch (type) {
        case ZMQ_PULL:
            return "PUSH";
        case ZMQ_PAIR:
            return "PAIR";
        case ZMQ_SUB:
            return "PUB";
        case ZMQ_REP:
            return "REQ";
        case ZMQ_STREAM:
            return NULL;
        default:
            return "DEALER";
    }
}

/* Connects and says who it is; whether it was let in. */
static int enter (int type, int *fd)
{
    *fd = dial (port_of (endpoint));
    if (!type_of_peer (type))
        return 1;
    greet (*fd, type_of_peer (type));
    if (read_greeting (*fd))
        return 1;
    close (*fd);
    return 0;
}

static int send_all (int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = send (fd, bytes, size, MSG_NOSIGNAL);
        if (count <= 0)
            return 0;
        bytes += count;
        size -= (size_t) count;
    }
    return 1;
}

/* One that sends messages of a number each and leaves; whether it could. */
static int send_and_leave (int type, int number, int messages)
{
    static char frames[64 * 4096];
    char text[16];
    int fd, size = 0;
    snprintf (text, sizeof text, "%08d", number);
    if (!enter (type, &fd))
        return 0;
    for (int i = 0; i < messages; i++) {
        char *frame = frames + size;
        int parts = type == ZMQ_REP;
        if (parts)
            memcpy (frame, "\1\0", 2);
        frame[2 * parts] = 0;
        frame[2 * parts + 1] = 8;
        memcpy (frame + 2 * parts + 2, text, 8);
        size += 2 * parts + 10;
    }
    int sent = send_all (fd, frames, (size_t) size);
    close (fd);
    return sent;
}

/* Reads a message: its number, -1 if there is none. */
static int receive (void)
{
    char text[BODY] = "";
    int more = 1, size = -1;
    size_t length = sizeof more;
    while (more) {
        size = zmq_recv (bound, text, sizeof text - 1, 0);
        if (size < 0)
            return -1;
        text[size] = 0;
        OK (zmq_getsockopt (bound, ZMQ_RCVMORE, &more, &length));
    }
    return size > 0 ? atoi (text) : 0;
}

/* ---- a socket that does nothing ------------------------------------------------- */

/* More peers than are kept leave a message each, and the newest are kept. */
static void crowd (const char *name, int type, int most)
{
    open_bound (type, 1000);
    int peers = most + most / 2, accepted = 0;
    long memory[3] = {rss (), 0, 0};
    for (int i = 0; i < peers && accepted == i; i++) {
        accepted += send_and_leave (type, i + 1, 1);
        if (i + 1 == most + most / 10)
            memory[1] = rss ();
    }
    nap (0.1);
    memory[2] = rss ();
    int heard = 0, oldest = peers, newest = 0, number;
    while ((number = receive ()) > 0) {
        heard++;
        oldest = number < oldest ? number : oldest;
        newest = number > newest ? number : newest;
        if (type == ZMQ_REP)
            OK (zmq_send (bound, "", 0, 0));
    }
    say ("%s, %d peers left a message: %ld KiB for %d of them, then %ld KiB more; %d are heard, from %d to %d", name,
         accepted, memory[1] - memory[0], most + most / 10, memory[2] - memory[1], heard, oldest, newest);
    CHECK (accepted == peers, "new peers get in");
    CHECK (memory[2] - memory[0] < 4L * most + 8192, "memory is bounded");
    CHECK (heard >= most && heard <= most + 100, "as many are kept as there may be");
    CHECK (oldest >= peers - most - 100 && newest == peers, "those of the newest");
    close_bound ();
}

/* Peers that leave 8 MiB each, in messages of 1 MiB. */
static void large (void)
{
    static char megabyte[(1 << 20) + 9];
    open_bound (ZMQ_PULL, 1000);
    long start = rss (), highest = 0;
    int accepted = 0, heard = 0;
    megabyte[0] = 2; /* a long frame */
    megabyte[6] = 16;
    for (int i = 0; i < 60; i++) {
        int fd;
        if (!enter (ZMQ_PULL, &fd))
            break;
        for (int j = 0; j < 8; j++)
            accepted += send_all (fd, megabyte, sizeof megabyte);
        close (fd);
        nap (0.005);
        highest = rss () - start > highest ? rss () - start : highest;
    }
    nap (0.2);
    while (zmq_recv (bound, megabyte, sizeof megabyte, 0) == 1 << 20)
        heard++;
    say ("%d messages of 1 MiB were left: %ld MiB at most, %d of them are heard", accepted, highest >> 10, heard);
    CHECK (accepted == 60 * 8, "new peers get in");
    CHECK (highest < (BYTES >> 10) + 40 * 1024, "memory is bounded");
    CHECK (heard >= 230 && heard <= 256, "and used");
    close_bound ();
}

/* Peers that leave more than the high-water mark lets in. A descriptor is not kept
   for any of them. */
static void beyond_the_mark (int type)
{
    open_bound (type, 1000);
    int accepted = 0, before = count_fds ();
    for (int i = 0; i < 2 * LIMIT; i++) {
        int in = send_and_leave (type, i + 1, 2500);
        accepted += in;
        if (!in) /* out of descriptors: those who left are found out within a second or two */
            nap (0.1);
    }
    double end = now () + 5;
    while (count_fds () > before && now () < end)
        nap (0.05);
    int left = count_fds () - before;
    int again = send_and_leave (type, 1, 1);
    long heard = 0;
    while (receive () > 0)
        heard++;
    say ("%d peers left 2500 messages where 1000 get in: %d descriptors, %ld messages heard", accepted, left, heard);
    CHECK (accepted >= LIMIT / 2 && left == 0 && again, "nothing stays but messages");
    CHECK (heard == accepted * 2500L + 1, "and these are whole");
    close_bound ();
}

/* ---- a socket that only sends ---------------------------------------------------- */

static atomic_int stop;

static void *keep_sending (void *unused)
{
    while (!stop) {
        if (zmq_send (bound, "work", 4, ZMQ_DONTWAIT) < 0)
            nap (0.001);
        nap (0.0002);
    }
    return unused;
}

/* Waits for a message of a bound socket that sends all the time. */
static int is_served (int fd)
{
    char bytes[6];
    return read_all (fd, bytes, sizeof bytes, 2);
}

/* Comes in and is served. A PAIR may find the place taken for as long as the end of the
   peer before is on its way; then it comes again, as real peers do. */
static int is_let_in (int type)
{
    for (double end = now () + 2; now () < end; nap (0.01)) {
        int fd;
        if (!enter (type, &fd))
            continue;
        int served = is_served (fd);
        close (fd);
        if (served)
            return 1;
    }
    return 0;
}

static void only_sends (const char *name, int type, int rude)
{
    pthread_t thread;
    open_bound (type, 1000);
    stop = 0;
    pthread_create (&thread, NULL, keep_sending, NULL);
    double worst = 0;
    int in = 0;
    for (int i = 0; i < 10; i++) {
        in += send_and_leave (type, 1, rude);
        double begun = now ();
        in += is_let_in (type);
        worst = now () - begun > worst ? now () - begun : worst;
        nap (0.02);
    }
    stop = 1;
    pthread_join (thread, NULL);
    say ("%s that only sends: %d of 20 got in, the slowest after %.3f s", name, in, worst);
    CHECK (in == 20, "new peers get in");
    CHECK (worst < 1, "at once");
    close_bound ();
}

/* What the peers before have sent is read before what the one now sends. */
static void pair_in_turn (void)
{
    open_bound (ZMQ_PAIR, 1000);
    int fd, expected = 0, wrong = 0, before = count_fds ();
    double end;
    for (int i = 1; i <= 5; i++) {
        CHECK (send_and_leave (ZMQ_PAIR, i, 3), "a PAIR gets in");
        for (end = now () + 5; count_fds () > before && now () < end;)
            nap (0.001); /* its end is noticed */
    }
    CHECK (enter (ZMQ_PAIR, &fd), "and the next one");
    CHECK (send_all (fd, "\0\0106\0\0\0\0\0\0\0", 10), "it sends");
    for (end = now () + 5; expected < 16 && now () < end;) {
        int number = receive ();
        if (number > 0)
            wrong += number != expected++ / 3 + 1;
    }
    CHECK (expected == 16 && wrong == 0, "all is heard, in turn");
    CHECK (zmq_send (bound, "work", 4, ZMQ_DONTWAIT) == 4 && is_served (fd), "and the peer is answered");
    close (fd);
    close_bound ();
}

/* ---- nothing is lost of what is not too much --------------------------------------- */

/* `CLIENTS` clients, AT_ONCE at a time, each with one message. */
static pid_t start_clients (int type)
{
    pid_t child = fork ();
    OK (child);
    if (child != 0)
        return child;
    char body[BODY] = "a request";
    for (int i = 1; i <= CLIENTS / AT_ONCE; i++) {
        void *ctx = zmq_ctx_new (), *sockets[AT_ONCE];
        for (int j = 0; j < AT_ONCE; j++) {
            sockets[j] = zmq_socket (ctx, type);
            OK (zmq_connect (sockets[j], endpoint));
            OK (zmq_send (sockets[j], body, sizeof body, 0));
        }
        for (int j = 0; j < AT_ONCE; j++)
            OK (zmq_close (sockets[j]));
        OK (zmq_ctx_term (ctx));
    }
    _exit (0);
}

static void nothing_is_lost (void)
{
    open_bound (ZMQ_PULL, 10);
    char body[BODY];
    int count = 0, status = -1;
    pid_t child = start_clients (ZMQ_PUSH);
    waitpid (child, &status, 0);
    while (zmq_recv (bound, body, sizeof body, 0) == BODY)
        count++;
    say ("PULL, clients that have gone: %d of %d messages", count, CLIENTS);
    CHECK (status == 0, "the clients get rid of all they have");
    CHECK (count == CLIENTS, "and it is heard when it is read at last");
    close_bound ();
}

static int is_logged (const char *path, const char *text)
{
    static char content[1 << 16];
    FILE *file = fopen (path, "r");
    size_t size = file ? fread (content, 1, sizeof content - 1, file) : 0;
    content[size] = 0;
    if (file)
        fclose (file);
    return strstr (content, text) != NULL;
}

int main (void)
{
    struct rlimit limit = {LIMIT, LIMIT};
    OK (setrlimit (RLIMIT_NOFILE, &limit));
    setenv ("ZMQ_LOG", "warn", 1);
    OK (dup2 (open ("log", O_WRONLY | O_CREAT | O_TRUNC, 0600), 2));
    nothing_is_lost ();
    CHECK (!is_logged ("log", "parts dropped"), "nothing is said");
    crowd ("REP", ZMQ_REP, 1000);
    CHECK (is_logged ("log", "REP") && is_logged ("log", "parts dropped"), "the log tells of what is dropped");
    crowd ("PULL", ZMQ_PULL, PEERS);
    crowd ("ROUTER", ZMQ_ROUTER, PEERS);
    large ();
    beyond_the_mark (ZMQ_PULL);
    only_sends ("DEALER", ZMQ_DEALER, 1000);
    only_sends ("DEALER", ZMQ_DEALER, 2500);
    only_sends ("PAIR", ZMQ_PAIR, 1000);
    only_sends ("PAIR", ZMQ_PAIR, 2500);
    pair_in_turn ();
    return done ();
}
