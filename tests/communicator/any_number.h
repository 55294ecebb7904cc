/* In C an enumeration holds any int: what C++ may not even pass on. */
#ifndef MOTET_TESTS_COMMUNICATOR_ANY_NUMBER_H
#define MOTET_TESTS_COMMUNICATOR_ANY_NUMBER_H

#include "motet/motet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An allreduce of 5 elements. */
motet_status allreduce_by_number(const void* in, void* out, int type, int op, motet_comm* comm,
                                 const motet_call* call);
/* Of 5 float32. */
motet_status predict_by_number(int collective, motet_comm* comm, motet_prediction* prediction);

#ifdef __cplusplus
}
#endif

#endif
