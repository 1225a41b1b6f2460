/*
 * tipc addresses as far as every system shows them: where the kernel has no TIPC,
 * binds fail and connects wait. Nothing here gets a connection.
 */
#include "common.h"

static const char *addresses[] = {
  "tipc://{5560,0,0}", "tipc://{5560, 0, 0}", "tipc://{64,1,2}", "tipc://{5560,7}",
  "tipc://{5560,7}@1.2.3", "tipc://<1.2.3:4>", "tipc://<*>", "tipc://",
};

int main (void)
{
    start ();
    void *ctx = zmq_ctx_new ();
    SHOW (zmq_has ("tipc"));
    for (int i = 0; i < COUNT (addresses); i++) {
        char endpoint[ENDPOINT];
        void *s = sock (ctx, ZMQ_PULL);
        int rc = zmq_connect (s, addresses[i]);
        printf ("%s: connect %s", addresses[i], rc ? errno_name (zmq_errno ()) : "ok");
        if (rc == 0) {
            last_endpoint (s, endpoint);
            printf (", shown as '%s'", endpoint);
            rc = zmq_disconnect (s, addresses[i]);
            printf (", disconnect %s", rc ? errno_name (zmq_errno ()) : "ok");
        }
        printf ("\n");
        done (s);
    }
    PART ("only to connect to");
    void *s = sock (ctx, ZMQ_PULL);
    RC (zmq_bind (s, "tipc://<1.2.3:4>"));
    done (s);
    term (ctx);
    return 0;
}
