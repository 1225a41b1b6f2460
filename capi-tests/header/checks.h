/* What the programs of this folder have in common. */

#ifndef CHECKS_H
#define CHECKS_H

#include <zmq.h>

/* Stops the compiler unless the constant condition holds. */
#define CHECK(label, condition)                                                \
    enum { check_##label = 1 / ((condition) ? 1 : 0) }

/* Stops the compiler unless the macro is this number. */
#define NUMBER(name, number)                                                   \
    enum { number_##name = 1 / ((name) == (number) ? 1 : 0) }

#endif
