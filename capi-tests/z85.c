/* Z85: known texts, sizes that do not fit, characters that do not exist. */
#include "common.h"

static void encode (const uint8_t *data, size_t size)
{
    char text[256];
    memset (text, '.', sizeof text);
    errno = 0;
    char *rc = zmq_z85_encode (text, data, size);
    printf ("encode %zu: %s\n", size, rc ? text : errno_name (zmq_errno ()));
}

static void decode (const char *text)
{
    uint8_t data[256];
    memset (data, 0, sizeof data);
    errno = 0;
    uint8_t *rc = zmq_z85_decode (data, text);
    printf ("decode '%s': ", text);
    if (rc)
        print_bytes (data, strlen (text) / 5 * 4);
    else
        printf ("%s", errno_name (zmq_errno ()));
    putchar ('\n');
}

int main (void)
{
    static const uint8_t hello[] = {0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b};
    uint8_t bytes[128], back[128];
    char text[256];
    start ();
    for (int i = 0; i < 128; i++)
        bytes[i] = (uint8_t) (i * 37 + 11);
    encode (hello, sizeof hello);
    for (size_t n = 0; n <= 12; n++)
        encode (bytes, n);
    encode (bytes, 32);
    encode ((const uint8_t *) "\0\0\0\0\377\377\377\377", 8);
    decode ("HelloWorld");
    decode ("00000%nSc0");
    decode ("");
    decode ("H");
    decode ("Hell");
    decode ("HelloW");
    decode ("Hello World");
    decode ("Hel\"o");
    decode ("#####");
    decode ("%nSc0");
    decode ("%nSc1");
    decode ("Hell\x7f");
    decode ("Hell\xe4");
    decode ("    0");
    PART ("there and back");
    int wrong = 0;
    for (size_t n = 4; n <= 128; n += 4) {
        wrong += zmq_z85_encode (text, bytes, n) != text || strlen (text) != n / 4 * 5;
        memset (back, 0, sizeof back);
        wrong += zmq_z85_decode (back, text) != back || memcmp (back, bytes, n) != 0;
    }
    SHOW (wrong);
    return 0;
}
