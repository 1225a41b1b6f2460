/* Copying and moving messages of every kind. */
#include "common.h"

static int freed;

static void count_free (void *data, void *hint)
{
    (void) data;
    (void) hint;
    freed++;
}

static void fill (zmq_msg_t *msg, size_t size)
{
    MUST (zmq_msg_init_size (msg, size) == 0);
    for (size_t i = 0; i < size; i++)
        ((unsigned char *) zmq_msg_data (msg))[i] = (unsigned char) (i * 7);
}

static int same (zmq_msg_t *a, zmq_msg_t *b)
{
    return zmq_msg_size (a) == zmq_msg_size (b)
           && memcmp (zmq_msg_data (a), zmq_msg_data (b), zmq_msg_size (a)) == 0;
}

int main (void)
{
    static const size_t sizes[] = {0, 1, 29, 33, 34, 100, 5000};
    zmq_msg_t a, b, c;
    char text[64] = "the caller's own bytes";
    start ();

    PART ("copies");
    for (int i = 0; i < COUNT (sizes); i++) {
        fill (&a, sizes[i]);
        MUST (zmq_msg_init (&b) == 0);
        int rc = zmq_msg_copy (&b, &a);
        printf ("%zu: rc %d, same %d, one block %d, SHARED %d and %d\n", sizes[i],
                rc, same (&a, &b), zmq_msg_data (&a) == zmq_msg_data (&b),
                zmq_msg_get (&a, ZMQ_SHARED), zmq_msg_get (&b, ZMQ_SHARED));
        /* The copy outlives the original. */
        fill (&c, sizes[i]);
        MUST (zmq_msg_close (&a) == 0);
        printf ("after the close: same %d, SHARED %d\n", same (&b, &c),
                zmq_msg_get (&b, ZMQ_SHARED));
        MUST (zmq_msg_close (&b) == 0 && zmq_msg_close (&c) == 0);
    }

    PART ("copy over another message");
    MUST (zmq_msg_init_data (&a, text, 40, count_free, NULL) == 0);
    fill (&b, 1000);
    RC (zmq_msg_copy (&a, &b));
    SHOW (freed);
    SHOW (same (&a, &b));
    MUST (zmq_msg_close (&a) == 0 && zmq_msg_close (&b) == 0);

    PART ("a user buffer with three owners");
    freed = 0;
    MUST (zmq_msg_init_data (&a, text, 40, count_free, NULL) == 0);
    MUST (zmq_msg_init (&b) == 0 && zmq_msg_init (&c) == 0);
    RC (zmq_msg_copy (&b, &a));
    RC (zmq_msg_copy (&c, &b));
    SHOW (zmq_msg_data (&c) == text);
    RC (zmq_msg_close (&a));
    SHOW (freed);
    RC (zmq_msg_close (&c));
    SHOW (freed);
    RC (zmq_msg_close (&b));
    SHOW (freed);

    PART ("moves");
    freed = 0;
    for (int i = 0; i < COUNT (sizes); i++) {
        fill (&a, sizes[i]);
        fill (&c, sizes[i]);
        MUST (zmq_msg_init (&b) == 0);
        int rc = zmq_msg_move (&b, &a);
        printf ("%zu: rc %d, arrived %d, left behind %zu\n", sizes[i], rc,
                same (&b, &c), zmq_msg_size (&a));
        MUST (zmq_msg_close (&a) == 0 && zmq_msg_close (&b) == 0);
        MUST (zmq_msg_close (&c) == 0);
    }
    MUST (zmq_msg_init_data (&a, text, 40, count_free, NULL) == 0);
    MUST (zmq_msg_init_data (&b, text, 20, count_free, NULL) == 0);
    RC (zmq_msg_move (&b, &a));
    SHOW (freed);
    SHOW (zmq_msg_size (&b));
    RC (zmq_msg_close (&a));
    SHOW (freed);
    RC (zmq_msg_close (&b));
    SHOW (freed);

    PART ("closed messages");
    RC (zmq_msg_init (&a));
    RC (zmq_msg_move (&a, &b));
    RC (zmq_msg_copy (&a, &b));
    RC (zmq_msg_close (&a));
    RC (zmq_msg_init (&a));
    RC (zmq_msg_copy (&b, &a));
    RC (zmq_msg_move (&b, &a));
    RC (zmq_msg_close (&a));
    return 0;
}
