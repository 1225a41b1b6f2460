/* What a part does besides its socket calls: its ledger, its pace, its lives. */
#include "soak.h"

/* What a killed receiver can have had, besides the messages its high-water mark
 * allows: buffers of the kernel on both sides, and the library's. */
enum { BUFFERS = 2 << 20 };

void complain (struct part *part, uint64_t *count, uint64_t by, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    if (*count < 20) /* enough to understand it */
        say ("%s %u: %s", part->kind, part->source, text);
    *count += by;
}

/* Whether so many messages fit into what a killed process had. */
static int could_be_queued (const struct part *part, const struct head *head, uint64_t gap)
{
    struct head missing = *head;
    size_t bytes = 0;
    for (uint64_t i = 2 * (uint64_t) part->hwm; i < gap && bytes <= BUFFERS; i++) {
        missing.serial = head->serial - gap + i;
        bytes += size_of (&missing);
    }
    return bytes <= BUFFERS;
}

void enter (struct part *part, const struct head *head)
{
    struct ledger *ledger = part->ledger;
    struct seen *seen = &ledger->seen[head->source][head->life];
    int is_first = seen->incarnation != ledger->incarnation;
    ledger->received++;
    ledger->bytes += size_of (head);
    if (head->serial < seen->next) {
        complain (part, &ledger->repeated, 1, "%u/%u/%lu came after %lu", head->source, head->life,
                  head->serial, seen->next - 1);
        return;
    }
    uint64_t gap = head->serial - seen->next;
    /* A life that began after this receiver has nothing to do with the one before. */
    int may_be_killed = is_first && ledger->incarnation > 1 && head->born < part->born;
    if (gap && part->gaps == KILLED_GAPS && may_be_killed && could_be_queued (part, head, gap))
        ledger->in_doubt += gap;
    else if (gap && part->gaps == DROPPED_GAPS)
        ledger->dropped += is_first ? 0 : gap;
    else if (gap && part->gaps != ANY_GAPS && !(is_first && strcmp (part->kind, "sub") == 0))
        complain (part, &ledger->lost, gap, "%lu are missing before %u/%u/%lu", gap, head->source,
                  head->life, head->serial);
    seen->next = head->serial + 1;
    seen->incarnation = ledger->incarnation;
}

static uint64_t now_ns (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

uint64_t begin_life (struct part *part)
{
    part->life = part->ledger->lives++;
    if (part->life >= LIVES) {
        say ("too many lives");
        abort ();
    }
    part->serial = part->next = part->doubt = 0;
    part->waits = 0;
    part->goal = 200 + random_below (&part->chance, (uint64_t) number (part, "length", 8000));
    part->born = now_ns ();
    return part->life;
}

void end_life (struct part *part)
{
    part->ledger->life[part->life].ended = 1;
    close_socket (part, -1);
    if (is_quiet)
        part->is_done = 1;
}

int send_next (struct part *part, int flags)
{
    struct head head = {part->source, (uint32_t) part->life, part->serial, part->born};
    struct life *life = &part->ledger->life[part->life];
    life->attempted = part->serial + 1;
    if (send_message (part->socket, &head, NULL, flags) < 0) {
        if (errno != EAGAIN)
            complain (part, &part->ledger->stuck, 1, "send: %s", zmq_strerror (errno));
        return 0;
    }
    life->sent = ++part->serial;
    part->ledger->sent++;
    return 1;
}

/* So many messages a second, some of them in a row; and now and then a pause. */
int pace (struct part *part)
{
    double at = now ();
    double pause = at - part->paid;
    part->paid = at;
    part->budget += part->rate * (pause < 1 ? pause : 1);
    if (part->budget > part->rate / 4)
        part->budget = part->rate / 4;
    if (part->budget < 1) {
        nap ((double) (1 + random_below (&part->chance, 20)) / 1000);
        return 0;
    }
    part->budget -= 1;
    return 1;
}

/* ---- sockets ------------------------------------------------------------------- */

static void secure (struct part *part, void *socket)
{
    const char *keys = getenv ("SOAK_CURVE"); /* the server's public and secret key */
    char public[41], secret[41];
    if (!number (part, "curve", 0) || !keys)
        return;
    if (number (part, "bind", 0)) {
        set_int (socket, ZMQ_CURVE_SERVER, 1);
        memcpy (secret, keys + 41, 40);
        secret[40] = 0;
        OK (zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, secret, 40));
    } else {
        OK (zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, keys, 40));
        OK (zmq_curve_keypair (public, secret));
        OK (zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, public, 40));
        OK (zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, secret, 40));
    }
}

/* A socket of which nothing is bound or connected yet. */
void *open_socket (struct part *part, int type)
{
    void *socket = zmq_socket (part->context, type);
    if (!socket) {
        say ("no socket: %s", zmq_strerror (errno));
        abort ();
    }
    set_int (socket, ZMQ_SNDHWM, (int) part->hwm);
    set_int (socket, ZMQ_RCVHWM, (int) part->hwm);
    set_int (socket, ZMQ_SNDTIMEO, 100);
    set_int (socket, ZMQ_RCVTIMEO, 100);
    set_int (socket, ZMQ_RECONNECT_IVL, 20);
    set_int (socket, ZMQ_RECONNECT_IVL_MAX, 200);
    /* What is on its way when a process is killed shall be little. */
    set_int (socket, ZMQ_SNDBUF, 65536);
    set_int (socket, ZMQ_RCVBUF, 65536);
    if (number (part, "heartbeat", 0)) {
        set_int (socket, ZMQ_HEARTBEAT_IVL, 300);
        set_int (socket, ZMQ_HEARTBEAT_TIMEOUT, 900);
        set_int (socket, ZMQ_CONNECT_TIMEOUT, 500);
    }
    secure (part, socket);
    part->socket = socket;
    return socket;
}

static void watch (struct part *part, void *socket)
{
    static atomic_int serial;
    char endpoint[64];
    snprintf (endpoint, sizeof endpoint, "inproc://monitor-%d", serial++);
    OK (zmq_socket_monitor (socket, endpoint, ZMQ_EVENT_DISCONNECTED));
    part->monitor = zmq_socket (part->context, ZMQ_PAIR);
    OK (zmq_connect (part->monitor, endpoint));
}

/* Binds or connects, as the options say. */
void attach (struct part *part, void *socket)
{
    const char *endpoint = option (part, "at");
    char text[256];
    snprintf (text, sizeof text, "%.*s", (int) strcspn (endpoint, " "), endpoint);
    if (number (part, "watch", 0))
        watch (part, socket);
    if (!number (part, "bind", 0)) {
        OK (zmq_connect (socket, text));
        return;
    }
    /* The one before may not be gone yet. */
    for (int i = 0; zmq_bind (socket, text) < 0; i++) {
        if (errno != EADDRINUSE || i == 1000) {
            say ("bind to %s: %s", text, zmq_strerror (errno));
            abort ();
        }
        nap (0.01);
    }
}

int was_disconnected (struct part *part)
{
    struct message event;
    int was = 0;
    while (part->monitor && receive_message (part->monitor, &event, ZMQ_DONTWAIT) == 0) {
        was = 1;
        clear (&event);
    }
    return was;
}

void close_socket (struct part *part, int linger)
{
    if (!part->socket)
        return;
    set_int (part->socket, ZMQ_LINGER, linger);
    OK (zmq_close (part->socket));
    if (part->monitor)
        OK (zmq_close (part->monitor));
    part->socket = part->monitor = NULL;
}
