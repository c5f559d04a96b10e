/* `identity:` of an organisation: which accounts of several systems are one company. */
#include <string.h>

#include "load.h"

/* As store/identity.h has them. */
static const char *const words[] = { "external_id", "main_key", "own_key", "domain", "name" };

static const struct yaml_field rule_fields[] = {
	{ .key = "", .kind = YAML_TEXTS, .offset = offsetof(struct identity_rule, by), .is_required = true },
};

static const struct yaml_table rule_table = { .size = sizeof(struct identity_rule), .fields = rule_fields,
	                                          .n_fields = 1 };

static const struct yaml_field fields[] = {
	{ .key = "main", .kind = YAML_TEXT, .offset = offsetof(struct identity_settings, main), .is_required = true },
	{ .key = "sources", .kind = YAML_MAP, .offset = offsetof(struct identity_settings, sources), .extra = &rule_table,
	  .is_required = true },
};

const struct yaml_table identity_table = { .size = sizeof(struct identity_settings), .fields = fields,
	                                       .n_fields = ARRAY_LEN(fields) };

static bool is_among(struct texts known, const char *text)
{
	for (size_t i = 0; i < known.n; i++)
		if (known.at[i] && strcmp(known.at[i], text) == 0)
			return true;
	return false;
}

void check_identity(struct loading *l, const struct org_settings *o, const struct yaml *where)
{
	const struct texts sources = names_of(l->arena, o->sources, sizeof(struct source_settings));
	const struct yaml *rules = yaml_member(where, "sources"), *node = rules ? rules->first : NULL;
	const struct identity_rule *all = o->identity.sources.at;
	struct texts known = { .at = arena_memdup(l->arena, words, sizeof words), .n = ARRAY_LEN(words) };

	check_known(where, "main", "source", sources, l->mistakes);
	for (size_t i = 0; node && i < o->identity.sources.n; i++, node = node->next) {
		if (!is_among(sources, all[i].source))
			refuse_unknown(node, all[i].source, "source", sources, l->mistakes);
		if (o->identity.main && strcmp(o->identity.main, all[i].source) == 0)
			mistake_at(l->mistakes, node, "is the main source, expected the others, whose accounts lead to its");
		check_known(rules, node->key, "key", known, l->mistakes);
	}
}
