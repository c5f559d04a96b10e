#include "cmocka_shim.h"

#include <string.h>

#include "common/sha256.h"
#include "common/sign.h"

static struct err err; /* of the last call */

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

static char *read_key(struct arena *a)
{
	char *text = arena_alloc(a, 4096);
	FILE *file = fopen("tests/data/sign/rsa2048.key", "r");

	assert_non_null(file);
	assert_true(fread(text, 1, 4095, file) > 0);
	(void)fclose(file);
	return text;
}

/* By `openssl dgst -sha256 -sign`: a signature of this kind is the same whoever makes it. */
static void a_signature_is_the_one_that_openssl_makes(void **state)
{
	static const char want[] =
		"NLV8tEp4MFrnKSaC+3Jzdcmwr2djdV+fJ8Va+ZPl4mj8jnECvnDAjdKB7cn/sGy+v9a8GPm7gSg9fY0oS75Ro8tn+TCBA3nTkCG7"
		"2bTZ5NAYyWdKaQgI1o+d1akOK5T3e3hiyDeRRArbyhqCDCexR7EvxxwEsnl1ZKvibdiHEkG9oLJRUBX1bBGZpE/u8f+jQgSedKgR"
		"1rRhptCnrIzRz1PVzKpeNqd53KFstl/MhWlk1X8vyAJReAF82IZwR+ds7xQQ8c88aBqh0dERzXAs2LHpNOBUA/vixhX2Toetk5CE"
		"Cx43kfvsXMcVGJbh1fHqV9LKQt0aepS8MWy3bnbxeQ==";
	struct arena *a = *state;
	const void *signature;
	size_t len;

	ASSERT_OK(sign_rs256(a, read_key(a), "what is signed", strlen("what is signed"), &signature, &len, &err));
	ASSERT_INT(len, 256);
	assert_string_equal(base64_text(a, signature, len), want);
}

static void what_is_no_key_is_refused_and_not_quoted(void **state)
{
	struct arena *a = *state;
	char *cut = read_key(a);
	const char *const cases[] = {
		"", "planted words", "-----BEGIN RSA PRIVATE KEY-----\nplanted\n-----END RSA PRIVATE KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n",
		cut,
	};
	const void *signature;
	size_t len;

	cut[800] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ASSERT_INT(sign_rs256(a, cases[i], "x", 1, &signature, &len, &err), -1);
		ASSERT_INT(err.kind, ERR_CONFIG);
		assert_null(strstr(err.text, "planted"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_is_the_one_that_openssl_makes),
		cmocka_unit_test(what_is_no_key_is_refused_and_not_quoted),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
