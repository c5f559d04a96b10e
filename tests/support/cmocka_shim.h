/* What cmocka 1.1 needs before it, and the few assertions it lacks. */
#ifndef CMOCKA_SHIM_H
#define CMOCKA_SHIM_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define ASSERT_NEAR(a, b, within) assert_true(fabs((double)(a) - (double)(b)) <= (within))
/* A call that must succeed; prints the error when it doesn't. */
#define ASSERT_OK(call) \
	do { \
		if ((call) < 0) \
			fail_msg("%s: %s", #call, err.text); \
	} while (0)
#define ASSERT_INT(a, b) \
	do { \
		long long left_ = (long long)(a), right_ = (long long)(b); \
		if (left_ != right_) \
			fail_msg("%s is %lld, not %lld", #a, left_, right_); \
	} while (0)

#endif
