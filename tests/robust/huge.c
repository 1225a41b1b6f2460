/* A message longer than 2 GiB arrives whole, and a frame that only says it is long
   costs nothing. 3 GiB over tcp in `make test`; with ROBUST_SCALE above 1 over ipc,
   too. The sender's bytes are a small piece of memory that is mapped again and
   again. (run alone) */
#include "robust.h"
#include <sys/mman.h>

#define PIECE ((61UL << 20) + 4096) /* no power of two goes into it */

static char *piece;

static void unmap (void *data, void *size)
{
    munmap (data, (size_t) (uintptr_t) size);
}

/* So many bytes, mapped from the same piece. */
static char *repeated (size_t size)
{
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create ("piece", MFD_CLOEXEC);
        OK (fd);
        OK (ftruncate (fd, PIECE));
        piece = mmap (NULL, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        uint64_t random = 88172645463325252ULL;
        for (size_t i = 0; i < PIECE / 8; i++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            ((uint64_t *) piece)[i] = random;
        }
    }
    size_t whole = (size + PIECE - 1) / PIECE * PIECE;
    char *all = mmap (NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED)
        OK (-1);
    for (size_t at = 0; at < whole; at += PIECE)
        if (mmap (all + at, PIECE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
            OK (-1);
    return all;
}

static int is_intact (const char *data, size_t size)
{
    for (size_t at = 0; at < size; at += PIECE)
        if (memcmp (data + at, piece, size - at < PIECE ? size - at : PIECE) != 0)
            return 0;
    return 1;
}

static void travels (const char *where, size_t size)
{
    void *context = zmq_ctx_new ();
    void *pull = zmq_socket (context, ZMQ_PULL), *push = zmq_socket (context, ZMQ_PUSH);
    char endpoint[64], text[8];
    size_t length = sizeof endpoint;
    set_int (pull, ZMQ_RCVTIMEO, 60000);
    OK (zmq_bind (pull, where));
    OK (zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, endpoint, &length));
    OK (zmq_connect (push, endpoint));
    zmq_msg_t message;
    char *data = repeated (size);
    double start = now ();
    OK (zmq_msg_init_data (&message, data, size, unmap,
                           (void *) ((size + PIECE - 1) / PIECE * PIECE)));
    OK (zmq_msg_send (&message, push, 0));
    OK (zmq_send (push, "next", 4, 0));
    OK (zmq_msg_init (&message));
    int got = zmq_msg_recv (&message, pull, 0);
    double took = now () - start;
    int whole = zmq_msg_size (&message) == size && is_intact (zmq_msg_data (&message), size);
    say ("%.3s: %.2f GiB in %.1f s, %s", where, (double) size / (1 << 30), took,
         whole ? "intact" : "NOT intact");
    CHECK (got == INT_MAX, "the result of zmq_msg_recv is cut to what fits an int");
    CHECK (whole, "it arrives as it was sent");
    OK (zmq_msg_close (&message));
    CHECK (zmq_recv (pull, text, sizeof text, 0) == 4, "and so does the next");
    OK (zmq_close (push));
    OK (zmq_close (pull));
    OK (zmq_ctx_term (context));
}

/* Speaks an old or a new version of the protocol up to the first frame. */
static int join (int port, int version)
{
    int fd = dial (port);
    if (version == 1 && write (fd, "\001", 2) == 2) /* an empty name */
        return fd;
    if (version == 2 && write (fd, "\377\0\0\0\0\0\0\0\001\177\001\010\0\0", 14) == 14)
        return fd;
    greet (fd, "PUSH");
    CHECK (read_greeting (fd), "a handshake");
    return fd;
}

static void announce (int fd, int version, uint64_t size)
{
    unsigned char frame[64] = {version == 1 ? 0xff : 2};
    int at = 1;
    for (int shift = 56; shift >= 0; shift -= 8)
        frame[at++] = (unsigned char) (size >> shift);
    if (send (fd, frame, sizeof frame, MSG_NOSIGNAL) < 0)
        say ("the connection is closed already");
}

/* Peers that announce more than there can be, or only more than they send. */
static void announcements (void)
{
    static const uint64_t announced[] = {INT64_MAX, INT64_MAX - 1, 1ULL << 46, 16ULL << 30, 1ULL << 30};
    void *context = zmq_ctx_new ();
    void *pull = zmq_socket (context, ZMQ_PULL), *push = zmq_socket (context, ZMQ_PUSH);
    char endpoint[64], text[8];
    set_int (pull, ZMQ_RCVTIMEO, 5000);
    bind_tcp (pull, endpoint);
    OK (zmq_connect (push, endpoint));
    OK (zmq_send (push, "first", 5, 0));
    CHECK (zmq_recv (pull, text, sizeof text, 0) == 5, "a good peer");
    for (int version = 1; version <= 3; version++) {
        int peers[50], count = 0;
        reset_peak ();
        long before = rss ();
        for (int i = 0; i < 10; i++)
            for (int j = 0; j < 5; j++) {
                peers[count] = join (port_of (endpoint), version);
                announce (peers[count++], version, announced[j]);
            }
        nap (0.2);
        OK (zmq_send (push, "still", 5, 0));
        CHECK (zmq_recv (pull, text, sizeof text, 0) == 5, "a good peer is served");
        long more = status_of (getpid (), "VmHWM:") - before;
        say ("ZMTP %d: 50 announcements of 1 GiB to 8 EiB cost %ld KiB", version, more);
        CHECK (more < 4096, "they cost no memory");
        while (count > 0)
            close (peers[--count]);
    }
    OK (zmq_close (push));
    OK (zmq_close (pull));
    OK (zmq_ctx_term (context));
}

int main (void)
{
    announcements ();
    travels ("tcp://127.0.0.1:*", 3UL << 30);
    if (scale () > 1)
        travels ("ipc://*", 3UL << 30);
    return done ();
}
