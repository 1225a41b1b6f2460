/* A name that the resolver takes its time for holds up nothing else, and all
   addresses of a name are tried. The resolver is this program's own.
   run alone */
#include "robust.h"
#include <netdb.h>

#define SLOW 3.0 /* seconds for a slow name */
#define HOPS 4   /* threads that a round trip goes through, each late by the jitter at worst */

static atomic_int lookups, at_once, most_at_once;

static struct addrinfo *answer (int family, const char *text, struct addrinfo *next)
{
    struct addrinfo *a = calloc (1, sizeof *a);
    a->ai_family = family;
    a->ai_socktype = SOCK_STREAM;
    a->ai_next = next;
    if (family == AF_INET6) {
        struct sockaddr_in6 *to = calloc (1, sizeof *to);
        to->sin6_family = AF_INET6;
        inet_pton (AF_INET6, text, &to->sin6_addr);
        a->ai_addrlen = sizeof *to;
        a->ai_addr = (struct sockaddr *) to;
    } else {
        struct sockaddr_in *to = calloc (1, sizeof *to);
        to->sin_family = AF_INET;
        inet_pton (AF_INET, text, &to->sin_addr);
        a->ai_addrlen = sizeof *to;
        a->ai_addr = (struct sockaddr *) to;
    }
    return a;
}

int getaddrinfo (const char *host, const char *service, const struct addrinfo *hints,
                 struct addrinfo **found)
{
    (void) service;
    int now_asked = atomic_fetch_add (&at_once, 1) + 1;
    atomic_fetch_add (&lookups, 1);
    if (now_asked > atomic_load (&most_at_once))
        atomic_store (&most_at_once, now_asked);
    if (strncmp (host, "slow", 4) == 0)
        nap (SLOW);
    atomic_fetch_sub (&at_once, 1);
    /* As the C library would: both families only if they are asked for. */
    int six = hints && hints->ai_family == AF_INET6;
    int all = six && (hints->ai_flags & AI_ALL) && (hints->ai_flags & AI_V4MAPPED);
    *found = NULL;
    if (strcmp (host, "both.test") == 0) {
        if (!six)
            *found = answer (AF_INET, "127.0.0.1", NULL);
        else
            *found = answer (AF_INET6, "::1",
                             all ? answer (AF_INET6, "::ffff:127.0.0.1", NULL) : NULL);
    } else if (strcmp (host, "mute.test") == 0) /* the first one never answers */
        *found = answer (AF_INET, "127.0.0.7", answer (AF_INET, "127.0.0.1", NULL));
    else if (strstr (host, ".test"))
        *found = six ? answer (AF_INET6, "::ffff:127.0.0.1", NULL)
                     : answer (AF_INET, "127.0.0.1", NULL);
    return *found ? 0 : EAI_NONAME;
}

void freeaddrinfo (struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free (list->ai_addr);
        free (list);
        list = next;
    }
}

static void *echo (void *socket)
{
    char buffer[16];
    int size;
    while ((size = zmq_recv (socket, buffer, sizeof buffer, 0)) >= 0)
        if (zmq_send (socket, buffer, (size_t) size, 0) < 0)
            break;
    zmq_close (socket);
    return NULL;
}

/* Others' round trips while 40 sockets wait for three slow names. */
static void others_go_on (void)
{
    void *context = zmq_ctx_new ();
    void *server = zmq_socket (context, ZMQ_REP), *client = zmq_socket (context, ZMQ_REQ);
    char endpoint[64];
    bind_tcp (server, endpoint);
    OK (zmq_connect (client, endpoint));
    pthread_t thread;
    pthread_create (&thread, NULL, echo, server);
    void *waiting[40];
    double start = now ();
    for (int i = 0; i < 40; i++) {
        char name[64];
        snprintf (name, sizeof name, "tcp://slow%d.test:%d", i % 3, 20000 + i);
        waiting[i] = zmq_socket (context, ZMQ_DEALER);
        double before = now ();
        OK (zmq_connect (waiting[i], name));
        CHECK (now () - before < 0.5, "zmq_connect does not wait for the resolver");
    }
    long count = 0;
    double worst = 0;
    jitter_start ();
    while (now () - start < SLOW - 0.5) {
        char buffer[16];
        double before = now ();
        OK (zmq_send (client, "ping", 4, 0));
        OK (zmq_recv (client, buffer, sizeof buffer, 0));
        double took = now () - before;
        worst = took > worst ? took : worst;
        count++;
        nap (0.0005);
    }
    double jitter = jitter_end ();
    say ("%ld round trips while names are looked up, the longest %.2f ms (jitter %.2f ms)", count,
         worst * 1e3, jitter * 1e3);
    CHECK (count > 500, "round trips went on");
    CHECK (worst < 0.005 + HOPS * jitter, "round trips stay below 5 ms");
    CHECK (atomic_load (&lookups) == 3, "one lookup a name, however many ask");
    double before = now ();
    for (int i = 0; i < 40; i++) {
        set_int (waiting[i], ZMQ_LINGER, 0);
        OK (zmq_close (waiting[i]));
    }
    CHECK (now () - before < 0.2, "zmq_close does not wait for the resolver");
    set_int (client, ZMQ_LINGER, 0);
    OK (zmq_close (client));
    before = now ();
    OK (zmq_ctx_shutdown (context));
    pthread_join (thread, NULL);
    OK (zmq_ctx_term (context));
    CHECK (now () - before < 0.2, "zmq_ctx_term does not wait for the resolver");
    CHECK (now () - start < SLOW, "and all of that before the resolver answered");
}

/* Many slow names do not make as many threads; a good one gets its turn. */
static void threads_are_few (void)
{
    atomic_store (&most_at_once, 0);
    nap (SLOW + 0.2); /* the lookups of before are over */
    void *context = zmq_ctx_new ();
    void *many = zmq_socket (context, ZMQ_PUSH);
    set_int (many, ZMQ_LINGER, 0);
    for (int i = 0; i < 100; i++) {
        char name[64];
        snprintf (name, sizeof name, "tcp://slow-%d.test:9", i);
        OK (zmq_connect (many, name));
    }
    nap (0.5);
    CHECK (atomic_load (&most_at_once) >= 4, "lookups run at the same time");
    CHECK (atomic_load (&most_at_once) <= 32, "but not all of them");
    int before = atomic_load (&lookups);
    OK (zmq_close (many));
    OK (zmq_ctx_term (context));
    nap (SLOW);
    CHECK (atomic_load (&lookups) == before, "nobody waits any more: no further lookups");
    CHECK (count_threads () == 1, "and no threads");
}

/* A message gets through to whichever address of a name listens. */
static void reaches (const char *listens, const char *name, int ipv6, double within)
{
    void *context = zmq_ctx_new ();
    void *pull = zmq_socket (context, ZMQ_PULL), *push = zmq_socket (context, ZMQ_PUSH);
    char bound[128], target[128], buffer[8];
    size_t size = sizeof bound;
    set_int (pull, ZMQ_IPV6, listens[0] == '[');
    snprintf (bound, sizeof bound, "tcp://%s:*", listens);
    OK (zmq_bind (pull, bound));
    OK (zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, bound, &size));
    int port = atoi (strrchr (bound, ':') + 1);
    int mute = strcmp (name, "mute.test") == 0 ? full_listener ("127.0.0.7", port) : -1;
    set_int (push, ZMQ_IPV6, ipv6);
    snprintf (target, sizeof target, "tcp://%s:%d", name, port);
    set_int (pull, ZMQ_RCVTIMEO, (int) (within * 1e3));
    OK (zmq_connect (push, target));
    OK (zmq_send (push, "hello", 5, 0));
    double start = now ();
    int got = zmq_recv (pull, buffer, sizeof buffer, 0);
    say ("%s, where %s listens: %s after %.2f s", target, listens, got == 5 ? "reached" : "NOT reached",
         now () - start);
    CHECK (got == 5, "every address of a name is tried");
    OK (zmq_close (push));
    OK (zmq_close (pull));
    OK (zmq_ctx_term (context));
    if (mute >= 0)
        close (mute);
}

int main (void)
{
    others_go_on ();
    threads_are_few ();
    reaches ("127.0.0.1", "both.test", 0, 5);
    reaches ("127.0.0.1", "both.test", 1, 5);
    if (has_ipv6 ())
        reaches ("[::1]", "both.test", 1, 5);
    else
        say ("no IPv6 here: ::1 left out");
    reaches ("127.0.0.1", "mute.test", 0, 10);
    return done ();
}
