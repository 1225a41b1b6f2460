/* What context options do to I/O threads, and that it is settled with the first socket. */
#include "common.h"

#include <dirent.h>
#include <sched.h>

/* Finds a thread of this process by its name; 0 if there is none. */
static int thread_called (const char *name)
{
    DIR *tasks = opendir ("/proc/self/task");
    struct dirent *entry;
    int found = 0;
    MUST (tasks);
    while ((entry = readdir (tasks)) != NULL) {
        char path[512], comm[64] = "";
        snprintf (path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen (path, "r");
        if (!file)
            continue;
        if (fgets (comm, sizeof comm, file)) {
            comm[strcspn (comm, "\n")] = 0;
            if (strcmp (comm, name) == 0)
                found = atoi (entry->d_name);
        }
        fclose (file);
    }
    closedir (tasks);
    return found;
}

/* The same of a thread that must be there: it names itself when it runs at last. */
static int thread_soon (const char *name)
{
    int found = 0;
    for (int i = 0; i < 500 && (found = thread_called (name)) == 0; i++)
        usleep (10000);
    return found;
}

/* The same of a thread that has ended: the system lists it a little longer. */
static int thread_stays (const char *name)
{
    int found = 1;
    for (int i = 0; i < 500 && (found = thread_called (name)) != 0; i++)
        usleep (10000);
    return found;
}

static void *context (int threads, int prefix)
{
    void *ctx = zmq_ctx_new ();
    MUST (zmq_ctx_set (ctx, ZMQ_IO_THREADS, threads) == 0);
    if (prefix >= 0)
        MUST (zmq_ctx_set (ctx, ZMQ_THREAD_NAME_PREFIX, prefix) == 0);
    return ctx;
}

static void *bound (void *ctx)
{
    void *s = sock (ctx, ZMQ_PULL);
    MUST (zmq_bind (s, "tcp://127.0.0.1:*") == 0);
    return s;
}

int main (void)
{
    start ();
    PART ("names");
    void *ctx = context (2, -1);
    void *s = bound (ctx);
    SHOW (thread_soon ("ZMQbg/IO/0") != 0);
    SHOW (thread_soon ("ZMQbg/IO/1") != 0);
    SHOW (thread_called ("ZMQbg/IO/2") != 0);
    done (s);
    term (ctx);
    SHOW (thread_stays ("ZMQbg/IO/0") != 0);

    PART ("a prefix");
    ctx = context (1, 1234);
    s = bound (ctx);
    SHOW (thread_soon ("1234/ZMQbg/IO/0") != 0);
    done (s);
    term (ctx);

    PART ("affinity");
    ctx = context (1, 77);
    cpu_set_t allowed;
    MUST (sched_getaffinity (0, sizeof allowed, &allowed) == 0);
    int cpu = 0;
    while (!CPU_ISSET (cpu, &allowed))
        cpu++;
    RC (zmq_ctx_set (ctx, ZMQ_THREAD_AFFINITY_CPU_ADD, 1000000) >= 0);
    RC (zmq_ctx_set (ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 1000000));
    MUST (zmq_ctx_set (ctx, ZMQ_THREAD_AFFINITY_CPU_ADD, cpu) == 0);
    s = bound (ctx);
    int tid = thread_soon ("77/ZMQbg/IO/0");
    SHOW (tid != 0);
    MUST (sched_getaffinity (tid, sizeof allowed, &allowed) == 0);
    SHOW (CPU_COUNT (&allowed));
    SHOW (CPU_ISSET (cpu, &allowed) != 0);
    done (s);
    term (ctx);

    PART ("policy");
    ctx = context (1, 78);
    RC (zmq_ctx_set (ctx, ZMQ_THREAD_SCHED_POLICY, SCHED_BATCH));
    RC (zmq_ctx_get (ctx, ZMQ_THREAD_SCHED_POLICY));
    s = bound (ctx);
    SHOW (sched_getscheduler (thread_soon ("78/ZMQbg/IO/0")) == SCHED_BATCH);
    done (s);
    term (ctx);

    PART ("too late");
    ctx = context (1, 79);
    RC (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 3));
    s = sock (ctx, ZMQ_PULL);
    RC (zmq_ctx_set (ctx, ZMQ_THREAD_NAME_PREFIX, 80));
    RC (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 2));
    RC (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 1));
    RC (zmq_ctx_get (ctx, ZMQ_MAX_SOCKETS));
    void *second = bound (ctx);
    SHOW (thread_soon ("79/ZMQbg/IO/0") != 0);
    SHOW (thread_called ("79/ZMQbg/IO/1") != 0);
    SHOW (thread_called ("80/ZMQbg/IO/0") != 0);
    void *third = sock (ctx, ZMQ_PUSH);
    PTR (zmq_socket (ctx, ZMQ_PUSH));
    done (s);
    done (second);
    done (third);
    term (ctx);
    return 0;
}
