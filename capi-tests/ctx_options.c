/* Context options: defaults, ranges, what is only read or only set. */
#include "common.h"

static void get_all (void *ctx)
{
    RC (zmq_ctx_get (ctx, ZMQ_IO_THREADS));
    RC (zmq_ctx_get (ctx, ZMQ_MAX_SOCKETS));
    RC (zmq_ctx_get (ctx, ZMQ_SOCKET_LIMIT));
    RC (zmq_ctx_get (ctx, ZMQ_MAX_MSGSZ));
    RC (zmq_ctx_get (ctx, ZMQ_MSG_T_SIZE));
    RC (zmq_ctx_get (ctx, ZMQ_IPV6));
    RC (zmq_ctx_get (ctx, ZMQ_BLOCKY));
    RC (zmq_ctx_get (ctx, ZMQ_THREAD_NAME_PREFIX));
}

static void set_range (void *ctx, const char *name, int option)
{
    static const int values[] = {INT_MIN, -2, -1, 0, 1, 2, 100, INT_MAX};
    for (int i = 0; i < COUNT (values); i++) {
        int rc = zmq_ctx_set (ctx, option, values[i]);
        printf ("set %s %d: %s", name, values[i],
                rc ? errno_name (zmq_errno ()) : "ok");
        errno = 0;
        rc = zmq_ctx_get (ctx, option);
        printf (", then reads %d %s\n", rc,
                rc == -1 ? errno_name (zmq_errno ()) : "");
    }
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    MUST (ctx);
    PART ("defaults");
    get_all (ctx);
    PART ("ranges");
    set_range (ctx, "IO_THREADS", ZMQ_IO_THREADS);
    set_range (ctx, "MAX_MSGSZ", ZMQ_MAX_MSGSZ);
    set_range (ctx, "IPV6", ZMQ_IPV6);
    set_range (ctx, "BLOCKY", ZMQ_BLOCKY);
    RC (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 0));
    RC (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, -1));
    RC (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 1));
    RC (zmq_ctx_get (ctx, ZMQ_MAX_SOCKETS));
    RC (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 65535));
    RC (zmq_ctx_get (ctx, ZMQ_MAX_SOCKETS));
    RC (zmq_ctx_set (ctx, ZMQ_THREAD_PRIORITY, -1));
    RC (zmq_ctx_set (ctx, ZMQ_THREAD_SCHED_POLICY, -1));
    RC (zmq_ctx_set (ctx, ZMQ_THREAD_AFFINITY_CPU_ADD, -1));
    RC (zmq_ctx_set (ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0));
    RC (zmq_ctx_set (ctx, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    RC (zmq_ctx_set (ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0));
    RC (zmq_ctx_set (ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0));
    PART ("read-only and unknown");
    RC (zmq_ctx_set (ctx, ZMQ_MSG_T_SIZE, 64));
    RC (zmq_ctx_set (ctx, 0, 1));
    RC (zmq_ctx_set (ctx, -1, 1));
    RC (zmq_ctx_set (ctx, 4711, 1));
    RC (zmq_ctx_get (ctx, 0));
    RC (zmq_ctx_get (ctx, 4711));
    RC (zmq_ctx_get (ctx, ZMQ_THREAD_AFFINITY_CPU_ADD));
    RC (zmq_ctx_get (ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE));
    term (ctx);

    PART ("what a socket inherits");
    ctx = zmq_ctx_new ();
    void *plain = zmq_socket (ctx, ZMQ_PUSH);
    RC (zmq_ctx_set (ctx, ZMQ_IPV6, 1));
    RC (zmq_ctx_set (ctx, ZMQ_BLOCKY, 0));
    void *later = zmq_socket (ctx, ZMQ_PUSH);
    SHOW (get_int (plain, ZMQ_IPV6));
    SHOW (get_int (plain, ZMQ_LINGER));
    SHOW (get_int (later, ZMQ_IPV6));
    SHOW (get_int (later, ZMQ_LINGER));
    /* Still accepted once a socket exists, though without effect. */
    RC (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 3));
    RC (zmq_ctx_get (ctx, ZMQ_IO_THREADS));
    done (plain);
    done (later);
    term (ctx);

    PART ("no context");
    RC (zmq_ctx_set (NULL, ZMQ_IO_THREADS, 1));
    RC (zmq_ctx_get (NULL, ZMQ_IO_THREADS));
    return 0;
}
