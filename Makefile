# retaind: build, check, demo, install. `make help` lists the targets. No recursion, nothing generated outside build/.
VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
ifeq ($(origin CC),default)
CC := gcc
endif
export LC_ALL := C
MAKEFLAGS += --no-builtin-rules

# Without those that only some commands need: libcurl, libmicrohttpd and libcrypto (include/common/late.h).
LIBS := -lcjson -lsqlite3 -lyaml -lz -lm
SOURCES := $(sort $(wildcard src/*/*.c)) src/main.c
UNIT_TESTS := $(sort $(wildcard tests/unit/test_*.c))
TEST_SUPPORT := $(sort $(wildcard tests/support/*.c))
FUZZERS := $(sort $(wildcard tests/fuzz/fuzz_*.c))
BENCHES := $(sort $(wildcard tests/bench/bench_*.c))
BENCH_SUPPORT := $(sort $(filter-out $(BENCHES),$(wildcard tests/bench/*.c)))
MIGRATIONS := $(sort $(wildcard migrations/*.sql))
TEXTS := $(sort $(wildcard config/texts/*.yaml))
VARIANTS := release debug asan coverage

# Goals that set the machine up first; plain `make` only builds.
SETUP := $(if $(filter demo check check-fast asan bench bench-programs check-perf perf-baseline coverage valgrind lint analyze deps,$(MAKECMDGOALS)),deps)

WARNINGS := -Wall -Wextra -Wpedantic -Wformat=2 -Wconversion -Wimplicit-fallthrough -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wcast-qual -Wundef -Wvla -Wswitch-enum -Wdate-time -Wno-overlength-strings \
	-Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion
PROBED := -Wtrampolines -Wbidi-chars=any -Wlogical-op -Wduplicated-cond -Wjump-misses-init -Wformat-signedness \
	-fstrict-flex-arrays=3 -fzero-init-padding-bits=all -ftrivial-auto-var-init=zero -fcf-protection=full \
	-mbranch-protection=standard -fstack-clash-protection
COMMON := -std=gnu17 -D_GNU_SOURCE -DRETAIND_VERSION=\"$(VERSION)\" -g -fno-common -fPIE -fstack-protector-strong \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
LINK := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,nodlopen -Wl,--as-needed
FLAGS_release := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
FLAGS_debug := -O0
FLAGS_asan := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -DRETAIND_FAULTS
FLAGS_coverage := -O0 --coverage -DRETAIND_COVERAGE
WERROR := $(if $(CI),-Werror)

# One short line a file; V=1 shows whole commands.
say = $(if $(V),,@echo '  $(1)';)

.PHONY: all debug deps check check-fast asan lint analyze coverage valgrind bench bench-programs check-perf perf-baseline \
	demo pictures readme scale install uninstall clean help
.DELETE_ON_ERROR:
.SECONDARY:
all: build/release/retaind
debug: build/debug/retaind

build/%/.dir:
	@mkdir -p $(@D)/obj $(@D)/unit $(@D)/fuzz $(@D)/bench $(@D)/support
	@touch $@

# What the compiler at hand understands, one file a variant, read by the compiler itself (@file).
build/%/flags: Makefile | build/%/.dir $(SETUP)
	@for flag in $(PROBED); do \
		echo 'int x;' | $(CC) -Werror $$flag -c -x c - -o /dev/null 2>/dev/null && echo "$$flag"; \
	done > $@.new; true
	@echo '$(WARNINGS) $(COMMON) -ffile-prefix-map=$(CURDIR)=. $(WERROR)' >> $@.new
	@mv $@.new $@

# The folders, too: they are newer once a file came, went or has another name.
build/gen/migrations.c: $(MIGRATIONS) migrations tests/support/embed.awk
	@mkdir -p $(@D)
	awk -f tests/support/embed.awk $(MIGRATIONS) > $@
build/gen/texts.c: $(TEXTS) config/texts tests/support/embed_texts.awk
	@mkdir -p $(@D)
	awk -f tests/support/embed_texts.awk $(TEXTS) > $@

define variant
OBJECTS_$(1) := $$(patsubst src/%.c,build/$(1)/obj/%.o,$$(SOURCES)) build/$(1)/obj/gen/migrations.o \
	build/$(1)/obj/gen/texts.o
LIBRARY_$(1) := build/$(1)/libretaind.a
UNITS_$(1) := $$(patsubst tests/unit/%.c,build/$(1)/unit/%,$$(UNIT_TESTS))
FUZZ_$(1) := $$(patsubst tests/fuzz/%.c,build/$(1)/fuzz/%,$$(FUZZERS))
BENCH_$(1) := $$(patsubst tests/bench/%.c,build/$(1)/bench/%,$$(BENCHES))
WORKLOAD_$(1) := $$(patsubst tests/bench/%.c,build/$(1)/bench/obj/%.o,$$(BENCH_SUPPORT))
SUPPORT_$(1) := $$(patsubst tests/support/%.c,build/$(1)/support/%.o,$$(TEST_SUPPORT))

build/$(1)/obj/gen/%.o: build/gen/%.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,$$@)$$(CC) @build/$(1)/flags $$(FLAGS_$(1)) $$(CFLAGS) -Iinclude -MMD -MP -c -o $$@ $$<
build/$(1)/obj/%.o: src/%.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,$$@)$$(CC) @build/$(1)/flags $$(FLAGS_$(1)) $$(CFLAGS) -Iinclude -MMD -MP -c -o $$@ $$<
build/$(1)/support/%.o: tests/support/%.c build/$(1)/flags
	$$(call say,$$@)$$(CC) @build/$(1)/flags $$(FLAGS_$(1)) $$(CFLAGS) -Iinclude -Itests/support -MMD -MP -c -o $$@ $$<
$$(LIBRARY_$(1)): $$(filter-out build/$(1)/obj/main.o,$$(OBJECTS_$(1)))
	@rm -f $$@.new
	$$(call say,$$@)ar rcD $$@.new $$^ && mv $$@.new $$@
build/$(1)/retaind: build/$(1)/obj/main.o $$(LIBRARY_$(1))
	$$(call say,$$@)$$(CC) $$(FLAGS_$(1)) $$(CFLAGS) $$(LINK) $$(LDFLAGS) -o $$@ $$^ $$(LIBS)
build/$(1)/unit/%: tests/unit/%.c $$(SUPPORT_$(1)) $$(LIBRARY_$(1)) build/$(1)/flags
	$$(call say,$$@)$$(CC) @build/$(1)/flags $$(FLAGS_$(1)) $$(CFLAGS) -Iinclude -Itests/support -MMD -MP $$(LINK) -o $$@ $$< \
		$$(SUPPORT_$(1)) $$(LIBRARY_$(1)) $$(LIBS) -lcmocka
build/$(1)/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.h $$(LIBRARY_$(1)) build/$(1)/flags
	$$(call say,$$@)$$(CC) @build/$(1)/flags $$(FLAGS_$(1)) $$(CFLAGS) -Iinclude -Itests/fuzz -MMD -MP $$(LINK) -o $$@ $$< $$(LIBRARY_$(1)) $$(LIBS)
build/$(1)/bench/obj/%.o: tests/bench/%.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,$$@)$$(CC) @build/$(1)/flags $$(FLAGS_$(1)) $$(CFLAGS) -O3 -Iinclude -MMD -MP -c -o $$@ $$<
build/$(1)/bench/%: tests/bench/%.c $$(WORKLOAD_$(1)) $$(LIBRARY_$(1)) build/$(1)/flags
	$$(call say,$$@)$$(CC) @build/$(1)/flags $$(FLAGS_$(1)) $$(CFLAGS) -Iinclude -MMD -MP $$(LINK) -o $$@ $$< \
		$$(WORKLOAD_$(1)) $$(LIBRARY_$(1)) $$(LIBS)
ALL_$(1) := build/$(1)/retaind $$(UNITS_$(1)) $$(FUZZ_$(1))
-include $$(OBJECTS_$(1):.o=.d) $$(UNITS_$(1):=.d) $$(SUPPORT_$(1):.o=.d) $$(FUZZ_$(1):=.d) $$(BENCH_$(1):=.d) $$(WORKLOAD_$(1):.o=.d)
endef
$(foreach v,$(VARIANTS),$(eval $(call variant,$(v))))
# Plain loops over arrays, which are several times faster as vectors.
build/release/obj/store/pack_cells.o: FLAGS_release += -O3 -funroll-loops
build/release/obj/store/pack.o: FLAGS_release += -O3
build/release/obj/store/usage_weeks.o: FLAGS_release += -O3
build/release/obj/score/pace.o build/release/obj/score/levers.o: FLAGS_release += -fno-math-errno
# Judging an account is a hundred short loops over its rows.
build/release/obj/score/%.o: FLAGS_release += -O3

# What must be there to build and to test, installed with apt where it is missing.
deps:
	@sh .ci/deps

# Unit programs, fuzz corpora, lints' self-test, then the built binary against real servers on 127.0.0.1.
check: $(ALL_release)
	tests/run build/release
check-fast: $(ALL_release)
	tests/run --fast build/release
# The same under AddressSanitizer and UndefinedBehaviorSanitizer.
asan: $(ALL_asan)
	tests/run build/asan
coverage: $(ALL_coverage)
	@command -v gcovr >/dev/null || { echo 'gcovr is not installed' >&2; exit 1; }
	@find build/coverage -name '*.gcda' -delete
	tests/run build/coverage
	@gcovr --root . --object-directory build/coverage --filter src/ --exclude src/main.c --print-summary \
		--html build/coverage/report.html --fail-under-line 85 --gcov-ignore-parse-errors >build/coverage/summary; \
		state=$$?; tail -n 12 build/coverage/summary; exit $$state
lint: $(SETUP)
	tests/lint/run
analyze: $(SETUP)
	@mkdir -p build/analyze
	@for source in $(SOURCES); do \
		$(CC) -fanalyzer -std=gnu17 -D_GNU_SOURCE -DRETAIND_VERSION='"$(VERSION)"' -O1 -Iinclude -c -o build/analyze/x.o $$source || exit 1; \
	done
# The workload of tests/bench/workload.h on the commands and on their peers, and build/bench/report.html. ACCOUNTS=100000 or
# several sizes, PARTS=kernel,reads or others (tests/bench/bench.py --help), ROUNDS=5.
bench: build/release/retaind $(BENCH_release)
	@tests/bench/bench.py $(if $(ACCOUNTS),--accounts '$(ACCOUNTS)') $(if $(PARTS),--parts '$(PARTS)') $(if $(ROUNDS),--rounds $(ROUNDS))
# The programs that measure one thing each: one digest, one page, a parser ...
bench-programs: build/release/retaind $(BENCH_release)
	@for program in $(filter-out %/bench_workload %/bench_peer,$(BENCH_release)); do $$program || exit 1; done

# Instructions that score, ingest and map take, counted by callgrind, against tests/bench/baseline (3 % may move); anew.
check-perf: build/release/retaind build/release/bench/bench_workload build/release/bench/bench_map
	@tests/bench/check_perf.py build/release
perf-baseline: build/release/retaind build/release/bench/bench_workload build/release/bench/bench_map
	@tests/bench/check_perf.py build/release --write

# The demo's two mornings and the commands that read, under memcheck: no error, nothing lost.
valgrind: build/debug/retaind
	@command -v valgrind >/dev/null || { echo 'valgrind is not installed' >&2; exit 1; }
	RETAIND_UNDER='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --trace-children=no' \
		tests/support/demo.py build/debug/retaind build/valgrind

# One small company, two days, end to end: the real binary over HTTP, SMTP and files on this machine.
demo: build/release/retaind
	@tests/support/demo.py build/release/retaind build/demo
# What README.md shows as pictures; needs chromium and npm.
pictures: build/release/retaind
	tests/support/pictures.py build/release/retaind
# What config/scale.md shows, as the last bench measured it.
scale:
	tests/bench/scale.py build/bench/report.json config/scale.md
# What README.md shows of explain, as the program prints it now.
readme: build/release/retaind
	tests/support/archetypes.py build/release/retaind README.md

# $(PREFIX) for the program; configuration in /etc, the unit where systemd looks.
SYSCONF := $(DESTDIR)/etc/retaind
UNITDIR := $(DESTDIR)$(if $(filter /usr/local,$(PREFIX)),/etc/systemd/system,$(PREFIX)/lib/systemd/system)
install: build/release/retaind
	install -D -m 755 build/release/retaind $(DESTDIR)$(PREFIX)/bin/retaind
	install -d -m 755 $(DESTDIR)$(PREFIX)/share/man/man1 $(SYSCONF)/orgs $(SYSCONF)/connectors $(SYSCONF)/lexicon $(SYSCONF)/holidays
	build/release/retaind help --man > $(DESTDIR)$(PREFIX)/share/man/man1/retaind.1
	install -m 644 config/*.md $(SYSCONF)
	cd config && for file in retaind.yaml signals.yaml plays.yaml lexicon/* holidays/*; do \
		test -e $(abspath $(SYSCONF))/$$file || install -m 644 $$file $(abspath $(SYSCONF))/$$file; done
	install -m 644 config/orgs/*.sample $(SYSCONF)/orgs/
	install -m 644 config/connectors/* $(SYSCONF)/connectors/
	install -d $(UNITDIR)
	sed 's|@BINDIR@|$(PREFIX)/bin|' systemd/retaind.service > $(UNITDIR)/retaind.service
	chmod 644 $(UNITDIR)/retaind.service
	install -D -m 644 systemd/retaind.sysusers.conf $(DESTDIR)/usr/lib/sysusers.d/retaind.conf
	install -D -m 644 systemd/retaind.tmpfiles.conf $(DESTDIR)/usr/lib/tmpfiles.d/retaind.conf
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/retaind $(DESTDIR)$(PREFIX)/share/man/man1/retaind.1 $(UNITDIR)/retaind.service \
		$(DESTDIR)/usr/lib/sysusers.d/retaind.conf $(DESTDIR)/usr/lib/tmpfiles.d/retaind.conf
	@echo "$(SYSCONF) and /var/lib/retaind are left as they are"

clean:
	rm -rf build
help:
	@echo 'make            build build/release/retaind;  make debug;  V=1 shows whole commands, CC=clang takes another compiler'
	@echo 'make demo       set up what is missing, build, show one whole cycle'
	@echo 'make check      set up what is missing, build, run all tests;  make check-fast leaves the integration tests out'
	@echo 'make asan       all tests under AddressSanitizer and UBSan;  make coverage, valgrind, lint, analyze'
	@echo 'make bench      against DuckDB, SQLite and PostgreSQL;  ACCOUNTS=100000 PARTS=list;  make bench-programs'
	@echo 'make check-perf instructions of score, ingest and map against tests/bench/baseline;  make perf-baseline'
	@echo 'make scale      the last bench into config/scale.md;  make readme, pictures: what README.md shows, as the program says it now'
	@echo 'make install    PREFIX=/usr/local DESTDIR=;  make uninstall leaves configuration and state'
	@echo 'make deps       only set up what is missing;  make clean removes build/'
