/* Subscriptions that nobody will read never hold up zmq_ctx_term, with ZMQ_LINGER
   -1: 32 processes for each way in which a publisher can be gone. */
#include "robust.h"

#define PROCESSES 32
#define TOPICS 20000 /* more than the system buffers, when these are small */
#define SMALL 4096

enum publisher { NEVER, KILLED, DEAF, STOPPED };

static const char *const names[] = {"never there", "killed", "deaf", "killed while it is closed"};

static int listener;
static char endpoint[64];

/* Subscribes and takes back, and ends, which is to take no time. */
static void subscriber (enum publisher how, int number, int ready)
{
    int type = number % 2 ? ZMQ_SUB : ZMQ_XSUB;
    void *context = zmq_ctx_new (), *sub = zmq_socket (context, type);
    char text[64];
    set_int (sub, ZMQ_LINGER, -1);
    set_int (sub, ZMQ_RECONNECT_IVL, 10);
    set_int (sub, ZMQ_SNDBUF, SMALL);
    OK (zmq_connect (sub, endpoint));
    for (int i = 0; i < TOPICS; i++) {
        int size = sprintf (text, "\001a topic of some length that nobody wants any more, %d", i);
        if (type == ZMQ_SUB)
            OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, text + 1, (size_t) size - 1));
        else
            OK (zmq_send (sub, text, (size_t) size, 0));
        if (i % 10 == 0) {
            text[0] = 0;
            if (type == ZMQ_SUB)
                OK (zmq_setsockopt (sub, ZMQ_UNSUBSCRIBE, text + 1, (size_t) size - 1));
            else
                OK (zmq_send (sub, text, (size_t) size, 0));
        }
    }
    if (write (ready, "", 1) != 1)
        _exit (2);
    nap (how == STOPPED ? 0.0001 * number : 0.3);
    double start = now ();
    OK (zmq_close (sub));
    OK (zmq_ctx_term (context));
    _exit (now () - start < 3 ? 0 : 1);
}

/* Takes a part of the subscriptions, and then no more. */
static pid_t start_publisher (void)
{
    pid_t child = fork ();
    if (child != 0)
        return child;
    void *context = zmq_ctx_new (), *pub = zmq_socket (context, ZMQ_XPUB);
    char text[128];
    OK (zmq_bind (pub, endpoint));
    for (int i = 0; i < TOPICS / 2; i++)
        zmq_recv (pub, text, sizeof text, 0);
    pause ();
    return 0;
}

static void accept_and_greet (void)
{
    for (int i = 0; i < PROCESSES; i++) {
        struct pollfd item = {listener, POLLIN, 0};
        if (poll (&item, 1, 5000) == 1)
            greet (accept (listener, NULL, NULL), "PUB"); /* and read nothing */
    }
}

static void round_of (enum publisher how)
{
    int port, ready[2];
    pid_t publisher = 0, children[PROCESSES];
    OK (pipe (ready));
    listener = listen_any (&port);
    setsockopt (listener, SOL_SOCKET, SO_RCVBUF, &(int) {SMALL}, sizeof (int));
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    if (how != DEAF)
        close (listener);
    if (how == KILLED || how == STOPPED)
        publisher = start_publisher ();
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork ();
        OK (children[i]);
        if (children[i] == 0)
            subscriber (how, i, ready[1]);
    }
    if (how == DEAF)
        accept_and_greet ();
    char byte;
    for (int i = 0; i < PROCESSES; i++)
        CHECK (read_all (ready[0], &byte, 1, 20), "the subscribers get that far");
    if (publisher) {
        kill (publisher, SIGKILL);
        waitpid (publisher, NULL, 0);
    }
    double limit = now () + 8;
    int good = 0, late = 0, hung = 0;
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        pid_t done;
        while ((done = waitpid (children[i], &status, WNOHANG)) == 0 && now () < limit)
            nap (0.01);
        if (done == 0) {
            kill (children[i], SIGKILL);
            waitpid (children[i], NULL, 0);
            hung++;
        } else if (status == 0)
            good++;
        else
            late++;
    }
    say ("publisher %s: of %d processes %d ended at once, %d late, %d hung", names[how], PROCESSES,
         good, late, hung);
    CHECK (good == PROCESSES, "all end at once");
    if (how == DEAF)
        close (listener);
    close (ready[0]);
    close (ready[1]);
}

/* What is not a subscription still lingers: a message of an XSUB gets there. */
static void messages_linger (void)
{
    void *context = zmq_ctx_new (), *sub = zmq_socket (context, ZMQ_XSUB);
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", free_port ());
    set_int (sub, ZMQ_LINGER, 5000);
    set_int (sub, ZMQ_RECONNECT_IVL, 10);
    OK (zmq_send (sub, "\001topic", 6, 0));
    OK (zmq_connect (sub, endpoint));
    OK (zmq_send (sub, "hello", 5, 0));
    OK (zmq_close (sub));
    void *other = zmq_ctx_new (), *pub = zmq_socket (other, ZMQ_XPUB);
    set_int (pub, ZMQ_RCVTIMEO, 4000);
    OK (zmq_bind (pub, endpoint));
    char text[16];
    int size, found = 0;
    while (!found && (size = zmq_recv (pub, text, sizeof text, 0)) >= 0)
        found = size == 5 && memcmp (text, "hello", 5) == 0;
    CHECK (found, "a message that an XSUB sent before it closed arrives");
    OK (zmq_ctx_term (context));
    OK (zmq_close (pub));
    OK (zmq_ctx_term (other));
}

int main (void)
{
    for (enum publisher how = NEVER; how <= STOPPED; how++)
        round_of (how);
    messages_linger ();
    return done ();
}
