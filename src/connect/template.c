#include "template.h"

#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/http.h"
#include "common/text.h"

enum { MAX_EXPANDED_BYTES = 1 << 20 };

struct slice {
	const char *at;
	size_t len;
};

/* The next name in a text: what stands before it, the name, its filter. */
struct part {
	struct slice before, name, filter;
	const char *rest; /* NULL: the text ended */
};

static struct slice trimmed(const char *from, const char *to)
{
	while (from < to && *from == ' ')
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	return (struct slice){ from, (size_t)(to - from) };
}

static bool slice_is(struct slice s, const char *text)
{
	return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}

static struct part next_part(const char *text)
{
	const char *open = strstr(text, "{{"), *close = open ? strstr(open, "}}") : NULL, *bar;

	if (!close)
		return (struct part){ .before = { text, strlen(text) } };
	bar = memchr(open, '|', (size_t)(close - open));
	return (struct part){
		.before = { text, (size_t)(open - text) },
		.name = trimmed(open + 2, bar ? bar : close),
		.filter = bar ? trimmed(bar + 1, close) : (struct slice){ "", 0 },
		.rest = close + 2,
	};
}

/* values ----------------------------------------------------------------------------------------------------------- */

static const char *as_ms(struct arena *a, int64_t at, const struct zone *zone)
{
	(void)zone;
	return arena_printf(a, "%lld", (long long)at * 1000);
}

static const char *as_seconds(struct arena *a, int64_t at, const struct zone *zone)
{
	(void)zone;
	return arena_printf(a, "%lld", (long long)at);
}

static const char *as_iso(struct arena *a, int64_t at, const struct zone *zone)
{
	(void)zone;
	return instant_text(a, at);
}

static const char *as_day(struct arena *a, int64_t at, const struct zone *zone)
{
	int second;

	return day_text(a, zone_day(zone, at, &second));
}

/* "20260301T08" */
static const char *as_hour(struct arena *a, int64_t at, const struct zone *zone)
{
	int second, year, month, day;

	day_split(zone_day(zone, at, &second), &year, &month, &day);
	return arena_printf(a, "%04d%02d%02dT%02d", year, month, day, second / 3600);
}

/* As systems write it that keep UTC and don't say so. */
static const char *as_utc(struct arena *a, int64_t at, const struct zone *zone)
{
	const char *iso = instant_text(a, at);

	(void)zone;
	return arena_printf(a, "%.10s %.8s", iso, iso + 11);
}

static const struct {
	const char *name;
	const char *(*format)(struct arena *a, int64_t at, const struct zone *zone);
} filters[] = {
	{ "iso", as_iso }, { "ms", as_ms }, { "s", as_seconds }, { "day", as_day }, { "utc", as_utc },
	{ "hour", as_hour },
};

static const char *instant_value(struct arena *a, int64_t at, struct slice filter, const struct scope *s)
{
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		if (slice_is(filter, filters[i].name) || (i == 0 && filter.len == 0))
			return filters[i].format(a, at, s->zone ? s->zone : zone_utc());
	return NULL;
}

static const char *or_nothing(const char *text)
{
	return text ? text : "";
}

static const char *config_value(const struct scope *s, struct arena *a, struct slice name)
{
	const struct yaml *node = s->config ? yaml_member(s->config, arena_strndup(a, name.at, name.len)) : NULL;

	return node && node->type == YAML_SCALAR ? node->text : NULL;
}

static const char *secret_value(const struct scope *s, struct slice name)
{
	for (size_t i = 0; i < s->n_secrets; i++)
		if (slice_is(name, s->secrets[i].name))
			return or_nothing(s->secrets[i].value);
	return NULL;
}

/* The value of a name, NULL when there is no such name. */
static const char *value_of(const struct part *p, const struct scope *s, struct arena *a)
{
	static const char config[] = "config.", secret[] = "secret.";
	const struct task_words none = { 0 }, *task = s->task ? s->task : &none;
	const struct named_value texts[] = {
		{ "page.token", s->page_token }, { "page.number", s->page_number }, { "parent.id", s->parent_id },
		{ "item.id", s->parent_id },     { "job.id", s->job_id },           { "org.currency", s->currency },
		{ "for_each", s->for_each },
		{ "properties", s->properties }, { "task.subject", task->subject },  { "task.text", task->text },
		{ "task.key", task->key },       { "task.account", task->account },  { "task.owner", task->owner },
		{ "task.due", task->due },       { "task.due_ms", task->due_ms },
	};
	struct slice n = p->name;

	if (slice_is(n, "window.start"))
		return instant_value(a, s->window_start, p->filter, s);
	if (slice_is(n, "window.end") && slice_is(p->filter, "ms"))
		return arena_printf(a, "%lld", (long long)s->window_end * 1000 + 999); /* the whole of its last second */
	if (slice_is(n, "window.end"))
		return instant_value(a, s->window_end, p->filter, s);
	if (p->filter.len)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (slice_is(n, texts[i].name))
			return or_nothing(texts[i].value);
	if (n.len > strlen(config) && memcmp(n.at, config, strlen(config)) == 0)
		return config_value(s, a, (struct slice){ n.at + strlen(config), n.len - strlen(config) });
	if (n.len > strlen(secret) && memcmp(n.at, secret, strlen(secret)) == 0)
		return secret_value(s, (struct slice){ n.at + strlen(secret), n.len - strlen(secret) });
	return NULL;
}

/* texts ------------------------------------------------------------------------------------------------------------ */

int template_expand(struct arena *a, const char *text, const struct scope *s, enum template_escape escape,
                    const char **out, struct err *err)
{
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, MAX_EXPANDED_BYTES);
	for (const char *at = text; at;) {
		struct part p = next_part(at);
		const char *value;

		buf_add(&b, p.before.at, p.before.len);
		at = p.rest;
		if (!at)
			break;
		value = value_of(&p, s, a);
		if (!value)
			return err_set(err, ERR_CONFIG, "`%s`: %s", text, template_mistake(a, text, s));
		buf_text(&b, escape == TEMPLATE_URL ? http_escape(a, value) : value);
	}
	if (b.is_full)
		return err_set(err, ERR_CONFIG, "`%.40s` becomes longer than %d bytes", text, MAX_EXPANDED_BYTES);
	*out = arena_strndup(a, b.at, b.len);
	return 0;
}

const char *template_mistake(struct arena *a, const char *text, const struct scope *s)
{
	for (const char *at = text; at;) {
		struct part p = next_part(at);

		at = p.rest;
		if (!at)
			return strstr(p.before.at, "{{") ? "{{ is not closed by }}" : NULL;
		if (value_of(&p, s, a))
			continue;
		if (p.name.len > 7 && memcmp(p.name.at, "secret.", 7) == 0)
			return arena_printf(a, "the source has no secret `%.*s`; name it under its `secrets:`", (int)p.name.len - 7,
			                    p.name.at + 7);
		if (p.name.len > 7 && memcmp(p.name.at, "config.", 7) == 0)
			return arena_printf(a, "the source says no `%.*s`; give it under its `config:`", (int)p.name.len - 7,
			                    p.name.at + 7);
		return arena_printf(a,
		                    "{{%.*s%s%.*s}} is not known; there are config.X, secret.X, window.start, window.end (|iso, |ms, "
		                    "|s, |day, |hour, |utc), page.token, page.number, parent.id, item.id, job.id, for_each, org.currency, "
		                    "properties; in a task task.subject, task.text, task.key, task.account, task.owner, "
		                    "task.due, task.due_ms",
		                    (int)p.name.len, p.name.at,
		                    p.filter.len ? "|" : "", (int)p.filter.len, p.filter.at);
	}
	return NULL;
}

bool template_has_names(const char *text)
{
	return next_part(text).rest != NULL;
}

bool template_is(const char *text, const char *name)
{
	struct part p = next_part(text);

	return p.rest && !*p.rest && p.before.len == 0 && p.filter.len == 0 && slice_is(p.name, name);
}

bool template_is_name(const char *text)
{
	struct part p = next_part(text);

	return p.rest && !*p.rest && p.before.len == 0;
}
