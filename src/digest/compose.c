#include "digest/compose.h"

#include <math.h>
#include <string.h>

#include "common/buf.h"
#include "common/evidence.h"
#include "common/money.h"
#include "common/text.h"
#include "compose_parts.h"

enum { NAME_CHARS = 120, SENTENCE_CHARS = 300, EVIDENCE_CHARS = 200, URL_BYTES = 500 };

static const double low_confidence = 0.6;

const char *digest_worth_text(const struct words *words, struct arena *a, const struct digest_worth *w)
{
	const char *texts[DIGEST_CURRENCIES + 1];
	size_t order[DIGEST_CURRENCIES], n = 0;

	/* By name: each day and each sum in the same order, whichever account comes first. */
	for (size_t i = 0; i < w->n; i++) {
		size_t at = i;

		for (; at > 0 && strcmp(w->of[order[at - 1]].currency, w->of[i].currency) > 0; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	for (; n < w->n; n++)
		texts[n] = words_one(words, a, &(struct word)W_MONEY_SHORT("", w->of[order[n]].minor,
		                                                           w->of[order[n]].currency));
	if (w->n_further)
		texts[n++] = words_text(words, a, "digest.other_currencies");
	return words_list(words, a, texts, n);
}

static const char *act_by_text(const struct words *w, struct arena *a, int32_t act_by_on, int32_t today)
{
	int32_t left = act_by_on - today;

	if (left == 0)
		return words_text(w, a, "digest.act.today");
	if (left == 1)
		return words_text(w, a, "digest.act.tomorrow");
	return SAY(w, a, left > 1 ? "digest.act.by" : "digest.act.late", W_DAY("day", act_by_on, today),
	           W_INT("n", left > 1 ? left : -left));
}

static bool is_defense(const char *engine)
{
	return strcmp(engine, "defense") == 0;
}

static const char *back_key(const struct digest_finding *d)
{
	if (d->f.state == FINDING_SNOOZED || (d->back_from && strcmp(d->back_from, "snoozed") == 0))
		return "digest.tag.back_from_snooze";
	return d->back_from && strcmp(d->back_from, "resolved") == 0 ? "digest.tag.back_after_resolved" :
	                                                               "digest.tag.back";
}

static const char *tag_key(const struct digest_chosen *c, int32_t age)
{
	static const char *const keys[2][DIGEST_CHANGES] = {
		{ [CHANGE_ENTERED] = "digest.tag.new", [CHANGE_WORSE] = "digest.tag.riper",
		  [CHANGE_CAUSE] = "digest.tag.new_cause", [CHANGE_BETTER] = "digest.tag.cooler" },
		{ [CHANGE_ENTERED] = "digest.tag.new", [CHANGE_WORSE] = "digest.tag.worse",
		  [CHANGE_CAUSE] = "digest.tag.new_cause", [CHANGE_BETTER] = "digest.tag.better" },
	};
	const char *key = keys[is_defense(c->finding->f.engine)][c->change];

	if (!key && c->finding->f.state == FINDING_ACKNOWLEDGED && !c->finding->is_new)
		return c->finding->is_done ? "digest.tag.due_again_done" : "digest.tag.due_again";
	if (c->change == CHANGE_BACK)
		return back_key(c->finding);
	return key ? key : age <= 0 ? "digest.tag.open" : "digest.tag.open_for";
}

static const char *tag_text(const struct words *w, struct arena *a, const struct digest_chosen *c, int32_t today)
{
	const struct finding *f = &c->finding->f;
	const char *score = SAY(w, a, is_defense(f->engine) ? "digest.risk" : "digest.readiness",
	                        W_REAL("score", f->score, 0)), *was = "";
	int32_t age = today - f->opened_on;

	if (!isnan(c->finding->score_before))
		was = SAY(w, a, "digest.was", W_REAL("score", c->finding->score_before, 0));
	return SAY(w, a, tag_key(c, age), W_TEXT("score", score), W_TEXT("was", was), W_INT("n", age < 0 ? 0 : age));
}

/* Bytes that mean nothing but themselves in a URL. */
static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

static const char *fill_template(struct arena *a, const char *template, const char *key)
{
	static const char mark[] = "{{key}}";
	const char *at = strstr(template, mark);
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, URL_BYTES);
	buf_add(&b, template, at ? (size_t)(at - template) : strlen(template));
	for (const char *k = key; at && *k; k++) {
		if (is_unreserved(*k))
			buf_char(&b, *k);
		else
			buf_printf(&b, "%%%02X", (unsigned)(unsigned char)*k);
	}
	if (at)
		buf_text(&b, at + strlen(mark));
	return b.is_full ? NULL : arena_strdup(a, b.at);
}

const char *digest_url_host(struct arena *a, const char *url)
{
	static const char scheme[] = "https://";
	size_t len;

	if (!url || !text_starts(url, scheme) || strlen(url) > URL_BYTES)
		return NULL;
	for (const char *c = url; *c; c++)
		if (!is_unreserved(*c) && !strchr("/?#=&%:+,;!", *c))
			return NULL;
	url += strlen(scheme);
	len = strcspn(url, "/?#:");
	if (len == 0 || strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") < len)
		return NULL;
	return arena_strndup(a, url, len);
}

/* An account's own link comes from outside: it may only lead to where its source is. */
static bool is_own_host(const struct digest_input *in, const char *host)
{
	for (size_t i = 0; host && i < in->n_hosts; i++)
		if (text_equal_fold(in->hosts[i], host))
			return true;
	return false;
}

static void set_link(const struct digest_input *in, const struct digest_finding *d, struct arena *a,
                     struct digest_item *item)
{
	const char *url = d->account_url;

	if (in->account_url)
		url = d->f.account_key ? fill_template(a, in->account_url, d->f.account_key) : NULL;
	item->host = digest_url_host(a, url);
	if (!in->account_url && !is_own_host(in, item->host))
		item->host = NULL;
	item->url = item->host ? url : NULL;
}

const char *digest_account_name(const struct words *w, struct arena *a, const char *name, const char *key)
{
	const char *clean = text_clean(a, name, NAME_CHARS);

	if (!text_is_blank(clean))
		return clean;
	clean = text_clean(a, key, NAME_CHARS);
	if (!*clean)
		return words_text(w, a, "digest.account.no_name");
	return SAY(w, a, "digest.account.by_key", W_TEXT("key", clean));
}

static void set_evidence(const struct digest_input *in, const struct json *list, struct arena *a,
                         struct digest_item *item)
{
	for (const struct json *j = json_first(list); j; j = json_next(j)) {
		const char *line = text_sentence(a, evidence_text(in->words, in->local_on, a, j), EVIDENCE_CHARS);

		if (text_is_blank(line) || strcmp(line, item->summary) == 0)
			continue;
		if (item->n_evidence < DIGEST_EVIDENCE)
			item->evidence[item->n_evidence++] = line;
		else
			item->n_more_evidence++;
	}
}

static void set_play(const struct digest_input *in, const struct finding *f, struct arena *a, struct digest_item *item)
{
	for (size_t i = 0; i < in->n_plays; i++) {
		if (f->play && strcmp(in->plays[i].name, f->play) == 0) {
			item->play = text_clean(a, in->plays[i].title, NAME_CHARS);
			item->first_step = text_clean(a, in->plays[i].first_step, SENTENCE_CHARS);
		}
	}
}

const char *digest_person_name(const struct digest_input *in, const char *email, struct arena *a)
{
	const char *name = email;

	for (size_t i = 0; i < in->n_people; i++)
		if (text_equal_fold(in->people[i].email, email) && !text_is_blank(in->people[i].name))
			name = in->people[i].name;
	return text_clean(a, name, NAME_CHARS);
}

/* With whom it is, for managers; and for others, who gave it to them. NULL: it has always been the reader's own. */
static const char *whose(const struct digest_input *in, const struct digest_finding *d, struct arena *a)
{
	bool is_manager = strcmp(in->kind, "manager") == 0;
	const char *key = !d->f.owner_email ? "digest.with_nobody" : "digest.with", *owner, *giver;

	if (!is_manager && !d->given_by)
		return NULL;
	owner = d->f.owner_email ? digest_person_name(in, d->f.owner_email, a) : "";
	giver = d->given_by ? digest_person_name(in, d->given_by, a) : "";
	if (!is_manager)
		key = "digest.given";
	else if (d->given_by)
		key = !d->f.owner_email ? "digest.with_nobody.given" : "digest.with.given";
	return SAY(in->words, a, key, W_TEXT("name", owner), W_TEXT("giver", giver));
}

static const char *value_text(const struct words *w, struct arena *a, const struct finding *f, const char *currency)
{
	int64_t value = money_whole(f->value_minor, currency), expected = money_whole(f->expected_minor, currency);
	const char *key = is_defense(f->engine) ? "digest.value.defense" : expected > 0 ? "digest.value.expected" :
	                                                                     "digest.value.expansion";

	if (f->value_minor <= 0)
		return words_text(w, a, "digest.value.unknown");
	return SAY(w, a, key, W_MONEY("worth", value, currency), W_MONEY("expected", expected, currency));
}

/* Where it matters: judged on little, or not judged anew with the others. */
static const char *age_text(const struct digest_input *in, const struct finding *f, struct arena *a)
{
	if (f->updated_on < digest_judged_on(in))
		return SAY(in->words, a, "digest.caveat.old", W_DAY("day", f->updated_on, in->local_on));
	if (f->confidence < low_confidence)
		return SAY(in->words, a, "digest.caveat", W_PERCENT("confidence", f->confidence, 0));
	return NULL;
}

static const char *caveat_text(const struct digest_input *in, const struct finding *f, struct arena *a)
{
	const char *held = digest_held_text(in, f, a), *age = age_text(in, f, a);

	return held && age ? arena_printf(a, "%s %s", held, age) : held ? held : age;
}

static struct digest_item compose_item(const struct digest_input *in, const struct digest_chosen *c, struct arena *a)
{
	const struct finding *f = &c->finding->f;
	const char *currency = text_clean(a, f->currency, 3);
	const struct json *evidence = evidence_list(a, f->evidence);
	struct digest_item item = { .words = in->words, .finding = f->id, .change = c->change,
		.engine = f->engine, .cause = f->cause,
		.tag = tag_text(in->words, a, c, in->as_of_on),
		.account = digest_account_name(in->words, a, f->account_name, f->account_key),
		.value = value_text(in->words, a, f, currency), .act_by = act_by_text(in->words, a, f->act_by_on, in->as_of_on),
		.act_by_date = day_text(a, f->act_by_on),
		.summary = text_sentence(a, evidence_cause(in->words, in->local_on, a, evidence, f->summary), SENTENCE_CHARS),
		.currency = currency, .score = f->score,
		.confidence = f->confidence, .value_minor = f->value_minor, .expected_minor = f->expected_minor,
		.play_name = f->play };

	set_link(in, c->finding, a, &item);
	item.whose = whose(in, c->finding, a);
	set_evidence(in, evidence, a, &item);
	set_play(in, f, a, &item);
	item.answers = digest_answers(in, f, a, &item.n_answers);
	item.caveat = caveat_text(in, f, a);
	if (f->cause && strcmp(f->cause, "override") == 0 && item.caveat) {
		item.summary = item.caveat; /* what a person said is all there is to say of it */
		item.caveat = NULL;
	}
	return item;
}

static const char *news_text(const struct digest_input *in, const struct digest_chosen *c, struct arena *a)
{
	const struct words *w = in->words;
	const struct finding *f = &c->finding->f;
	const char *worth = words_text(w, a, "digest.news.unknown"), *currency = text_clean(a, f->currency, 3);
	const char *cause = evidence_cause(w, in->local_on, a, evidence_list(a, f->evidence), f->summary);
	const char *key = c->change == CHANGE_LOST ? "digest.news.lost" :
	                  is_defense(f->engine) ? "digest.news.resolved" :
	                  c->finding->has_expanded ? "digest.news.expanded" :
	                  c->finding->is_defended ? "digest.news.waits" : "digest.news.settled";

	if (f->value_minor > 0)
		worth = words_one(w, a, &(struct word)W_MONEY("", money_whole(f->value_minor, currency), currency));
	return SAY(w, a, key, W_TEXT("account", digest_account_name(w, a, f->account_name, f->account_key)),
	           W_TEXT("worth", worth), W_TEXT("summary", text_sentence(a, cause, SENTENCE_CHARS)));
}

static const char *rest_text(const struct words *w, struct arena *a, size_t n, const struct digest_worth *worth)
{
	const char *text = digest_worth_text(w, a, worth);

	return SAY(w, a, *text ? "digest.rest.worth" : "digest.rest", W_INT("n", n), W_TEXT("worth", text));
}

static struct digest_section compose_section(const struct digest_input *in, const char *engine, struct arena *a)
{
	const struct words *w = in->words;
	struct digest_section s = { .words = w, .engine = engine,
		.title = words_text(w, a, is_defense(engine) ? "digest.title.defense" : "digest.title.expansion") };
	struct digest_choice c;

	digest_choose(in->findings, in->n_findings, engine, in->capacity, in->as_of_on, a, &c);
	s.items = arena_array(a, c.n_items, sizeof *s.items);
	s.n_items = c.n_items;
	s.n_accounts = c.n_accounts;
	s.n_due = c.n_due;
	s.n_snoozed = c.n_snoozed;
	s.n_acknowledged = c.n_acknowledged;
	s.back_on = c.back_on;
	memcpy(s.n_of, c.n_of, sizeof s.n_of);
	for (size_t i = 0; i < c.n_items; i++)
		s.items[i] = compose_item(in, &c.items[i], a);
	s.n_rest = c.n_rest;
	s.worth = c.worth;
	s.rest_worth = c.rest_worth;
	s.expected = c.expected;
	if (c.n_rest)
		s.rest = rest_text(w, a, c.n_rest, &c.rest_worth);
	s.news = arena_array(a, c.n_news + 1, sizeof *s.news);
	for (size_t i = 0; i < c.n_news; i++)
		s.news[s.n_news++] = news_text(in, &c.news[i], a);
	if (c.n_rest_news)
		s.news[s.n_news++] = SAY(w, a, "digest.news.rest", W_INT("n", c.n_rest_news));
	return s;
}

void digest_compose(const struct digest_input *in, struct arena *a, struct digest *out)
{
	static const struct {
		const char *kind, *engines[2];
	} views[] = {
		{ "csm", { "defense", NULL } }, { "am", { "expansion", NULL } }, { "manager", { "defense", "expansion" } },
	};
	struct digest d = { .words = in->words, .org = in->org,
		.org_title = text_clean(a, in->org_title ? in->org_title : in->org, NAME_CHARS),
		.owner_email = in->owner_email,
		.owner_name = text_clean(a, in->owner_name ? in->owner_name : in->owner_email, NAME_CHARS), .kind = in->kind,
		.local_on = in->local_on, .as_of_on = in->as_of_on, .made_at = in->made_at, .nrr = in->nrr,
		.judged_on = digest_judged_on(in), .day = words_one(in->words, a, &(struct word)W_DATE("", in->local_on)) };

	d.sections = arena_array(a, 2, sizeof *d.sections);
	for (size_t v = 0; v < ARRAY_LEN(views); v++)
		for (size_t e = 0; strcmp(views[v].kind, in->kind) == 0 && e < ARRAY_LEN(views[v].engines); e++)
			if (views[v].engines[e])
				d.sections[d.n_sections++] = compose_section(in, views[v].engines[e], a);
	digest_notes(in, a, &d);
	d.is_quiet = in->n_missed == 0 && !d.is_old;
	for (size_t i = 0; i < d.n_sections; i++)
		d.is_quiet = d.is_quiet && !d.sections[i].n_items && !d.sections[i].n_rest && !d.sections[i].n_news;
	d.lists = digest_lists(in, a, &d.n_lists);
	d.headline = digest_headline(&d, a);
	d.since = digest_since(in, &d, a);
	*out = d;
}
