/* For the fault loop of the tests: makes the n-th action on any database from now on fail. Only in builds with
 * -DRETAIND_FAULTS. */
#ifndef STORE_DB_FAULT_H
#define STORE_DB_FAULT_H

#include <stdint.h>

#ifdef RETAIND_FAULTS
extern int64_t db_fault_countdown; /* 0: none; 1: the next action fails */
#endif

#endif
