#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "facts_parts.h"

/* Finds a person (or team) of an account by a name, in an open hash table that grows. */
struct place_of {
	size_t account;
	const char *name;
	size_t row;
};
struct directory {
	struct arena *arena;
	struct place_of *slots;
	size_t n, cap;
};

static size_t hash_of(size_t account, const char *name)
{
	size_t h = account * 0x9E3779B97F4A7C15u + 1469598103934665603u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211u;
	return h ^ h >> 29;
}

/* The slot where it is, or would be. */
static struct place_of *slot_of(const struct directory *d, size_t account, const char *name)
{
	size_t at = hash_of(account, name) & (d->cap - 1);

	while (d->slots[at].name && (d->slots[at].account != account || strcmp(d->slots[at].name, name) != 0))
		at = (at + 1) & (d->cap - 1);
	return &d->slots[at];
}

static void directory_add(struct directory *d, size_t account, const char *name, size_t row)
{
	if (2 * d->n >= d->cap) {
		struct directory bigger = { d->arena, NULL, 0, d->cap ? 2 * d->cap : 256 };

		bigger.slots = arena_array(d->arena, bigger.cap, sizeof *bigger.slots);
		for (size_t i = 0; i < d->cap; i++)
			if (d->slots[i].name)
				*slot_of(&bigger, d->slots[i].account, d->slots[i].name) = d->slots[i];
		bigger.n = d->n;
		*d = bigger;
	}
	d->n++;
	*slot_of(d, account, name) = (struct place_of){ account, name, row };
}

static bool directory_find(const struct directory *d, size_t account, const char *name, size_t *out_row)
{
	const struct place_of *slot;

	if (!d->cap)
		return false;
	slot = slot_of(d, account, name);
	*out_row = slot->row;
	return slot->name != NULL;
}

struct gathering {
	struct loading *l;
	struct directory people_by_name, teams_by_name;
	struct rows people, teams; /* not in the order of accounts until sorted */
};

static struct fact_person *person_of(struct gathering *g, size_t place, const char *key)
{
	struct fact_person *p;
	size_t row;

	if (directory_find(&g->people_by_name, place, key, &row))
		return (struct fact_person *)(void *)g->people.at + row;
	p = rows_add(&g->people, place);
	*p = (struct fact_person){
		.key = arena_strdup(g->l->arena, key), .name = "", .role = "", .team = "", .left_on = DAY_NONE
	};
	directory_add(&g->people_by_name, place, p->key, g->people.n - 1);
	return p;
}

static void use_team(struct gathering *g, size_t place, const char *name, int age)
{
	struct fact_team *t;
	size_t row;

	if (directory_find(&g->teams_by_name, place, name, &row)) {
		fact_days_add(&((struct fact_team *)(void *)g->teams.at)[row].used, age);
		return;
	}
	t = rows_add(&g->teams, place);
	t->name = arena_strdup(g->l->arena, name);
	fact_days_add(&t->used, age);
	directory_add(&g->teams_by_name, place, t->name, g->teams.n - 1);
}

static bool is_key_role(const char *role)
{
	return strcmp(role, "champion") == 0 || strcmp(role, "sponsor") == 0 || strcmp(role, "decision_maker") == 0;
}

static int gather_contacts(struct gathering *g, struct err *err)
{
	struct loading *l = g->l;
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT account_id, id, source_key, email, name, role, is_key, team, left_on FROM contact "
		"WHERE account_id BETWEEN :from AND :to AND (created_on IS NULL OR created_on <= :day) "
		"AND (deleted_on IS NULL OR deleted_on > :day) ORDER BY account_id, source_key, id");
	struct history history;
	const struct history *h = &history;
	int rc;

	if (history_load(l->db, TRACKED_CONTACT, l->from_id, l->to_id, l->q->as_of, l->arena, &history, err) < 0)
		return -1;
	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_day(q, ":day", l->q->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 1);
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		const char *email = history_text(h, id, "email", col_text(q, 3)),
				   *team = history_text(h, id, "team", col_text(q, 7));
		const char *role = history_text(h, id, "role", col_text(q, 5)),
				   *name = history_text(h, id, "name", col_text(q, 4));
		struct fact_person *p;
		size_t row;

		if (place < 0)
			continue;
		p = person_of(g, (size_t)place, col_text(q, 2));
		p->name = loading_text(l, name);
		p->role = loading_text(l, role);
		p->team = loading_text(l, team);
		p->is_key = history_int(h, id, "is_key", col_int(q, 6), 0) != 0 || is_key_role(p->role);
		p->left_on = history_event(h, id, "left_on", col_day(q, 8), l->q->as_of);
		if (email && *email && !directory_find(&g->people_by_name, (size_t)place, email, &row))
			directory_add(&g->people_by_name, (size_t)place, arena_strdup(l->arena, email),
			              (size_t)(p - (struct fact_person *)(void *)g->people.at));
	}
	return rc < 0 ? err_in(err, "contacts") : 0;
}

static int gather_usage(struct gathering *g, struct err *err)
{
	struct loading *l = g->l;
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT account_id, day, contact_key, team FROM usage_detail WHERE account_id BETWEEN :from AND :to "
		"AND day BETWEEN :since AND :day AND value > 0 ORDER BY account_id, day, metric_id, contact_key, team");
	int rc;

	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_day(q, ":since", l->q->as_of - FACTS_DAYS + 1);
	bind_day(q, ":day", l->q->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		int age = l->q->as_of - col_day(q, 1);
		const char *team = col_text(q, 3);

		if (place < 0)
			continue;
		if (*col_text(q, 2)) {
			struct fact_person *p = person_of(g, (size_t)place, col_text(q, 2));

			fact_days_add(&p->used, age);
			if (!*p->team && *team)
				p->team = arena_strdup(l->arena, team);
			if (!*team)
				team = p->team;
		}
		if (*team)
			use_team(g, (size_t)place, team, age);
	}
	return rc < 0 ? err_in(err, "usage by person") : 0;
}

static void gather_exchanges(struct gathering *g)
{
	struct loading *l = g->l;

	for (size_t place = 0; place < l->n; place++)
		for (size_t i = 0; i < l->out[place].n_interactions; i++) {
			const struct fact_interaction *x = &l->out[place].interactions[i];

			if (*x->person && !x->was_put_off &&
			    (strcmp(x->direction, "in") == 0 || strcmp(x->kind, "meeting") == 0))
				fact_days_add(&person_of(g, place, x->person)->spoke, l->q->as_of - x->on);
		}
}

struct placed {
	size_t place, row;
	const char *name;
};

static int by_place_and_name(const void *left, const void *right)
{
	const struct placed *l = left, *r = right;

	if (l->place != r->place)
		return l->place < r->place ? -1 : 1;
	return strcmp(l->name, r->name);
}

/* The rows in the order of accounts and names, which does not depend on which fact came first. name_offset: where a row
 * keeps its name. */
static struct rows in_order(const struct rows *r, size_t name_offset)
{
	struct rows sorted = { .arena = r->arena, .size = r->size };
	struct placed *order = arena_array(r->arena, r->n + 1, sizeof *order);

	for (size_t i = 0; i < r->n; i++) {
		order[i] = (struct placed){ .place = r->places[i], .row = i };
		memcpy(&order[i].name, r->at + r->size * i + name_offset, sizeof order[i].name);
	}
	qsort(order, r->n, sizeof *order, by_place_and_name);
	for (size_t i = 0; i < r->n; i++)
		memcpy(rows_add(&sorted, order[i].place), r->at + r->size * order[i].row, r->size);
	return sorted;
}

int facts_load_people(struct loading *l, struct err *err)
{
	struct gathering g = {
		.l = l,
		.people_by_name = { .arena = l->arena },
		.teams_by_name = { .arena = l->arena },
		.people = { .arena = l->arena, .size = sizeof(struct fact_person) },
		.teams = { .arena = l->arena, .size = sizeof(struct fact_team) },
	};
	struct rows people, teams;

	if (gather_contacts(&g, err) < 0 || gather_usage(&g, err) < 0)
		return -1;
	gather_exchanges(&g);
	people = in_order(&g.people, offsetof(struct fact_person, key));
	teams = in_order(&g.teams, offsetof(struct fact_team, name));
	rows_hand_out(&people, l->out, offsetof(struct fact_account, people), offsetof(struct fact_account, n_people));
	rows_hand_out(&teams, l->out, offsetof(struct fact_account, teams), offsetof(struct fact_account, n_teams));
	return 0;
}
