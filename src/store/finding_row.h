/* A finding as every statement selects it: from finding f, with its account a. */
#ifndef STORE_FINDING_ROW_H
#define STORE_FINDING_ROW_H

#include "store/findings.h"

#define FINDING_COLUMNS FINDING_COLUMNS_OF("a.name", "a.source_key")
/* Where nobody asks what the account is called there need be no a. */
#define FINDING_COLUMNS_OF(name, key) \
	"f.id, f.account_id, " name ", " key ", f.engine, f.cause, f.state, f.opened_on, f.updated_on," \
	" f.closed_on, f.snoozed_until, f.score, f.worst_score, f.confidence, f.value_minor, f.currency," \
	" f.expected_minor, f.act_by_on, f.play, f.summary, f.evidence, f.owner_email," \
	" coalesce(f.first_cause, f.cause), coalesce(f.cause_since, f.opened_on), f.n_back"

enum { FINDING_N_COLUMNS = 25 };

/* Reads the first columns of the row at hand; texts are copied. */
struct finding finding_row(struct stmt *q, struct arena *a);

#endif
