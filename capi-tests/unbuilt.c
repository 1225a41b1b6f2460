/*
 * Options that belong to parts a library may be built without: they are known
 * exactly if zmq_has says that the part is there.
 */
#include "common.h"
#include "options.h"

struct part {
    const char *name;
    struct option option;
    size_t size; /* of the value; 0 is text */
};

static const struct part parts[] = {
  {"gssapi", OPTION (GSSAPI_SERVER), sizeof (int)},
  {"gssapi", OPTION (GSSAPI_PLAINTEXT), sizeof (int)},
  {"gssapi", OPTION (GSSAPI_PRINCIPAL), 0},
  {"gssapi", OPTION (GSSAPI_SERVICE_PRINCIPAL), 0},
  {"gssapi", OPTION (GSSAPI_PRINCIPAL_NAMETYPE), sizeof (int)},
  {"gssapi", OPTION (GSSAPI_SERVICE_PRINCIPAL_NAMETYPE), sizeof (int)},
  {"vmci", OPTION (VMCI_BUFFER_SIZE), sizeof (uint64_t)},
  {"vmci", OPTION (VMCI_BUFFER_MIN_SIZE), sizeof (uint64_t)},
  {"vmci", OPTION (VMCI_BUFFER_MAX_SIZE), sizeof (uint64_t)},
  {"vmci", OPTION (VMCI_CONNECT_TIMEOUT), sizeof (int)},
};

static const char *answer (int rc, int has)
{
    static const char fine[] = "as zmq_has says";
    if (rc == 0)
        return has ? fine : "taken though the part is missing";
    if (zmq_errno () != EINVAL)
        return errno_name (zmq_errno ());
    return has ? "refused though the part is there" : fine;
}

int main (void)
{
    static const struct option types[] = {
      OPTION (GSSAPI_NT_HOSTBASED), OPTION (GSSAPI_NT_USER_NAME),
      OPTION (GSSAPI_NT_KRB5_PRINCIPAL)};
    start ();
    void *ctx = zmq_ctx_new ();
    for (int i = 0; i < COUNT (parts); i++) {
        const struct part *p = &parts[i];
        int has = zmq_has (p->name);
        uint64_t value = 1;
        void *s = sock (ctx, ZMQ_DEALER);
        int rc = p->size ? zmq_setsockopt (s, p->option.number, &value, p->size)
                         : zmq_setsockopt (s, p->option.number, "name", 4);
        printf ("%s: %s\n", p->option.name, answer (rc, has));
        done (s);
    }
    for (int i = 0; i < COUNT (types); i++) {
        void *s = sock (ctx, ZMQ_DEALER);
        int rc = zmq_setsockopt (s, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, &types[i].number, sizeof (int));
        printf ("%s: %s\n", types[i].name, answer (rc, zmq_has ("gssapi")));
        done (s);
    }
    term (ctx);
    return 0;
}
