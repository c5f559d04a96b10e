#include "cmocka_shim.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/figures.h"

#define LEN(table) (sizeof(table) / sizeof((table)[0]))

static void same_real(double value, int decimals)
{
	char wanted[400], got[400];
	int wanted_len = snprintf(wanted, sizeof wanted, "%.*f", decimals, value);
	int len = figures_real(got, sizeof got, value, decimals);

	if (len != wanted_len || strcmp(got, wanted) != 0)
		fail_msg("%a with %d decimals: %s (%d), expected %s (%d)", value, decimals, got, len, wanted, wanted_len);
}

static void whole_numbers_are_written_as_printf_writes_them(void **state)
{
	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		for (int near = -2; near <= 2; near++) {
			int64_t value = (int64_t)(((uint64_t)1 << bit) + (uint64_t)near);
			char wanted[FIGURES_INT_BYTES], got[FIGURES_INT_BYTES];

			snprintf(wanted, sizeof wanted, "%" PRId64, value);
			assert_int_equal(figures_int(got, value), strlen(wanted));
			assert_string_equal(got, wanted);
		}
	}
}

static void what_lies_on_an_edge_goes_where_printf_puts_it(void **state)
{
	static const double edges[] = {
		0, 0.5, 1.5, 2.5, 0.125, 0.375, 0.0625, 0.0005, 0.001, 0.00048828125, 0.000488281249, 0.05, 0.95, 0.995,
		0.9995, 9.5, 99.95, 999.9995, 1e9, 4503599627370495.5, 4503599627370496.0, 9007199254740993.0, 1e300, 5e-324,
		2.2250738585072014e-308, 1.7976931348623157e308, (double)INFINITY, (double)NAN,
	};

	(void)state;
	for (size_t i = 0; i < LEN(edges); i++) {
		for (int decimals = 0; decimals <= 6; decimals++) {
			same_real(edges[i], decimals);
			same_real(-edges[i], decimals);
			same_real(nextafter(edges[i], 0), decimals);
			same_real(nextafter(edges[i], 1e308), decimals);
		}
	}
}

static void any_number_is_written_as_printf_writes_it(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		double value;

		seed = seed * 6364136223846793005 + 1442695040888963407;
		value = ldexp((double)(int64_t)(seed ^ seed >> 31), -(int)(seed >> 40 & 127)); /* 2^-64 to 2^63 */
		same_real(value, i % 4);
		same_real(round(value * 2000) / 2000, i % 4); /* ties, or next to them */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_numbers_are_written_as_printf_writes_them),
		cmocka_unit_test(what_lies_on_an_edge_goes_where_printf_puts_it),
		cmocka_unit_test(any_number_is_written_as_printf_writes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
