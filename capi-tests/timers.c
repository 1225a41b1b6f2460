/* zmq_timers: order, cancelling, resetting, wrong ids and handles. */
#include "common.h"

static int fired[8];
static char order[64];

static void on_timer (int id, void *arg)
{
    int which = *(int *) arg;
    fired[which]++;
    size_t n = strlen (order);
    if (n + 2 < sizeof order)
        snprintf (order + n, sizeof order - n, "%d", which);
    (void) id;
}

/* Waits as a program would, until the timers say something is due. */
static int run_once (void *timers)
{
    long wait = zmq_timers_timeout (timers);
    if (wait > 0) {
        struct timespec pause = {wait / 1000, wait % 1000 * 1000000};
        nanosleep (&pause, NULL);
    }
    return zmq_timers_execute (timers);
}

int main (void)
{
    static int names[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    start ();
    void *timers = zmq_timers_new ();
    SHOW (timers != NULL);
    PART ("none");
    RC (zmq_timers_timeout (timers));
    RC (zmq_timers_execute (timers));
    PART ("one");
    int id = RC (zmq_timers_add (timers, 50, on_timer, &names[0]));
    long wait = zmq_timers_timeout (timers);
    SHOW (wait > 0 && wait <= 50);
    RC (zmq_timers_execute (timers));
    SHOW (fired[0]);
    while (fired[0] < 3)
        MUST (run_once (timers) == 0);
    SHOW (fired[0]);
    RC (zmq_timers_cancel (timers, id));
    RC (zmq_timers_cancel (timers, id));
    RC (zmq_timers_timeout (timers));
    PART ("in the order of their time");
    int a = RC (zmq_timers_add (timers, 200, on_timer, &names[1]));
    int b = RC (zmq_timers_add (timers, 30, on_timer, &names[2]));
    order[0] = 0;
    while (fired[1] < 1)
        MUST (run_once (timers) == 0);
    SHOW (fired[2] >= 1);
    SHOW (order[0] == '2');
    PART ("a new interval");
    fired[1] = fired[2] = 0;
    RC (zmq_timers_set_interval (timers, b, 100000));
    RC (zmq_timers_set_interval (timers, a, 20));
    RC (zmq_timers_reset (timers, b));
    while (fired[1] < 2)
        MUST (run_once (timers) == 0);
    SHOW (fired[2]);
    RC (zmq_timers_cancel (timers, a));
    wait = zmq_timers_timeout (timers);
    SHOW (wait > 90000 && wait <= 100000);
    PART ("overdue: once, however late");
    struct timespec pause = {0, 40000000};
    int late = RC (zmq_timers_add (timers, 10, on_timer, &names[3]));
    nanosleep (&pause, NULL);
    RC (zmq_timers_timeout (timers));
    RC (zmq_timers_execute (timers));
    SHOW (fired[3]);
    RC (zmq_timers_cancel (timers, late));
    PART ("wrong use");
    RC (zmq_timers_cancel (timers, 4711));
    RC (zmq_timers_cancel (timers, -1));
    RC (zmq_timers_reset (timers, 4711));
    RC (zmq_timers_set_interval (timers, 4711, 1));
    RC (zmq_timers_add (timers, 10, NULL, NULL));
    RC (zmq_timers_add (NULL, 10, on_timer, NULL));
    RC (zmq_timers_cancel (NULL, 1));
    RC (zmq_timers_reset (NULL, 1));
    RC (zmq_timers_set_interval (NULL, 1, 1));
    RC (zmq_timers_timeout (NULL));
    RC (zmq_timers_execute (NULL));
    RC (zmq_timers_destroy (&timers));
    SHOW (timers == NULL);
    RC (zmq_timers_destroy (&timers));
    return 0;
}
