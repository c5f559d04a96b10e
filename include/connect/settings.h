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
};

#endif
