#include "cmocka_shim.h"

#include <string.h>

#include "digest/render.h"
#include "digest_sample.h"

static struct arena *arena;
static struct db *db;
static struct err err;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(0);
	db = sample_open();
	return 0;
}

static int end(void **state)
{
	(void)state;
	db_close(db);
	arena_free(arena);
	return 0;
}

/* All parts of a rendering, without the line ends that quoted-printable puts into long lines. */
static const char *shown(const struct renderer *r, const struct digest *d)
{
	struct render_to to = { .message_key = "k", .from = "retaind@lumendesk.example" };
	struct rendered out;
	const char *text = "";
	char *flat;
	size_t n = 0;

	ASSERT_OK(r->render(d, &to, arena, &out, &err));
	for (size_t i = 0; i < out.n; i++)
		text = arena_printf(arena, "%s%.*s", text, (int)out.parts[i].len, (const char *)out.parts[i].body);
	flat = arena_strdup(arena, text);
	for (const char *c = text; *c; c++) {
		if (strncmp(c, "=\r\n", 3) == 0)
			c += 2;
		else
			flat[n++] = *c;
	}
	flat[n] = '\0';
	return flat;
}

static void every_format_shows_every_answer_of_every_item(void **state)
{
	struct digest d;
	size_t n_seen = 0;

	(void)state;
	sample_digest(db, "csm", 5, arena, &d);
	sample_add_answers(&d, arena);
	for (const struct renderer *r = renderers; r->name; r++) {
		const char *text = shown(r, &d);
		bool has_labels = strcmp(r->name, "json") != 0;

		for (size_t i = 0; i < d.sections[0].n_items; i++) {
			const struct digest_item *item = &d.sections[0].items[i];

			for (size_t k = 0; k < item->n_answers; k++) {
				if (!strstr(text, item->answers[k].url))
					fail_msg("%s: no %s", r->name, item->answers[k].url);
				assert_non_null(strstr(text, has_labels ? item->answers[k].label : item->answers[k].purpose));
				n_seen++;
			}
		}
	}
	assert_true(n_seen > 50);
}

static void without_links_no_format_speaks_of_answers(void **state)
{
	struct digest d;

	(void)state;
	sample_digest(db, "csm", 5, arena, &d);
	for (const struct renderer *r = renderers; r->name; r++) {
		const char *text = shown(r, &d);

		assert_null(strstr(text, "/a/lumendesk/"));
		assert_null(strstr(text, "answers"));
		assert_null(strstr(text, "Wrong owner"));
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(every_format_shows_every_answer_of_every_item),
		CASE(without_links_no_format_speaks_of_answers),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
