/* zmq_strerror, zmq_errno, zmq_version, zmq_has. */
#include "common.h"

int main (void)
{
    static const int numbers[] = {EFSM, ETERM, EMTHREAD, ENOCOMPATPROTO, EHOSTUNREACH, EAGAIN,
                                  EINVAL, EFAULT, ENOTSUP, ENOTSOCK, EADDRINUSE, ENODEV,
                                  EPROTONOSUPPORT, EINTR, EMFILE, ENOENT, 0, 1, -1, 99999,
                                  ZMQ_HAUSNUMERO, INT_MAX, INT_MIN};
    int major = -1, minor = -1, patch = -1;
    start ();
    for (int i = 0; i < COUNT (numbers); i++)
        printf ("%d: %s\n", numbers[i], zmq_strerror (numbers[i]));
    zmq_version (&major, &minor, &patch);
    /* The patch level is what the two libraries may differ in. */
    printf ("version %d.%d, patch at least 4: %d\n", major, minor, patch >= 4);
    SHOW (zmq_has ("ipc"));
    SHOW (zmq_has ("IPC"));
    SHOW (zmq_has ("tcp"));
    SHOW (zmq_has ("inproc"));
    SHOW (zmq_has ("draft"));
    SHOW (zmq_has ("tipc") == 0 || zmq_has ("tipc") == 1);
    SHOW (zmq_has (""));
    SHOW (zmq_has ("nonsense"));
    PART ("errno is that of the calling thread");
    errno = 0;
    SHOW (zmq_close (NULL));
    SHOW (zmq_errno () == ENOTSOCK);
    SHOW (errno == ENOTSOCK);
    errno = EINTR;
    SHOW (zmq_errno () == EINTR);
    return 0;
}
