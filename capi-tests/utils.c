/* Counters, stop watches, threads, sleep. */
#include "common.h"

static int ran;

static void body (void *arg)
{
    sigset_t blocked;
    pthread_sigmask (SIG_SETMASK, NULL, &blocked);
    ran = *(int *) arg + sigismember (&blocked, SIGTERM);
}

int main (void)
{
    start ();
    PART ("counter");
    void *counter = zmq_atomic_counter_new ();
    SHOW (zmq_atomic_counter_value (counter));
    SHOW (zmq_atomic_counter_inc (counter));
    SHOW (zmq_atomic_counter_inc (counter));
    SHOW (zmq_atomic_counter_inc (counter));
    SHOW (zmq_atomic_counter_value (counter));
    SHOW (zmq_atomic_counter_dec (counter));
    SHOW (zmq_atomic_counter_dec (counter));
    SHOW (zmq_atomic_counter_dec (counter));
    SHOW (zmq_atomic_counter_value (counter));
    zmq_atomic_counter_set (counter, 42);
    SHOW (zmq_atomic_counter_value (counter));
    SHOW (zmq_atomic_counter_inc (counter));
    zmq_atomic_counter_set (counter, -1);
    SHOW (zmq_atomic_counter_value (counter));
    SHOW (zmq_atomic_counter_inc (counter));
    SHOW (zmq_atomic_counter_value (counter));
    zmq_atomic_counter_set (counter, INT_MAX);
    SHOW (zmq_atomic_counter_value (counter));
    zmq_atomic_counter_destroy (&counter);
    SHOW (counter == NULL);

    PART ("stop watch");
    void *watch = zmq_stopwatch_start ();
    struct timespec pause = {0, 20000000};
    nanosleep (&pause, NULL);
    unsigned long first = zmq_stopwatch_intermediate (watch);
    nanosleep (&pause, NULL);
    unsigned long second = zmq_stopwatch_intermediate (watch);
    unsigned long last = zmq_stopwatch_stop (watch);
    SHOW (first >= 19000);
    SHOW (second >= first + 19000);
    SHOW (last >= second);
    SHOW (last < 10000000);

    PART ("thread");
    int argument = 10;
    void *thread = zmq_threadstart (body, &argument);
    SHOW (thread != NULL);
    zmq_threadclose (thread);
    SHOW (ran);

    PART ("sleep");
    long begin = now_ms ();
    zmq_sleep (1);
    printf ("%s\n", coarse (now_ms () - begin, 1000));
    zmq_sleep (0);
    return 0;
}
