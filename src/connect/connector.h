/* A connector as its YAML file and the organisation's file say: where, with what credentials, how fast, which
 * streams. */
#ifndef CONNECT_CONNECTOR_H
#define CONNECT_CONNECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/yaml.h"
#include "connect/map.h"
#include "connect/settings.h"
#include "cursor.h"
#include "decode.h"
#include "errors.h"
#include "job.h"
#include "limits.h"
#include "page.h"
#include "slice.h"
#include "template.h"

enum oauth_grant { OAUTH_REFRESH, OAUTH_CLIENT_CREDENTIALS, OAUTH_JWT_BEARER };
enum oauth_client_auth { OAUTH_BODY, OAUTH_BASIC };

/* Paths in the token endpoint's answer. NULL: as RFC 6749 names them; base_url: it says none. */
struct oauth_store {
	const char *access, *refresh, *expires_in, *base_url;
};

/* `auth: { kind: oauth2, grant: refresh, token_url: "https://{{config.host}}/token", fields: { client_id: ...,
 * client_secret: ..., refresh_token: "{{secret.refresh}}" }, client_auth: body, rotate: true, refresh_on: [401],
 * store: { access: access_token, refresh: refresh_token, expires_in: expires_in, base_url: instance_url },
 * base_url_hosts: [.salesforce.com], header: Authorization, scheme: Bearer }`; other answers that mean a stale token
 * are rules of `errors:` with `action: refresh_retry`. `grant: jwt_bearer` has `key: "{{secret.key}}"` and `claims: {
 * iss: ..., sub: ..., aud: ... }` in place of secrets in `fields:`. A rule of `errors:` with `path: error_description`
 * says what to do where the token endpoint refuses. */
struct oauth_settings {
	int grant, client_auth;
	const char *token_url;
	const struct yaml *fields;    /* mapping: the form besides grant_type; NULL: nothing */
	const char *key;              /* jwt_bearer: PEM ... */
	const struct yaml *claims;    /* ... and mapping of what it signs */
	struct oauth_store store;
	struct texts refresh_on;      /* statuses that mean a stale token */
	bool rotates;                 /* a refresh token in the answer replaces the one that was used */
	const char *header, *scheme;  /* NULL: Authorization, Bearer */
	struct texts base_url_hosts;  /* ".salesforce.com": hosts below it; without the dot: this one */
};

struct auth_settings {
	int kind;                     /* index into the table of auth.c */
	const char *name, *value;     /* header, query */
	const char *user, *password;  /* basic */
	struct oauth_settings oauth;
	bool is_one_of_several;       /* `auth:` is a list */
};

/* One way to ask for rows. */
struct request_settings {
	const char *get, *post;       /* path; one of the two */
	const struct yaml *query;     /* mapping; a list repeats its name; what becomes empty is left out */
	const struct yaml *first_query; /* what the first page's URL says besides; then with all of query */
	const struct yaml *body;      /* becomes JSON */
	const struct yaml *headers;   /* mapping; besides the connector's. What becomes empty is left out */
	const char *records;          /* path of the list of rows */
	bool has_optional_records;    /* an answer without that list has no rows */
	struct decode_settings decode;
	struct texts empty;           /* statuses that stand for no rows: "404" */
	const char *proof;            /* of slices: path that every row has; what has it not is no row of this list */
	int64_t download_mb;          /* the answer goes to a file, of at most so much; 0: to memory */
	int64_t timeout_s;            /* for one answer; 0: the usual */
	struct job_settings job;      /* must be done before; {{job.id}} */
	struct page_settings page;
};

/* changes: about what only is named: rows of `incremental:`, and those that a whole list no longer has. */
enum each_of { EACH_ROWS, EACH_CHANGES };

/* What is asked about each row of a list; the answers give the stream's rows. */
struct each_settings {
	struct request_settings request; /* records NULL: the answer is the row in full, or says that it is gone */
	const char *id;               /* path in a row of the list: what {{parent.id}} stands for */
	const char *row;              /* path of the row in the answer, without records */
	int64_t concurrent;           /* requests at the same time */
	int of;                       /* enum each_of */
};

/* Which account each row of a page belongs to, asked for in batches. */
struct link_settings {
	const char *post;
	const struct yaml *query, *body; /* "{{parents}}" in the body stands for the list of elements */
	const struct yaml *element;   /* for one row, {{parent.id}} */
	int64_t batch;
	const char *records;          /* the list in the answer */
	const char *from;             /* path in its element: id of the row */
	const char *to;               /* path in its element: list of accounts */
	const char *key;              /* path in an account: its id */
	const char *labels;           /* path in an account: list of labels ... */
	const char *label;            /* ... path of a label's name ... */
	const char *prefer;           /* ... and the name that wins over the rest */
	const char *more;             /* path in the answer's element: token of further accounts, for {{page.token}} */
	const char *none;             /* another list in the answer: of rows that have no account ... */
	const char *none_id;          /* ... path in its element: id of the row ... */
	const char *none_if, *none_is; /* ... path in its element, and the text there that says so */
};

/* What a row of accounts says of usage or limits, by the organisation's file. */
struct metric_settings {
	const char *metric, *from;
	double scale;
};

struct stream_settings {
	const char *name;
	const struct yaml *row;       /* entity, key, account, map, when, deleted: map_read */
	const struct yaml *also;      /* list of the same: further records from each row */
	const char *properties;       /* start of the paths that must be asked for by name ("properties."); ".": their
	                               * first name */
	struct request_settings full, incremental, gone;
	struct link_settings link;
	struct each_settings each;
	const char *for_each;         /* the list of the source's `config:` whose elements the stream is walked for, one
	                               * after the other; NULL: it is walked once */
	const char *element;          /* the one it is walked for; NULL: none */
	int64_t since_s;              /* how far back a whole list is asked for, as {{window.start}}; 0: it has no start */
	int64_t lag_s, full_every_s, gone_every_s;
	int64_t retention_s;          /* what changed is told for so long; 0: for ever. Then all is listed anew */
	struct cursor_settings cursor;
	bool full_diff;               /* what a whole list no longer has is gone */
	struct slice_settings slice;
	/* made from these and the organisation's file */
	bool is_left_out, has_full, has_incremental, has_gone, has_link, has_each;
	const struct map **maps;      /* the first is the row itself */
	size_t n_maps;
	struct yaml_array usage, limits; /* struct metric_settings */
	struct texts wanted;          /* property names, each once */
	struct texts currencies;      /* paths that currencies are read from */
	const char *mapping;          /* fingerprint of all that says what a row becomes */
};

/* How rows of the source's are changed, many at a time, and where the answer says what became of each. */
struct write_settings {
	const char *method, *path;
	int64_t batch;
	const struct yaml *body;     /* "{{items}}" stands for the list of elements */
	const struct yaml *element;  /* for one row: {{item.id}}, {{item.values}}. NULL: body is for one row */
	bool has_types;              /* `typed: true`: numbers go as numbers, what is emptied as null; else all as texts */
	const char *results;         /* the list in the answer; NULL: an answer that is no error says that all is written */
	int correlate;               /* enum correlate */
	const char *id;              /* path in a result: whose it is */
	const char *ok, *ok_is;      /* path in a result, and the text there of one that is written; NULL: being there */
	const char *reason;          /* path in a result: why it isn't */
	const char *refused;         /* another list in the answer: of rows that are not written ... */
	const char *refused_id, *refused_reason; /* ... path in its element: id or list of ids; why */
};
enum correlate { CORRELATE_ID, CORRELATE_INDEX };

/* Where a task that was made is found again: the row that has the task's key in a text of its own. */
struct task_find {
	const char *get, *post;       /* path; one of the two */
	const struct yaml *query, *body;
	const char *records;          /* the list in the answer */
	const char *field, *id;       /* paths in a row: the text, and its id */
};

/* How a task is made: {{task.subject}}, {{task.text}}, with the key in it ... */
struct task_settings {
	const char *post;             /* path; NULL: the connector can't */
	const struct yaml *body;
	bool has_types;               /* `typed: true`: keys that are numbers go as numbers */
	bool is_html;                 /* the text is shown as HTML */
	const char *id;               /* path of its id in the answer */
	struct task_find find;
};

struct writes {
	struct write_settings account; /* path NULL: the connector can't */
	struct task_settings task;
};

/* A question before any list: who are we? Some systems answer a wrong key with what everybody may see. */
struct check_settings {
	const char *get;              /* NULL: none is asked */
	const char *path;             /* must be there in the answer, and not empty */
	const char *say;              /* what a person should do when it isn't */
};

struct connector {
	const char *name;
	const char *base_url;         /* NULL: comes with the token */
	bool allows_http_loopback;    /* of the source */
	const char *reason_header;    /* where the API says why it refuses; NULL: in the body */
	struct check_settings check;
	struct auth_settings auth;
	const struct yaml *headers;   /* mapping */
	struct limits limits;
	struct yaml_array errors;     /* struct error_rule */
	struct yaml_array streams;    /* struct stream_settings */
	struct writes write;
	int64_t max_attempts;
	double first_wait_s, longest_wait_s;
	int64_t timeout_s;            /* of one request, its answer included; 0: half a minute */
};

extern const struct yaml_table auth_table, request_table;
/* Whether credentials are tokens that expire. */
bool auth_is_oauth(const struct auth_settings *s);

/* Reads config_dir/connectors/NAME.yaml with what the organisation adds. NULL exactly when there were mistakes. */
const struct connector *connector_load(struct arena *a, const char *config_dir, const struct source_settings *source,
                                       struct mistakes *m);
/* The same from a file that is read already. */
const struct connector *connector_read(struct arena *a, const struct yaml *file, const struct source_settings *source,
                                       struct mistakes *m);

#endif
