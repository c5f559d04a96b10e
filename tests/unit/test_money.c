#include "cmocka_shim.h"

#include <stdint.h>

#include "common/money.h"

static int make(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int drop(void **state)
{
	arena_free(*state);
	return 0;
}

static void currencies_know_their_decimals(void **state)
{
	static const struct {
		const char *code;
		int digits;
	} cases[] = {
		{ "EUR", 2 }, { "USD", 2 }, { "AED", 2 }, { "ZWG", 2 }, { "GBP", 2 }, { "JPY", 0 }, { "XOF", 0 }, { "KWD", 3 },
		{ "TND", 3 }, { "CLF", 4 }, { "XAU", -1 }, { "XTS", -1 }, { "eur", -1 }, { "EU", -1 }, { "EURO", -1 },
		{ "ED ", -1 },
		{ "D A", -1 }, { "", -1 }, { NULL, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ASSERT_INT(money_digits(cases[i].code), cases[i].digits);
}

static void amounts_read_well(void **state)
{
	static const struct {
		int64_t minor;
		const char *currency, *text, *brief;
	} cases[] = {
		{ 0, "EUR", "EUR 0", "EUR 0" },
		{ 5, "EUR", "EUR 0.05", "EUR 0" },
		{ -5, "EUR", "-EUR 0.05", "EUR 0" },
		{ -500, "EUR", "-EUR 5", "-EUR 5" },
		{ 1240000, "EUR", "EUR 12,400", "EUR 12.4k" },
		{ 1240050, "EUR", "EUR 12,400.50", "EUR 12.4k" },
		{ 100000, "EUR", "EUR 1,000", "EUR 1k" },
		{ 99949, "EUR", "EUR 999.49", "EUR 999" },
		{ 99950, "EUR", "EUR 999.50", "EUR 1k" },
		{ 9994999, "EUR", "EUR 99,949.99", "EUR 99.9k" },
		{ 9995000, "EUR", "EUR 99,950", "EUR 100k" },
		{ 41234567, "EUR", "EUR 412,345.67", "EUR 412k" },
		{ 99950000, "EUR", "EUR 999,500", "EUR 1M" },
		{ 120000000, "EUR", "EUR 1,200,000", "EUR 1.2M" },
		{ -123456789012, "EUR", "-EUR 1,234,567,890.12", "-EUR 1.2bn" },
		{ 12400, "JPY", "JPY 12,400", "JPY 12.4k" },
		{ 1234567, "KWD", "KWD 1,234.567", "KWD 1.2k" },
		{ 150, "???", "??? 1.50", "??? 2" },
		{ INT64_MAX, "EUR", "EUR 92,233,720,368,547,758.07", "EUR 92,233,720bn" },
		{ INT64_MIN, "EUR", "-EUR 92,233,720,368,547,758.08", "-EUR 92,233,720bn" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_string_equal(money_text(a, cases[i].minor, cases[i].currency), cases[i].text);
		assert_string_equal(money_short(a, cases[i].minor, cases[i].currency), cases[i].brief);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(currencies_know_their_decimals),
		cmocka_unit_test(amounts_read_well),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
