#include "cmocka_shim.h"

#include <string.h>

#include "common/sha256.h"
#include "common/token.h"

static const char KEY[] = "0123456789abcdef0123456789abcdef", OLD[] = "fedcba9876543210fedcba9876543210";
static const char *const keys[] = { KEY, OLD };
enum { NOW = 1772434800 };
static const struct token some = { .purpose = 2, .subject = 4711, .expires_at = NOW + 100, .made_on = 20514,
	                               .holder = 0x1234567890 };

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static enum token_state state_of(const char *text, const char *scope, int64_t now)
{
	const char *key;
	struct token t;

	return token_read(text, keys, ARRAY_LEN(keys), scope, now, &t, &key);
}

static void what_was_made_is_read_again(void **state)
{
	static const struct token edges[] = {
		{ 2, 4711, NOW + 100, 20514, 0x1234567890 },
		{ 0, 0, NOW + 1, 0, 0 },
		{ 255, TOKEN_MAX_SUBJECT, UINT32_MAX, UINT16_MAX, (UINT64_C(1) << 40) - 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		const char *text = token_make(arena, OLD, "acme", &edges[i]), *key = NULL;
		struct token t;

		assert_non_null(text);
		ASSERT_INT(strlen(text), TOKEN_CHARS);
		ASSERT_INT(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), TOKEN_CHARS);
		ASSERT_INT(token_read(text, keys, 2, "acme", NOW, &t, &key), TOKEN_GOOD);
		ASSERT_INT(t.purpose, edges[i].purpose);
		ASSERT_INT(t.subject, edges[i].subject);
		ASSERT_INT(t.expires_at, edges[i].expires_at);
		ASSERT_INT(t.made_on, edges[i].made_on);
		assert_true(t.holder == edges[i].holder);
		assert_string_equal(key, OLD);
		assert_string_equal(token_make(arena, OLD, "acme", &edges[i]), text);
	}
}

static void fields_out_of_range_make_no_token(void **state)
{
	static const struct token wrong[] = {
		{ -1, 1, NOW, 1, 1 }, { 256, 1, NOW, 1, 1 }, { 1, -1, NOW, 1, 1 }, { 1, TOKEN_MAX_SUBJECT + 1, NOW, 1, 1 },
		{ 1, 1, -1, 1, 1 }, { 1, 1, (int64_t)UINT32_MAX + 1, 1, 1 }, { 1, 1, NOW, -1, 1 }, { 1, 1, NOW, 65536, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_null(token_make(arena, KEY, "acme", &wrong[i]));
}

static void it_ends_at_its_second(void **state)
{
	const char *text = token_make(arena, KEY, "acme", &some);

	(void)state;
	ASSERT_INT(state_of(text, "acme", some.expires_at - 1), TOKEN_GOOD);
	ASSERT_INT(state_of(text, "acme", some.expires_at), TOKEN_EXPIRED);
	ASSERT_INT(state_of(text, "acme", some.expires_at + 1000000), TOKEN_EXPIRED);
}

/* Each of its 264 bits, and each of its letters in every other way. */
static void changed_anywhere_it_is_none(void **state)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= .%\n";
	const char *text = token_make(arena, KEY, "acme", &some);

	(void)state;
	for (size_t i = 0; i < TOKEN_CHARS; i++) {
		for (const char *c = letters; *c; c++) {
			char *other = arena_strdup(arena, text);

			if (*c == text[i])
				continue;
			other[i] = *c;
			ASSERT_INT(state_of(other, "acme", NOW), TOKEN_NONE);
		}
	}
}

static void of_another_length_or_form_it_is_none(void **state)
{
	const char *text = token_make(arena, KEY, "acme", &some);

	(void)state;
	for (size_t len = 0; len < TOKEN_CHARS; len++)
		ASSERT_INT(state_of(arena_strndup(arena, text, len), "acme", NOW), TOKEN_NONE);
	for (const char *const *end = (const char *const[]){ "A", "=", "==", "\n", " ", "/", "%00", NULL }; *end; end++)
		ASSERT_INT(state_of(arena_printf(arena, "%s%s", text, *end), "acme", NOW), TOKEN_NONE);
	ASSERT_INT(state_of(arena_printf(arena, " %s", text), "acme", NOW), TOKEN_NONE);
	ASSERT_INT(state_of(hex_text(arena, text, strlen(text)), "acme", NOW), TOKEN_NONE);
	ASSERT_INT(state_of(base64url_text(arena, text, strlen(text)), "acme", NOW), TOKEN_NONE);
}

static void another_scope_or_key_does_not_know_it(void **state)
{
	static const char *const others[] = { "third-key-that-nobody-configured" };
	const char *text = token_make(arena, KEY, "acme", &some), *key;
	struct token t;

	(void)state;
	ASSERT_INT(state_of(text, "acm", NOW), TOKEN_NONE);
	ASSERT_INT(state_of(text, "acme2", NOW), TOKEN_NONE);
	ASSERT_INT(state_of(text, "", NOW), TOKEN_NONE);
	ASSERT_INT(token_read(text, others, 1, "acme", NOW, &t, &key), TOKEN_NONE);
	ASSERT_INT(token_read(text, others, 0, "acme", NOW, &t, &key), TOKEN_NONE);
}

static void a_form_belongs_to_its_token_scope_and_key(void **state)
{
	const char *text = token_make(arena, KEY, "acme", &some), *form = token_form(arena, KEY, "acme", text);

	(void)state;
	ASSERT_INT(strlen(form), TOKEN_FORM_CHARS);
	assert_true(token_is_same(form, token_form(arena, KEY, "acme", text)));
	assert_false(token_is_same(form, token_form(arena, OLD, "acme", text)));
	assert_false(token_is_same(form, token_form(arena, KEY, "other", text)));
	assert_false(token_is_same(form, token_form(arena, KEY, "acme", "A")));
	assert_false(token_is_same(form, ""));
	assert_false(token_is_same(form, arena_strndup(arena, form, TOKEN_FORM_CHARS - 1)));
	assert_null(strstr(text, form)); /* it can't be had from the address alone */
}

static void a_holder_is_known_whatever_the_case(void **state)
{
	(void)state;
	assert_true(token_holder("Anna@Acme.example") == token_holder("anna@acme.example"));
	assert_true(token_holder("anna@acme.example") != token_holder("bo@acme.example"));
	assert_true(token_holder("anna@acme.example") < UINT64_C(1) << 40);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(what_was_made_is_read_again),
		CASE(fields_out_of_range_make_no_token),
		CASE(it_ends_at_its_second),
		CASE(changed_anywhere_it_is_none),
		CASE(of_another_length_or_form_it_is_none),
		CASE(another_scope_or_key_does_not_know_it),
		CASE(a_form_belongs_to_its_token_scope_and_key),
		CASE(a_holder_is_known_whatever_the_case),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
