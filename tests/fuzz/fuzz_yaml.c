#include "replay.h"

#include <stddef.h>

#include "common/text.h"
#include "common/yaml.h"

/* One field of every kind. */
struct sample {
	const char *name, *text;
	int64_t number, seconds;
	double real;
	bool flag;
	int minutes, choice;
	int32_t day;
	struct texts texts;
	struct yaml_array list, map;
	const struct yaml *node;
};

static const char *const choices[] = { "one", "two", NULL };

static const struct yaml_field inner_fields[] = {
	{ .key = "text", .kind = YAML_TEXT, .offset = offsetof(struct sample, text), .is_required = true },
	{ .key = "number", .kind = YAML_INT, .offset = offsetof(struct sample, number), .min = -5, .max = 1e6 },
};
static const struct yaml_table inner = { .size = sizeof(struct sample), .fields = inner_fields,
	                                   .n_fields = ARRAY_LEN(inner_fields) };

static const struct yaml_field fields[] = {
	{ .key = "text", .kind = YAML_TEXT, .offset = offsetof(struct sample, text) },
	{ .key = "number", .kind = YAML_INT, .offset = offsetof(struct sample, number) },
	{ .key = "real", .kind = YAML_REAL, .offset = offsetof(struct sample, real), .min = 0, .max = 1 },
	{ .key = "flag", .kind = YAML_BOOL, .offset = offsetof(struct sample, flag) },
	{ .key = "wait", .kind = YAML_DURATION, .offset = offsetof(struct sample, seconds), .min = 1, .max = 86400 },
	{ .key = "at", .kind = YAML_TIME, .offset = offsetof(struct sample, minutes) },
	{ .key = "day", .kind = YAML_DAY, .offset = offsetof(struct sample, day) },
	{ .key = "choice", .kind = YAML_ENUM, .offset = offsetof(struct sample, choice), .extra = choices },
	{ .key = "texts", .kind = YAML_TEXTS, .offset = offsetof(struct sample, texts) },
	{ .key = "inner", .kind = YAML_STRUCT, .offset = 0, .extra = &inner },
	{ .key = "list", .kind = YAML_LIST, .offset = offsetof(struct sample, list), .extra = &inner },
	{ .key = "map", .kind = YAML_MAP, .offset = offsetof(struct sample, map), .extra = &inner },
	{ .key = "node", .kind = YAML_NODE, .offset = offsetof(struct sample, node) },
};
static const struct yaml_table table = { .size = sizeof(struct sample),
	                                     .fields = fields,
	                                     .n_fields = ARRAY_LEN(fields) };

static void check_node(const struct yaml *node, int line)
{
	REQUIRE(node->line >= 1 && node->line >= line && node->path && node->file);
	if (node->type == YAML_SCALAR)
		REQUIRE(node->text && utf8_is_valid(node->text, strlen(node->text)) && !node->first);
	for (const struct yaml *child = node->first; child; child = child->next) {
		REQUIRE((child->key != NULL) == (node->type == YAML_MAPPING));
		check_node(child, node->line);
	}
}

int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };
	struct sample sample = { 0 };
	const struct yaml *root = yaml_parse(a, "x.yaml", (const char *)data, size, &m);

	REQUIRE((root == NULL) == (m.n > 0));
	if (root) {
		check_node(root, 1);
		yaml_read(a, root, &table, &sample, &m);
	}
	REQUIRE(m.n_kept <= m.n && m.n_kept <= 100);
	for (size_t i = 0; i < m.n_kept; i++)
		REQUIRE(strncmp(m.lines[i], "x.yaml:", 7) == 0 && !strchr(m.lines[i], '\n'));
	if (m.n == 0)
		REQUIRE(sample.real >= 0 && sample.real <= 1 && sample.minutes >= 0 && sample.minutes < 1440);
	return 0;
}
