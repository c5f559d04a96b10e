#include "common/money.h"

#include <inttypes.h>
#include <string.h>

/* ISO 4217 list one by minor units, and those that left it lately but stand in older invoices (ANG, BGN, HRK). Codes
 * without minor units (gold, drawing rights, tests) are not amounts. */
static const struct {
	int digits;
	const char *codes;
} currencies[] = {
	{ 2, "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
	     "CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL "
	     "HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU "
	     "MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG "
	     "SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST "
	     "XAD XCD XCG YER ZAR ZMW ZWG" },
	{ 0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF" },
	{ 3, "BHD IQD JOD KWD LYD OMR TND" },
	{ 4, "CLF UYW" },
};

int money_digits(const char *currency)
{
	if (!currency || strlen(currency) != 3 || strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(currencies); i++) {
		/* Three capitals can only match a whole code: the codes are apart by blanks. */
		if (strstr(currencies[i].codes, currency))
			return currencies[i].digits;
	}
	return -1;
}

static uint64_t power_of_ten(int n)
{
	uint64_t power = 1;

	while (n-- > 0)
		power *= 10;
	return power;
}

/* The amount without its sign; INT64_MIN included. */
static uint64_t magnitude(int64_t minor)
{
	return minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
}

/* Unknown currencies count in hundredths, as nearly all do. */
static int digits_or_two(const char *currency)
{
	int digits = money_digits(currency);

	return digits < 0 ? 2 : digits;
}

int64_t money_whole(int64_t minor, const char *currency)
{
	int64_t unit = 1;

	for (int digits = money_digits(currency); digits > 0; digits--)
		unit *= 10;
	return minor > INT64_MAX - unit ? minor : (minor + unit / 2) / unit * unit;
}

/* 12400 -> "12,400". */
static const char *grouped(struct arena *a, uint64_t n)
{
	char *plain = arena_printf(a, "%" PRIu64, n);
	size_t len = strlen(plain);
	char *text = arena_alloc(a, 2 * len + 1), *to = text;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = plain[i];
	}
	return text;
}

char *money_text(struct arena *a, int64_t minor, const char *currency)
{
	int digits = digits_or_two(currency);
	uint64_t unit = power_of_ten(digits), whole = magnitude(minor) / unit, rest = magnitude(minor) % unit;
	const char *sign = minor < 0 ? "-" : "", *name = currency ? currency : "";

	if (rest == 0)
		return arena_printf(a, "%s%s %s", sign, name, grouped(a, whole));
	return arena_printf(a, "%s%s %s.%0*" PRIu64, sign, name, grouped(a, whole), digits, rest);
}

char *money_short(struct arena *a, int64_t minor, const char *currency)
{
	static const char *const suffixes[] = { "", "k", "M", "bn" };
	uint64_t amount = magnitude(minor), unit = power_of_ten(digits_or_two(currency)), whole, tenths;
	const char *sign = minor < 0 ? "-" : "", *name = currency ? currency : "";
	size_t i = 0;

	/* Up while it would round to 1,000 or more. */
	while (i + 1 < ARRAY_LEN(suffixes) && (amount + unit / 2) / unit >= 1000) {
		unit *= 1000;
		i++;
	}
	whole = (amount + unit / 2) / unit;
	if (i == 0)
		return arena_printf(a, "%s%s %" PRIu64, whole ? sign : "", name, whole);
	tenths = (amount + unit / 20) / (unit / 10);
	if (tenths >= 1000 || tenths % 10 == 0)
		return arena_printf(a, "%s%s %s%s", sign, name, grouped(a, tenths >= 1000 ? whole : tenths / 10), suffixes[i]);
	return arena_printf(a, "%s%s %" PRIu64 ".%" PRIu64 "%s", sign, name, tenths / 10, tenths % 10, suffixes[i]);
}
