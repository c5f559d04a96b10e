#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "audit.h"
#include "commands.h"
#include "common/text.h"
#include "store/ledger.h"
#include "store/outbox.h"

enum { DEFAULT_LIMIT = 50, MAX_LIMIT = 100000 };

static int read_state(const struct cli *c, const char **out, struct err *err)
{
	static const char *const states[] = { "pending", "inflight", "ambiguous", "sent", "accepted_unverified", "dead" };
	const char *state = cli_option(c, "state");

	*out = state;
	for (size_t i = 0; state && i < ARRAY_LEN(states); i++)
		if (strcmp(states[i], state) == 0)
			return 0;
	return state ? err_set(err, ERR_USAGE, "--state is `%s`, expected pending, inflight, ambiguous, sent, "
	                       "accepted_unverified or dead", state) : 0;
}

static int list(struct cli *c, struct session *s, int64_t id, struct err *err)
{
	static const struct table_column columns[] = {
		{ "id", true }, { "date", false }, { "owner", false }, { "digest", false }, { "sink", false }, { "part", true },
		{ "state", false }, { "attempts", true }, { "next", false }, { "settled", false }, { "reason", false },
	};
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));
	const struct ledger_row *rows;
	int64_t limit = DEFAULT_LIMIT;
	const char *state;
	size_t n;

	(void)id;
	if (cli_option_int(c, "limit", MAX_LIMIT, &limit, err) < 0 || read_state(c, &state, err) < 0 ||
	    ledger_list(s->db, state, limit, c->arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct ledger_row *r = &rows[i];
		const char *cells[ARRAY_LEN(columns)] = {
			cell_int(c->arena, r->id),
			day_text(c->arena, r->local_on),
			r->owner_email,
			r->digest_kind,
			r->sink,
			cell_int(c->arena, r->part),
			r->state,
			cell_int(c->arena, r->n_attempts),
			r->settled_at == INSTANT_NONE ? cell_instant(c->arena, r->next_at) : NULL,
			cell_instant(c->arena, r->settled_at),
			r->reason,
		};

		table_row(t, cells);
	}
	table_print(t, c->format);
	return EX_OK;
}

static void print_message(struct cli *c, const struct ledger_row *r)
{
	const char *lines[][2] = {
		{ "delivery", cell_int(c->arena, r->id) }, { "date", day_text(c->arena, r->local_on) },
		{ "owner", r->owner_email }, { "digest", r->digest_kind }, { "sink", r->sink }, { "kind", r->kind },
		{ "recipient", r->recipient },
		{ "part", cell_int(c->arena, r->part) }, { "state", r->state }, { "reason", r->reason },
		{ "next", r->settled_at == INSTANT_NONE ? cell_instant(c->arena, r->next_at) : NULL },
		{ "expires", cell_instant(c->arena, r->expires_at) }, { "settled", cell_instant(c->arena, r->settled_at) },
		{ "their name", r->provider_ref }, { "key", r->delivery_key }, { "sha256", r->body_sha256 },
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (lines[i][1])
			(void)printf("%-10s  %s\n", lines[i][0], text_clean(c->arena, lines[i][1], 500));
	(void)printf("\n");
}

static int show(struct cli *c, struct session *s, int64_t id, struct err *err)
{
	static const struct table_column columns[] = {
		{ "delivery", true }, { "attempt", true }, { "started", false }, { "ended", false }, { "outcome", false },
		{ "status", true }, { "detail", false },
	};
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));
	const struct ledger_attempt *attempts;
	struct ledger_row row;
	size_t n;
	int rc = ledger_load(s->db, id, c->arena, &row, err);

	if (rc < 0 || (rc > 0 && ledger_attempts(s->db, id, c->arena, &attempts, &n, err) < 0))
		return -1;
	if (rc == 0)
		return err_set(err, ERR_INPUT, "no delivery %" PRId64, id);
	for (size_t i = 0; i < n; i++) {
		const struct ledger_attempt *x = &attempts[i];
		const char *cells[ARRAY_LEN(columns)] = {
			cell_int(c->arena, id),
			cell_int(c->arena, x->attempt),
			cell_instant(c->arena, x->started_at),
			cell_instant(c->arena, x->ended_at),
			x->outcome,
			x->status ? cell_int(c->arena, x->status) : NULL,
			x->detail,
		};

		table_row(t, cells);
	}
	if (c->format == FORMAT_TABLE)
		print_message(c, &row);
	table_print(t, c->format);
	return EX_OK;
}

/* What has become of it: a line for people, a row for programs. */
static int say(struct cli *c, int64_t id, const char *state, const char *words)
{
	static const struct table_column columns[] = { { "delivery", true }, { "state", false } };
	const char *cells[] = { cell_int(c->arena, id), state };
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));

	table_row(t, cells);
	if (c->format != FORMAT_TABLE)
		table_print(t, c->format);
	else if (c->verbosity >= 0)
		(void)printf("delivery %" PRId64 " %s\n", id, words);
	return EX_OK;
}

static int retry(struct cli *c, struct session *s, int64_t id, struct err *err)
{
	int rc = ledger_retry(s->db, id, cli_option(c, "force") != NULL, s->now, err);

	if (rc == 0)
		return err_set(err, ERR_INPUT, "no delivery %" PRId64, id);
	return rc < 0 ? -1 : say(c, id, "pending", "is due now");
}

static int cancel(struct cli *c, struct session *s, int64_t id, struct err *err)
{
	int rc = ledger_cancel(s->db, id, s->now, err);

	if (rc == 0)
		return err_set(err, ERR_INPUT, "no delivery %" PRId64, id);
	return rc < 0 ? -1 : say(c, id, "dead", "will not be made");
}

static const struct {
	const char *name;
	enum db_mode mode;
	bool has_id;
	int (*run)(struct cli *c, struct session *s, int64_t id, struct err *err);
} actions[] = {
	{ "list", DB_READ, false, list },  { "show", DB_READ, true, show },     { "retry", DB_WRITE, true, retry },
	{ "cancel", DB_WRITE, true, cancel }, { "audit", DB_READ, false, deliveries_audit },
};

int cmd_deliveries(struct cli *c, struct err *err)
{
	const char *name = c->n_args > 0 ? c->args[0] : "list";
	CLEANUP(session_close) struct session s = { 0 };
	int64_t id = 0;

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (strcmp(actions[i].name, name) != 0)
			continue;
		if (actions[i].has_id != (c->n_args == 2) || (c->n_args == 2 && !text_to_int(c->args[1], &id)))
			return err_set(err, ERR_USAGE, "%s takes %s", name,
			               actions[i].has_id ? "the number of a delivery" : "no number");
		if (session_open(c, cli_option(c, "ping") ? DB_WRITE : actions[i].mode, &s, err) < 0)
			return -1;
		return actions[i].run(c, &s, id, err);
	}
	return err_set(err, ERR_USAGE, "no action `%s`, expected list, show, retry, cancel or audit", name);
}
