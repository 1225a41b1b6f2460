/* 3,000 clients come, send something and go, and nobody reads it: memory levels
   off. A REP keeps the requests of the last 1,000 departed clients. Other sockets
   accept no new peers while departed ones have left more than 1,000 messages (or
   ZMQ_RCVHWM, if that is more); who waits loses nothing. */
#include "robust.h"

#define CLIENTS 3000
#define AT_ONCE 100 /* as many as wait in the system's queue */
#define STEP 500
#define BODY 200

static char endpoint[64];
static int out[2];

/* `count` clients, AT_ONCE at a time, each with one message and `linger`. After
   each STEP a byte goes to the parent. */
static pid_t start_clients (int type, int count, int linger)
{
    OK (pipe (out));
    pid_t child = fork ();
    OK (child);
    if (child != 0) {
        close (out[1]);
        return child;
    }
    char body[BODY] = "a request";
    for (int i = 1; i <= count / AT_ONCE; i++) {
        void *context = zmq_ctx_new (), *sockets[AT_ONCE];
        for (int j = 0; j < AT_ONCE; j++) {
            sockets[j] = zmq_socket (context, type);
            set_int (sockets[j], ZMQ_LINGER, linger);
            OK (zmq_connect (sockets[j], endpoint));
            OK (zmq_send (sockets[j], body, sizeof body, 0));
        }
        for (int j = 0; j < AT_ONCE; j++)
            OK (zmq_close (sockets[j]));
        OK (zmq_ctx_term (context));
        if (i * AT_ONCE % STEP == 0 && write (out[1], "", 1) != 1)
            _exit (1);
    }
    _exit (0);
}

static void *answer (void *socket)
{
    char body[BODY];
    long count = 0;
    while (zmq_recv (socket, body, sizeof body, 0) >= 0 && zmq_send (socket, body, 1, 0) >= 0)
        count++;
    return (void *) count;
}

/* A new client is served, behind what is left of the others. */
static void serves (void *rep)
{
    void *context = zmq_ctx_new (), *req = zmq_socket (context, ZMQ_REQ);
    char body[BODY];
    pthread_t thread;
    void *count;
    set_int (rep, ZMQ_RCVTIMEO, 1000);
    set_int (req, ZMQ_LINGER, 0);
    set_int (req, ZMQ_RCVTIMEO, 5000);
    OK (zmq_connect (req, endpoint));
    OK (zmq_send (req, "now", 3, 0));
    pthread_create (&thread, NULL, answer, rep);
    CHECK (zmq_recv (req, body, sizeof body, 0) == 1, "a new client is answered");
    pthread_join (thread, &count);
    say ("of %d requests %ld were kept", CLIENTS, (long) count - 1);
    CHECK ((long) count <= 1001 + AT_ONCE, "what is kept is bounded");
    CHECK ((long) count > 1000, "and what fits is kept");
    OK (zmq_close (req));
    OK (zmq_ctx_term (context));
}

static void levels_off (const char *name, int type, int client)
{
    void *context = zmq_ctx_new (), *socket = zmq_socket (context, type);
    set_int (socket, ZMQ_RCVHWM, 10);
    bind_tcp (socket, endpoint);
    long start = rss (), halfway = 0, end = 0;
    pid_t child = start_clients (client, CLIENTS, type == ZMQ_REP ? 5000 : 150);
    for (int i = 1; i <= CLIENTS / STEP; i++) {
        char byte;
        CHECK (read_all (out[0], &byte, 1, 30), "the clients come and go");
        nap (0.05);
        if (i * STEP == CLIENTS / 2)
            halfway = rss ();
    }
    end = rss ();
    waitpid (child, NULL, 0);
    close (out[0]);
    say ("%s: %ld KiB at first, %ld more after %d clients, %ld more after %d", name, start,
         halfway - start, CLIENTS / 2, end - start, CLIENTS);
    CHECK (end - halfway < 1024, "memory levels off");
    CHECK (end - start < 16 * 1024, "and there is not much of it");
    if (type == ZMQ_REP)
        serves (socket);
    OK (zmq_close (socket));
    OK (zmq_ctx_term (context));
}

/* Those who wait for long enough get rid of all they have. */
static void nothing_is_lost (void)
{
    void *context = zmq_ctx_new (), *pull = zmq_socket (context, ZMQ_PULL);
    char body[BODY];
    set_int (pull, ZMQ_RCVHWM, 10);
    set_int (pull, ZMQ_RCVTIMEO, 3000);
    bind_tcp (pull, endpoint);
    pid_t child = start_clients (ZMQ_PUSH, CLIENTS, -1);
    nap (1);
    int count = 0;
    while (count < CLIENTS && zmq_recv (pull, body, sizeof body, 0) == BODY)
        count++;
    say ("PULL, clients that linger: %d of %d messages", count, CLIENTS);
    CHECK (count == CLIENTS, "all arrive when they are read at last");
    if (count < CLIENTS)
        kill (child, SIGKILL);
    waitpid (child, NULL, 0);
    close (out[0]);
    OK (zmq_close (pull));
    OK (zmq_ctx_term (context));
}

int main (void)
{
    levels_off ("REP", ZMQ_REP, ZMQ_REQ);
    levels_off ("ROUTER", ZMQ_ROUTER, ZMQ_DEALER);
    levels_off ("PULL", ZMQ_PULL, ZMQ_PUSH);
    nothing_is_lost ();
    return done ();
}
