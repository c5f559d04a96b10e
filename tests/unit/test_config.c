/* What a whole configuration turns into: defaults, references, holidays, lookups, and the version of it. */
#include "cmocka_shim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "config/config.h"

static char folder[] = "/tmp/retaind-config-XXXXXX";

static const struct {
	const char *name, *text;
} good[] = {
	{ "retaind.yaml", "state: /srv/state\nadmin_channel: acme/desk\n" },
	{ "signals.yaml", "bands: {watch: 1.2}\nhorizon: 60d\nsignals:\n"
	                  "  silence: {weight: 2, low: 0.8, high: 0.2, text: quiet, play: call}\n"
	                  "  near_limit: {weight: 2.5, low: 0.8, high: 1, play: call}\n" },
	{ "plays.yaml", "plays:\n  call: {title: Call, first_step: Dial, lead_days: 5}\n" },
	{ "lexicon/analytics.yaml", "kind: adjacent_need\nphrases: [Tableaux  de BORD, Rapport d’équipe]\n" },
	{ "connectors/crm.yaml", "name: crm\n" },
	{ "connectors/other.yaml", "name: other\n" },
	{ "holidays/fr.yaml", "- 2026-05-01\n- {day: 2026-01-01, name: x}\n- 2026-05-01\n- {from: 2026-12-24, to: "
	  "2026-12-26}\n" },
	{ "holidays/us.ics", "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nBEGIN:STANDARD\r\nDTSTART:19701101T020000\r\n"
	                     "RRULE:FREQ=YEARLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
	                     "BEGIN:VEVENT\r\nDTSTART;VALUE=DA\r\n TE:20260704\r\nDESCRIPTION:a\\, b\r\n  BEGIN:VEVENT\r\n"
	                     "BEGIN:VALARM\r\nDURATION:PT15M\r\nEND:VALARM\r\nEND:VEVENT\r\n"
	                     "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227\r\nEND:VEVENT\r\n"
	                     "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n"
	                     "END:VCALENDAR\r\n" },
	{ "orgs/acme.yaml", "zone: Europe/Paris\ncurrency: EUR\nholidays: fr\n"
	                    "sources:\n  crm: {connector: crm, base_url: 'https://api.example/', secrets: {token: "
	                    "'env:T'}}\n"
	                    "channels:\n  desk: {kind: file, folder: /srv/d}\n"
	                    "  mail: {kind: email, host: h, from: a@b.example, tls: implicit}\n"
	                    "owners:\n  - {email: Ann@Acme.example, name: Ann, role: am, channels: mail}\n"
	                    "  - {email: bob@acme.example, name: Bob, role: manager, channels: [desk, mail], at: '09:30',\n"
	                    "     capacity: 3, manages: ANN@acme.example, days: [mon], holidays: [us]}\n"
	                    "schedule: {sync_every: 4h}\n"
	                    "score: {users_metric: people, signals: {silence: {weight: 0}}}\nnrr: {preset: "
	                    "stripe, usage: separate, rolls_up_to_parent: yes}\n" },
	{ "orgs/zeta.yaml", "title: Zeta\nzone: UTC\ncurrency: USD\n" },
};

static void put(const char *name, const char *text)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	*strrchr(path, '/') = '\0';
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		put(good[i].name, good[i].text);
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const folders[] = { "lexicon", "connectors", "holidays", "orgs" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", folder, good[i].name);
		(void)unlink(path);
	}
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", folder, folders[i]);
		(void)rmdir(path);
	}
	return rmdir(folder);
}

static const struct config_checks unchecked;

static const struct config *load(struct arena *a)
{
	struct mistakes m = { .arena = a };
	const struct config *c = config_load(a, folder, &unchecked, &m);

	if (!c)
		fail_msg("%s", m.lines[0]);
	ASSERT_INT(m.n, 0);
	return c;
}

static void what_is_not_said_has_its_default(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct config *c = load(a);
	const struct org_settings *acme = config_org(c, "acme"), *zeta = config_org(c, "zeta");
	const struct owner_settings *ann = org_owner(acme, "ann@acme.example");
	const struct source_settings *crm = acme->sources.at;

	(void)state;
	assert_string_equal(c->log_level, "info");
	assert_string_equal(acme->title, "acme");
	assert_string_equal(zeta->title, "Zeta");
	ASSERT_INT(zeta->days.n, 5);
	ASSERT_INT(zeta->schedule.catch_up_s, 6 * 3600);
	ASSERT_INT(zeta->schedule.sync_every_s, 0);
	ASSERT_INT(ann->at_minutes, 480);
	ASSERT_INT(ann->capacity, 7);
	ASSERT_INT(ann->days.n, 0);
	ASSERT_NEAR(crm->budget_percent, 80, 0);
	ASSERT_INT(crm->stale_after_s, 2 * 86400);
	ASSERT_INT(org_channel(acme, "mail")->port, 465);
	ASSERT_NEAR(acme->score.bands.watch, 1.2, 0);
	ASSERT_NEAR(acme->score.bands.at_risk, 2.8, 0);
	ASSERT_NEAR(acme->score.family_cap, 1.5, 0);
	assert_string_equal(zeta->nrr.preset, "default");
}

static void what_is_said_is_read(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct config *c = load(a);
	const struct org_settings *acme = config_org(c, "acme");
	const struct owner_settings *bob = org_owner(acme, "BOB@acme.example");
	const struct named_secret *token = ((const struct source_settings *)acme->sources.at)->secrets.at;
	const struct lexicon_settings *lexicon = acme->score.lexicons.at;

	(void)state;
	assert_string_equal(c->state_dir, "/srv/state");
	assert_string_equal(acme->db_path, "/srv/state/orgs/acme/retaind.db");
	assert_string_equal(c->admin_channel, "acme/desk");
	ASSERT_INT(acme->schedule.sync_every_s, 4 * 3600);
	assert_string_equal(acme->nrr.preset, "stripe");
	ASSERT_INT(acme->nrr.fx, FX_SPOT);
	ASSERT_INT(acme->nrr.usage, USAGE_SEPARATE);
	ASSERT_INT(acme->nrr.parents, PARENTS_ROLLED_UP);
	ASSERT_INT(bob->role, ROLE_MANAGER);
	ASSERT_INT(bob->at_minutes, 570);
	ASSERT_INT(bob->channels.n, 2);
	assert_string_equal(bob->manages.at[0], "ann@acme.example");
	assert_string_equal(token->name, "token");
	assert_string_equal(token->reference, "env:T");
	assert_string_equal(lexicon->name, "analytics");
	assert_string_equal(lexicon->kind, "adjacent_need");
	assert_string_equal(lexicon->phrases.at[0], "Tableaux  de BORD");
	assert_string_equal(lexicon->phrases.at[1], "Rapport d’équipe");
	ASSERT_INT(acme->score.horizon_days, 60);
}

static void an_organisation_changes_signals_for_itself_only(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct config *c = load(a);
	const struct score_settings *acme = &config_org(c, "acme")->score, *zeta = &config_org(c, "zeta")->score;
	const struct signal_settings *here = acme->signals.at, *there = zeta->signals.at;

	(void)state;
	ASSERT_INT(acme->signals.n, 2);
	ASSERT_NEAR(here[0].weight, 0, 0);
	ASSERT_NEAR(here[0].low, 0.8, 0);
	assert_string_equal(here[0].text, "quiet");
	ASSERT_NEAR(here[1].weight, 2.5, 0);
	ASSERT_NEAR(there[0].weight, 2, 0);
	assert_string_equal(acme->users_metric, "people");
	assert_null(zeta->users_metric);
}

static void what_is_not_there_is_not_found(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct config *c = load(a);

	(void)state;
	assert_null(config_org(c, "nobody"));
	assert_null(config_org(c, NULL)); /* there are two */
	assert_null(org_channel(config_org(c, "acme"), "pager"));
	assert_null(org_owner(config_org(c, "acme"), "eve@acme.example"));
}

static void expect_days(const struct holiday_set *set, const char *const *days, size_t n)
{
	ASSERT_INT(set->n, n);
	for (size_t i = 0; i < n; i++) {
		int32_t day;

		assert_true(day_parse(days[i], &day));
		ASSERT_INT(set->days[i], day);
	}
}

static void holidays_are_sorted_days_and_half_open_ranges(void **state)
{
	static const char *const fr[] = { "2026-01-01", "2026-05-01", "2026-12-24", "2026-12-25" };
	static const char *const us[] = { "2026-07-04", "2026-12-24", "2026-12-25", "2026-12-26" };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct holiday_set *sets = load(a)->holidays.at;

	(void)state;
	assert_string_equal(sets[0].name, "fr");
	expect_days(&sets[0], fr, ARRAY_LEN(fr));
	assert_string_equal(sets[1].name, "us");
	expect_days(&sets[1], us, ARRAY_LEN(us));
}

static void a_folded_calendar_line_is_one_line(void **state)
{
	static const char *const days[] = { "2026-07-04", "2026-07-05" };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char text[12000] = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDESCRIPTION:";
	const struct holiday_set *sets;

	(void)state;
	memset(text + strlen(text), 'x', 9000); /* longer than any line that is kept */
	strncat(text, "\n  \n\tyyy\nDTSTART;VALUE\n "
	              "=DATE:2026\n\t0704\nDTEND;VALUE=DATE:20260706\nEND:VEVENT\nEND:VCALENDAR", 200);
	put("holidays/us.ics", text);
	sets = load(a)->holidays.at;
	put(good[7].name, good[7].text);
	expect_days(&sets[1], days, ARRAY_LEN(days));
}

/* The versions of acme and of zeta with a file changed. */
static void versions_with(struct arena *a, const char *name, const char *text, const char **acme, const char **zeta)
{
	const struct config *c;

	put(name, text);
	c = load(a);
	*acme = config_org(c, "acme")->hash;
	*zeta = config_org(c, "zeta")->hash;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (strcmp(good[i].name, name) == 0)
			put(name, good[i].text);
}

static void the_version_changes_with_every_byte_that_bears_on_it_and_no_other(void **state)
{
	static const struct {
		const char *name, *text;
		bool bears_on_acme, bears_on_zeta;
	} cases[] = {
		{ "retaind.yaml", "state: /srv/elsewhere\n", false, false },
		{ "plays.yaml", "plays:\n  call: {title: Call!, first_step: Dial, lead_days: 5}\n", true, true },
		{ "lexicon/analytics.yaml", "kind: adjacent_need\nphrases: [x]\n", true, true },
		{ "connectors/crm.yaml", "name: crm \n", true, false },
		{ "connectors/other.yaml", "name: changed\n", false, false },
		{ "holidays/fr.yaml", "- 2026-05-01\n", true, false },
		{ "orgs/zeta.yaml", "title: Zeta\nzone: UTC\ncurrency: EUR\n", false, true },
		{ "orgs/zeta.yaml", "title: Zeta\nzone: UTC\ncurrency: USD\nnrr: {fx: spot}\n", false, true },
	};
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *acme, *zeta, *changed_acme, *changed_zeta;

	(void)state;
	versions_with(a, good[0].name, good[0].text, &acme, &zeta);
	ASSERT_INT(strlen(acme), 64);
	assert_string_not_equal(acme, zeta);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		versions_with(a, cases[i].name, cases[i].text, &changed_acme, &changed_zeta);
		if ((strcmp(acme, changed_acme) != 0) != cases[i].bears_on_acme)
			fail_msg("%s and the version of acme", cases[i].name);
		if ((strcmp(zeta, changed_zeta) != 0) != cases[i].bears_on_zeta)
			fail_msg("%s and the version of zeta", cases[i].name);
	}
	versions_with(a, good[0].name, good[0].text, &changed_acme, &changed_zeta);
	assert_string_equal(acme, changed_acme);
}

static void a_broken_configuration_is_not_returned(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };

	(void)state;
	put("orgs/zeta.yaml", "zone: UTC\ncurrency: EURO\nfoo: 1\n");
	assert_null(config_load(a, folder, &unchecked, &m));
	put("orgs/zeta.yaml", good[ARRAY_LEN(good) - 1].text);
	ASSERT_INT(m.n, 2);
	assert_null(config_load(a, "/nonexistent", &unchecked, &m));
	ASSERT_INT(m.n, 3);
}

static size_t n_mistakes_of(struct arena *a, const struct config_checks *checks)
{
	struct mistakes m = { .arena = a };

	(void)config_load(a, folder, checks, &m);
	return m.n;
}

static void lexicons_of_what_was_loaded_in_brief_are_those_of_the_bytes_that_were_hashed(void **state)
{
	static const struct config_checks brief = { .is_brief = true };
	static const char LEXICON[] = "lexicon/analytics.yaml";
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };
	const struct config *c = config_load(a, folder, &brief, &m);
	struct org_settings org;
	const struct lexicon_settings *lexicon;

	(void)state;
	assert_non_null(c);
	org = *config_org(c, "acme");
	put(LEXICON, "kind: [\n");
	assert_true(config_lexicons(a, c, &unchecked, &org, &m));
	ASSERT_INT(org.score.lexicons.n, 1);
	lexicon = org.score.lexicons.at;
	assert_string_equal(lexicon->name, "analytics");
	c = config_load(a, folder, &brief, &m);
	assert_non_null(c);
	assert_false(config_lexicons(a, c, &unchecked, &org, &m));
	assert_true(m.n > 0);
	put(LEXICON, good[3].text);
}

static void in_brief_it_has_the_same_version_and_what_is_not_asked_for_is_not_looked_into(void **state)
{
	static const struct config_checks brief = { .is_brief = true };
	static const char LEXICON[] = "lexicon/analytics.yaml", FRENCH[] = "texts/fr.yaml", ORG[] = "orgs/zeta.yaml";
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };
	const struct config *whole = load(a), *c = config_load(a, folder, &brief, &m);
	char path[256];

	(void)state;
	assert_non_null(c);
	ASSERT_INT(config_org(c, "acme")->score.lexicons.n, 0);
	assert_string_equal(config_org(c, "acme")->hash, config_org(whole, "acme")->hash);
	put(LEXICON, "kind: [\n");
	ASSERT_INT(n_mistakes_of(a, &brief), 0);
	assert_true(n_mistakes_of(a, &unchecked) > 0);
	put(LEXICON, good[3].text);
	(void)snprintf(path, sizeof path, "%s/texts", folder);
	ASSERT_INT(mkdir(path, 0700), 0);
	put(FRENCH, "no_text_of_ours: x\n");
	ASSERT_INT(n_mistakes_of(a, &brief), 0);
	ASSERT_INT(n_mistakes_of(a, &unchecked), 1);
	put(ORG, "zone: UTC\ncurrency: USD\nlanguage: fr\n"); /* now somebody reads it */
	ASSERT_INT(n_mistakes_of(a, &brief), 1);
	put(ORG, good[ARRAY_LEN(good) - 1].text);
	(void)snprintf(path, sizeof path, "%s/%s", folder, FRENCH);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/texts", folder);
	(void)rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_has_its_default),
		cmocka_unit_test(what_is_said_is_read),
		cmocka_unit_test(an_organisation_changes_signals_for_itself_only),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(holidays_are_sorted_days_and_half_open_ranges),
		cmocka_unit_test(a_folded_calendar_line_is_one_line),
		cmocka_unit_test(the_version_changes_with_every_byte_that_bears_on_it_and_no_other),
		cmocka_unit_test(a_broken_configuration_is_not_returned),
		cmocka_unit_test(lexicons_of_what_was_loaded_in_brief_are_those_of_the_bytes_that_were_hashed),
		cmocka_unit_test(in_brief_it_has_the_same_version_and_what_is_not_asked_for_is_not_looked_into),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
