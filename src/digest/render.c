#include "digest/render.h"

#include <string.h>

#include "digest/compose.h"
#include "render_parts.h"

enum { SHOWN_EVIDENCE = 3 };

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

size_t digest_take_items(const struct digest_section *s, size_t *n_left)
{
	size_t n = s->n_items < *n_left ? s->n_items : *n_left;

	*n_left -= n;
	return n;
}

const char *digest_cut_text(struct arena *a, size_t n_items, size_t n_shown)
{
	return n_shown < n_items ? arena_printf(a, "+%zu more, for which there is no room here", n_items - n_shown) : NULL;
}

bool digest_nrr_is_empty(const struct digest_nrr *n)
{
	for (size_t i = 0; i < n->n_steps; i++)
		if (n->minor[i] != 0)
			return false;
	return true;
}

const char *digest_footer(struct arena *a, const struct digest *d)
{
	return arena_printf(a,
	                    "For %s, from retaind at %s. Judged on what was known on %s. Risk and readiness: of 100 "
	                    "accounts like it, so many are lost or shrink, or grow.",
	                    d->owner_name, d->org_title, digest_day(a, d->as_of_on, d->local_on));
}

bool digest_item_is_brief(const struct digest_item *item)
{
	return item->change == CHANGE_BETTER || item->change == CHANGE_STANDING;
}

size_t digest_item_n_evidence(const struct digest_item *item)
{
	if (digest_item_is_brief(item))
		return 0;
	return item->n_evidence < SHOWN_EVIDENCE ? item->n_evidence : SHOWN_EVIDENCE;
}

const char *digest_item_more(struct arena *a, const struct digest_item *item)
{
	size_t n = item->n_evidence + item->n_more_evidence - digest_item_n_evidence(item);

	if (!n || digest_item_is_brief(item))
		return NULL;
	return arena_printf(a, "and %zu more %s", n, n == 1 ? "sign" : "signs");
}

const char *digest_group_title(const struct digest_section *s, size_t i)
{
	bool is_brief = digest_item_is_brief(&s->items[i]);

	if (digest_item_is_brief(&s->items[0]) || (i > 0 && digest_item_is_brief(&s->items[i - 1]) == is_brief))
		return NULL;
	if (is_brief)
		return "Still open";
	return !digest_item_is_brief(&s->items[s->n_items - 1]) ? NULL : strcmp(s->engine, "defense") == 0 ?
		"New or worse" : "New or riper";
}
