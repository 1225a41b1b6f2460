// A C++ exception out of a free function, and out of a timer handler, reaches the caller of
// the function that has released the message; the library goes on afterwards.
#include <zmq.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>

static int failures, ran;
static char body[100];

static void check (bool fact, const char *what)
{
    if (!fact) {
        failures++;
        std::printf ("FAILED: %s\n", what);
    }
}

static void throws (void *, void *hint)
{
    ran++;
    throw std::runtime_error (static_cast<const char *> (hint));
}

static void timer_throws (int, void *)
{
    ran++;
    throw std::runtime_error ("timer");
}

// Whether `call` throws just this.
template <typename F> static bool throws_from (const char *what, F call)
{
    try {
        call ();
    } catch (const std::runtime_error &error) {
        return std::strcmp (error.what (), what) == 0;
    }
    return false;
}

static void init (zmq_msg_t *msg, const char *hint)
{
    zmq_msg_init_data (msg, body, sizeof body, throws, const_cast<char *> (hint));
}

int main ()
{
    void *context = zmq_ctx_new ();
    void *pub = zmq_socket (context, ZMQ_PUB);
    void *push = zmq_socket (context, ZMQ_PUSH), *pull = zmq_socket (context, ZMQ_PULL);
    zmq_bind (pull, "inproc://throws");
    zmq_connect (push, "inproc://throws");
    zmq_msg_t msg, source;
    for (int round = 0; round < 200; round++) {
        init (&msg, "close");
        check (throws_from ("close", [&] { zmq_msg_close (&msg); }), "zmq_msg_close");
        init (&msg, "send");
        check (throws_from ("send", [&] { zmq_msg_send (&msg, pub, 0); }), "zmq_msg_send");
        check (zmq_msg_size (&msg) == 0, "the message was sent");
        init (&msg, "receive");
        zmq_send (push, "x", 1, 0);
        check (throws_from ("receive", [&] { zmq_msg_recv (&msg, pull, 0); }), "zmq_msg_recv");
        check (zmq_msg_size (&msg) == 1, "the message was received");
        init (&msg, "move");
        zmq_msg_init (&source);
        check (throws_from ("move", [&] { zmq_msg_move (&msg, &source); }), "zmq_msg_move");
        check (zmq_msg_close (&msg) == 0 && zmq_msg_close (&source) == 0, "zmq_msg_close after");
    }
    void *timers = zmq_timers_new ();
    zmq_timers_add (timers, 0, timer_throws, nullptr);
    check (throws_from ("timer", [&] { zmq_timers_execute (timers); }), "zmq_timers_execute");
    check (zmq_timers_destroy (&timers) == 0, "zmq_timers_destroy");
    check (ran == 4 * 200 + 1, "each function ran once");
    check (zmq_send (push, "y", 1, 0) == 1 && zmq_recv (pull, body, 1, 0) == 1, "and all works");
    zmq_close (pub);
    zmq_close (push);
    zmq_close (pull);
    check (zmq_ctx_term (context) == 0, "zmq_ctx_term");
    std::printf ("exceptions pass through: %s\n", failures ? "wrong" : "all as it should be");
    return failures ? 1 : 0;
}
