/* Options that choose a security mechanism or a proxy; none is used here. */
#include "common.h"
#include "options.h"

static char bytes[512];

static void set_and_get (void *s, const struct option *o, const void *value,
                         size_t size)
{
    char got[600];
    size_t len = sizeof got;
    int rc = zmq_setsockopt (s, o->number, value, size);
    printf ("%s %s%zu: %s", o->name, value ? "" : "NULL ", size,
            rc ? errno_name (zmq_errno ()) : "ok");
    rc = zmq_getsockopt (s, o->number, got, &len);
    printf (", then %s length %zu\n", rc ? errno_name (zmq_errno ()) : "", len);
}

int main (void)
{
    static const struct option texts[] = {
      OPTION (ZAP_DOMAIN), OPTION (PLAIN_USERNAME), OPTION (PLAIN_PASSWORD),
      OPTION (SOCKS_PROXY)};
    static const size_t sizes[] = {1, 2, 16, 254, 255, 256, 300, 0};
    static const int values[] = {INT_MIN, -1, 0, 1, 2, INT_MAX};
    start ();
    memset (bytes, 'q', sizeof bytes);
    void *ctx = zmq_ctx_new ();
    for (int i = 0; i < COUNT (texts); i++) {
        void *s = zmq_socket (ctx, ZMQ_DEALER);
        MUST (s);
        set_and_get (s, &texts[i], NULL, 0);
        for (int n = 0; n < COUNT (sizes); n++)
            set_and_get (s, &texts[i], bytes, sizes[n]);
        set_and_get (s, &texts[i], NULL, 0);
        SHOW (get_int (s, ZMQ_MECHANISM));
        done (s);
    }
    PART ("PLAIN_SERVER");
    for (int i = 0; i < COUNT (values); i++) {
        void *s = zmq_socket (ctx, ZMQ_DEALER);
        int got = -1;
        size_t len = sizeof got;
        RC (zmq_setsockopt (s, ZMQ_PLAIN_SERVER, &values[i], sizeof (int)));
        RC (zmq_getsockopt (s, ZMQ_PLAIN_SERVER, &got, &len));
        SHOW (got);
        SHOW (get_int (s, ZMQ_MECHANISM));
        done (s);
    }
    PART ("reading into small buffers");
    void *s = zmq_socket (ctx, ZMQ_DEALER);
    RC (zmq_setsockopt (s, ZMQ_PLAIN_USERNAME, "admin", 5));
    for (size_t n = 0; n < 9; n++) {
        char got[16] = "";
        size_t len = n;
        int rc = zmq_getsockopt (s, ZMQ_PLAIN_USERNAME, got, &len);
        printf ("%zu: %s length %zu\n", n, rc ? errno_name (zmq_errno ()) : got,
                len);
    }
    SHOW (get_int (s, ZMQ_MECHANISM));
    SHOW (get_int (s, ZMQ_PLAIN_SERVER));
    RC (zmq_setsockopt (s, ZMQ_PLAIN_USERNAME, NULL, 0));
    SHOW (get_int (s, ZMQ_MECHANISM));
    done (s);
    term (ctx);
    return 0;
}
