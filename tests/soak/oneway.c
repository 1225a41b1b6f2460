/* PUSH and PULL, PAIR, PUB and SUB, and a proxy between the latter. */
#include "soak.h"

/* ---- PUSH, PULL ------------------------------------------------------------- */

void push_step (struct part *part)
{
    if (!part->socket) {
        if (is_quiet) {
            part->is_done = 1;
            return;
        }
        begin_life (part);
        attach (part, open_socket (part, ZMQ_PUSH));
    }
    if (is_quiet || part->serial >= part->goal)
        end_life (part);
    else if (pace (part))
        send_next (part, 0);
}

static void take (struct part *part, struct message *message, int from)
{
    struct head head;
    if (!whole (message, from, &head)) {
        complain (part, &part->ledger->damaged, 1, "a message is damaged");
        return;
    }
    enter (part, &head);
    if (part->common) {
        uint8_t bit = (uint8_t) (1 << head.serial % 8);
        if (atomic_fetch_or (&part->common[head.serial / 8], bit) & bit)
            complain (part, &part->ledger->repeated, 1, "%lu came to two", head.serial);
    }
}

/* True if there was a message. Done when there is none and all is over. */
static int receive_next (struct part *part, int from, int flags)
{
    struct message message;
    if (receive_message (part->socket, &message, flags) < 0) {
        if (errno != EAGAIN)
            complain (part, &part->ledger->stuck, 1, "receive: %s", zmq_strerror (errno));
        if (is_over && !(flags & ZMQ_DONTWAIT)) {
            close_socket (part, 0);
            part->is_done = 1;
        }
        return 0;
    }
    take (part, &message, from);
    clear (&message);
    if (part->slow && !is_quiet)
        nap (1e-6 * (double) random_below (&part->chance, 2 * (uint64_t) part->slow));
    return 1;
}

static void begin_receiving (struct part *part, int type)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    open_socket (part, type);
    part->born = (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
    part->ledger->incarnation++;
}

void pull_step (struct part *part)
{
    if (!part->socket) {
        begin_receiving (part, ZMQ_PULL);
        attach (part, part->socket);
    }
    receive_next (part, 0, 0);
}

void pair_step (struct part *part)
{
    if (!part->socket) {
        begin_life (part);
        begin_receiving (part, ZMQ_PAIR);
        attach (part, part->socket);
    }
    int did = !is_quiet && pace (part);
    if (did)
        send_next (part, 0);
    while (part->socket && receive_next (part, 0, did ? ZMQ_DONTWAIT : 0))
        did = 1;
    if (part->is_done)
        part->ledger->life[part->life].ended = 1;
}

/* ---- PUB, SUB ----------------------------------------------------------------- */

enum { TOPICS = 4 };

static void open_publisher (struct part *part)
{
    begin_life (part);
    memset (part->ledger->topics, 0, sizeof part->ledger->topics);
    open_socket (part, ZMQ_PUB);
    if (part->gaps == NO_GAPS)
        set_int (part->socket, ZMQ_XPUB_NODROP, 1);
    attach (part, part->socket);
}

/* Each topic is a source with numbers of its own. */
void pub_step (struct part *part)
{
    if (!part->socket) {
        if (is_quiet) {
            part->is_done = 1;
            return;
        }
        open_publisher (part);
    }
    if (is_quiet || part->serial >= part->goal) {
        end_life (part);
        return;
    }
    if (!pace (part))
        return;
    uint32_t topic = (uint32_t) (part->serial % TOPICS);
    char name[8];
    snprintf (name, sizeof name, "t%u", topic);
    struct head head = {topic, (uint32_t) part->life, part->ledger->topics[topic], part->born};
    if (send_message (part->socket, &head, name, 0) == 0) {
        part->ledger->topics[topic]++;
        part->serial++;
        part->ledger->sent++;
    } else if (errno != EAGAIN)
        complain (part, &part->ledger->stuck, 1, "publish: %s", zmq_strerror (errno));
}

void sub_step (struct part *part)
{
    if (!part->socket) {
        begin_receiving (part, ZMQ_SUB);
        OK (zmq_setsockopt (part->socket, ZMQ_SUBSCRIBE, "t", 1));
        attach (part, part->socket);
        part->goal = 500 + random_below (&part->chance, (uint64_t) number (part, "length", 8000));
        part->serial = 0;
    }
    /* Subscriptions that match nothing come and go. */
    if (random_below (&part->chance, 50) == 0) {
        char name[16];
        snprintf (name, sizeof name, "x%lu", (unsigned long) random_below (&part->chance, 100));
        int on = random_below (&part->chance, 2) ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE;
        if (zmq_setsockopt (part->socket, on, name, strlen (name)) < 0 && on == ZMQ_SUBSCRIBE)
            complain (part, &part->ledger->stuck, 1, "subscribe: %s", zmq_strerror (errno));
    }
    part->serial += (uint64_t) receive_next (part, 1, 0);
    if (part->socket && !is_quiet && part->serial >= part->goal)
        close_socket (part, 0);
}

/* Ends when the context is shut down. */
void proxy_step (struct part *part)
{
    void *front = open_socket (part, ZMQ_XSUB);
    void *back = open_socket (part, ZMQ_XPUB);
    char to[256];
    const char *endpoint = option (part, "to");
    snprintf (to, sizeof to, "%.*s", (int) strcspn (endpoint, " "), endpoint);
    if (part->gaps == NO_GAPS)
        set_int (back, ZMQ_XPUB_NODROP, 1);
    /* A proxy whose send times out ends. */
    set_int (back, ZMQ_SNDTIMEO, -1);
    set_int (front, ZMQ_SNDTIMEO, -1);
    attach (part, front);
    OK (zmq_bind (back, to));
    zmq_proxy (front, back, NULL);
    if (errno != ETERM)
        complain (part, &part->ledger->stuck, 1, "proxy: %s", zmq_strerror (errno));
    OK (zmq_close (front));
    OK (zmq_close (back));
    part->socket = NULL;
    part->is_done = 1;
}
