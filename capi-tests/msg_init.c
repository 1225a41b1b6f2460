/* The ways to make a message, and what it says about itself. */
#include "common.h"

static void describe (const char *label, zmq_msg_t *msg)
{
    printf ("%s: size %zu, data %s, more %d, MORE %d, SHARED %d\n", label,
            zmq_msg_size (msg), zmq_msg_data (msg) ? "set" : "NULL",
            zmq_msg_more (msg), zmq_msg_get (msg, ZMQ_MORE),
            zmq_msg_get (msg, ZMQ_SHARED));
}

static int inside (zmq_msg_t *msg)
{
    const char *data = zmq_msg_data (msg);
    return data >= (char *) msg && data < (char *) (msg + 1);
}

static void not_freed (void *data, void *hint)
{
    (void) data;
    ++*(int *) hint;
}

int main (void)
{
    static const size_t sizes[] = {0,  1,  2,   8,    29,   30,    31,
                                   32, 33, 34,  35,   64,   255,   256,
                                   8191, 8192, 8193, 65536, 1 << 20};
    zmq_msg_t msg;
    char text[] = "some bytes of mine";
    int freed = 0;
    start ();
    SHOW (sizeof (zmq_msg_t));

    PART ("zmq_msg_init");
    RC (zmq_msg_init (&msg));
    describe ("empty", &msg);
    RC (zmq_msg_close (&msg));

    PART ("zmq_msg_init_size");
    for (int i = 0; i < COUNT (sizes); i++) {
        MUST (zmq_msg_init_size (&msg, sizes[i]) == 0);
        memset (zmq_msg_data (&msg), 0x5a, sizes[i]);
        printf ("%zu %s: ", sizes[i], inside (&msg) ? "inline" : "outside");
        describe ("sized", &msg);
        MUST (zmq_msg_close (&msg) == 0);
    }
    RC (zmq_msg_init_size (&msg, SIZE_MAX));
    RC (zmq_msg_init_size (&msg, SIZE_MAX - 8));
    RC (zmq_msg_init_size (&msg, SIZE_MAX / 2));

    PART ("zmq_msg_init_data");
    RC (zmq_msg_init_data (&msg, text, sizeof text, not_freed, &freed));
    describe ("with a free function", &msg);
    SHOW (zmq_msg_data (&msg) == text);
    RC (zmq_msg_close (&msg));
    SHOW (freed);
    RC (zmq_msg_init_data (&msg, text, 5, NULL, NULL));
    describe ("constant", &msg);
    SHOW (zmq_msg_data (&msg) == text);
    RC (zmq_msg_close (&msg));
    RC (zmq_msg_init_data (&msg, text, 0, not_freed, &freed));
    describe ("no bytes", &msg);
    RC (zmq_msg_close (&msg));
    SHOW (freed);
    RC (zmq_msg_init_data (&msg, NULL, 0, NULL, NULL));
    describe ("NULL and no bytes", &msg);
    RC (zmq_msg_close (&msg));
    RC (zmq_msg_init_data (&msg, NULL, 0, not_freed, &freed));
    RC (zmq_msg_close (&msg));
    SHOW (freed);

    PART ("closed twice");
    RC (zmq_msg_init (&msg));
    RC (zmq_msg_close (&msg));
    RC (zmq_msg_close (&msg));
    RC (zmq_msg_init_size (&msg, 100));
    RC (zmq_msg_close (&msg));
    RC (zmq_msg_close (&msg));
    RC (zmq_msg_init_data (&msg, text, sizeof text, not_freed, &freed));
    RC (zmq_msg_close (&msg));
    RC (zmq_msg_close (&msg));
    SHOW (freed);
    PART ("used again after a close");
    RC (zmq_msg_init_size (&msg, 3));
    describe ("again", &msg);
    RC (zmq_msg_close (&msg));
    memset (&msg, 0, sizeof msg);
    RC (zmq_msg_close (&msg));
    return 0;
}
