#include "digest/render.h"

#include <string.h>

#include "common/text.h"
#include "digest/compose.h"
#include "render_parts.h"

enum { LABEL_CHARS = 14, AMOUNT_CHARS = 20, SHOWN_EVIDENCE = 3 };

const struct renderer renderers[] = {
	{ "text", "stdout", render_text },
	{ "slack", "slack_webhook", render_slack },
	{ "slack_thread", "slack_api", render_slack_thread },
	{ "mattermost", "mattermost", render_mattermost },
	{ "html", "file", render_html },
	{ "json", "webhook", render_json },
	{ "email", "email", render_email },
	{ "teams", "teams", render_teams },
	{ "google_chat", "google_chat", render_google_chat },
	{ "discord", "discord", render_discord },
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

const char *digest_cut_text(struct arena *a, const struct digest_section *s, size_t n_shown)
{
	return n_shown < s->n_items ? SAY(s->words, a, "digest.rest.no_room", W_INT("n", s->n_items - n_shown)) : NULL;
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
	const char *meaning = strcmp(d->kind, "csm") == 0 ? "digest.footer.risk" :
	                      strcmp(d->kind, "am") == 0 ? "digest.footer.readiness" : "digest.footer.both";

	return SAY(d->words, a, "digest.footer", W_TEXT("name", d->owner_name), W_TEXT("org", d->org_title),
	           W_DAY("day", d->judged_on, d->local_on), W_TEXT("meaning", words_text(d->words, a, meaning)));
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
	return SAY(item->words, a, "digest.more_signs", W_INT("n", n));
}

/* How many items come before those that stand; all where the list is one ranking. */
static size_t n_changed_of(const struct digest_section *s)
{
	size_t n = 0;

	if (strcmp(s->engine, "defense") != 0) /* by what is expected of each */
		return s->n_items;
	while (n < s->n_items && s->items[n].change != CHANGE_STANDING)
		n++;
	return n;
}

bool digest_news_come(const struct digest_section *s, size_t i, size_t n_shown)
{
	size_t at = n_changed_of(s);

	return s->n_news && i == (at < n_shown ? at : n_shown);
}

const char *digest_group_title(struct arena *a, const struct digest_section *s, size_t i)
{
	size_t n_changed = n_changed_of(s);

	if (n_changed == 0 || n_changed == s->n_items || (i != 0 && i != n_changed))
		return NULL;
	return words_text(s->words, a, i == 0 ? "digest.group.changed" : "digest.group.standing");
}

const char *digest_step_line(struct arena *a, const struct digest_nrr *n, size_t i)
{
	const char *label = n->steps[i].label, *amount = n->steps[i].amount;
	int n_label = (int)utf8_length(label), n_amount = (int)utf8_length(amount);

	return arena_printf(a, "%s%*s %*s%s", label, n_label < LABEL_CHARS ? LABEL_CHARS - n_label : 0, "",
	                    n_amount < AMOUNT_CHARS ? AMOUNT_CHARS - n_amount : 0, "", amount);
}

const char *digest_spoken(struct arena *a, const struct digest_item *item, size_t number)
{
	return SAY(item->words, a, "digest.spoken", W_INT("n", number), W_TEXT("account", item->account),
	           W_TEXT("value", item->value), W_TEXT("act_by", item->act_by), W_TEXT("summary", item->summary));
}
