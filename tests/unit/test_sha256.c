#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"

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

/* FIPS 180-4 examples and NIST CAVP short messages. */
static void digests_equal_the_published_ones(void **state)
{
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
		  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
		{ "\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1" },
		{ "\x11\xaf", "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(sha256_hex(a, cases[i].text, strlen(cases[i].text)), cases[i].hex);
}

static void a_million_letters_give_the_published_digest(void **state)
{
	struct arena *a = *state;
	char *text = arena_alloc(a, 1000000);

	memset(text, 'a', 1000000);
	assert_string_equal(sha256_hex(a, text, 1000000),
	                    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void pieces_of_any_size_give_the_digest_of_the_whole(void **state)
{
	struct arena *a = *state;
	uint8_t data[300], whole[SHA256_BYTES], parts[SHA256_BYTES];
	struct sha256 s;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len <= sizeof data; len += 13) {
		sha256_init(&s);
		sha256_add(&s, data, len);
		sha256_end(&s, whole);
		for (size_t piece = 1; piece < 140; piece += 9) {
			sha256_init(&s);
			for (size_t at = 0; at < len; at += piece)
				sha256_add(&s, data + at, len - at < piece ? len - at : piece);
			sha256_end(&s, parts);
			assert_memory_equal(whole, parts, sizeof whole);
		}
	}
	assert_int_equal(strlen(hex_text(a, whole, sizeof whole)), 2 * SHA256_BYTES);
}

/* RFC 4231 sections 4.2 to 4.8 (without 4.6, which is cut short). */
static void keyed_digests_equal_those_of_rfc_4231(void **state)
{
	static const struct {
		uint8_t key_byte;
		size_t key_len;
		const char *key; /* instead of key_byte */
		uint8_t data_byte;
		size_t data_len;
		const char *data; /* instead of data_byte */
		const char *hex;
	} cases[] = {
		{ 0x0b, 20, NULL, 0, 0, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ 0, 0, "Jefe", 0, 0, "what do ya want for nothing?",
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ 0xaa, 20, NULL, 0xdd, 50, NULL, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
		{ 0, 0, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"
		        "\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19", 0xcd, 50,
		  NULL, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
		{ 0xaa, 131, NULL, 0, 0, "Test Using Larger Than Block-Size Key - Hash Key First",
		  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ 0xaa, 131, NULL, 0, 0,
		  "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
		  "hashed before being used by the HMAC algorithm.",
		  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t key_len = cases[i].key ? strlen(cases[i].key) : cases[i].key_len;
		size_t len = cases[i].data ? strlen(cases[i].data) : cases[i].data_len;
		uint8_t key[131], data[200], mac[SHA256_BYTES];
		const void *key_at = cases[i].key ? (const void *)cases[i].key : key;

		memset(key, cases[i].key_byte, sizeof key);
		memset(data, cases[i].data_byte, sizeof data);
		hmac_sha256(key_at, key_len, cases[i].data ? (const void *)cases[i].data : data, len, mac);
		assert_string_equal(hex_text(a, mac, sizeof mac), cases[i].hex);
	}
}

/* The check vector of Standard Webhooks 1.0. */
static void a_standard_webhook_is_signed_as_the_standard_shows(void **state)
{
	struct arena *a = *state;
	const char *signed_text = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
	uint8_t mac[SHA256_BYTES];
	size_t key_len;
	void *key = base64_bytes(a, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &key_len);

	assert_non_null(key);
	assert_int_equal(key_len, 24);
	hmac_sha256(key, key_len, signed_text, strlen(signed_text), mac);
	assert_string_equal(base64_text(a, mac, sizeof mac), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

/* RFC 4648 section 10. */
static void base64_goes_there_and_back(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" }, { "\xFB\xEF\xFF", "++//" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = 99;
		char *bytes = base64_bytes(a, cases[i][1], &len);

		assert_string_equal(base64_text(a, cases[i][0], strlen(cases[i][0])), cases[i][1]);
		assert_non_null(bytes);
		assert_int_equal(len, strlen(cases[i][0]));
		assert_memory_equal(bytes, cases[i][0], len);
	}
}

static void base64_for_urls_has_letters_of_its_own_and_no_padding(void **state)
{
	struct arena *a = *state;

	assert_string_equal(base64url_text(a, "\xFB\xEF\xFF", 3), "--__");
	assert_string_equal(base64url_text(a, "fo", 2), "Zm8");
	assert_string_equal(base64url_text(a, "", 0), "");
}

static void what_is_not_base64_is_refused(void **state)
{
	static const char *const cases[] = { "A", "AB", "ABC", "A===", "====", "AB=C", "=ABC",
		                             "AB-_", "AB C", "ABCD\n", "ABC\xC3", "AB==AB==" };
	struct arena *a = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = 99;

		if (base64_bytes(a, cases[i], &len))
			fail_msg("%s", cases[i]);
		assert_int_equal(len, 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_equal_the_published_ones),
		cmocka_unit_test(a_million_letters_give_the_published_digest),
		cmocka_unit_test(pieces_of_any_size_give_the_digest_of_the_whole),
		cmocka_unit_test(keyed_digests_equal_those_of_rfc_4231),
		cmocka_unit_test(a_standard_webhook_is_signed_as_the_standard_shows),
		cmocka_unit_test(base64_goes_there_and_back),
		cmocka_unit_test(base64_for_urls_has_letters_of_its_own_and_no_padding),
		cmocka_unit_test(what_is_not_base64_is_refused),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
