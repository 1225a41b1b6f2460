/* Prints the version a program sees and the file its zmq functions come from. */
#ifndef DEMO_WHO_H
#define DEMO_WHO_H

#include <zmq.h>

#include <dlfcn.h>
#include <stdio.h>

static void who (const char *program)
{
    int major, minor, patch;
    Dl_info info = {0};
    void *symbol = dlsym (RTLD_DEFAULT, "zmq_ctx_new");
    zmq_version (&major, &minor, &patch);
    if (symbol == NULL || dladdr (symbol, &info) == 0)
        info.dli_fname = "unknown";
    printf ("%s: libzmq %d.%d.%d from %s\n", program, major, minor, patch,
            info.dli_fname);
    fflush (stdout);
}

#endif
