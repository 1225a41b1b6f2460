/* An application keeps one message of those that fill a read buffer, and is through with
   the others: what it keeps takes no more memory than four times the message, or 2 KiB. */
#include "robust.h"
#include <malloc.h>

enum { KEPT = 1000, BLOCK = 64 * 1024, LONGEST = 8000 };

/* How a message comes to be kept. */
enum way { RECEIVED, MOVED, COPIED, WAYS };
static const char *const ways[] = {"received into", "moved", "copied"};

static zmq_msg_t kept[KEPT];

struct sender {
    void *push;
    size_t size;
    long count;
};

static void *send_all (void *argument)
{
    struct sender *sender = argument;
    char body[LONGEST];
    for (long i = 0; i < sender->count; i++) {
        memset (body, (int) i, sender->size);
        OK (zmq_send (sender->push, body, sender->size, 0));
    }
    return NULL;
}

static int is_intact (zmq_msg_t *message, size_t size, long number)
{
    unsigned char *data = zmq_msg_data (message), wanted = (unsigned char) number;
    return zmq_msg_size (message) == size && data[0] == wanted && data[size / 2] == wanted
           && data[size - 1] == wanted;
}

static long in_use (void)
{
    struct mallinfo2 info = mallinfo2 ();
    return (long) (info.uordblks + info.hblkhd);
}

/* Receives into a message of its own or into the one that all go through. */
static void receive (void *pull, zmq_msg_t *message, size_t size, long number)
{
    OK (zmq_msg_recv (message, pull, 0));
    if (!is_intact (message, size, number)) {
        CHECK (0, "messages arrive whole and in order");
        exit (1);
    }
}

static void keep_some (const char *where, size_t size, enum way way)
{
    void *context = zmq_ctx_new ();
    void *pull = zmq_socket (context, ZMQ_PULL), *push = zmq_socket (context, ZMQ_PUSH);
    long every = BLOCK / (long) size + 1, count = every * KEPT, number = 0;
    char endpoint[256];
    size_t length = sizeof endpoint;
    zmq_msg_t message;
    pthread_t thread;
    set_int (pull, ZMQ_RCVTIMEO, 30000);
    OK (zmq_bind (pull, where));
    OK (zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, endpoint, &length));
    OK (zmq_connect (push, endpoint));
    OK (zmq_msg_init (&message));
    struct sender sender = {push, size, count + 2 * every};
    OK (-pthread_create (&thread, NULL, send_all, &sender));
    for (; number < every; number++)
        receive (pull, &message, size, number);
    for (int i = 0; i < KEPT; i++) {
        OK (zmq_msg_init (&kept[i]));
        for (long j = 1; j < every; j++)
            receive (pull, &message, size, number++);
        receive (pull, way == RECEIVED ? &kept[i] : &message, size, number++);
        if (way == MOVED)
            OK (zmq_msg_move (&kept[i], &message));
        if (way == COPIED)
            OK (zmq_msg_copy (&kept[i], &message));
    }
    for (long j = 0; j < every; j++)
        receive (pull, &message, size, number++);
    pthread_join (thread, NULL);
    long held = in_use (), most = 4 * (long) size > 2048 ? 4 * (long) size : 2048;
    for (int i = 0; i < KEPT; i++) {
        CHECK (is_intact (&kept[i], size, every * (i + 2) - 1), "what is kept stays as it was");
        OK (zmq_msg_close (&kept[i]));
    }
    long each = (held - in_use ()) / KEPT;
    say ("%.6s, %zu bytes, %s: %ld bytes each", where, size, ways[way], each);
    CHECK (each <= most, "what is kept holds little more than itself");
    OK (zmq_msg_close (&message));
    OK (zmq_close (push));
    OK (zmq_close (pull));
    OK (zmq_ctx_term (context));
}

int main (void)
{
    static const char *const places[] = {"tcp://127.0.0.1:*", "ipc://*", "inproc://here"};
    static const size_t sizes[] = {64, 250, 1000, 4000};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            for (enum way way = 0; way < WAYS; way++)
                keep_some (places[i], sizes[j], way);
    return done ();
}
