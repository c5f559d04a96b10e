#include "duck.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/text.h"

/* A DUCKDB_TYPE. */
enum { TYPE_INTEGER = 4 };

#define FOLDER "build/duckdb/node_modules/@duckdb/node-bindings-linux-x64/"

static struct {
	int (*open)(const char *path, void **database);
	void (*close)(void **database);
	int (*connect)(void *database, void **connection);
	void (*disconnect)(void **connection);
	int (*query)(void *connection, const char *sql, struct duck_result *result);
	const char *(*error)(struct duck_result *result);
	int64_t (*value_int)(struct duck_result *result, uint64_t column, uint64_t row);
	double (*value_real)(struct duck_result *result, uint64_t column, uint64_t row);
	const char *(*value_text)(struct duck_result *result, uint64_t column, uint64_t row);
	uint64_t (*row_count)(struct duck_result *result);
	void (*destroy)(struct duck_result *result);
	int (*appender_create)(void *connection, const char *schema, const char *table, void **appender);
	int (*append_chunk)(void *appender, void *chunk);
	int (*appender_destroy)(void **appender);
	void *(*logical_type)(int type);
	void *(*chunk_create)(void **types, uint64_t n);
	void (*chunk_destroy)(void **chunk);
	void (*chunk_reset)(void *chunk);
	void (*chunk_set_size)(void *chunk, uint64_t n);
	void *(*chunk_vector)(void *chunk, uint64_t column);
	void *(*vector_data)(void *vector);
	void (*vector_ensure_validity)(void *vector);
	uint64_t *(*vector_validity)(void *vector);
	void *database, *connection;
} api;

static const struct { const char *name; void *to; } functions[] = {
	{ "duckdb_open", &api.open },
	{ "duckdb_close", &api.close },
	{ "duckdb_connect", &api.connect },
	{ "duckdb_disconnect", &api.disconnect },
	{ "duckdb_query", &api.query },
	{ "duckdb_result_error", &api.error },
	{ "duckdb_value_int64", &api.value_int },
	{ "duckdb_value_double", &api.value_real },
	{ "duckdb_value_varchar", &api.value_text },
	{ "duckdb_row_count", &api.row_count },
	{ "duckdb_destroy_result", &api.destroy },
	{ "duckdb_appender_create", &api.appender_create },
	{ "duckdb_append_data_chunk", &api.append_chunk },
	{ "duckdb_appender_destroy", &api.appender_destroy },
	{ "duckdb_create_logical_type", &api.logical_type },
	{ "duckdb_create_data_chunk", &api.chunk_create },
	{ "duckdb_destroy_data_chunk", &api.chunk_destroy },
	{ "duckdb_data_chunk_reset", &api.chunk_reset },
	{ "duckdb_data_chunk_set_size", &api.chunk_set_size },
	{ "duckdb_data_chunk_get_vector", &api.chunk_vector },
	{ "duckdb_vector_get_data", &api.vector_data },
	{ "duckdb_vector_ensure_validity_writable", &api.vector_ensure_validity },
	{ "duckdb_vector_get_validity", &api.vector_validity },
};

bool duck_find(void)
{
	void *library;

	if (access(FOLDER "libduckdb.so", R_OK) < 0 &&
	    system("npm install --prefix build/duckdb --no-audit --no-fund --silent "
	           "@duckdb/node-bindings-linux-x64@1.5.6-r.1 >/dev/null 2>&1") != 0)
		return false;
	library = dlopen(FOLDER "libduckdb.so", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; library && i < ARRAY_LEN(functions); i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function)
			return false;
		memcpy(functions[i].to, &function, sizeof function);
	}
	return library != NULL;
}

void duck_open(const char *path)
{
	if (api.open(path, &api.database) != 0 || api.connect(api.database, &api.connection) != 0)
		die("DuckDB can't open %s", path);
}

void duck_close(void)
{
	api.disconnect(&api.connection);
	api.close(&api.database);
}

void duck_ask(const char *sql, struct duck_result *out)
{
	if (api.query(api.connection, sql, out) != 0)
		die("DuckDB: %.60s: %s", sql, api.error(out));
}

void duck_tell(const char *sql)
{
	struct duck_result result;

	duck_ask(sql, &result);
	duck_done(&result);
}

int64_t duck_int(struct duck_result *r, uint64_t column, uint64_t row)
{
	return api.value_int(r, column, row);
}

double duck_real(struct duck_result *r, uint64_t column, uint64_t row)
{
	return api.value_real(r, column, row);
}

const char *duck_text(struct duck_result *r, uint64_t column, uint64_t row)
{
	return api.value_text(r, column, row);
}

uint64_t duck_n_rows(struct duck_result *r)
{
	return api.row_count(r);
}

void duck_done(struct duck_result *r)
{
	api.destroy(r);
}

static void take_columns(struct duck_writer *w)
{
	for (int i = 0; i < w->n_columns; i++)
		w->columns[i] = api.vector_data(api.chunk_vector(w->chunk, (uint64_t)i));
	w->n = 0;
}

void duck_write_begin(struct duck_writer *w, const char *table, int n_columns)
{
	void *types[DUCK_MAX_COLUMNS];

	*w = (struct duck_writer){ .n_columns = n_columns };
	for (int i = 0; i < n_columns; i++)
		types[i] = api.logical_type(TYPE_INTEGER);
	if (api.appender_create(api.connection, NULL, table, &w->appender) != 0)
		die("DuckDB can't append to %s", table);
	w->chunk = api.chunk_create(types, (uint64_t)n_columns);
	take_columns(w);
}

static void flush(struct duck_writer *w)
{
	api.chunk_set_size(w->chunk, w->n);
	if (api.append_chunk(w->appender, w->chunk) != 0)
		die("DuckDB can't append");
	api.chunk_reset(w->chunk);
	take_columns(w);
}

void duck_write(struct duck_writer *w, const int32_t *values)
{
	for (int i = 0; i < w->n_columns; i++) {
		w->columns[i][w->n] = values[i];
		if (values[i] == INT32_MIN) {
			void *vector = api.chunk_vector(w->chunk, (uint64_t)i);

			api.vector_ensure_validity(vector);
			api.vector_validity(vector)[w->n / 64] &= ~(UINT64_C(1) << w->n % 64);
		}
	}
	if (++w->n == DUCK_ROWS)
		flush(w);
}

void duck_write_end(struct duck_writer *w)
{
	if (w->n)
		flush(w);
	if (api.appender_destroy(&w->appender) != 0)
		die("DuckDB can't append");
	api.chunk_destroy(&w->chunk);
}
