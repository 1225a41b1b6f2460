/* Sizes, alignment and members of the types of the public header. */

#include "checks.h"

struct aligned
{
    char first;
    zmq_msg_t msg;
};

CHECK (msg_size, sizeof (zmq_msg_t) == 64);
CHECK (msg_alignment, offsetof (struct aligned, msg) == sizeof (void *));
CHECK (fd_size, sizeof (zmq_fd_t) == sizeof (int) || sizeof (void *) == 8);

CHECK (pollitem_fd, offsetof (zmq_pollitem_t, fd) == sizeof (void *));
CHECK (pollitem_events,
       offsetof (zmq_pollitem_t, events)
         == sizeof (void *) + sizeof (zmq_fd_t));
CHECK (pollitem_revents,
       offsetof (zmq_pollitem_t, revents)
         == offsetof (zmq_pollitem_t, events) + sizeof (short));
CHECK (pollitem_size,
       sizeof (zmq_pollitem_t)
         == offsetof (zmq_pollitem_t, revents) + sizeof (short));

/* The tags are there too: C++ headers declare them ahead. */
struct zmq_msg_t;
struct zmq_pollitem_t;

/* These are function types, as programs write `zmq_free_fn *`. */
static void release (void *data, void *hint)
{
    (void) data;
    (void) hint;
}
static void expire (int timer_id, void *arg)
{
    (void) timer_id;
    (void) arg;
}
static void body (void *arg)
{
    (void) arg;
}

void layouts (void);

void layouts (void)
{
    struct zmq_msg_t msg = {{0}};
    zmq_pollitem_t item = {0, 0, ZMQ_POLLIN, 0};
    zmq_free_fn *free_fn = release;
    zmq_timer_fn *timer_fn = expire;
    zmq_thread_fn *thread_fn = body;
    free_fn (&msg, 0);
    timer_fn (1, &item);
    thread_fn (0);
}

#ifdef ZMQ_BUILD_DRAFT_API
CHECK (event_fd, offsetof (zmq_poller_event_t, fd) == sizeof (void *));
CHECK (event_user_data,
       offsetof (zmq_poller_event_t, user_data) == 2 * sizeof (void *));
CHECK (event_events,
       offsetof (zmq_poller_event_t, events) == 3 * sizeof (void *));
#endif
