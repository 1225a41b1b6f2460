/* What attackers say, and the ways in which it is damaged. */
#ifndef DAMAGE_H
#define DAMAGE_H

#include <stdint.h>
#include <string.h>

#define BYTES 4096

struct words {
    unsigned char bytes[BYTES];
    size_t size;
};

static uint64_t draw (uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545f4914f6cdd1dull;
}

static size_t below (uint64_t *state, size_t limit)
{
    return limit ? (size_t) (draw (state) >> 11) % limit : 0;
}

static void add (struct words *to, const void *bytes, size_t size)
{
    size = size < BYTES - to->size ? size : BYTES - to->size;
    memcpy (to->bytes + to->size, bytes, size);
    to->size += size;
}

static void damage (uint64_t *seed, struct words *w)
{
    static const unsigned char lengths[][8] = {
      {0}, {255, 255, 255, 255, 255, 255, 255, 255}, {127, 255, 255, 255, 255, 255, 255, 255},
      {0, 0, 0, 0, 127, 255, 255, 255}, {0, 0, 0, 0, 0, 16, 0, 1}, {2}, {6}, {4, 255}};
    struct words copy = *w;
    size_t at = below (seed, w->size + 1), size = below (seed, w->size - at + 1);
    switch (below (seed, 6)) {
    case 0: /* cut off */
        w->size = at;
        break;
    case 1: /* bits flipped */
        for (size_t i = 0; i <= below (seed, 8) && w->size; i++)
            w->bytes[below (seed, w->size)] ^= (unsigned char) (1 << below (seed, 8));
        break;
    case 2: /* another length, or flags */
        memcpy (w->bytes + (at < BYTES - 8 ? at : BYTES - 8), lengths[below (seed, 8)],
                1 + below (seed, 8));
        break;
    case 3: /* said twice */
        w->size = at;
        add (w, copy.bytes + at, size);
        add (w, copy.bytes + at, copy.size - at);
        break;
    case 4: /* more in between */
        w->size = at;
        while (w->size < BYTES && w->size < at + size / 4 + 1)
            w->bytes[w->size++] = (unsigned char) draw (seed);
        add (w, copy.bytes + at, copy.size - at);
        break;
    default: /* nothing is wrong with it */
        break;
    }
}

#endif
