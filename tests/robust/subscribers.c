/* What subscribers can do to a publisher: topics of megabytes, alone and with much in
   common, and thousands of peers that come with a topic and leave. What each of them
   costs is in proportion to its own topics and their bytes, in memory and in time, and
   no call of the publisher works for long.
   run alone */
#include "robust.h"

#define LONGEST (32 << 20)
#define TOPICS_COUNT 116 /* ZMQ_TOPICS_COUNT, a draft */

static char endpoint[64];
static void *context, *publisher;

static void open_publisher (int type)
{
    context = zmq_ctx_new ();
    publisher = zmq_socket (context, type);
    set_int (publisher, ZMQ_LINGER, 0);
    set_int (publisher, ZMQ_SNDHWM, 0);
    set_int (publisher, ZMQ_BACKLOG, 1000);
    bind_tcp (publisher, endpoint);
}

static void close_publisher (void)
{
    OK (zmq_close (publisher));
    OK (zmq_ctx_term (context));
}

/* A subscriber by hand. */
static int subscriber (void)
{
    int fd = dial (port_of (endpoint));
    greet (fd, "SUB");
    CHECK (read_greeting (fd), "a subscriber is welcome");
    return fd;
}

static void send_all (int fd, const void *bytes, size_t size)
{
    for (const char *at = bytes; size > 0;) {
        ssize_t count = send (fd, at, size, MSG_NOSIGNAL);
        if (count <= 0) {
            CHECK (0, "a subscription is sent");
            return;
        }
        at += count;
        size -= (size_t) count;
    }
}

/* SUBSCRIBE of a topic whose bytes are in `topic`. */
static void subscribe (int fd, const char *topic, size_t size)
{
    unsigned char head[19] = {6};
    uint64_t body = 10 + size;
    for (int i = 0; i < 8; i++)
        head[1 + i] = (unsigned char) (body >> (56 - 8 * i));
    memcpy (head + 9, "\011SUBSCRIBE", 10);
    send_all (fd, head, sizeof head);
    send_all (fd, topic, size);
}

static long topics (void)
{
    int count = -1;
    size_t size = sizeof count;
    if (zmq_getsockopt (publisher, TOPICS_COUNT, &count, &size) < 0)
        return -1;
    return count;
}

static double thread_work (void)
{
    struct timespec t;
    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static double process_work (void)
{
    struct timespec t;
    clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/* Publishes until there are so many topics, for `seconds` at most; the longest work of
   a send, in seconds. */
static double publish_until (long wanted, double seconds)
{
    double longest = 0, end = now () + seconds;
    do {
        double work = thread_work ();
        OK (zmq_send (publisher, "zz", 2, 0));
        work = thread_work () - work;
        longest = work > longest ? work : longest;
        nap (0.0005);
    } while (topics () != wanted && now () < end);
    CHECK (topics () == wanted, "the topics come and go in time");
    return longest;
}

/* Publishes until so many KiB of memory are in use at most, for five seconds. Returns how many
   are. */
static long settled (long most)
{
    for (double end = now () + 5; rss () > most && now () < end; nap (0.01))
        OK (zmq_send (publisher, "zz", 2, 0));
    return rss ();
}

/* `peers` subscribe to a topic of so many bytes each, which differ in their last byte,
   and leave. Whether it was quick: a virtual processor may stand still, so the time of
   one try says little. */
static int long_topics (int type, int peers, size_t size)
{
    char *topic = malloc (size);
    int fds[64];
    memset (topic, 'a', size);
    open_publisher (type);
    long memory[3] = {rss (), 0, 0};
    double work = process_work (), longest = 0, in, out;
    for (int i = 0; i < peers; i++) {
        fds[i] = subscriber ();
        topic[size - 1] = (char) ('A' + i);
        pid_t child = fork (); /* so that its work is not counted here */
        if (child == 0) {
            subscribe (fds[i], topic, size);
            _exit (done ());
        }
        double once = publish_until (i + 1, 30);
        longest = once > longest ? once : longest;
        waitpid (child, NULL, 0);
    }
    in = process_work () - work;
    /* What the messages themselves took is kept for the next ones, a second or two. */
    long most_with = memory[0] + (long) (peers * size * 5 / 4 >> 10) + 8192;
    memory[1] = settled (most_with);
    /* A message that is as long matches the last one only. */
    OK (zmq_send (publisher, topic, size, 0));
    work = process_work ();
    for (int i = 0; i < peers; i++)
        close (fds[i]);
    double once = publish_until (0, 30);
    longest = once > longest ? once : longest;
    out = process_work () - work;
    int told = 0;
    while (type == ZMQ_XPUB && zmq_recv (publisher, topic, size, ZMQ_DONTWAIT) >= 0)
        told++;
    /* Memory is given back in slices. */
    long most = memory[0] + (long) (size * 5 / 4 >> 10) + 8192;
    memory[2] = settled (most);
    say ("%s, %d topics of %zu KiB: %.2f s of work as they came and %.2f s as they went, the longest in a send "
         "%.2f ms; %ld MiB of memory",
         type == ZMQ_PUB ? "PUB" : "XPUB", peers, size >> 10, in, out, longest * 1e3, (memory[1] - memory[0]) >> 10);
    CHECK (memory[1] <= most_with, "memory is in proportion");
    CHECK (memory[2] <= most, "and goes with them");
    CHECK (told == (type == ZMQ_XPUB ? 2 * peers : 0), "the application receives both");
    CHECK (out < 5, "no more than the bytes are looked at");
    close_publisher ();
    free (topic);
    return longest < 0.010;
}

static int is_quick (int type, int peers, size_t size)
{
    for (int tries = 0; tries < 3; tries++)
        if (long_topics (type, peers, size))
            return 1;
    return 0;
}

/* The application receives a long topic when it comes and when it goes. */
static void heard (void)
{
    zmq_msg_t msg;
    const size_t size = 5 << 20;
    char *topic = malloc (size), *frame = malloc (9 + size);
    for (size_t i = 0; i < size; i++)
        topic[i] = (char) (i * 7);
    open_publisher (ZMQ_XPUB);
    set_int (publisher, ZMQ_RCVTIMEO, 5000);
    int fd = subscriber ();
    subscribe (fd, topic, size);
    for (int byte = 1; byte >= 0; byte--) {
        OK (zmq_msg_init (&msg));
        int got = zmq_msg_recv (&msg, publisher, 0);
        const char *data = zmq_msg_data (&msg);
        CHECK (got == (int) size + 1 && data[0] == byte, "a message comes");
        CHECK (got == (int) size + 1 && memcmp (data + 1, topic, size) == 0, "and says which topic");
        if (byte == 1) {
            CHECK (zmq_msg_get (&msg, ZMQ_SHARED) == 0, "it is the application's own");
            memset (zmq_msg_data (&msg), 'x', size + 1);
            CHECK (topics () == 1, "and what is done to it does not change the topic");
            CHECK (zmq_send (publisher, topic, size, 0) == (int) size, "which matches");
            CHECK (read_all (fd, frame, 9 + size, 5) && memcmp (frame + 9, topic, size) == 0, "the subscriber gets it");
            close (fd);
        }
        OK (zmq_msg_close (&msg));
    }
    close_publisher ();
    free (topic);
    free (frame);
}

/* 3,000 peers come with the same topic and leave, beside one with 200,000. */
static void churn (void)
{
    enum { OTHERS = 200000, PEERS = 3000, AT_ONCE = 50 };
    int fds[AT_ONCE], accepted = 0;
    static char frames[OTHERS * 20 + 1];
    char *end = frames;
    open_publisher (ZMQ_PUB);
    for (unsigned i = 0; i < OTHERS; i++) {
        memcpy (end, "\4\022\011SUBSCRIBE", 12);
        snprintf (end + 12, 9, "%08x", i * 2654435761u);
        end += 20;
    }
    int owner = subscriber ();
    pid_t child = fork ();
    if (child == 0) {
        send_all (owner, frames, sizeof frames - 1);
        _exit (done ());
    }
    publish_until (OTHERS, 30);
    waitpid (child, NULL, 0);
    double work = process_work (), begun = now ();
    for (int i = 0; i < PEERS; i += AT_ONCE) {
        for (int j = 0; j < AT_ONCE; j++) {
            fds[j] = subscriber ();
            send_all (fds[j], "\4\016\011SUBSCRIBE~~~~", 16);
            accepted++;
        }
        publish_until (OTHERS + 1, 5);
        for (int j = 0; j < AT_ONCE; j++)
            close (fds[j]);
        publish_until (OTHERS, 5);
    }
    work = process_work () - work;
    say ("%d peers came with a topic and left, beside %d topics: %.2f s, %.2f s of work", accepted, OTHERS,
         now () - begun, work);
    /* The work is about a tenth of a millisecond for each. */
    CHECK (work < PEERS * 0.002, "in proportion to their own topics");
    close (owner);
    publish_until (0, 10);
    close_publisher ();
}

int main (void)
{
    CHECK (is_quick (ZMQ_PUB, 1, LONGEST), "PUB: no send works for long");
    CHECK (is_quick (ZMQ_PUB, 20, 1 << 20), "PUB: no send works for long");
    CHECK (is_quick (ZMQ_XPUB, 1, LONGEST), "XPUB: no send works for long");
    CHECK (is_quick (ZMQ_XPUB, 20, 1 << 20), "XPUB: no send works for long");
    heard ();
    churn ();
    return done ();
}
