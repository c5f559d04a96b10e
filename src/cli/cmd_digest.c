#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands.h"
#include "common/buf.h"
#include "common/fd.h"
#include "common/text.h"
#include "deliver/deliver.h"
#include "owner_digest.h"
#include "rules.h"
#include "store/silences.h"
#include "store/slots.h"

enum { LIFE_S = 20 * 3600, BEFORE_NEXT_S = 1800, MAX_MESSAGES = 64, MAX_SLOTS = 4 << 20, DAY_CHARS = 10 };

struct messages {
	struct outbox_message at[MAX_MESSAGES];
	size_t n;
};

/* A message that would come after its successor is never sent. */
static int64_t expires_at(const struct session *s, const struct slot_rules *rules, int32_t local_on)
{
	struct slot slot, next;
	int64_t end = s->now + LIFE_S;

	if (slot_of_day(rules, local_on, &slot) && slot_next(rules, slot.due_at > s->now ? slot.due_at : s->now, &next) &&
	    next.due_at - BEFORE_NEXT_S < end)
		end = next.due_at - BEFORE_NEXT_S;
	return end > s->now ? end : s->now + 1;
}

/* "2026-03-02-csm-anna@acme.example.html" */
static const char *file_name(struct arena *a, const struct digest *d)
{
	char *owner = arena_strdup(a, d->owner_email);

	for (char *c = owner; *c; c++)
		if (*c <= ' ' || *c == '/' || *c == '\\' || *c == 0x7f)
			*c = '_';
	return arena_printf(a, "%s-%s-%.150s.html", day_text(a, d->local_on), d->kind, owner);
}

static const char *recipient_of(struct arena *a, const struct digest *d, int channel_kind)
{
	switch (channel_to(channel_kind)) {
	case TO_OWNER:
		return d->owner_email;
	case TO_FILE:
		return file_name(a, d);
	case TO_SINK:
		break;
	}
	return NULL;
}

static int add_messages(const struct session *s, const struct owner_settings *owner, const struct digest *d,
                        const struct channel_settings *channel, struct arena *a, int64_t end, struct messages *out,
                        struct err *err)
{
	const struct renderer *renderer = renderer_for_channel(channel_kind_names[channel->kind]);
	const char *key = outbox_key(a, d->org, d->owner_email, d->local_on, d->kind, channel->name, 1);
	struct render_to to;
	struct rendered r;

	if (!renderer)
		return err_set(err, ERR_CONFIG, "channel %s has no format", channel->name);
	if (owner_render_to(s, owner, channel, key, a, &to, err) < 0 || renderer->render(d, &to, a, &r, err) < 0)
		return err_in(err, "channel %s", channel->name);
	if (r.n > MAX_MESSAGES - out->n)
		return err_set(err, ERR_CONFIG, "more than %d messages for one digest: too many channels", MAX_MESSAGES);
	for (size_t i = 0; i < r.n; i++)
		out->at[out->n++] = (struct outbox_message){ .sink = channel->name, .kind = channel_kind_names[channel->kind],
			.recipient = recipient_of(a, d, channel->kind), .part = (int)i + 1,
			.delivery_key = outbox_key(a, d->org, d->owner_email, d->local_on, d->kind, channel->name, (int)i + 1),
			.body = r.parts[i].body, .body_len = r.parts[i].len, .content_type = r.content_type,
			.fallback = r.parts[i].fallback, .fallback_len = r.parts[i].fallback_len, .next_at = s->now,
				.expires_at = end };
	return 0;
}

static struct digest_item_row *item_rows(struct arena *a, const struct digest *d, size_t *out_n)
{
	struct digest_item_row *rows;
	size_t n = 0;

	for (size_t i = 0; i < d->n_sections; i++)
		n += d->sections[i].n_items;
	rows = arena_array(a, n, sizeof *rows);
	*out_n = 0;
	for (size_t i = 0; i < d->n_sections; i++) {
		for (size_t k = 0; k < d->sections[i].n_items; k++) {
			const struct digest_item *item = &d->sections[i].items[k];

			rows[(*out_n)++] = (struct digest_item_row){ item->finding, digest_change_name(item->change), item->score,
			                                             item->value_minor };
		}
	}
	return rows;
}

/* Returns 1 when it was made and its slot settled, 0 when it was there. */
static int make_digest(const struct session *s, const struct owner_settings *owner, const struct slot_rules *rules,
                       const struct slot_row *slot, bool has_slot, struct arena *a, struct err *err)
{
	int32_t local_on = slot->local_on;
	struct messages messages = { .n = 0 };
	struct digest_item_row *items;
	struct digest_row row;
	struct digest d;
	size_t n_items;
	int rc = digest_exists(s->db, owner->email, local_on, owner_kind(owner), err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (owner_digest(s, owner, local_on, a, &d, err) < 0)
		return -1;
	for (size_t i = 0; i < owner->channels.n && (!d.is_quiet || owner->sends_when_quiet); i++) {
		const struct channel_settings *channel = org_channel(s->org, owner->channels.at[i]);

		if (!channel)
			return err_set(err, ERR_CONFIG, "no channel `%s`", owner->channels.at[i]);
		if (add_messages(s, owner, &d, channel, a, expires_at(s, rules, local_on), &messages, err) < 0)
			return -1;
	}
	items = item_rows(a, &d, &n_items);
	row = (struct digest_row){ .owner_email = owner->email, .kind = d.kind, .config_hash = s->org->hash,
		.content = digest_json(a, &d), .local_on = local_on, .as_of_on = s->as_of, .made_at = s->now };
	return digest_save(s->db, &row, items, n_items, messages.at, messages.n, has_slot ? slot : NULL, err);
}

/* The slot is settled with the digest; where that was there before, here. */
static int digest_for(struct cli *c, const struct session *s, const struct owner_settings *owner, int32_t day,
                      struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct slot_row slot_row = { .owner_email = owner->email, .due_at = s->now, .state = "done" };
	struct slot_rules rules;
	const struct zone *zone;
	struct silence silence;
	struct slot slot;
	int second, rc, silenced;
	bool has_slot;

	if (owner_zone(s, owner, a, &zone, err) < 0 || owner_rules(a, s->config, s->org, owner, &rules, err) < 0)
		return -1;
	if (day == DAY_NONE)
		day = zone_day(zone, s->now, &second);
	silenced = silence_load(s->db, owner->email, day, a, &silence, err);
	if (silenced) {
		slot_row.state = "missed";
		slot_row.reason = "silenced";
	}
	slot_row.local_on = day;
	has_slot = slot_of_day(&rules, day, &slot);
	slot_row.due_at = has_slot ? slot.due_at : s->now;
	rc = silenced ? silenced : make_digest(s, owner, &rules, &slot_row, has_slot, a, err);
	if (rc < 0 || (has_slot && (silenced || rc == 0) && slots_settle(s->db, &slot_row, s->now, err) < 0))
		return -1;
	if (c->verbosity >= 0)
		(void)printf("%s %s %s: %s\n", owner->email, day_text(a, day), owner_kind(owner),
		             silenced ? "silenced" : rc ? "made" : "was there already");
	return 0;
}

/* One that fails doesn't keep the others from being made; the first reason stands for all. */
struct tally {
	size_t n, n_failed;
	struct err first;
};

static void count(struct tally *t, int rc, const struct err *err)
{
	t->n++;
	if (rc < 0 && t->n_failed++ == 0)
		t->first = *err;
}

static int outcome(const struct tally *t, struct err *err)
{
	if (!t->n_failed)
		return EX_OK;
	return err_set(err, t->first.kind, "%zu of %zu digests: %.900s", t->n_failed, t->n, t->first.text);
}

static int digest_for_all(struct cli *c, const struct session *s, int32_t day, struct err *err)
{
	const struct owner_settings *owners = s->org->owners.at;
	struct tally t = { 0 };

	for (size_t i = 0; i < s->org->owners.n; i++)
		count(&t, digest_for(c, s, &owners[i], day, err), err);
	return outcome(&t, err);
}

static int read_slots(const char *path, struct buf *out, struct err *err)
{
	CLEANUP(fd_closep) int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	char piece[4096];
	ssize_t n = 0;

	while (fd >= 0 && (n = read(fd, piece, sizeof piece)) > 0)
		buf_add(out, piece, (size_t)n);
	if (fd < 0 || n < 0)
		return err_errno(err, ERR_USAGE, "--slots %s", path);
	if (out->is_full)
		return err_set(err, ERR_USAGE, "--slots %s is longer than %d bytes", path, MAX_SLOTS);
	return 0;
}

/* "2026-03-02 ann@acme.example" */
static int digest_for_line(struct cli *c, const struct session *s, const char *line, struct err *err)
{
	const struct owner_settings *owner;
	int32_t day;

	if (strlen(line) < DAY_CHARS + 2 || line[DAY_CHARS] != ' ' ||
	    !day_parse(arena_strndup(c->arena, line, DAY_CHARS), &day))
		return err_set(err, ERR_USAGE, "--slots: `%.100s`, expected DAY EMAIL", line);
	if (cli_owner(s->org, line + DAY_CHARS + 1, &owner, err) < 0)
		return -1;
	return digest_for(c, s, owner, day, err);
}

static int digest_for_slots(struct cli *c, const struct session *s, const char *path, struct err *err)
{
	CLEANUP(buf_done) struct buf lines;
	struct tally t = { 0 };

	buf_init(&lines, MAX_SLOTS);
	if (read_slots(path, &lines, err) < 0)
		return -1;
	for (const char *at = lines.at; at && *at;) {
		size_t len = strcspn(at, "\n");

		count(&t, digest_for_line(c, s, arena_strndup(c->arena, at, len), err), err);
		at += len + (at[len] == '\n');
	}
	return outcome(&t, err);
}

int cmd_digest(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session s = { 0 };
	const char *email = cli_option(c, "owner"), *slots = cli_option(c, "slots");
	const struct owner_settings *owner;
	int32_t day = DAY_NONE;

	if (slots && (email || cli_option(c, "day")))
		return err_set(err, ERR_USAGE, "--slots names owners and days itself: leave --owner and --day out");
	if (cli_option_day(c, "day", &day, err) < 0 || session_open(c, DB_WRITE, &s, err) < 0)
		return -1;
	/* It would stand for the day's own digest, and be sent. */
	if (s.as_of != s.today)
		return err_set(err, ERR_USAGE,
		               "--as-of %s: a digest says what is known today; `preview --as-of` shows an earlier one",
		               day_text(c->arena, s.as_of));
	if (slots)
		return digest_for_slots(c, &s, slots, err);
	if (!email)
		return digest_for_all(c, &s, day, err);
	if (cli_owner(s.org, email, &owner, err) < 0)
		return -1;
	return digest_for(c, &s, owner, day, err) < 0 ? -1 : EX_OK;
}
