/*
 * Every prototype of the public header. Compiled, not run: each function is
 * assigned to a pointer of its type.
 */

#include "checks.h"

#define PROTOTYPE(result, name, arguments)                                     \
    do {                                                                       \
        result (*pointer) arguments = name;                                    \
        (void) pointer;                                                        \
    } while (0)

void prototypes (void);

void prototypes (void)
{
    PROTOTYPE (int, zmq_errno, (void));
    PROTOTYPE (const char *, zmq_strerror, (int));
    PROTOTYPE (void, zmq_version, (int *, int *, int *));
    PROTOTYPE (void *, zmq_ctx_new, (void));
    PROTOTYPE (int, zmq_ctx_term, (void *));
    PROTOTYPE (int, zmq_ctx_shutdown, (void *));
    PROTOTYPE (int, zmq_ctx_set, (void *, int, int));
    PROTOTYPE (int, zmq_ctx_get, (void *, int));
    PROTOTYPE (void *, zmq_init, (int));
    PROTOTYPE (int, zmq_term, (void *));
    PROTOTYPE (int, zmq_ctx_destroy, (void *));
    PROTOTYPE (int, zmq_msg_init, (zmq_msg_t *));
    PROTOTYPE (int, zmq_msg_init_size, (zmq_msg_t *, size_t));
    PROTOTYPE (int, zmq_msg_init_data,
               (zmq_msg_t *, void *, size_t, zmq_free_fn *, void *));
    PROTOTYPE (int, zmq_msg_send, (zmq_msg_t *, void *, int));
    PROTOTYPE (int, zmq_msg_recv, (zmq_msg_t *, void *, int));
    PROTOTYPE (int, zmq_msg_close, (zmq_msg_t *));
    PROTOTYPE (int, zmq_msg_move, (zmq_msg_t *, zmq_msg_t *));
    PROTOTYPE (int, zmq_msg_copy, (zmq_msg_t *, zmq_msg_t *));
    PROTOTYPE (void *, zmq_msg_data, (zmq_msg_t *));
    PROTOTYPE (size_t, zmq_msg_size, (const zmq_msg_t *));
    PROTOTYPE (int, zmq_msg_more, (const zmq_msg_t *));
    PROTOTYPE (int, zmq_msg_get, (const zmq_msg_t *, int));
    PROTOTYPE (int, zmq_msg_set, (zmq_msg_t *, int, int));
    PROTOTYPE (const char *, zmq_msg_gets, (const zmq_msg_t *, const char *));
    PROTOTYPE (void *, zmq_socket, (void *, int));
    PROTOTYPE (int, zmq_close, (void *));
    PROTOTYPE (int, zmq_setsockopt, (void *, int, const void *, size_t));
    PROTOTYPE (int, zmq_getsockopt, (void *, int, void *, size_t *));
    PROTOTYPE (int, zmq_bind, (void *, const char *));
    PROTOTYPE (int, zmq_connect, (void *, const char *));
    PROTOTYPE (int, zmq_unbind, (void *, const char *));
    PROTOTYPE (int, zmq_disconnect, (void *, const char *));
    PROTOTYPE (int, zmq_send, (void *, const void *, size_t, int));
    PROTOTYPE (int, zmq_send_const, (void *, const void *, size_t, int));
    PROTOTYPE (int, zmq_recv, (void *, void *, size_t, int));
    PROTOTYPE (int, zmq_socket_monitor, (void *, const char *, int));
    PROTOTYPE (int, zmq_poll, (zmq_pollitem_t *, int, long));
    PROTOTYPE (int, zmq_proxy, (void *, void *, void *));
    PROTOTYPE (int, zmq_proxy_steerable, (void *, void *, void *, void *));
    PROTOTYPE (int, zmq_has, (const char *));
    PROTOTYPE (int, zmq_device, (int, void *, void *));
    PROTOTYPE (int, zmq_sendmsg, (void *, zmq_msg_t *, int));
    PROTOTYPE (int, zmq_recvmsg, (void *, zmq_msg_t *, int));
    PROTOTYPE (int, zmq_sendiov, (void *, struct iovec *, size_t, int));
    PROTOTYPE (int, zmq_recviov, (void *, struct iovec *, size_t *, int));
    PROTOTYPE (char *, zmq_z85_encode, (char *, const uint8_t *, size_t));
    PROTOTYPE (uint8_t *, zmq_z85_decode, (uint8_t *, const char *));
    PROTOTYPE (int, zmq_curve_keypair, (char *, char *));
    PROTOTYPE (int, zmq_curve_public, (char *, const char *));
    PROTOTYPE (void *, zmq_atomic_counter_new, (void));
    PROTOTYPE (void, zmq_atomic_counter_set, (void *, int));
    PROTOTYPE (int, zmq_atomic_counter_inc, (void *));
    PROTOTYPE (int, zmq_atomic_counter_dec, (void *));
    PROTOTYPE (int, zmq_atomic_counter_value, (void *));
    PROTOTYPE (void, zmq_atomic_counter_destroy, (void **));
    PROTOTYPE (void *, zmq_timers_new, (void));
    PROTOTYPE (int, zmq_timers_destroy, (void **));
    PROTOTYPE (int, zmq_timers_add, (void *, size_t, zmq_timer_fn, void *));
    PROTOTYPE (int, zmq_timers_cancel, (void *, int));
    PROTOTYPE (int, zmq_timers_set_interval, (void *, int, size_t));
    PROTOTYPE (int, zmq_timers_reset, (void *, int));
    PROTOTYPE (long, zmq_timers_timeout, (void *));
    PROTOTYPE (int, zmq_timers_execute, (void *));
    PROTOTYPE (void *, zmq_stopwatch_start, (void));
    PROTOTYPE (unsigned long, zmq_stopwatch_intermediate, (void *));
    PROTOTYPE (unsigned long, zmq_stopwatch_stop, (void *));
    PROTOTYPE (void, zmq_sleep, (int));
    PROTOTYPE (void *, zmq_threadstart, (zmq_thread_fn *, void *));
    PROTOTYPE (void, zmq_threadclose, (void *));
#ifdef ZMQ_BUILD_DRAFT_API
    PROTOTYPE (int, zmq_ctx_set_ext, (void *, int, const void *, size_t));
    PROTOTYPE (int, zmq_ctx_get_ext, (void *, int, void *, size_t *));
    PROTOTYPE (int, zmq_join, (void *, const char *));
    PROTOTYPE (int, zmq_leave, (void *, const char *));
    PROTOTYPE (uint32_t, zmq_connect_peer, (void *, const char *));
    PROTOTYPE (int, zmq_disconnect_peer, (void *, uint32_t));
    PROTOTYPE (int, zmq_msg_set_routing_id, (zmq_msg_t *, uint32_t));
    PROTOTYPE (uint32_t, zmq_msg_routing_id, (zmq_msg_t *));
    PROTOTYPE (int, zmq_msg_set_group, (zmq_msg_t *, const char *));
    PROTOTYPE (const char *, zmq_msg_group, (zmq_msg_t *));
    PROTOTYPE (int, zmq_msg_init_buffer, (zmq_msg_t *, const void *, size_t));
    PROTOTYPE (void *, zmq_poller_new, (void));
    PROTOTYPE (int, zmq_poller_destroy, (void **));
    PROTOTYPE (int, zmq_poller_size, (void *));
    PROTOTYPE (int, zmq_poller_add, (void *, void *, void *, short));
    PROTOTYPE (int, zmq_poller_modify, (void *, void *, short));
    PROTOTYPE (int, zmq_poller_remove, (void *, void *));
    PROTOTYPE (int, zmq_poller_wait, (void *, zmq_poller_event_t *, long));
    PROTOTYPE (int, zmq_poller_wait_all,
               (void *, zmq_poller_event_t *, int, long));
    PROTOTYPE (int, zmq_poller_fd, (void *, zmq_fd_t *));
    PROTOTYPE (int, zmq_poller_add_fd, (void *, zmq_fd_t, void *, short));
    PROTOTYPE (int, zmq_poller_modify_fd, (void *, zmq_fd_t, short));
    PROTOTYPE (int, zmq_poller_remove_fd, (void *, zmq_fd_t));
    PROTOTYPE (int, zmq_socket_get_peer_state, (void *, const void *, size_t));
    PROTOTYPE (int, zmq_socket_monitor_versioned,
               (void *, const char *, uint64_t, int, int));
    PROTOTYPE (int, zmq_socket_monitor_pipes_stats, (void *));
#ifdef _WIN32
    PROTOTYPE (int, zmq_ppoll, (zmq_pollitem_t *, int, long, const void *));
#elif defined _POSIX_C_SOURCE || !defined __STRICT_ANSI__
    PROTOTYPE (int, zmq_ppoll, (zmq_pollitem_t *, int, long, const sigset_t *));
#endif
#endif
}
