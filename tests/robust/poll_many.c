/* zmq_poll over many sockets. A thread stays registered with those of its last long
   list: that saves most of the cost of a sleep, and must not matter in any other way,
   whatever becomes of the list, the sockets, the contexts, the threads or the process. */
#include "robust.h"

enum { MANY = 2000, LIST = 100 };

struct list {
    void *context, *pull[MANY], *push[MANY];
    zmq_pollitem_t items[MANY];
    int count;
};

static void open_with (struct list *list, int i, void *pull)
{
    char endpoint[64];
    snprintf (endpoint, sizeof endpoint, "inproc://%d", i);
    list->pull[i] = pull;
    list->push[i] = zmq_socket (list->context, ZMQ_PUSH);
    OK (list->pull[i] && list->push[i] ? 0 : -1);
    set_int (list->push[i], ZMQ_LINGER, 0);
    OK (zmq_bind (list->pull[i], endpoint));
    OK (zmq_connect (list->push[i], endpoint));
    list->items[i] = (zmq_pollitem_t) {list->pull[i], 0, ZMQ_POLLIN, 0};
}

static void open_one (struct list *list, int i)
{
    open_with (list, i, zmq_socket (list->context, ZMQ_PULL));
}

static void close_one (struct list *list, int i)
{
    OK (zmq_close (list->pull[i]));
    OK (zmq_close (list->push[i]));
}

static struct list *open_list (int count)
{
    struct list *list = calloc (1, sizeof *list);
    list->context = zmq_ctx_new ();
    list->count = count;
    OK (zmq_ctx_set (list->context, ZMQ_MAX_SOCKETS, 2 * count + 10));
    for (int i = 0; i < count; i++)
        open_one (list, i);
    return list;
}

static void close_list (struct list *list)
{
    for (int i = 0; i < list->count; i++)
        close_one (list, i);
    OK (zmq_ctx_term (list->context));
    free (list);
}

static void sleeps (struct list *list, int from, int count)
{
    CHECK (zmq_poll (list->items + from, count, 1) == 0, "nothing is there");
}

/* A message for one of them, and whether the poll says so; it is received then. */
static void finds (struct list *list, int from, int count, int which, long timeout)
{
    char c;
    double begin = now ();
    CHECK (zmq_poll (list->items + from, count, timeout) == 1, "one socket is ready");
    CHECK (list->items[which].revents == ZMQ_POLLIN, "it is the one with the message");
    CHECK (now () - begin < 2, "the call returns at once");
    CHECK (zmq_recv (list->pull[which], &c, 1, ZMQ_DONTWAIT) == 1, "the message is there");
}

struct later {
    void *socket;
    double delay;
};

static void *send_later (void *argument)
{
    struct later *later = argument;
    nap (later->delay);
    OK (zmq_send (later->socket, "x", 1, 0));
    return NULL;
}

static void wakes (struct list *list, int from, int count, int which)
{
    struct later later = {list->push[which], 0.002};
    pthread_t thread;
    OK (-pthread_create (&thread, NULL, send_later, &later));
    finds (list, from, count, which, 10000);
    pthread_join (thread, NULL);
}

static double thread_time (void)
{
    struct rusage usage;
    getrusage (RUSAGE_THREAD, &usage);
    return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
           + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void costs_little (void)
{
    struct list *list = open_list (MANY);
    double best = 1;
    sleeps (list, 0, MANY);
    for (int round = 0; round < 10; round++) {
        double begin = thread_time ();
        for (int i = 0; i < 50; i++)
            sleeps (list, 0, MANY);
        double each = (thread_time () - begin) / 50;
        best = each < best ? each : best;
    }
    say ("%d idle sockets: %.0f us of processor time a call that sleeps", MANY, best * 1e6);
    CHECK (best < 200e-6, "a sleep costs little");
    for (int i = 0; i < 100; i++)
        wakes (list, 0, MANY, (i * 7919) % MANY);
    close_list (list);
}

static void lists_change (void)
{
    struct list *list = open_list (2 * LIST);
    for (int i = 0; i < 30; i++) {
        sleeps (list, 0, LIST);
        sleeps (list, LIST, LIST);
        wakes (list, 0, LIST, i);
        wakes (list, LIST / 2, LIST, LIST + i);
        wakes (list, 0, 2 * LIST, LIST + i);
        wakes (list, 3, 5, 5); /* a short list between long ones */
        OK (zmq_send (list->push[i], "x", 1, 0));
        finds (list, 0, LIST, i, 10000);
    }
    close_list (list);
}

static void *close_later (void *argument)
{
    struct later *later = argument;
    nap (later->delay);
    OK (zmq_close (later->socket));
    return NULL;
}

/* A socket of the list ends, during the sleep and between two, and another gets its
   handle. */
static void sockets_end (void)
{
    struct list *list = open_list (LIST);
    void *handle = list->pull[7];
    struct later later = {handle, 0.01};
    pthread_t thread;
    sleeps (list, 0, LIST);
    OK (-pthread_create (&thread, NULL, close_later, &later));
    double begin = now ();
    CHECK (zmq_poll (list->items, LIST, 10000) == -1 && errno == ENOTSOCK, "the call fails");
    CHECK (now () - begin < 2, "and returns at once");
    pthread_join (thread, NULL);
    CHECK (zmq_poll (list->items, LIST, 1) == -1 && errno == ENOTSOCK, "and fails again");
    OK (zmq_close (list->push[7]));
    void *next = zmq_socket (list->context, ZMQ_PULL);
    for (int i = 0; i < 20000 && next != handle; i++) {
        OK (zmq_close (next));
        next = zmq_socket (list->context, ZMQ_PULL);
    }
    say ("a socket was closed; another has %s handle", next == handle ? "its" : "NOT its");
    open_with (list, 7, next);
    for (int i = 0; i < 10; i++) {
        wakes (list, 0, LIST, 7);
        close_one (list, 8);
        open_one (list, 8);
        wakes (list, 0, LIST, 8);
        wakes (list, 0, LIST, 9);
    }
    close_list (list);
}

struct worker {
    struct list *list;
    atomic_int *left;
    int got;
};

static void *take_some (void *argument)
{
    struct worker *worker = argument;
    zmq_pollitem_t items[LIST];
    char c;
    memcpy (items, worker->list->items, sizeof items);
    while (atomic_load (worker->left) > 0) {
        if (zmq_poll (items, LIST, 1000) < 0)
            OK (-1);
        for (int i = 0; i < LIST; i++)
            if (items[i].revents && zmq_recv (items[i].socket, &c, 1, ZMQ_DONTWAIT) == 1) {
                worker->got++;
                atomic_fetch_sub (worker->left, 1);
            }
    }
    return NULL;
}

/* Calls on one socket serialise here, so several threads may wait for the same. */
static void threads_share (void)
{
    enum { THREADS = 3, MESSAGES = 3000 };
    struct list *list = open_list (LIST);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    atomic_int left = MESSAGES;
    double begin = now ();
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker) {list, &left, 0};
        OK (-pthread_create (&threads[i], NULL, take_some, &workers[i]));
    }
    for (int i = 0; i < MESSAGES; i++) {
        OK (zmq_send (list->push[(i * 31) % LIST], "x", 1, 0));
        if (i % 10 == 0)
            nap (0.0005);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join (threads[i], NULL);
    say ("3 threads wait for the same sockets: %d, %d and %d messages in %.1f s", workers[0].got,
         workers[1].got, workers[2].got, now () - begin);
    close_list (list);
}

static void *poll_and_end (void *argument)
{
    struct list *list = argument;
    sleeps (list, 0, LIST);
    wakes (list, 0, LIST, 11);
    return NULL;
}

static pthread_key_t key;

static void poll_at_the_end (void *argument)
{
    poll_and_end (argument);
}

static void *set_key (void *argument)
{
    pthread_setspecific (key, argument);
    return poll_and_end (argument);
}

static void threads_end (void)
{
    struct list *list = open_list (LIST);
    pthread_t thread;
    long before = 0;
    OK (-pthread_key_create (&key, poll_at_the_end));
    for (int i = 0; i < 120; i++) {
        OK (-pthread_create (&thread, NULL, i % 2 ? set_key : poll_and_end, list));
        pthread_join (thread, NULL);
        if (i == 20)
            before = rss ();
    }
    say ("100 threads came and went: %ld KiB more", rss () - before);
    CHECK (rss () - before < 1024, "they leave nothing");
    wakes (list, 0, LIST, 12);
    close_list (list);
}

static void *wait_for_end (void *argument)
{
    struct list *list = argument;
    double begin = now ();
    zmq_pollitem_t items[LIST];
    memcpy (items, list->items, sizeof items);
    CHECK (zmq_poll (items, LIST, 10000) == -1 && errno == ETERM, "the context ends");
    CHECK (now () - begin < 5, "and the call returns at once");
    return NULL;
}

static void contexts_end (void)
{
    struct list *list = open_list (LIST);
    pthread_t threads[2];
    sleeps (list, 0, LIST);
    for (int i = 0; i < 2; i++)
        OK (-pthread_create (&threads[i], NULL, wait_for_end, list));
    nap (0.05);
    OK (zmq_ctx_shutdown (list->context));
    for (int i = 0; i < 2; i++)
        pthread_join (threads[i], NULL);
    close_list (list);
    list = open_list (LIST);
    sleeps (list, 0, LIST);
    close_list (list); /* with the thread registered */
}

static void processes_fork (void)
{
    struct list *list = open_list (LIST);
    sleeps (list, 0, LIST);
    pid_t child = fork ();
    OK (child);
    if (child == 0) {
        alarm (20);
        failures = 0;
        struct list *own = open_list (LIST);
        for (int i = 0; i < 5; i++)
            wakes (own, 0, LIST, i);
        close_list (own);
        for (int i = 0; i < LIST; i++) {
            OK (zmq_close (list->pull[i]));
            OK (zmq_close (list->push[i]));
        }
        own = open_list (LIST); /* perhaps with handles of the parent's */
        for (int i = 0; i < 5; i++)
            wakes (own, 0, LIST, i);
        close_list (own);
        _exit (done ());
    }
    int status;
    for (int i = 0; i < 5; i++)
        wakes (list, 0, LIST, i);
    OK (waitpid (child, &status, 0));
    CHECK (status == 0, "a forked child waits for its own");
    wakes (list, 0, LIST, 1);
    close_list (list);
}

static struct list *last;

static void at_exit (void)
{
    wakes (last, 0, LIST, 3);
    close_list (last);
    if (failures)
        _exit (1);
}

int main (void)
{
    costs_little ();
    lists_change ();
    sockets_end ();
    threads_share ();
    threads_end ();
    contexts_end ();
    processes_fork ();
    last = open_list (LIST);
    sleeps (last, 0, LIST);
    atexit (at_exit);
    return done ();
}
