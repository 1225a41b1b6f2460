/*
 * All that this header once declared is in zmq.h now; it remains for the
 * programs that include it.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef __ZMQ_UTILS_H_INCLUDED__
#define __ZMQ_UTILS_H_INCLUDED__

#include <zmq.h>

#endif /* __ZMQ_UTILS_H_INCLUDED__ */
