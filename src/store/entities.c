#include "store/record.h"

#include <string.h>

#define FIELDS(array) .fields = (array), .n_fields = (int)ARRAY_LEN(array)
#define TRACKED true, false, NULL
#define REQUIRED false, true, NULL
#define PLAIN false, false, NULL

static const struct entity_field owner_fields[] = {
	{ "email", VALUE_TEXT, PLAIN },
	{ "name", VALUE_TEXT, PLAIN },
	{ "is_active", VALUE_BOOL, PLAIN },
};

static const struct entity_field account_fields[] = {
	{ "name", VALUE_TEXT, PLAIN },
	{ "domain", VALUE_TEXT, PLAIN },
	{ "external_id", VALUE_TEXT, PLAIN },
	{ "url", VALUE_TEXT, PLAIN },
	{ "parent_key", VALUE_TEXT, TRACKED },
	{ "segment", VALUE_TEXT, TRACKED },
	{ "industry", VALUE_TEXT, PLAIN },
	{ "region", VALUE_TEXT, TRACKED },
	{ "plan", VALUE_TEXT, TRACKED },
	{ "stage", VALUE_TEXT, TRACKED },
	{ "csm_key", VALUE_TEXT, TRACKED },
	{ "am_key", VALUE_TEXT, TRACKED },
	{ "seats", VALUE_INT, TRACKED },
	{ "currency", VALUE_TEXT, TRACKED },
	{ "arr_minor", VALUE_MONEY, TRACKED },
	{ "renewal_on", VALUE_DAY, TRACKED },
	{ "created_on", VALUE_DAY, PLAIN },
	{ "customer_since_on", VALUE_DAY, TRACKED },
	{ "is_customer", VALUE_BOOL, TRACKED },
	{ "merged_into", VALUE_TEXT, PLAIN }, /* its source's key of the account that took it in */
	{ "merged_keys", VALUE_TEXT, PLAIN }, /* those of accounts that it took in, between ; or , */
	{ "modified_at", VALUE_INSTANT, PLAIN },
};

static const struct entity_field contact_fields[] = {
	{ "name", VALUE_TEXT, PLAIN },
	{ "email", VALUE_TEXT, PLAIN },
	{ "title", VALUE_TEXT, PLAIN },
	{ "role", VALUE_TEXT, TRACKED },
	{ "is_key", VALUE_BOOL, TRACKED },
	{ "team", VALUE_TEXT, PLAIN },
	{ "created_on", VALUE_DAY, PLAIN },
	{ "last_seen_on", VALUE_DAY, PLAIN },
	{ "left_on", VALUE_DAY, TRACKED },
	{ "modified_at", VALUE_INSTANT, PLAIN },
};

static const char *const subscription_kinds[] = { "recurring", "usage", "one_time", "service", NULL };

static const struct entity_field subscription_fields[] = {
	{ "product", VALUE_TEXT, TRACKED },
	{ "plan", VALUE_TEXT, TRACKED },
	{ "seats", VALUE_INT, TRACKED },
	{ "mrr_minor", VALUE_MONEY, TRACKED },
	{ "currency", VALUE_TEXT, TRACKED },
	{ "billing", VALUE_TEXT, TRACKED },
	{ "start_on", VALUE_DAY, true, true, NULL }, /* tracked: a contract that is dated back */
	{ "end_on", VALUE_DAY, TRACKED },
	{ "renewal_on", VALUE_DAY, TRACKED },
	{ "cancel_notice_on", VALUE_DAY, TRACKED },
	{ "status", VALUE_TEXT, TRACKED },
	{ "is_trial", VALUE_BOOL, TRACKED },
	{ "end_reason", VALUE_TEXT, TRACKED }, /* completed graduated moved involuntary unpaid, or anything: see outcomes */
	{ "is_auto_renew", VALUE_BOOL, TRACKED },
	{ "kind", VALUE_TEXT, true, false, subscription_kinds },
	{ "discount_minor", VALUE_MONEY, TRACKED }, /* per month, like mrr_minor, which is before it */
	{ "discount_percent", VALUE_REAL, TRACKED },
	{ "discount_ends_on", VALUE_DAY, TRACKED },
	{ "paid_until_on", VALUE_DAY, TRACKED },
	{ "paused_on", VALUE_DAY, TRACKED },
	{ "resumes_on", VALUE_DAY, TRACKED },
	{ "amount_from_on", VALUE_DAY, TRACKED }, /* since when the amount holds */
	{ "modified_at", VALUE_INSTANT, PLAIN },
};

static const struct entity_field usage_fields[] = {
	{ "metric", VALUE_TEXT, REQUIRED },
	{ "day", VALUE_DAY, REQUIRED },
	{ "value", VALUE_REAL, REQUIRED }, /* kept rounded; `scale:` in the mapping serves fractions */
	{ "contact_key", VALUE_TEXT, PLAIN },
	{ "team", VALUE_TEXT, PLAIN },
};

static const struct entity_field limit_fields[] = {
	{ "metric", VALUE_TEXT, REQUIRED },
	{ "value", VALUE_INT, TRACKED },
	{ "from_on", VALUE_DAY, PLAIN },
	{ "period", VALUE_TEXT, PLAIN },
	{ "modified_at", VALUE_INSTANT, PLAIN },
};

static const struct entity_field ticket_fields[] = {
	{ "contact_key", VALUE_TEXT, PLAIN },
	{ "subject", VALUE_TEXT, PLAIN },
	{ "body", VALUE_TEXT, PLAIN },
	{ "category", VALUE_TEXT, TRACKED },
	{ "status", VALUE_TEXT, TRACKED },
	{ "priority", VALUE_TEXT, TRACKED },
	{ "opened_at", VALUE_INSTANT, REQUIRED },
	{ "closed_at", VALUE_INSTANT, TRACKED },
	{ "first_reply_at", VALUE_INSTANT, PLAIN },
	{ "satisfaction", VALUE_INT, TRACKED },
	{ "is_escalated", VALUE_BOOL, TRACKED },
	{ "modified_at", VALUE_INSTANT, PLAIN },
};

static const struct entity_field interaction_fields[] = {
	{ "contact_key", VALUE_TEXT, PLAIN },
	{ "owner_key", VALUE_TEXT, PLAIN },
	{ "kind", VALUE_TEXT, PLAIN },
	{ "direction", VALUE_TEXT, PLAIN },
	{ "outcome", VALUE_TEXT, TRACKED },
	{ "subject", VALUE_TEXT, PLAIN },
	{ "body", VALUE_TEXT, PLAIN },
	{ "at", VALUE_INSTANT, true, true, NULL }, /* tracked: a meeting that is moved */
	{ "modified_at", VALUE_INSTANT, PLAIN },
};

static const struct entity_field invoice_fields[] = {
	{ "amount_minor", VALUE_MONEY, TRACKED },
	{ "currency", VALUE_TEXT, PLAIN },
	{ "issued_on", VALUE_DAY, REQUIRED },
	{ "due_on", VALUE_DAY, TRACKED },
	{ "paid_on", VALUE_DAY, TRACKED },
	{ "failed_on", VALUE_DAY, TRACKED },
	{ "disputed_on", VALUE_DAY, TRACKED },
	{ "status", VALUE_TEXT, TRACKED },
	{ "modified_at", VALUE_INSTANT, PLAIN },
};

static const struct entity_field survey_fields[] = {
	{ "contact_key", VALUE_TEXT, PLAIN },
	{ "kind", VALUE_TEXT, PLAIN },
	{ "score", VALUE_INT, PLAIN },
	{ "comment", VALUE_TEXT, PLAIN },
	{ "at", VALUE_INSTANT, REQUIRED },
	{ "modified_at", VALUE_INSTANT, PLAIN },
};

static const struct entity_field opportunity_fields[] = {
	{ "name", VALUE_TEXT, PLAIN },
	{ "kind", VALUE_TEXT, PLAIN },
	{ "stage", VALUE_TEXT, TRACKED },
	{ "amount_minor", VALUE_MONEY, TRACKED },
	{ "currency", VALUE_TEXT, PLAIN },
	{ "created_on", VALUE_DAY, PLAIN },
	{ "close_on", VALUE_DAY, TRACKED },
	{ "is_closed", VALUE_BOOL, TRACKED },
	{ "is_won", VALUE_BOOL, TRACKED },
	{ "owner_key", VALUE_TEXT, PLAIN },
	{ "modified_at", VALUE_INSTANT, PLAIN },
};

static const struct entity_field notice_fields[] = {
	{ "kind", VALUE_TEXT, REQUIRED },
	{ "noticed_on", VALUE_DAY, REQUIRED },
	{ "effective_on", VALUE_DAY, PLAIN },
	{ "amount_minor", VALUE_MONEY, PLAIN },
	{ "currency", VALUE_TEXT, PLAIN },
	{ "text", VALUE_TEXT, PLAIN },
	{ "modified_at", VALUE_INSTANT, PLAIN },
};

static const struct entity_field rate_fields[] = {
	{ "currency", VALUE_TEXT, REQUIRED },
	{ "base", VALUE_TEXT, REQUIRED },
	{ "rate_on", VALUE_DAY, REQUIRED },
	{ "rate_nano", VALUE_NANO, true, true, NULL },
	{ "modified_at", VALUE_INSTANT, PLAIN },
};

/* In the order in which they are best loaded: what others refer to comes first. */
const struct entity entities[] = {
	{ "owner", "owner", FIELDS(owner_fields), false, false },
	{ "account", "account", FIELDS(account_fields), false, true },
	{ "subscription", "subscription", FIELDS(subscription_fields), true, true },
	{ "contact", "contact", FIELDS(contact_fields), true, false },
	{ "limit", "account_limit", FIELDS(limit_fields), true, false },
	{ "ticket", "ticket", FIELDS(ticket_fields), true, false },
	{ "interaction", "interaction", FIELDS(interaction_fields), true, false },
	{ "invoice", "invoice", FIELDS(invoice_fields), true, true },
	{ "survey", "survey", FIELDS(survey_fields), true, false },
	{ "opportunity", "opportunity", FIELDS(opportunity_fields), true, false },
	{ "notice", "notice", FIELDS(notice_fields), true, false },
	{ "rate", "rate", FIELDS(rate_fields), false, true },
	{ "usage", NULL, FIELDS(usage_fields), true, false },
	{ 0 },
};

const struct entity *entity_find(const char *name)
{
	for (const struct entity *e = entities; e->name; e++)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

int entity_field_index(const struct entity *e, const char *name)
{
	for (int i = 0; i < e->n_fields; i++)
		if (strcmp(e->fields[i].name, name) == 0)
			return i;
	return -1;
}
