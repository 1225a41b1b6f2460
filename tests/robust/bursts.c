/* Much is queued and drained, and the memory goes back: within 10 s the process
   is within 10 % of what it was before, give or take the half MiB that threads and
   the C library keep at hand, which counts in a process of 3 MiB. Short and long messages, inproc and tcp.
   64 MiB each in `make test`; with ROBUST_SCALE above 1 a GiB, one after the other. */
#include "robust.h"
#include <malloc.h>

static const size_t sizes[] = {16, 200, 4000, 100000, 1 << 20};

#define HANDY 512 /* KiB */
#define SIZES (int) (sizeof sizes / sizeof *sizes)

static void transfer (void *push, void *pull, char *body, size_t size, long count)
{
    for (long i = 0; i < count; i++) {
        body[0] = (char) i;
        OK (zmq_send (push, body, size, 0));
    }
    for (long i = 0; i < count; i++) {
        int got = zmq_recv (pull, body, size, 0);
        OK (got);
        if ((size_t) got != size || body[0] != (char) i) {
            CHECK (0, "what arrives is what was sent");
            return;
        }
    }
}

static int burst (const char *where, size_t size, long bytes)
{
    void *context = zmq_ctx_new ();
    void *pull = zmq_socket (context, ZMQ_PULL), *push = zmq_socket (context, ZMQ_PUSH);
    static char body[1 << 20];
    char endpoint[64];
    size_t length = sizeof endpoint;
    set_int (pull, ZMQ_RCVHWM, 0);
    set_int (push, ZMQ_SNDHWM, 0);
    set_int (pull, ZMQ_RCVTIMEO, 30000);
    OK (zmq_bind (pull, where));
    OK (zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, endpoint, &length));
    OK (zmq_connect (push, endpoint));
    /* What threads keep at hand is kept from here on. */
    transfer (push, pull, body, size, 20 + (8 << 20) / (long) (size < 64 ? 64 : size));
    malloc_trim (0);
    long start = rss (), most = start + start / 10 + HANDY;
    reset_peak ();
    /* A short message takes no more than its body and two bytes. */
    transfer (push, pull, body, size, bytes / (long) (size + 2));
    double drained = now (), took = 0;
    long peak = status_of (getpid (), "VmHWM:"), at_once = rss (), end = at_once;
    while ((took = now () - drained) < 10 && end > most) {
        nap (0.1);
        end = rss ();
    }
    say ("%.6s, %zu bytes: %ld KiB before, %ld at most, %ld when drained, %ld after %.1f s", where,
         size, start, peak, at_once, end, took);
    CHECK (peak - start > bytes / 1024 / 4, "it was queued");
    CHECK (end <= most, "the memory goes back");
    OK (zmq_close (push));
    OK (zmq_close (pull));
    OK (zmq_ctx_term (context));
    nap (0.1);
    return done ();
}

int main (int argc, char **argv)
{
    static const char *const places[] = {"inproc://here", "tcp://127.0.0.1:*"};
    long bytes = scale () > 1 ? 1L << 30 : 64L << 20;
    if (argc == 3) /* a process of its own, see below */
        return burst (argv[1], (size_t) atol (argv[2]), bytes);
    int at_once = scale () > 1 ? 1 : 5, running = 0, status;
    for (int i = 0; i < 2 * SIZES; i++) {
        if (running == at_once && wait (&status) > 0) {
            failures += status != 0;
            running--;
        }
        pid_t child = fork ();
        OK (child);
        if (child == 0) {
            char size[32];
            snprintf (size, sizeof size, "%zu", sizes[i % SIZES]);
            execl ("/proc/self/exe", argv[0], places[i / SIZES], size, NULL);
            _exit (1);
        }
        running++;
    }
    while (wait (&status) > 0)
        failures += status != 0;
    return done ();
}
