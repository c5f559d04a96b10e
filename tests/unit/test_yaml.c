/* YAML: what is read, what is refused, and that every mistake says where it is and what would be right. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/buf.h"
#include "common/nearest.h"
#include "common/yaml.h"

static const struct yaml *parse(struct mistakes *m, const char *text)
{
	return yaml_parse(m->arena, "f.yaml", text, strlen(text), m);
}

static void expect_line(const struct mistakes *m, size_t i, const char *line)
{
	assert_true(i < m->n_kept);
	assert_string_equal(m->lines[i], line);
}

static void a_tree_keeps_files_lines_and_paths(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };
	const struct yaml *tree = parse(&m, "# head\nowners:\n  - email: a@b.c\n    days: [mon, tue]\n  - x: 'null'\n");
	const struct yaml *first, *days;

	(void)state;
	assert_non_null(tree);
	ASSERT_INT(m.n, 0);
	first = yaml_member(tree, "owners")->first;
	assert_string_equal(first->path, "owners[0]");
	assert_string_equal(yaml_member(first, "email")->path, "owners[0].email");
	assert_string_equal(yaml_member(first, "email")->file, "f.yaml");
	ASSERT_INT(yaml_member(first, "email")->line, 3);
	days = yaml_member(first, "days");
	ASSERT_INT(days->type, YAML_SEQUENCE);
	assert_string_equal(days->first->next->path, "owners[0].days[1]");
	assert_true(yaml_member(first->next, "x")->is_quoted);
	assert_false(yaml_is_null(yaml_member(first->next, "x")));
	assert_null(yaml_member(tree, "absent"));
	assert_null(yaml_member(NULL, "absent"));
	assert_true(yaml_is_null(NULL));
}

static void a_file_of_comments_is_an_empty_mapping(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };
	const struct yaml *tree = parse(&m, "# nothing yet\n");

	(void)state;
	assert_non_null(tree);
	ASSERT_INT(tree->type, YAML_MAPPING);
	assert_null(tree->first);
}

static void what_no_configuration_needs_is_refused(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "a: &x 1\n", "f.yaml:1: a: anchor `&x`, expected the value written out where it is used" },
		{ "b: 1\na: *x\n", "f.yaml:2: a: alias `*x`, expected the value written out" },
		{ "a: !!int 1\n", "f.yaml:1: a: tag `tag:yaml.org,2002:int`, expected the value without a tag" },
		{ "l:\n  - !x {b: 1}\n", "f.yaml:2: l[0]: tag `!x`, expected the value without a tag" },
		{ "a: 1\nb: 2\na: 3\n", "f.yaml:3: a: key `a` is already on line 1, expected once" },
		{ "c:\n  a: 1\n  a: 3\n", "f.yaml:3: c.a: key `a` is already on line 2, expected once" },
		{ "a: 1\n---\nb: 2\n", "f.yaml:2: a second document begins here, expected one in a file" },
		{ "a:\n  ? [1, 2]\n  : x\n", "f.yaml:2: a: a list or mapping as a key, expected a text" },
		{ "a: \"x\\0y\"\n", "f.yaml:1: a: a text with a NUL character, expected one without" },
		{ "'': x\n", "f.yaml:1: a key of 0 bytes, expected 1 to 128" },
		{ "a: [1, 2\nb: 3\n", "f.yaml:2: not YAML: did not find expected ',' or ']' while parsing a flow sequence" },
		{ "a: 1\nb: \xff\n", "f.yaml:2: not YAML: invalid leading UTF-8 octet" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(arena_freep) struct arena *a = arena_new(0);
		struct mistakes m = { .arena = a };

		assert_null(parse(&m, cases[i].text));
		ASSERT_INT(m.n, 1);
		expect_line(&m, 0, cases[i].line);
	}
}

static void ceilings_hold(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(buf_done) struct buf text;
	struct mistakes m = { .arena = a };

	(void)state;
	buf_init(&text, 1 << 20);
	for (int i = 0; i < 32; i++)
		buf_char(&text, '[');
	for (int i = 0; i < 32; i++)
		buf_char(&text, ']');
	assert_non_null(parse(&m, text.at));
	buf_reset(&text);
	for (int i = 0; i < 33; i++)
		buf_char(&text, '[');
	assert_null(parse(&m, text.at));
	assert_non_null(strstr(m.lines[0], "nested more than 32 deep"));
	buf_reset(&text);
	buf_char(&text, '[');
	for (int i = 0; i < 99999; i++)
		buf_text(&text, "1,");
	buf_char(&text, ']');
	m = (struct mistakes){ .arena = a };
	assert_non_null(parse(&m, text.at));
	buf_cut(&text, text.len - 1);
	buf_text(&text, "1]");
	assert_null(parse(&m, text.at));
	assert_non_null(strstr(m.lines[0], "more than 100000 values"));
}

static void a_hundred_mistakes_are_kept_and_all_are_counted(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };

	(void)state;
	for (int i = 0; i < 250; i++)
		mistake_at(&m, NULL, "mistake %d", i);
	ASSERT_INT(m.n, 250);
	ASSERT_INT(m.n_kept, 100);
	expect_line(&m, 99, "mistake 99");
}

static void a_file_that_cannot_be_read_is_a_mistake(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };

	(void)state;
	assert_null(yaml_load(a, "/nonexistent/x.yaml", &m));
	expect_line(&m, 0, "/nonexistent/x.yaml:1: can't be read (No such file or directory), expected a YAML file");
	assert_null(yaml_load(a, "/", &m));
	expect_line(&m, 1, "/:1: not a file, expected a YAML file");
}

struct part {
	const char *name;
	int64_t n;
};

struct word {
	const char *name, *text;
};

struct whole {
	const char *text;
	int64_t count, wait_s;
	double ratio;
	bool is_on;
	int at_minutes, role;
	int32_t day;
	struct texts words;
	struct part part;
	struct yaml_array list, map, secrets;
	const struct yaml *node;
};

static const char *const roles[] = { "csm", "am", "manager", NULL };
static const struct part part_defaults = { .n = 7 };

static const struct yaml_field part_fields[] = {
	{ .key = "name", .kind = YAML_TEXT, .offset = offsetof(struct part, name), .is_required = true },
	{ .key = "n", .kind = YAML_INT, .offset = offsetof(struct part, n), .min = 1, .max = 9 },
};
static const struct yaml_table part_table = {
	.size = sizeof(struct part), .fields = part_fields, .n_fields = ARRAY_LEN(part_fields), .defaults = &part_defaults
};
static const struct yaml_field entry_fields[] = {
	{ .key = "n", .kind = YAML_INT, .offset = offsetof(struct part, n) },
};
static const struct yaml_table entry_table = { .size = sizeof(struct part), .fields = entry_fields, .n_fields = 1 };
static const struct yaml_field word_fields[] = {
	{ .key = "", .kind = YAML_TEXT, .offset = offsetof(struct word, text), .is_required = true },
};
static const struct yaml_table word_table = { .size = sizeof(struct word), .fields = word_fields, .n_fields = 1 };

static void check_whole(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct whole *w = item;

	if (w->count == 13)
		mistake_at(m, yaml_member(where, "count"), "is 13, expected luck");
}

static const struct yaml_field whole_fields[] = {
	{ .key = "text", .kind = YAML_TEXT, .offset = offsetof(struct whole, text), .is_required = true },
	{ .key = "count", .kind = YAML_INT, .offset = offsetof(struct whole, count) },
	{ .key = "wait", .kind = YAML_DURATION, .offset = offsetof(struct whole, wait_s), .min = 60, .max = 86400 },
	{ .key = "ratio", .kind = YAML_REAL, .offset = offsetof(struct whole, ratio), .min = 0, .max = 1 },
	{ .key = "is_on", .kind = YAML_BOOL, .offset = offsetof(struct whole, is_on) },
	{ .key = "at", .kind = YAML_TIME, .offset = offsetof(struct whole, at_minutes) },
	{ .key = "role", .kind = YAML_ENUM, .offset = offsetof(struct whole, role), .extra = roles },
	{ .key = "day", .kind = YAML_DAY, .offset = offsetof(struct whole, day) },
	{ .key = "words", .kind = YAML_TEXTS, .offset = offsetof(struct whole, words) },
	{ .key = "part", .kind = YAML_STRUCT, .offset = offsetof(struct whole, part), .extra = &part_table },
	{ .key = "list", .kind = YAML_LIST, .offset = offsetof(struct whole, list), .extra = &part_table },
	{ .key = "map", .kind = YAML_MAP, .offset = offsetof(struct whole, map), .extra = &entry_table },
	{ .key = "secrets", .kind = YAML_MAP, .offset = offsetof(struct whole, secrets), .extra = &word_table },
	{ .key = "node", .kind = YAML_NODE, .offset = offsetof(struct whole, node) },
};
static const struct yaml_table whole_table = { .size = sizeof(struct whole),
	                                           .fields = whole_fields,
	                                           .n_fields = ARRAY_LEN(whole_fields),
	                                           .check = check_whole };

static void every_kind_of_value_is_read(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };
	struct whole w = { .ratio = 0.5 };
	const struct part *parts;
	const struct word *words;

	(void)state;
	yaml_read(a,
	          parse(&m, "text: 12\ncount: -3\nwait: 2h\nratio: ~\nis_on: yes\nat: 08:30\nrole: am\nday: 1970-01-02\n"
	                    "words: one\npart: {name: p}\nlist: [{name: a, n: 2}, {name: b}]\nmap: {x: {n: 5}, y: }\n"
	                    "secrets: {token: 'env:T'}\nnode: [1]\n"),
	          &whole_table, &w, &m);
	ASSERT_INT(m.n, 0);
	assert_string_equal(w.text, "12");
	ASSERT_INT(w.count, -3);
	ASSERT_INT(w.wait_s, 7200);
	ASSERT_NEAR(w.ratio, 0.5, 0);
	assert_true(w.is_on);
	ASSERT_INT(w.at_minutes, 510);
	ASSERT_INT(w.role, 1);
	ASSERT_INT(w.day, 1);
	ASSERT_INT(w.words.n, 1);
	assert_string_equal(w.words.at[0], "one");
	assert_string_equal(w.part.name, "p");
	ASSERT_INT(w.list.n, 2);
	parts = w.list.at;
	ASSERT_INT(parts[0].n, 2);
	ASSERT_INT(parts[1].n, 7);
	ASSERT_INT(w.map.n, 2);
	parts = w.map.at;
	assert_string_equal(parts[0].name, "x");
	ASSERT_INT(parts[0].n, 5);
	assert_string_equal(parts[1].name, "y");
	words = w.secrets.at;
	assert_string_equal(words[0].name, "token");
	assert_string_equal(words[0].text, "env:T");
	assert_non_null(w.node);
}

static void every_wrong_value_says_what_would_be_right_and_all_are_told_at_once(void **state)
{
	static const char *const lines[] = {
		"f.yaml:1: text: is a list, expected a text",
		"f.yaml:2: count: is `4`, expected a whole number",
		"f.yaml:3: wait: is `5s`, expected 1m to 1d",
		"f.yaml:4: ratio: is `1.5`, expected 0 to 1",
		"f.yaml:5: is_on: is `1`, expected true or false",
		"f.yaml:6: at: is `8am`, expected a time of day such as 08:00",
		"f.yaml:7: role: is `mangaer`, did you mean `manager`? (one of csm, am, manager)",
		"f.yaml:8: day: is `2026-13-01`, expected a day such as 2026-03-01",
		"f.yaml:9: words[1]: is a list, expected a text",
		"f.yaml:10: part.n: is `10`, expected 1 to 9",
		"f.yaml:10: part: `name` is missing, expected a text",
		"f.yaml:11: list[0].nam: unknown key `nam`, did you mean `name`?",
		"f.yaml:11: list[0]: `name` is missing, expected a text",
		"f.yaml:12: map.x: is `3`, expected a mapping (key: value)",
		"f.yaml:13: secrets.token: is empty, expected a text",
		"f.yaml:14: role2: unknown key `role2`, did you mean `role`?",
	};
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };
	struct whole w = { 0 };

	(void)state;
	yaml_read(a,
	          parse(&m, "text: [x]\ncount: '4'\nwait: 5s\nratio: 1.5\nis_on: 1\nat: 8am\nrole: mangaer\n"
	                    "day: 2026-13-01\n"
	                    "words: [a, []]\npart: {n: 10}\nlist: [{nam: x}]\nmap: {x: 3}\nsecrets: {token: }\n"
	                    "role2: am\n"),
	          &whole_table, &w, &m);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		expect_line(&m, i, lines[i]);
	ASSERT_INT(m.n, ARRAY_LEN(lines));
}

static void a_table_may_check_further(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };
	struct whole w = { 0 };

	(void)state;
	yaml_read(a, parse(&m, "text: x\ncount: 13\n"), &whole_table, &w, &m);
	ASSERT_INT(m.n, 1);
	expect_line(&m, 0, "f.yaml:2: count: is 13, expected luck");
	yaml_read(a, parse(&m, "[1, 2]"), &whole_table, &w, &m);
	expect_line(&m, 1, "f.yaml:1: is a list, expected a mapping (key: value)");
}

static void the_nearest_word_is_one_that_may_have_been_meant(void **state)
{
	static const char *const words[] = { "channels", NULL, "owners", "zone" };

	(void)state;
	assert_string_equal(nearest_word("chanels", words, 4), "channels");
	assert_string_equal(nearest_word("wonesr", words, 4), "owners");
	assert_string_equal(nearest_word("zoen", words, 4), "zone");
	assert_null(nearest_word("colour", words, 4));
	assert_null(nearest_word("", words, 4));
	assert_null(nearest_word("a very long word that nobody would ever have meant", words, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_keeps_files_lines_and_paths),
		cmocka_unit_test(a_file_of_comments_is_an_empty_mapping),
		cmocka_unit_test(what_no_configuration_needs_is_refused),
		cmocka_unit_test(ceilings_hold),
		cmocka_unit_test(a_hundred_mistakes_are_kept_and_all_are_counted),
		cmocka_unit_test(a_file_that_cannot_be_read_is_a_mistake),
		cmocka_unit_test(every_kind_of_value_is_read),
		cmocka_unit_test(every_wrong_value_says_what_would_be_right_and_all_are_told_at_once),
		cmocka_unit_test(a_table_may_check_further),
		cmocka_unit_test(the_nearest_word_is_one_that_may_have_been_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
