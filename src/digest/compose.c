#include "digest/compose.h"

#include <math.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/money.h"
#include "common/text.h"
#include "compose_parts.h"
#include "store/pulls.h"

enum { NAME_CHARS = 120, SENTENCE_CHARS = 300, EVIDENCE_CHARS = 200, URL_BYTES = 500, MAX_MISSED = 5 };

static const double low_confidence = 0.6;

const char *digest_worth_text(struct arena *a, const struct digest_worth *w)
{
	const char *text = "";

	for (size_t i = 0; i < w->n; i++)
		text = arena_printf(a, "%s%s%s", text, i == 0 ? "" : " and ",
		                    money_short(a, w->of[i].minor, w->of[i].currency));
	return w->n_further ? arena_printf(a, "%s and other currencies", text) : text;
}

static const char *long_day(struct arena *a, int32_t day, bool has_year)
{
	static const char *const weekdays[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
		"Dec" };
	int year, month, day_of_month;

	day_split(day, &year, &month, &day_of_month);
	return arena_printf(a, "%s %d %s%s", weekdays[day_weekday(day)], day_of_month, months[month - 1],
	                    has_year ? arena_printf(a, " %d", year) : "");
}

const char *digest_day(struct arena *a, int32_t day, int32_t said_on)
{
	int year, said_year, month, day_of_month;

	day_split(day, &year, &month, &day_of_month);
	day_split(said_on, &said_year, &month, &day_of_month);
	return long_day(a, day, year != said_year);
}

static const char *act_by_text(struct arena *a, int32_t act_by_on, int32_t today)
{
	int32_t left = act_by_on - today;

	if (left == 0)
		return "Act today";
	if (left == 1)
		return "Act by tomorrow";
	if (left > 1)
		return arena_printf(a, "Act by %s (in %d days)", digest_day(a, act_by_on, today), left);
	return arena_printf(a, "Act now: was due %s (%d %s ago)", digest_day(a, act_by_on, today), -left,
	                    left == -1 ? "day" : "days");
}

static bool is_defense(const char *engine)
{
	return strcmp(engine, "defense") == 0;
}

static const char *tag_text(struct arena *a, const struct digest_chosen *c, int32_t today)
{
	const struct finding *f = &c->finding->f;
	bool defends = is_defense(f->engine);
	const char *score = arena_printf(a, "%s %.0f", defends ? "risk" : "readiness", f->score);
	const char *was = isnan(c->finding->score_before) ? "" : arena_printf(a, " (was %.0f)", c->finding->score_before);
	int32_t age = today - f->opened_on;

	switch (c->change) {
	case CHANGE_ENTERED:
		return arena_printf(a, "NEW, %s", score);
	case CHANGE_WORSE:
		return arena_printf(a, "%s, %s%s", defends ? "WORSE" : "RIPER", score, was);
	case CHANGE_BETTER:
		return arena_printf(a, "%s, %s%s", defends ? "BETTER" : "COOLER", score, was);
	case CHANGE_STANDING:
	case CHANGE_RESOLVED:
	case CHANGE_LOST:
		break;
	}
	if (age <= 0)
		return arena_printf(a, "OPEN, %s", score);
	return arena_printf(a, "OPEN for %d %s, %s", age, age == 1 ? "day" : "days", score);
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

static const char *account_name(const struct digest_finding *d, struct arena *a)
{
	const char *name = text_clean(a, d->f.account_name, NAME_CHARS);

	if (!text_is_blank(name))
		return name;
	return arena_printf(a, "Account %s", text_clean(a, d->f.account_key ? d->f.account_key : "without a name",
	                                                NAME_CHARS));
}

/* A sentence for people: clean, and beginning with a capital. */
static const char *sentence(struct arena *a, const char *text, size_t max_chars)
{
	char *clean = text_clean(a, text, max_chars);

	if (*clean >= 'a' && *clean <= 'z')
		*clean = (char)(*clean - 'a' + 'A');
	return clean;
}

/* What is at stake is an estimate: cents would claim too much. */
static int64_t whole_units(int64_t minor, const char *currency)
{
	int64_t unit = 1;

	for (int digits = money_digits(currency); digits > 0; digits--)
		unit *= 10;
	return minor > INT64_MAX - unit ? minor : (minor + unit / 2) / unit * unit;
}

static void set_evidence(const struct finding *f, struct arena *a, struct digest_item *item)
{
	const struct json *list;
	struct err err;

	if (!f->evidence || json_parse(a, f->evidence, strlen(f->evidence), &list, &err) < 0)
		return;
	for (const struct json *j = json_first(list); j; j = json_next(j)) {
		const char *line = sentence(a, json_text(j), EVIDENCE_CHARS);

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

static const char *whose(const struct digest_input *in, const struct finding *f, struct arena *a)
{
	return f->owner_email ? arena_printf(a, "With %s", digest_person_name(in, f->owner_email, a)) : "With nobody yet";
}

static struct digest_item compose_item(const struct digest_input *in, const struct digest_chosen *c, struct arena *a)
{
	const struct finding *f = &c->finding->f;
	const char *currency = text_clean(a, f->currency, 3);
	struct digest_item item = { .finding = f->id, .change = c->change, .engine = f->engine, .cause = f->cause,
		.tag = tag_text(a, c, in->as_of_on), .account = account_name(c->finding, a),
		.value = f->value_minor <= 0 ? "Value not known" :
		         arena_printf(a, "%s %s", money_text(a, whole_units(f->value_minor, currency), currency),
		                      is_defense(f->engine) ? "at stake" : "within reach"),
		.act_by = act_by_text(a, f->act_by_on, in->as_of_on), .act_by_date = day_text(a, f->act_by_on),
		.summary = sentence(a, f->summary, SENTENCE_CHARS), .currency = currency, .score = f->score,
		.confidence = f->confidence, .value_minor = f->value_minor, .play_name = f->play };

	set_link(in, c->finding, a, &item);
	if (strcmp(in->kind, "manager") == 0)
		item.whose = whose(in, f, a);
	set_evidence(f, a, &item);
	set_play(in, f, a, &item);
	if (f->confidence < low_confidence)
		item.caveat = arena_printf(a, "Confidence %.0f %%: part of the data is missing or old.", 100 * f->confidence);
	return item;
}

static const char *news_text(const struct digest_chosen *c, struct arena *a)
{
	const struct finding *f = &c->finding->f;
	const char *what = c->change == CHANGE_LOST ? "Lost" : is_defense(f->engine) ? "Resolved" : "Settled";

	return arena_printf(a, "%s: %s (%s). It was: %s", what, account_name(c->finding, a),
	                    f->value_minor <= 0 ? "value not known" :
	                    money_text(a, whole_units(f->value_minor, f->currency), text_clean(a, f->currency, 3)),
	                    sentence(a, f->summary, SENTENCE_CHARS));
}

static const char *rest_text(struct arena *a, size_t n, const struct digest_worth *worth)
{
	const char *text = digest_worth_text(a, worth);

	return *text ? arena_printf(a, "+%zu more, worth %s", n, text) : arena_printf(a, "+%zu more", n);
}

static struct digest_section compose_section(const struct digest_input *in, const char *engine, struct arena *a)
{
	struct digest_section s = { .engine = engine,
		.title = is_defense(engine) ? "Slipping: keep these" : "Ripe: grow these" };
	struct digest_choice c;

	digest_choose(in->findings, in->n_findings, engine, in->capacity, in->as_of_on, a, &c);
	s.items = arena_array(a, c.n_items, sizeof *s.items);
	s.n_items = c.n_items;
	s.n_accounts = c.n_accounts;
	memcpy(s.n_of, c.n_of, sizeof s.n_of);
	for (size_t i = 0; i < c.n_items; i++)
		s.items[i] = compose_item(in, &c.items[i], a);
	s.n_rest = c.n_rest;
	s.worth = c.worth;
	s.rest_worth = c.rest_worth;
	if (c.n_rest)
		s.rest = rest_text(a, c.n_rest, &c.rest_worth);
	s.news = arena_array(a, c.n_news + 1, sizeof *s.news);
	for (size_t i = 0; i < c.n_news; i++)
		s.news[s.n_news++] = news_text(&c.news[i], a);
	if (c.n_rest_news)
		s.news[s.n_news++] = arena_printf(a, "+%zu more that ended", c.n_rest_news);
	return s;
}

static const char *section_headline(struct arena *a, const struct digest_section *s)
{
	const char *worth = digest_worth_text(a, &s->worth);
	const char *text = arena_printf(a, "%zu %s to %s", s->n_accounts, s->n_accounts == 1 ? "account" : "accounts",
	                                is_defense(s->engine) ? "defend" : "grow");

	if (!*worth)
		return text;
	return arena_printf(a, "%s, %s %s", text, worth, is_defense(s->engine) ? "at stake" : "within reach");
}

/* "2 new, 1 worse"; "" when nothing changed. */
static const char *changes_text(struct arena *a, const struct digest_section *s)
{
	static const char *const words[2][DIGEST_CHANGES] = {
		{ "new", "riper", "cooler", NULL, "settled", "lost" }, { "new", "worse", "better", NULL, "resolved", "lost" },
	};
	const char *text = "";

	for (size_t i = 0; i < DIGEST_CHANGES; i++)
		if (s->n_of[i] && words[is_defense(s->engine)][i])
			text = arena_printf(a, "%s%s%zu %s", text, *text ? ", " : "", s->n_of[i],
			                    words[is_defense(s->engine)][i]);
	return text;
}

static const char *since_text(const struct digest_input *in, struct arena *a, const struct digest *d)
{
	const char *text = "", *since = "yesterday";

	if (in->before_on == DAY_NONE)
		return d->is_quiet ? "This is your first digest." : "This is your first digest: all of it counts as new.";
	if (in->before_on != in->local_on - 1)
		since = digest_day(a, in->before_on, in->local_on);
	for (size_t i = 0; i < d->n_sections; i++) {
		const char *changes = changes_text(a, &d->sections[i]);
		const char *which = d->n_sections == 1 ? "" : is_defense(d->sections[i].engine) ? "to defend " : "to grow ";

		if (*changes)
			text = arena_printf(a, "%s%s%s%s", text, *text ? "; " : "", which, changes);
	}
	return *text ? arena_printf(a, "Since %s: %s.", since, text) : arena_printf(a, "Nothing changed since %s.", since);
}

static const char *headline(struct arena *a, const struct digest *d)
{
	const char *text = "";
	size_t n_news = 0;

	for (size_t i = 0; i < d->n_sections; i++) {
		n_news += d->sections[i].n_news;
		if (d->sections[i].n_items)
			text = arena_printf(a, "%s%s%s", text, *text ? "; " : "", section_headline(a, &d->sections[i]));
	}
	if (*text)
		return text;
	return n_news ? "Nothing to handle today, but some things ended" : "Nothing needs you today";
}

static void add_missed(const struct digest_input *in, struct arena *a, struct digest *d)
{
	const char *days = "";

	for (size_t i = 0; i < in->n_missed && i < MAX_MISSED; i++) {
		const char *reason = text_clean(a, in->missed[i].reason, NAME_CHARS);

		days = arena_printf(a, "%s%s%s%s", days, i ? ", " : "", digest_day(a, in->missed[i].local_on, in->local_on),
		                    text_is_blank(reason) ? "" : arena_printf(a, " (%s)", reason));
	}
	if (in->n_missed > MAX_MISSED)
		days = arena_printf(a, "%s and %zu more", days, in->n_missed - MAX_MISSED);
	if (in->n_missed)
		d->notes[d->n_notes++] = arena_printf(a, "No digest reached you on %s.", days);
}

static const struct digest_source_state *state_of(const struct digest_input *in, const char *name)
{
	for (size_t i = 0; i < in->n_states; i++)
		if (strcmp(in->states[i].name, name) == 0)
			return &in->states[i];
	return NULL;
}

static void add_stale(const struct digest_input *in, struct arena *a, struct digest *d)
{
	for (size_t i = 0; i < in->n_sources; i++) {
		const struct digest_source_state *s = state_of(in, in->sources[i].name);
		const char *name = text_clean(a, in->sources[i].name, NAME_CHARS);

		if (!s || s->last_ok_at == INSTANT_NONE)
			d->notes[d->n_notes++] = arena_printf(a,
			                                      "Source %s has never come through: what depends on it is not "
			                                      "known.", name);
		else if (source_is_stale(s->last_ok_on, in->as_of_on, in->sources[i].stale_after_s))
			d->notes[d->n_notes++] = arena_printf(a,
			                                      "Source %s last came through on %s: what depends on it may be old.",
			                                      name, digest_day(a, s->last_ok_on, in->local_on));
	}
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
		.day = long_day(a, in->local_on, true), .is_quiet = in->n_missed == 0 };

	d.sections = arena_array(a, 2, sizeof *d.sections);
	d.notes = arena_array(a, in->n_sources + 1, sizeof *d.notes);
	for (size_t v = 0; v < ARRAY_LEN(views); v++)
		for (size_t e = 0; strcmp(views[v].kind, in->kind) == 0 && e < ARRAY_LEN(views[v].engines); e++)
			if (views[v].engines[e])
				d.sections[d.n_sections++] = compose_section(in, views[v].engines[e], a);
	for (size_t i = 0; i < d.n_sections; i++)
		d.is_quiet = d.is_quiet && !d.sections[i].n_items && !d.sections[i].n_rest && !d.sections[i].n_news;
	d.lists = digest_lists(in, a, &d.n_lists);
	d.headline = headline(a, &d);
	d.since = since_text(in, a, &d);
	add_missed(in, a, &d);
	add_stale(in, a, &d);
	*out = d;
}
