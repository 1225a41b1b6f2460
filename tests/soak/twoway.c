/* REQ and REP, DEALER and ROUTER, and bytes through STREAM: what is sent comes back. */
#include "soak.h"

/* Waits of 100 ms in a row without any answer, until a client says it is stuck:
 * counted, not measured, so that a standstill of the whole machine is one. */
enum { PATIENCE = 600 };

/* Begins a life if there is none. 0 if there is nothing more to do. */
static int live (struct part *part, int type)
{
    if (part->socket)
        return 1;
    if (is_quiet) {
        part->is_done = 1;
        return 0;
    }
    begin_life (part);
    attach (part, open_socket (part, type));
    return 1;
}

/* Gives up what has no answer, and why. */
static void give_up (struct part *part, uint64_t *count, const char *why)
{
    uint64_t open = part->serial - part->next;
    if (count == &part->ledger->in_doubt)
        *count += open;
    else
        complain (part, count, open, "%lu without an answer: %s", open, why);
    close_socket (part, 0);
}

/* An answer to number `next` or, if a connection was lost, to a later one. */
static void take_answer (struct part *part, struct message *message)
{
    struct ledger *ledger = part->ledger;
    struct head head;
    if (!whole (message, 0, &head) || head.source != part->source || head.life != part->life
        || head.serial >= part->serial) {
        complain (part, &ledger->damaged, 1, "an answer is damaged, or another's");
        return;
    }
    part->waits = 0;
    if (head.serial < part->next) {
        complain (part, &ledger->repeated, 1, "answer %lu came after %lu", head.serial, part->next - 1);
        return;
    }
    uint64_t gap = head.serial - part->next;
    uint64_t doubtful = part->doubt > part->next ? part->doubt - part->next : 0;
    if (doubtful > gap)
        doubtful = gap;
    ledger->in_doubt += doubtful;
    if (gap > doubtful)
        complain (part, &ledger->lost, gap - doubtful, "%lu answers are missing before %lu",
                  gap - doubtful, head.serial);
    part->next = head.serial + 1;
    ledger->received++;
    ledger->bytes += size_of (&head);
}

/* ---- REQ, REP ------------------------------------------------------------------- */

static void ask (struct part *part)
{
    if (is_quiet || part->serial >= part->goal) {
        end_life (part);
        return;
    }
    if (!pace (part))
        return;
    was_disconnected (part); /* that was before */
    send_next (part, 0);
}

void req_step (struct part *part)
{
    struct message message;
    if (!live (part, ZMQ_REQ))
        return;
    if (part->next == part->serial) {
        ask (part);
    } else if (receive_message (part->socket, &message, 0) == 0) {
        take_answer (part, &message);
        clear (&message);
    } else if (was_disconnected (part)) {
        give_up (part, &part->ledger->in_doubt, "");
    } else if (++part->waits == PATIENCE) {
        give_up (part, &part->ledger->lost, zmq_strerror (errno));
    }
}

/* Receives and gives back. `from`: where the head is. */
static void echo (struct part *part, int type, int from)
{
    struct message message;
    struct head head;
    if (!part->socket) {
        part->ledger->incarnation++;
        attach (part, open_socket (part, type));
    }
    if (receive_message (part->socket, &message, 0) < 0) {
        if (is_over) {
            close_socket (part, 0);
            part->is_done = 1;
        }
        return;
    }
    if (whole (&message, from, &head))
        enter (part, &head);
    else
        complain (part, &part->ledger->damaged, 1, "a request is damaged");
    if (part->slow)
        nap (1e-6 * (double) random_below (&part->chance, 2 * (uint64_t) part->slow));
    if (send_on (part->socket, &message) < 0)
        complain (part, &part->ledger->stuck, 1, "answer: %s", zmq_strerror (errno));
    else
        part->ledger->sent++;
    clear (&message);
}

void rep_step (struct part *part)
{
    echo (part, ZMQ_REP, 0);
}

void router_step (struct part *part)
{
    echo (part, ZMQ_ROUTER, 1);
}

/* ---- DEALER ----------------------------------------------------------------------- */

enum { WINDOW = 60 };

static uint64_t most (uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Sends another request if it may. */
static int dealer_sends (struct part *part)
{
    uint64_t open = part->serial - most (part->next, part->doubt);
    if (is_quiet || part->serial >= part->goal || open >= WINDOW || !pace (part))
        return 0;
    return send_next (part, ZMQ_DONTWAIT);
}

void dealer_step (struct part *part)
{
    struct message message;
    if (!live (part, ZMQ_DEALER))
        return;
    /* Everything that was under way then may be gone. */
    if (was_disconnected (part))
        part->doubt = part->serial;
    int did = dealer_sends (part);
    if (receive_message (part->socket, &message, did ? ZMQ_DONTWAIT : 0) == 0) {
        take_answer (part, &message);
        clear (&message);
        return;
    }
    if (did)
        return;
    int is_ending = is_quiet || part->serial >= part->goal;
    part->waits++;
    if (is_ending && part->next == part->serial)
        end_life (part);
    else if (is_ending && part->doubt == part->serial && part->waits > 20)
        give_up (part, &part->ledger->in_doubt, "");
    else if (part->waits == PATIENCE && part->next < part->serial)
        give_up (part, &part->ledger->lost, "stuck");
}

/* ---- STREAM ----------------------------------------------------------------------- */

/* Bytes on their way, at most. */
enum { BYTES_OPEN = 40000 };

/* Gets one pair of routing id and data; 0 if there is none. */
static int receive_bytes (struct part *part, struct message *message, int flags)
{
    if (receive_message (part->socket, message, flags) < 0)
        return 0;
    if (message->count == 2)
        return 1;
    complain (part, &part->ledger->damaged, 1, "%d parts", message->count);
    clear (message);
    return 0;
}

void server_step (struct part *part)
{
    struct message message;
    if (!part->socket)
        attach (part, open_socket (part, ZMQ_STREAM));
    if (receive_bytes (part, &message, 0)) {
        size_t size = zmq_msg_size (&message.parts[1]);
        part->ledger->received += size > 0;
        part->ledger->bytes += size;
        if (size && send_on (part->socket, &message) < 0 && errno != EHOSTUNREACH)
            complain (part, &part->ledger->stuck, 1, "echo: %s", zmq_strerror (errno));
        clear (&message);
    } else if (is_over) {
        close_socket (part, 0);
        part->is_done = 1;
    }
}

static void send_bytes (struct part *part, const char *id, size_t id_size)
{
    size_t size = 1 + random_below (&part->chance, 4000);
    if (zmq_send (part->socket, id, id_size, ZMQ_SNDMORE) < 0
        || zmq_send (part->socket, bytes_at (part->serial), size, 0) < 0) {
        if (errno != EAGAIN)
            complain (part, &part->ledger->stuck, 1, "send bytes: %s", zmq_strerror (errno));
        return;
    }
    part->serial += size;
    part->ledger->sent++;
}

/* Takes what came back. */
static void take_bytes (struct part *part, struct message *message)
{
    size_t size = zmq_msg_size (&message->parts[1]);
    part->waits = 0;
    if (size > part->serial - part->next
        || memcmp (zmq_msg_data (&message->parts[1]), bytes_at (part->next), size) != 0)
        complain (part, &part->ledger->damaged, 1, "%lu bytes at %lu are not what was sent", size,
                  part->next);
    part->next += size;
    part->ledger->received++;
    part->ledger->bytes += size;
}

void client_step (struct part *part)
{
    struct message message;
    char id[256];
    size_t id_size = sizeof id;
    if (!live (part, ZMQ_STREAM))
        return;
    OK (zmq_getsockopt (part->socket, ZMQ_ROUTING_ID, id, &id_size));
    int did = 0;
    if (part->next == part->serial && (is_quiet || part->serial / 1000 >= part->goal)) {
        part->doubt = 0;
        end_life (part);
        return;
    }
    /* `doubt` is 1 once the connection is there. */
    if (part->doubt && !is_quiet && part->serial / 1000 < part->goal
        && part->serial - part->next < BYTES_OPEN && pace (part)) {
        send_bytes (part, id, id_size);
        did = 1;
    }
    if (!receive_bytes (part, &message, did ? ZMQ_DONTWAIT : 0)) {
        if (!did && ++part->waits == PATIENCE)
            give_up (part, &part->ledger->lost, "stuck");
        return;
    }
    if (zmq_msg_size (&message.parts[1]) > 0)
        take_bytes (part, &message);
    else if (!part->doubt)
        part->doubt = 1;
    else
        give_up (part, &part->ledger->lost, "disconnected");
    clear (&message);
}
