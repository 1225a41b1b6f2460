/*
 * A socket that does what it is told on stdin, one command a line:
 *
 *   send <part> ...   recv   sub <topic>   unsub <topic>   end
 *
 * Parts and topics are hex ("-" is no byte, "*n" is n bytes of a pattern).
 * It answers every command with one line.
 *
 *   shell <type> <bind|connect> <endpoint> [<routing id>]
 */
#include <zmq.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) ((int) (sizeof (a) / sizeof ((a)[0])))

static unsigned char bytes[1 << 21];

static const struct {
    const char *name;
    int number;
} types[] = {
  {"PAIR", ZMQ_PAIR}, {"PUB", ZMQ_PUB},   {"SUB", ZMQ_SUB},
  {"REQ", ZMQ_REQ},   {"REP", ZMQ_REP},   {"DEALER", ZMQ_DEALER},
  {"ROUTER", ZMQ_ROUTER}, {"PULL", ZMQ_PULL}, {"PUSH", ZMQ_PUSH},
  {"XPUB", ZMQ_XPUB}, {"XSUB", ZMQ_XSUB},
};

static void print_library (void)
{
    FILE *maps = fopen ("/proc/self/maps", "r");
    char line[1024], last[1024] = "";
    while (maps && fgets (line, sizeof line, maps)) {
        char *path = strchr (line, '/');
        if (path && strstr (path, "libzmq") && strcmp (path, last) != 0) {
            strcpy (last, path);
            printf ("library %s", path);
        }
    }
    if (maps)
        fclose (maps);
}

/* Turns a word of a command into `bytes`. */
static size_t decode (const char *word)
{
    size_t n = 0;
    if (word[0] == '-')
        return 0;
    if (word[0] == '*') {
        n = (size_t) strtoul (word + 1, NULL, 10);
        for (size_t i = 0; i < n && i < sizeof bytes; i++)
            bytes[i] = (unsigned char) (i * 31 + (i >> 8));
        return n;
    }
    for (; word[0] && word[1] && n < sizeof bytes; word += 2) {
        char two[3] = {word[0], word[1], 0};
        bytes[n++] = (unsigned char) strtoul (two, NULL, 16);
    }
    return n;
}

static void answer (const char *what, int rc)
{
    if (rc == -1)
        printf ("error %s: %s\n", what, zmq_strerror (zmq_errno ()));
    else
        printf ("ok %s\n", what);
}

static void do_send (void *s)
{
    char *word = strtok (NULL, " \n");
    int rc = 0;
    while (word && rc != -1) {
        char *next = strtok (NULL, " \n");
        size_t n = decode (word);
        rc = zmq_send (s, bytes, n, next ? ZMQ_SNDMORE : 0);
        word = next;
    }
    answer ("send", rc);
}

/* Short parts are shown in full, long ones checked against the pattern. */
static void show_part (const unsigned char *data, size_t size)
{
    if (size == 0) {
        printf (" -");
        return;
    }
    putchar (' ');
    size_t wrong = 0;
    for (size_t i = 0; i < size; i++)
        wrong += data[i] != (unsigned char) (i * 31 + (i >> 8));
    if (size >= 32) {
        printf (wrong ? "damaged%zu" : "*%zu", size);
        return;
    }
    for (size_t i = 0; i < size; i++)
        printf ("%02x", data[i]);
}

static void do_recv (void *s)
{
    zmq_msg_t msg;
    int more = 1;
    zmq_msg_init (&msg);
    for (int first = 1; more; first = 0) {
        if (zmq_msg_recv (&msg, s, 0) == -1) {
            answer ("recv", -1);
            break;
        }
        if (first)
            printf ("recv");
        more = zmq_msg_more (&msg);
        show_part (zmq_msg_data (&msg), zmq_msg_size (&msg));
        if (!more)
            putchar ('\n');
    }
    zmq_msg_close (&msg);
}

static void obey (void *s)
{
    static char line[1 << 16];
    while (fgets (line, sizeof line, stdin)) {
        const char *command = strtok (line, " \n");
        if (!command || strcmp (command, "end") == 0)
            return;
        if (strcmp (command, "send") == 0)
            do_send (s);
        else if (strcmp (command, "recv") == 0)
            do_recv (s);
        else {
            const char *topic = strtok (NULL, " \n");
            size_t n = decode (topic ? topic : "-");
            int sub = strcmp (command, "sub") == 0;
            answer (command, zmq_setsockopt (s, sub ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE,
                                             bytes, n));
        }
        fflush (stdout);
    }
}

int main (int argc, char **argv)
{
    int type = -1, wait = 8000, linger = 2000, ivl = 10;
    char last[256];
    size_t len = sizeof last;
    if (argc < 4)
        return 2;
    alarm (30);
    for (int i = 0; i < COUNT (types); i++)
        if (strcmp (types[i].name, argv[1]) == 0)
            type = types[i].number;
    print_library ();
    void *ctx = zmq_ctx_new ();
    void *s = zmq_socket (ctx, type);
    int binds = strcmp (argv[2], "bind") == 0;
    if (!s || zmq_setsockopt (s, ZMQ_RCVTIMEO, &wait, sizeof wait)
        || zmq_setsockopt (s, ZMQ_SNDTIMEO, &wait, sizeof wait)
        || zmq_setsockopt (s, ZMQ_LINGER, &linger, sizeof linger)
        || zmq_setsockopt (s, ZMQ_RECONNECT_IVL, &ivl, sizeof ivl)
        || (argc > 4 && zmq_setsockopt (s, ZMQ_ROUTING_ID, argv[4], strlen (argv[4])))
        || (binds ? zmq_bind : zmq_connect) (s, argv[3])
        || zmq_getsockopt (s, ZMQ_LAST_ENDPOINT, last, &len)) {
        printf ("error start: %s\n", zmq_strerror (zmq_errno ()));
        return 1;
    }
    printf ("endpoint %s\n", last);
    fflush (stdout);
    obey (s);
    zmq_close (s);
    zmq_ctx_term (ctx);
    printf ("done\n");
    return 0;
}
