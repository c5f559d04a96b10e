#include "window.h"

#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"

enum {
	/* A list that the daily budget cuts goes on for days. A token that has died by then is refused, and the list begins
	 * anew; no token is kept for ever. */
	RESUME_WITHIN_S = 7 * 86400,
	FIRST_INSTANT = 1            /* some APIs fail on an instant of 0 */
};

static const char *const kind_names[] = {
	[WALK_NONE] = "none", [WALK_FULL] = "full", [WALK_INCREMENTAL] = "incremental", [WALK_GONE] = "gone",
};

static int64_t instant_at(const struct json *j, const char *name)
{
	int64_t at;

	return json_int(json_member(j, name), &at) ? at : INSTANT_NONE;
}

struct progress progress_read(struct arena *a, const char *text)
{
	struct progress p = { .until = INSTANT_NONE, .full_at = INSTANT_NONE, .gone_at = INSTANT_NONE };
	const struct json *j, *walk;
	struct err unused;

	if (!text || json_parse(a, text, strlen(text), &j, &unused) < 0)
		return p;
	p.until = instant_at(j, "until");
	p.full_at = instant_at(j, "full_at");
	p.gone_at = instant_at(j, "gone_at");
	p.cursor = json_text(json_member(j, "cursor"));
	p.mapping = json_text(json_member(j, "mapping"));
	if (!json_int(json_member(j, "lists"), &p.n_lists))
		p.n_lists = 0;
	walk = json_member(j, "walk");
	for (size_t i = WALK_FULL; i < ARRAY_LEN(kind_names); i++)
		if (text_equal_fold(json_text(json_member(walk, "kind")), kind_names[i]))
			p.walk.kind = (enum walk_kind)i;
	p.walk.start = instant_at(walk, "start");
	p.walk.end = instant_at(walk, "end");
	p.walk.token = json_text(json_member(walk, "token"));
	if (p.walk.end == INSTANT_NONE)
		p.walk.kind = WALK_NONE;
	return p;
}

static void put_instant(struct json_out *o, const char *key, int64_t at)
{
	if (at != INSTANT_NONE)
		json_put_int(o, key, at);
}

const char *progress_write(struct arena *a, const struct progress *p)
{
	CLEANUP(buf_done) struct buf b;
	struct json_out o;

	buf_init(&b, 64 << 10);
	o = json_out_to(&b);
	json_open_object(&o, NULL);
	put_instant(&o, "until", p->until);
	put_instant(&o, "full_at", p->full_at);
	put_instant(&o, "gone_at", p->gone_at);
	if (p->n_lists)
		json_put_int(&o, "lists", p->n_lists);
	if (p->cursor)
		json_put_text(&o, "cursor", p->cursor);
	if (p->mapping)
		json_put_text(&o, "mapping", p->mapping);
	if (p->walk.kind != WALK_NONE) {
		json_open_object(&o, "walk");
		json_put_text(&o, "kind", kind_names[p->walk.kind]);
		put_instant(&o, "start", p->walk.start);
		put_instant(&o, "end", p->walk.end);
		if (p->walk.token)
			json_put_text(&o, "token", p->walk.token);
		json_close_object(&o);
	}
	json_close_object(&o);
	return arena_strndup(a, b.at, b.len);
}

void progress_expect(struct progress *p, const char *mapping)
{
	if (!p->mapping || strcmp(p->mapping, mapping) != 0) {
		p->until = INSTANT_NONE;
		p->cursor = NULL;
		p->walk = (struct walk_state){ .kind = WALK_NONE };
	}
	p->mapping = mapping;
}

/* Whether a walk that was cut short goes on where it stopped. */
static bool goes_on(const struct walk_state *left, const struct walk_wish *wish, int64_t now)
{
	if (wish->is_full || !left->token || now < left->end || now - left->end >= RESUME_WITHIN_S)
		return false;
	if (wish->retention_s && left->start != INSTANT_NONE && now - left->start >= wish->retention_s)
		return false;
	return left->kind == WALK_FULL || (left->kind == WALK_INCREMENTAL && wish->has_incremental);
}

/* Whether it is known what was read, and the source still tells all that changed since. */
static bool can_increment(const struct progress *p, const struct walk_wish *wish, int64_t now)
{
	if (wish->is_full || !wish->has_incremental || p->until == INSTANT_NONE || (wish->has_cursor && !p->cursor))
		return false;
	return !wish->retention_s || now - (p->until - wish->lag_s) < wish->retention_s;
}

struct walk_state window_plan(const struct progress *p, const struct walk_wish *wish, int64_t now)
{
	struct walk_state walk = { .kind = WALK_FULL, .start = INSTANT_NONE, .end = now };
	bool is_due = wish->full_every_s && p->full_at != INSTANT_NONE && now - p->full_at >= wish->full_every_s;

	if (goes_on(&p->walk, wish, now))
		return p->walk;
	if (is_due || !can_increment(p, wish, now))
		return walk;
	walk.kind = WALK_INCREMENTAL;
	walk.token = wish->has_cursor ? p->cursor : NULL;
	walk.start = p->until - wish->lag_s;
	/* A clock that was set back must not make a window that ends before it begins. */
	if (walk.start > now)
		walk.start = now - wish->lag_s;
	if (walk.start < FIRST_INSTANT)
		walk.start = FIRST_INSTANT;
	return walk;
}

void progress_forget(struct progress *p)
{
	if (p->walk.kind == WALK_NONE)
		p->cursor = NULL;
	p->walk = (struct walk_state){ .kind = WALK_NONE };
}

bool window_gone_is_due(const struct progress *p, int64_t every_s, int64_t now)
{
	return p->gone_at == INSTANT_NONE || now - p->gone_at >= every_s || now < p->gone_at;
}

void window_done(struct progress *p, const struct walk_state *walk, int64_t ahead_s)
{
	if (walk->kind == WALK_GONE)
		p->gone_at = walk->end;
	else
		p->until = ahead_s > 0 ? walk->end - ahead_s : walk->end;
	if (walk->kind == WALK_FULL)
		p->full_at = walk->end;
	p->walk = (struct walk_state){ .kind = WALK_NONE };
}
