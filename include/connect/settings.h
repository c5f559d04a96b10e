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

struct write_back_settings {
	bool is_enabled;
	struct write_names account;
};

struct source_settings {
	const char *name;
	const char *connector;   /* a file of config/connectors, or "csv" */
	const char *base_url;    /* NULL: the connector's */
	const char *folder;      /* csv: where the files are */
	struct yaml_array secrets; /* struct named_secret: what {{secret.NAME}} means */
	const struct yaml *config; /* mapping of plain texts: what {{config.NAME}} means; NULL: none */
	/* per stream: further or replaced map entries; NULL: none. Read by connect/connector.h */
	const struct yaml *map;
	const struct yaml *files;  /* csv: the streams; read by connect/connector.h */
	bool allows_http_loopback; /* plain http to this machine, for tests and the demo */
	const char *ca_file;       /* NULL: the system's */
	double budget_percent;     /* of the vendor's daily quota */
	int64_t stale_after_s;     /* older than this, its signals are marked stale */
	struct write_back_settings write_back; /* no names: nothing is ever written */
};

#endif
