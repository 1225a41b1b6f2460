/* ipc: paths, abstract names, the wildcard, names too long, files left behind. */
#include "common.h"

#include <sys/stat.h>

static const char *there (const char *path)
{
    struct stat st;
    if (stat (path, &st) != 0)
        return "nothing";
    return S_ISSOCK (st.st_mode) ? "a socket" : "something else";
}

static void exchange (void *ctx, const char *address)
{
    void *in = sock (ctx, ZMQ_PULL), *out = sock (ctx, ZMQ_PUSH);
    char last[ENDPOINT];
    int rc = zmq_bind (in, address);
    printf ("bind %s: %s\n", address, rc ? errno_name (zmq_errno ()) : "ok");
    if (rc == 0) {
        last_endpoint (in, last);
        printf ("last endpoint as given: %d\n", strcmp (last, address) == 0);
        rc = zmq_connect (out, last);
        printf ("connect: %s\n", rc ? errno_name (zmq_errno ()) : "ok");
        send_parts (out, "over", "ipc", NULL);
        show_message ("got", in);
    }
    done (in);
    done (out);
}

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    MUST (mkdir ("dir", 0755) == 0 && mkdir ("dir2", 0755) == 0);
    PART ("paths");
    exchange (ctx, "ipc://plain");
    exchange (ctx, "ipc://dir/in-a-directory");
    exchange (ctx, "ipc://with space");
    exchange (ctx, "ipc://nowhere/at/all");
    exchange (ctx, "ipc://dir2");
    exchange (ctx, "ipc://@");
    PART ("abstract");
    char abstract[100];
    snprintf (abstract, sizeof abstract, "ipc://@ferro-test-%ld", (long) getpid ());
    void *in = sock (ctx, ZMQ_PULL), *out = sock (ctx, ZMQ_PUSH), *no = sock (ctx, ZMQ_PULL);
    char last[ENDPOINT];
    SHOW (zmq_bind (in, abstract));
    last_endpoint (in, last);
    SHOW (strcmp (last, abstract));
    RC (zmq_bind (no, abstract));
    SHOW (zmq_connect (out, abstract));
    send_parts (out, "abstract", NULL);
    show_message ("got", in);
    done (in);
    done (out);
    done (no);

    PART ("wildcard");
    in = sock (ctx, ZMQ_PULL);
    out = sock (ctx, ZMQ_PUSH);
    SHOW (zmq_bind (in, "ipc://*"));
    last_endpoint (in, last);
    SHOW (strncmp (last, "ipc://", 6));
    SHOW (strcmp (last, "ipc://*") != 0);
    printf ("bound: %s\n", there (last + 6));
    SHOW (zmq_connect (out, last));
    send_parts (out, "wild", NULL);
    show_message ("got", in);
    SHOW (zmq_bind (in, "ipc://*"));
    char second[ENDPOINT];
    last_endpoint (in, second);
    SHOW (strcmp (last, second) != 0);
    done (in);
    done (out);

    PART ("too long");
    char longest[200] = "ipc://";
    memset (longest + 6, 'l', 150);
    static const int sizes[] = {100, 106, 107, 108, 109, 150};
    for (int i = 0; i < COUNT (sizes); i++) {
        longest[6 + sizes[i]] = 0;
        in = sock (ctx, ZMQ_PULL);
        out = sock (ctx, ZMQ_PUSH);
        int b = zmq_bind (in, longest);
        printf ("%d: bind %s", sizes[i], b ? errno_name (zmq_errno ()) : "ok");
        int c = zmq_connect (out, longest);
        printf (", connect %s\n", c ? errno_name (zmq_errno ()) : "ok");
        longest[6 + sizes[i]] = 'l';
        done (in);
        done (out);
    }

    PART ("what is there already");
    FILE *f = fopen ("file", "w");
    MUST (f);
    fclose (f);
    in = sock (ctx, ZMQ_PULL);
    RC (zmq_bind (in, "ipc://file"));
    printf ("file is now %s\n", there ("file"));
    void *thief = sock (ctx, ZMQ_PULL);
    RC (zmq_bind (thief, "ipc://file"));
    out = sock (ctx, ZMQ_PUSH);
    RC (zmq_connect (out, "ipc://file"));
    send_parts (out, "for whom?", NULL);
    show_message ("the later one", thief);
    show_empty ("the earlier one", in);
    RC (zmq_unbind (thief, "ipc://file"));
    done (out);
    done (thief);
    done (in);
    PART ("connect first");
    in = sock (ctx, ZMQ_PULL);
    out = sock (ctx, ZMQ_PUSH);
    set_int (out, ZMQ_RECONNECT_IVL, 10);
    RC (zmq_connect (out, "ipc://later"));
    send_parts (out, "early", NULL);
    RC (zmq_bind (in, "ipc://later"));
    show_message ("got", in);
    done (in);
    done (out);
    term (ctx);
    return 0;
}
