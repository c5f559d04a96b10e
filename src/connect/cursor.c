#include "cursor.h"

#include <stddef.h>
#include <string.h>

#include "common/http.h"
#include "common/text.h"

enum { MAX_CURSOR_BYTES = 8192 };

static const char *const kind_names[] = { [CURSOR_OPAQUE] = "opaque", [CURSOR_DELTA_URL] = "delta_url", NULL };

static const struct yaml_field fields[] = {
	{ "kind", YAML_ENUM, offsetof(struct cursor_settings, kind), true, kind_names, 0, 0 },
	{ "from", YAML_TEXT, offsetof(struct cursor_settings, from), true, NULL, 0, 0 },
};

const struct yaml_table cursor_table = {
	.size = sizeof(struct cursor_settings), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = NULL,
};

int cursor_see(const struct cursor_settings *s, const struct json *body, const char *url, const char *base_url,
               struct arena *a, const char **cursor, struct err *err)
{
	const char *text = s->from ? json_scalar(a, json_at(body, s->from)) : NULL;

	if (text_is_blank(text))
		return 0;
	if (s->kind == CURSOR_DELTA_URL) {
		text = http_resolve(a, url, text);
		if (!text || !http_same_origin(base_url, text))
			return err_set(err, ERR_INPUT,
			               "the link to later changes leads to another place (%s), where our credentials don't go",
			               text ? http_redact(a, text) : "not a URL");
	}
	if (strlen(text) > MAX_CURSOR_BYTES)
		return err_set(err, ERR_INPUT, "`%s` is longer than %d bytes", s->from, MAX_CURSOR_BYTES);
	*cursor = text;
	return 0;
}
