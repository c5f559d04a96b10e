#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "digest/compose.h"
#include "render_parts.h"

/* A webhook's body stays below this, else it only says where to look. */
enum { FULL_BYTES = 20 * 1000, JSON_BYTES = 8 << 20 };

static void put_worth(struct json_out *o, const char *key, const struct digest_worth *w)
{
	json_open_array(o, key);
	for (size_t i = 0; i < w->n; i++) {
		json_open_object(o, NULL);
		json_put_text(o, "currency", w->of[i].currency);
		json_put_int(o, "minor", w->of[i].minor);
		json_close_object(o);
	}
	json_close_array(o);
}

static void put_item(struct json_out *o, const struct digest_item *item)
{
	json_open_object(o, NULL);
	json_put_int(o, "finding", item->finding);
	json_put_text(o, "change", digest_change_name(item->change));
	json_put_text(o, "account", item->account);
	json_put_text(o, "url", item->url);
	if (item->whose)
		json_put_text(o, "whose", item->whose);
	json_put_text(o, "cause", item->cause);
	json_put_text(o, "summary", item->summary);
	json_open_array(o, "evidence");
	for (size_t i = 0; i < item->n_evidence; i++)
		json_put_text(o, NULL, item->evidence[i]);
	json_close_array(o);
	json_put_real(o, "score", item->score, 1);
	json_put_real(o, "confidence", item->confidence, 2);
	json_put_int(o, "value_minor", item->value_minor);
	json_put_int(o, "expected_minor", item->expected_minor);
	json_put_text(o, "currency", item->currency);
	json_put_text(o, "act_by", item->act_by_date);
	json_put_text(o, "play", item->play_name);
	json_put_text(o, "play_title", item->play);
	json_put_text(o, "first_step", item->first_step);
	if (item->n_answers) {
		json_open_object(o, "answers");
		for (size_t i = 0; i < item->n_answers; i++)
			json_put_text(o, item->answers[i].purpose, item->answers[i].url);
		json_close_object(o);
	}
	json_close_object(o);
}

static void put_section(struct json_out *o, const struct digest_section *s, bool is_full)
{
	json_open_object(o, NULL);
	json_put_text(o, "engine", s->engine);
	json_put_int(o, "n_items", (int64_t)s->n_items);
	put_worth(o, "worth", &s->worth);
	json_put_int(o, "n_rest", (int64_t)s->n_rest);
	put_worth(o, "rest_worth", &s->rest_worth);
	put_worth(o, "expected", &s->expected);
	json_put_int(o, "n_due", (int64_t)s->n_due);
	json_put_int(o, "n_snoozed", (int64_t)s->n_snoozed);
	json_put_int(o, "n_acknowledged", (int64_t)s->n_acknowledged);
	if (is_full) {
		json_open_array(o, "items");
		for (size_t i = 0; i < s->n_items; i++)
			put_item(o, &s->items[i]);
		json_close_array(o);
		json_open_array(o, "news");
		for (size_t i = 0; i < s->n_news; i++)
			json_put_text(o, NULL, s->news[i]);
		json_close_array(o);
	}
	json_close_object(o);
}

static void put_lists(struct json_out *o, const struct digest *d)
{
	for (size_t i = 0; i < d->n_lists; i++) {
		const struct digest_list *l = &d->lists[i];

		json_open_object(o, l->name);
		json_put_text(o, "title", l->title);
		json_open_array(o, "lines");
		for (size_t k = 0; k < l->n_lines; k++)
			json_put_text(o, NULL, l->lines[k]);
		json_close_array(o);
		json_put_text(o, "rest", l->rest);
		json_close_object(o);
	}
}

static void put_nrr(struct json_out *o, const struct digest_nrr *n)
{
	json_open_object(o, "nrr");
	json_put_text(o, "title", n->title);
	json_put_text(o, "currency", n->currency);
	for (size_t i = 0; i < n->n_steps; i++)
		json_put_int(o, n->steps[i].what, n->minor[i]);
	if (n->has_ratios) {
		json_put_real(o, "nrr", n->nrr, 6);
		json_put_real(o, "grr", n->grr, 6);
		json_put_real(o, "logo_retention", n->logo, 6);
	} else {
		json_put_text(o, "reason", n->ratios);
	}
	json_open_array(o, "lines");
	for (size_t i = 0; i < n->n_lines; i++)
		json_put_text(o, NULL, n->lines[i]);
	json_close_array(o);
	json_close_object(o);
}

static void put_data(struct json_out *o, struct arena *a, const struct digest *d, bool is_full)
{
	json_open_object(o, "data");
	json_put_text(o, "org", d->org);
	json_put_text(o, "owner", d->owner_email);
	json_put_text(o, "kind", d->kind);
	json_put_text(o, "day", day_text(a, d->local_on));
	json_put_text(o, "as_of", day_text(a, d->as_of_on));
	json_put_text(o, "headline", d->headline);
	json_put_text(o, "since", d->since);
	json_put_bool(o, "is_quiet", d->is_quiet);
	json_put_bool(o, "is_old", d->is_old);
	json_put_bool(o, "is_full", is_full);
	json_open_array(o, "sections");
	for (size_t i = 0; i < d->n_sections; i++)
		put_section(o, &d->sections[i], is_full);
	json_close_array(o);
	if (is_full)
		put_lists(o, d);
	if (d->nrr)
		put_nrr(o, d->nrr);
	json_open_array(o, "notes");
	for (size_t i = 0; is_full && i < d->n_notes; i++)
		json_put_text(o, NULL, d->notes[i]);
	json_close_array(o);
	json_close_object(o);
}

static char *event_json(struct arena *a, const struct digest *d, bool is_full)
{
	CLEANUP(buf_done) struct buf b;
	struct json_out o;

	buf_init(&b, JSON_BYTES);
	o = json_out_to(&b);
	json_open_object(&o, NULL);
	json_put_text(&o, "type", "digest.created");
	json_put_text(&o, "timestamp", instant_text(a, d->made_at));
	put_data(&o, a, d, is_full);
	json_close_object(&o);
	return b.is_full ? event_json(a, d, false) : arena_strndup(a, b.at, b.len);
}

char *digest_json(struct arena *a, const struct digest *d)
{
	return event_json(a, d, true);
}

int render_json(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                struct err *err)
{
	char *text = digest_json(a, d);

	(void)to;
	(void)err;
	if (strlen(text) > FULL_BYTES)
		text = event_json(a, d, false);
	*out = rendered_one(a, "application/json", text, strlen(text));
	return 0;
}
