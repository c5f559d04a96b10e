#include <string.h>

#include "pack_load.h"

static bool is_key_role(const char *role)
{
	return role && (strcmp(role, "champion") == 0 || strcmp(role, "sponsor") == 0 ||
	                strcmp(role, "decision_maker") == 0);
}

static int load_contacts(struct packing *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(p->db,
		"SELECT account_id, id, source_key, email, name, role, is_key, team, left_on, created_on, last_seen_on, "
		"deleted_on FROM contact "
		"WHERE account_id BETWEEN :from AND :to AND (created_on IS NULL OR created_on <= :day) "
		"AND (deleted_on IS NULL OR deleted_on > :gone) ORDER BY account_id, source_key, id");
	struct history history;
	const struct history *h = &history;
	size_t place;
	int rc;

	if (packing_history(p, TRACKED_CONTACT, &history, err) < 0)
		return -1;
	packing_bind(q, p);
	bind_day(q, ":day", p->as_of);
	bind_day(q, ":gone", p->gone_by);
	while ((rc = packing_next(p, q, &place, err)) > 0) {
		struct pack_draft *d = &p->drafts[place];
		int64_t id = col_int(q, 1), *row = pack_row(d, PACK_CONTACT);
		const char *role = history_text(h, id, "role", col_text(q, 5));

		packing_note(p, place, h, id);
		row[CONTACT_KEY] = pack_word(d, col_text(q, 2));
		row[CONTACT_EMAIL] = pack_word(d, history_text(h, id, "email", col_text(q, 3)));
		row[CONTACT_NAME] = pack_word(d, history_text(h, id, "name", col_text(q, 4)));
		row[CONTACT_ROLE] = pack_word(d, role);
		row[CONTACT_TEAM] = pack_word(d, history_text(h, id, "team", col_text(q, 7)));
		row[CONTACT_LEFT] = history_day(h, id, "left_on", col_day(q, 8));
		if (history_int(h, id, "is_key", col_int(q, 6), 0) != 0 || is_key_role(role))
			row[CONTACT_FLAGS] |= CONTACT_IS_KEY;
		if (history_is_dated(h, id, "left_on"))
			row[CONTACT_FLAGS] |= CONTACT_LEFT_DATED;
		row[CONTACT_CREATED] = col_day(q, 9);
		row[CONTACT_LAST_SEEN] = col_day(q, 10);
		row[CONTACT_GONE] = col_day(q, 11);
	}
	return rc < 0 ? err_in(err, "contacts") : 0;
}

enum { LOOKED_BACK = 32 };

/* What one did with another metric on the same day is said already; of many people some are said twice. */
static bool is_said(const struct pack_table *t, int64_t day, int64_t person, int64_t team)
{
	for (size_t i = t->n; i-- > 0 && t->n - i <= LOOKED_BACK;) {
		const int64_t *row = t->cells + i * (USE_TEAM + 1);

		if (row[USE_DAY] != day)
			return false;
		if (row[USE_PERSON] == person && row[USE_TEAM] == team)
			return true;
	}
	return false;
}

static int load_use(struct packing *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(p->db,
		"SELECT account_id, day, contact_key, team FROM usage_detail WHERE account_id BETWEEN :from AND :to "
		"AND day BETWEEN :since AND :day AND value > 0 ORDER BY account_id, day, metric_id, contact_key, team");
	size_t place;
	int rc;

	packing_bind(q, p);
	bind_day(q, ":since", p->since_on);
	bind_day(q, ":day", p->as_of);
	while ((rc = packing_next(p, q, &place, err)) > 0) {
		struct pack_draft *d = &p->drafts[place];
		int64_t day = col_day(q, 1), person = pack_word(d, col_text(q, 2)), team = pack_word(d, col_text(q, 3)), *row;

		if (is_said(&d->tables[PACK_USE], day, person, team))
			continue;
		row = pack_row(d, PACK_USE);
		row[USE_DAY] = day;
		row[USE_PERSON] = person;
		row[USE_TEAM] = team;
	}
	return rc < 0 ? err_in(err, "usage by person") : 0;
}

int packing_load_people(struct packing *p, struct err *err)
{
	return load_contacts(p, err) < 0 || load_use(p, err) < 0 ? -1 : 0;
}
