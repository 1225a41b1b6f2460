/* soak PART...: plays parts in one context until it is told to end.
 *
 * SIGUSR1: senders send no more, SIGTERM: receivers that have nothing more to
 * receive end too. Every part goes from thread to thread.
 */
#include "soak.h"
#include <sys/mman.h>
#include <sys/prctl.h>

volatile sig_atomic_t is_quiet, is_over;

static const struct {
    const char *kind;
    void (*step) (struct part *);
    enum gaps gaps;
} kinds[] = {
    {"push", push_step, NO_GAPS},     {"pull", pull_step, KILLED_GAPS},
    {"pair", pair_step, NO_GAPS},     {"req", req_step, NO_GAPS},
    {"rep", rep_step, ANY_GAPS},      {"dealer", dealer_step, NO_GAPS},
    {"router", router_step, ANY_GAPS}, {"pub", pub_step, DROPPED_GAPS},
    {"sub", sub_step, DROPPED_GAPS},  {"proxy", proxy_step, DROPPED_GAPS},
    {"client", client_step, NO_GAPS}, {"server", server_step, ANY_GAPS},
};

static void on_signal (int number)
{
    is_quiet = 1;
    is_over = is_over || number == SIGTERM;
}

/* The text behind "key=", up to a space, or NULL. */
const char *option (const struct part *part, const char *key)
{
    size_t size = strlen (key);
    for (const char *at = part->text; (at = strstr (at, key)); at += size)
        if (at > part->text && at[-1] == ' ' && at[size] == '=')
            return at + size + 1;
    return NULL;
}

long number (const struct part *part, const char *key, long otherwise)
{
    const char *value = option (part, key);
    return value ? atol (value) : otherwise;
}

static void *map_file (const char *path, size_t size)
{
    char name[PATH_MAX];
    snprintf (name, sizeof name, "%.*s", (int) strcspn (path, " "), path);
    int fd = open (name, O_RDWR | O_CREAT, 0600);
    OK (fd);
    OK (ftruncate (fd, (off_t) size));
    void *at = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close (fd);
    if (at == MAP_FAILED) {
        say ("cannot map %s", name);
        exit (2);
    }
    return at;
}

static void set_up (struct part *part, void *context, const char *text)
{
    snprintf (part->text, sizeof part->text, "%s", text);
    snprintf (part->kind, sizeof part->kind, "%.*s", (int) strcspn (text, " "), text);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp (kinds[i].kind, part->kind) == 0) {
            part->step = kinds[i].step;
            part->gaps = kinds[i].gaps;
        }
    if (!part->step || !option (part, "ledger") || !option (part, "at")) {
        say ("what part is '%s'?", text);
        exit (2);
    }
    part->context = context;
    part->ledger = map_file (option (part, "ledger"), sizeof *part->ledger);
    if (option (part, "common")) {
        part->common = map_file (option (part, "common"), 8 << 20);
        part->gaps = ANY_GAPS;
    }
    if (number (part, "lossless", 0))
        part->gaps = NO_GAPS;
    part->source = (uint32_t) number (part, "source", 0);
    part->hwm = number (part, "hwm", 200);
    part->rate = (double) number (part, "rate", 1000);
    part->slow = (int) number (part, "slow", 0);
    part->chance = (uint64_t) getpid () << 8 ^ (uint64_t) number (part, "seed", 1);
    part->paid = now ();
}

/* ---- threads ------------------------------------------------------------------- */

struct leg {
    struct part *part;
    uint64_t steps;
};

static void *walk (void *argument)
{
    struct leg *leg = argument;
    for (uint64_t i = 0; i < leg->steps && !leg->part->is_done; i++)
        leg->part->step (leg->part);
    return NULL;
}

/* One thread after the other plays the part. */
static void *travel (void *argument)
{
    struct part *part = argument;
    while (!part->is_done) {
        struct leg leg = {part, 1 + random_below (&part->chance, 600)};
        pthread_t thread;
        if (pthread_create (&thread, NULL, walk, &leg) != 0) {
            say ("no thread");
            abort ();
        }
        pthread_join (thread, NULL);
    }
    return NULL;
}

static void handle_signals (void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction (SIGUSR1, &action, NULL);
    sigaction (SIGTERM, &action, NULL);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* Only the first thread takes signals, so that no call is interrupted. */
static void keep_signals (int how)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGUSR1);
    sigaddset (&set, SIGTERM);
    pthread_sigmask (how, &set, NULL);
}

int main (int argc, char **argv)
{
    enum { MOST = 12 };
    static struct part parts[MOST];
    pthread_t threads[MOST];
    int count = argc - 1, has_proxy = 0;
    if (count == 1 && strcmp (argv[1], "keys") == 0) {
        char public[41], secret[41];
        OK (zmq_curve_keypair (public, secret));
        say ("%s %s", public, secret);
        return 0;
    }
    handle_signals ();
    messages_init ();
    void *context = zmq_ctx_new ();
    for (int i = 0; i < count && i < MOST; i++) {
        set_up (&parts[i], context, argv[i + 1]);
        has_proxy |= strcmp (parts[i].kind, "proxy") == 0;
    }
    keep_signals (SIG_BLOCK);
    for (int i = 0; i < count; i++)
        pthread_create (&threads[i], NULL, travel, &parts[i]);
    keep_signals (SIG_UNBLOCK);
    while (has_proxy && !is_over)
        nap (0.05);
    if (has_proxy)
        OK (zmq_ctx_shutdown (context));
    for (int i = 0; i < count; i++)
        pthread_join (threads[i], NULL);
    while (zmq_ctx_term (context) < 0)
        if (errno != EINTR)
            CHECK (0, zmq_strerror (errno));
    CHECK (bodies_out () == 0, "bodies were not given back");
    return done ();
}
