/* Messages whose every byte follows from their head. */
#include "soak.h"

enum { TABLE = 1 << 20, LARGEST = 200000 };

static unsigned char table[TABLE + LARGEST];
static atomic_long out;

/* Splitmix64. */
uint64_t random_next (uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t random_below (uint64_t *state, uint64_t limit)
{
    return random_next (state) % limit;
}

void messages_init (void)
{
    uint64_t state = 7;
    for (size_t i = 0; i < TABLE; i++)
        table[i] = (unsigned char) random_next (&state);
    memcpy (table + TABLE, table, LARGEST);
}

const unsigned char *bytes_at (uint64_t place)
{
    return table + place % TABLE;
}

struct shape {
    int count;
    size_t size[3];
    uint64_t place[3];
};

/* Up to three parts behind the head, mostly small. */
static struct shape shape_of (const struct head *head)
{
    uint64_t state = ((uint64_t) head->source << 56) ^ ((uint64_t) head->life << 40) ^ head->serial;
    struct shape shape = {.count = (int) random_below (&state, 4)};
    for (int i = 0; i < shape.count; i++) {
        uint64_t dice = random_below (&state, 2000);
        if (dice == 0)
            shape.size[i] = LARGEST;
        else if (dice < 8)
            shape.size[i] = 70000;
        else if (dice < 60)
            shape.size[i] = 9000;
        else if (dice < 200)
            shape.size[i] = 2000 + random_below (&state, 100);
        else if (dice < 700)
            shape.size[i] = 28 + random_below (&state, 10);
        else
            shape.size[i] = random_below (&state, 300);
        shape.place[i] = random_below (&state, TABLE);
    }
    return shape;
}

size_t size_of (const struct head *head)
{
    struct shape shape = shape_of (head);
    size_t sum = sizeof *head;
    for (int i = 0; i < shape.count; i++)
        sum += shape.size[i];
    return sum;
}

static void give_back (void *data, void *hint)
{
    (void) hint;
    free (data);
    out--;
}

long bodies_out (void)
{
    return out;
}

/* Long bodies are handed over, the others copied. */
static int send_part (void *socket, const void *data, size_t size, int flags)
{
    if (size < 2000)
        return zmq_send (socket, data, size, flags);
    zmq_msg_t part;
    void *copy = malloc (size);
    memcpy (copy, data, size);
    out++;
    zmq_msg_init_data (&part, copy, size, give_back, NULL);
    int rc = zmq_msg_send (&part, socket, flags);
    if (rc < 0) {
        int error = errno;
        zmq_msg_close (&part);
        errno = error;
    }
    return rc;
}

int send_message (void *socket, const struct head *head, const char *before, int flags)
{
    struct shape shape = shape_of (head);
    /* Once the first part is in, the others are taken as well. */
    if (before) {
        if (zmq_send (socket, before, strlen (before), flags | ZMQ_SNDMORE) < 0)
            return -1;
        flags = 0;
    }
    if (zmq_send (socket, head, sizeof *head, flags | (shape.count ? ZMQ_SNDMORE : 0)) < 0)
        return -1;
    for (int i = 0; i < shape.count; i++) {
        int more = i + 1 < shape.count ? ZMQ_SNDMORE : 0;
        int rc = send_part (socket, bytes_at (shape.place[i]), shape.size[i], more);
        if (rc < 0 && errno != ETERM) {
            say ("a later part was refused: %s", zmq_strerror (errno));
            abort ();
        }
    }
    return 0;
}

int receive_message (void *socket, struct message *message, int flags)
{
    message->count = 0;
    for (int more = 1; more;) {
        if (message->count == MOST_PARTS) {
            say ("too many parts");
            abort ();
        }
        zmq_msg_t *part = &message->parts[message->count];
        zmq_msg_init (part);
        if (zmq_msg_recv (part, socket, flags) < 0) {
            int error = errno;
            zmq_msg_close (part);
            clear (message);
            errno = error;
            return -1;
        }
        message->count++;
        more = zmq_msg_more (part);
    }
    return 0;
}

void clear (struct message *message)
{
    for (int i = 0; i < message->count; i++)
        zmq_msg_close (&message->parts[i]);
    message->count = 0;
}

int send_on (void *socket, struct message *message)
{
    for (int i = 0; i < message->count; i++) {
        int more = i + 1 < message->count ? ZMQ_SNDMORE : 0;
        if (zmq_msg_send (&message->parts[i], socket, more) < 0)
            return -1;
    }
    return 0;
}

int whole (struct message *message, int from, struct head *head)
{
    if (message->count <= from || zmq_msg_size (&message->parts[from]) != sizeof *head)
        return 0;
    memcpy (head, zmq_msg_data (&message->parts[from]), sizeof *head);
    if (head->source >= SOURCES || head->life >= LIVES)
        return 0;
    struct shape shape = shape_of (head);
    if (message->count != from + 1 + shape.count)
        return 0;
    for (int i = 0; i < shape.count; i++) {
        zmq_msg_t *part = &message->parts[from + 1 + i];
        if (zmq_msg_size (part) != shape.size[i]
            || memcmp (zmq_msg_data (part), bytes_at (shape.place[i]), shape.size[i]))
            return 0;
    }
    return 1;
}
