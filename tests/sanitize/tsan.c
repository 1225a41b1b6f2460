/* What ThreadSanitizer has to be told about Rust's reference counts.
 *
 * Who drops a reference counts down with Release, and who was the last one
 * then has an Acquire fence. ThreadSanitizer knows no fences. So counting down
 * acquires as well here: which is what the standard library does when it is
 * built for this sanitizer, and the one that is installed is not.
 */

enum { ACQUIRE_RELEASE = 4, RELEASE = 3 };

#define COUNTING(type, name)                                                                     \
    type __real_##name (volatile type *at, type by, int order);                                  \
    type __wrap_##name (volatile type *at, type by, int order);                                  \
    type __wrap_##name (volatile type *at, type by, int order)                                   \
    {                                                                                            \
        return __real_##name (at, by, order == RELEASE ? ACQUIRE_RELEASE : order);               \
    }

COUNTING (unsigned long, __tsan_atomic64_fetch_sub)
