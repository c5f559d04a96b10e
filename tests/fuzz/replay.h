/* The frame of a fuzz program: int fuzz_one(data, size) sees every file of the folders on the command line, copied into
 * a heap block of its very size, so that AddressSanitizer notices one byte too far. With -DLIBFUZZER (clang
 * -fsanitize=fuzzer) libFuzzer feeds it instead. A broken invariant aborts. */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *data, size_t size);

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			(void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

#ifdef LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_one(data, size);
}

#else

#include <dirent.h>

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(1 << 22), *exact;
	size_t size;

	if (!file || !data) {
		perror(path);
		return -1;
	}
	size = fread(data, 1, 1 << 22, file);
	(void)fclose(file);
	exact = malloc(size ? size : 1);
	if (!exact)
		abort();
	memcpy(exact, data, size);
	free(data);
	(void)fuzz_one(exact, size);
	free(exact);
	return 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Returns how many files it replayed, or -1. */
static int replay_folder(const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_visible, alphasort);
	char path[4096];
	int failed = 0;

	if (n < 0) {
		perror(folder);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
		failed += replay_file(path) < 0;
		free(entries[i]);
	}
	free(entries);
	return failed ? -1 : n;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int n = replay_folder(argv[i]);

		if (n < 0)
			return 1;
		total += n;
	}
	(void)printf("%d passed, %d failed\n", total, total == 0); /* no corpus is a failure too */
	return total == 0;
}

#endif

#endif
