#include "digest/render.h"

#include <string.h>

#include "common/clock.h"
#include "render_parts.h"

const struct renderer renderers[] = {
	{ "text", NULL, render_text },
	{ "slack", "slack_webhook", render_slack },
	{ "html", "file", render_html },
	{ "json", "webhook", render_json },
	{ "email", "email", render_email },
	{ NULL, NULL, NULL },
};

const struct renderer *renderer_of(const char *name)
{
	for (const struct renderer *r = renderers; r->name; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

const struct renderer *renderer_for_channel(const char *channel)
{
	for (const struct renderer *r = renderers; r->name; r++)
		if (r->channel && strcmp(r->channel, channel) == 0)
			return r;
	return NULL;
}

struct rendered rendered_one(struct arena *a, const char *content_type, const void *body, size_t len)
{
	struct rendered r = { .content_type = content_type, .n = 1 };

	r.parts = arena_array(a, 1, sizeof *r.parts);
	r.parts[0] = (struct rendered_part){ .body = body, .len = len };
	return r;
}

bool digest_section_is_empty(const struct digest_section *s)
{
	return !s->n_items && !s->n_rest && !s->n_news;
}

size_t digest_n_items(const struct digest *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_sections; i++)
		n += d->sections[i].n_items;
	return n;
}

const char *digest_cut_text(struct arena *a, size_t n_items, size_t n_shown)
{
	return n_shown < n_items ? arena_printf(a, "+%zu more, for which there is no room here", n_items - n_shown) : NULL;
}

const char *digest_footer(struct arena *a, const struct digest *d)
{
	return arena_printf(a, "For %s, from retaind at %s. Judged on what was known on %s.", d->owner_name, d->org_title,
	                    day_text(a, d->as_of_on));
}
