/* What an organisation's file says of one source. */
#ifndef CONNECT_SETTINGS_H
#define CONNECT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/yaml.h"

struct named_secret {
	const char *name;
	const char *reference; /* credential:NAME, file:PATH or env:NAME; resolved by config/secret.h when needed */
};

/* What retaind may say of an account in the source's own system. */
enum write_field {
	WRITE_RISK, WRITE_READINESS, WRITE_BAND, WRITE_READINESS_BAND, WRITE_CAUSE, WRITE_AS_OF, N_WRITE_FIELDS
};

struct write_names {
	const char *at[N_WRITE_FIELDS]; /* the system's name of the property; NULL: not written */
};

/* A task in the source's own system for each open finding. */
struct write_tasks {
	bool is_wanted;
	struct texts engines; /* none: both */
	int64_t most;         /* new ones a run, those with most at stake first */
};

struct write_back_settings {
	bool is_enabled;
	struct write_names account;
	struct write_tasks tasks;
};

/* How who pushes shows who it is; the names are those of config/sources.c. */
enum push_auth { PUSH_WRITE_KEY, PUSH_STANDARD_WEBHOOKS, PUSH_ESPOCRM };

struct push_settings {
	int auth;               /* enum push_auth */
	double per_second;      /* requests */
	int64_t spool_mb;       /* kept until a pull has read it */
	int64_t remember_s;     /* how long an event that comes again is known */
};

struct source_settings {
	const char *name;
	const char *connector;   /* a file of config/connectors, "csv" or "push" */
	const char *base_url;    /* NULL: the connector's */
	const char *folder;      /* csv: where the files are */
	struct yaml_array secrets; /* struct named_secret: what {{secret.NAME}} means */
	const struct yaml *config; /* mapping of plain texts: what {{config.NAME}} means; NULL: none */
	/* per stream: further or replaced map entries; NULL: none. Read by connect/connector.h */
	const struct yaml *map;
	const struct yaml *streams; /* for a connector that leaves them to the organisation; NULL: it has its own */
	const struct yaml *files;  /* csv: the streams; read by connect/connector.h */
	const struct yaml *events; /* push: what becomes of events; read by connect/push_events.h */
	struct push_settings push;
	bool allows_http_loopback; /* plain http to this machine, for tests and the demo */
	const char *ca_file;       /* NULL: the system's */
	double budget_percent;     /* of the vendor's daily quota */
	int64_t stale_after_s;     /* older than this, its signals are marked stale */
	struct write_back_settings write_back; /* no names: nothing is ever written */
};

#endif
