#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "commands.h"
#include "common/text.h"
#include "store/ledger.h"
#include "store/outbox.h"

enum { DEFAULT_LIMIT = 50, MAX_LIMIT = 100000, AUDIT_DAYS = 7, MAX_AUDIT_DAYS = 3660, EXIT_GAPS = 1 };

static const char *number(struct arena *a, int64_t n)
{
	return arena_printf(a, "%" PRId64, n);
}

static const char *instant(struct arena *a, int64_t at)
{
	return at == INSTANT_NONE ? NULL : instant_text(a, at);
}

static int option_int(const struct cli *c, const char *name, int64_t fallback, int64_t max, int64_t *out,
                      struct err *err)
{
	const char *text = cli_option(c, name);

	*out = fallback;
	if (text && (!text_to_int(text, out) || *out < 1 || *out > max))
		return err_set(err, ERR_INPUT, "--%s is `%s`, expected 1 to %" PRId64, name, text, max);
	return 0;
}

static int list(struct cli *c, struct session *s, int64_t id, struct err *err)
{
	static const struct table_column columns[] = {
		{ "id", true }, { "date", false }, { "owner", false }, { "digest", false }, { "sink", false }, { "part", true },
		{ "state", false }, { "attempts", true }, { "next", false }, { "settled", false }, { "reason", false },
	};
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));
	const struct ledger_row *rows;
	int64_t limit;
	size_t n;

	(void)id;
	if (option_int(c, "limit", DEFAULT_LIMIT, MAX_LIMIT, &limit, err) < 0 ||
	    ledger_list(s->db, cli_option(c, "state"), limit, c->arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct ledger_row *r = &rows[i];
		const char *cells[ARRAY_LEN(columns)] = {
			number(c->arena, r->id), day_text(c->arena, r->local_on), r->owner_email, r->digest_kind, r->sink,
			number(c->arena, r->part), r->state, number(c->arena, r->n_attempts),
			r->settled_at == INSTANT_NONE ? instant(c->arena, r->next_at) : NULL, instant(c->arena, r->settled_at),
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
		{ "delivery", number(c->arena, r->id) }, { "date", day_text(c->arena, r->local_on) },
		{ "owner", r->owner_email }, { "digest", r->digest_kind }, { "sink", r->sink }, { "kind", r->kind },
		{ "recipient", r->recipient },
		{ "part", number(c->arena, r->part) }, { "state", r->state }, { "reason", r->reason },
		{ "next", r->settled_at == INSTANT_NONE ? instant(c->arena, r->next_at) : NULL },
		{ "expires", instant(c->arena, r->expires_at) }, { "settled", instant(c->arena, r->settled_at) },
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
			number(c->arena, id), number(c->arena, x->attempt), instant(c->arena, x->started_at),
			instant(c->arena, x->ended_at), x->outcome, x->status ? number(c->arena, x->status) : NULL, x->detail,
		};

		table_row(t, cells);
	}
	if (c->format == FORMAT_TABLE)
		print_message(c, &row);
	table_print(t, c->format);
	return EX_OK;
}

static int retry(struct cli *c, struct session *s, int64_t id, struct err *err)
{
	int rc = ledger_retry(s->db, id, cli_option(c, "force") != NULL, s->now, err);

	if (rc == 0)
		return err_set(err, ERR_INPUT, "no delivery %" PRId64, id);
	if (rc > 0 && c->verbosity >= 0)
		(void)printf("delivery %" PRId64 " is due now\n", id);
	return rc < 0 ? -1 : EX_OK;
}

static int cancel(struct cli *c, struct session *s, int64_t id, struct err *err)
{
	int rc = ledger_cancel(s->db, id, s->now, err);

	if (rc == 0)
		return err_set(err, ERR_INPUT, "no delivery %" PRId64, id);
	if (rc > 0 && c->verbosity >= 0)
		(void)printf("delivery %" PRId64 " will not be made\n", id);
	return rc < 0 ? -1 : EX_OK;
}

static int audit(struct cli *c, struct session *s, int64_t id, struct err *err)
{
	static const struct table_column columns[] = {
		{ "problem", false }, { "date", false }, { "owner", false }, { "digest", false }, { "sink", false },
		{ "delivery", true }, { "reason", false },
	};
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));
	const struct ledger_gap *gaps;
	int64_t days;
	size_t n;

	(void)id;
	if (option_int(c, "days", AUDIT_DAYS, MAX_AUDIT_DAYS, &days, err) < 0 ||
	    ledger_audit(s->db, s->today - (int32_t)days + 1, s->now, c->arena, &gaps, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct ledger_gap *g = &gaps[i];
		const char *cells[ARRAY_LEN(columns)] = {
			g->problem, day_text(c->arena, g->local_on), g->owner_email, g->digest_kind, g->sink,
			g->outbox_id ? number(c->arena, g->outbox_id) : NULL, g->reason,
		};

		table_row(t, cells);
	}
	if (n || c->format != FORMAT_TABLE)
		table_print(t, c->format);
	else if (c->verbosity >= 0)
		(void)printf("every digest of %" PRId64 " days has come to its end\n", days);
	return n ? EXIT_GAPS : EX_OK;
}

static const struct {
	const char *name;
	enum db_mode mode;
	bool has_id;
	int (*run)(struct cli *c, struct session *s, int64_t id, struct err *err);
} actions[] = {
	{ "list", DB_READ, false, list },  { "show", DB_READ, true, show },     { "retry", DB_WRITE, true, retry },
	{ "cancel", DB_WRITE, true, cancel }, { "audit", DB_READ, false, audit },
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
			return err_set(err, ERR_INPUT, "%s takes %s", name,
			               actions[i].has_id ? "the number of a delivery" : "no number");
		return session_open(c, actions[i].mode, &s, err) < 0 ? -1 : actions[i].run(c, &s, id, err);
	}
	return err_set(err, ERR_INPUT, "no action `%s`, expected list, show, retry, cancel or audit", name);
}
