# relations: an ORM's relationships, inside PostgreSQL
#
#   make, make install, make installcheck     as in every PGXS extension; PG_CONFIG= chooses the server
#   make check, check-all, check-versions, check-upgrade, check-assert, check-sanitize, check-valgrind, check-analyze, demo, diagram, bench, bench-write, bench-factory
#                                            prepare the machine, build, install, and run against a throw-away cluster

EXTENSION = relations
MODULE_big = relations
# where this file is: a build may have a directory of its own, make -f .../Makefile
TOP := $(patsubst ./%,%,$(dir $(lastword $(MAKEFILE_LIST))))
OBJS = $(patsubst $(TOP)%.c,%.o,$(sort $(wildcard $(TOP)src/*.c)))
DATA = $(patsubst $(TOP)%,%,$(sort $(wildcard $(TOP)src/relations--*.sql)))
DOCS = data/LICENSE.faker
PGFILEDESC = "relations - an ORM's relationships, inside PostgreSQL"

# pg_regress: sql/ and expected/
REGRESS = \
	install \
	guide \
	declare \
	keys wide_keys null_keys error_context \
	where_types scope_values page_values to_one_rows odd_names \
	constraints \
	oracle \
	oracle_kinds \
	read_pass \
	read_json \
	read_newest \
	datetime \
	rights_kinds \
	discover \
	discover_names \
	discover_pivots \
	counter_cache counter_order counter_parent \
	morph \
	morph_pivot \
	create_related \
	ddl_watch \
	ddl_follow \
	ddl_commands ddl_unrelated moved_objects temp_tables \
	session \
	cursors cursor_ddl \
	check \
	many_to_many pivot_adoption \
	through \
	graph_view \
	graph_view_write graph_view_refresh \
	write_graph \
	write_domains write_pivot_keys write_containers write_equal_keys write_errors \
	verbs \
	write_plans \
	write_scope renamed_to_relation \
	write_rights \
	explain \
	diagram describe json_schema typescript \
	factory factory_relations factory_values factory_errors factory_rights \
	partitions partition_locks \
	query query_relations query_paging query_errors query_injection query_plans \
	budgets \
	linear_work rights_attempts rights_names lock_rights rights_install \
	trust_owner trust_check trust_types trust_factory

# isolation tester: test/isolation/specs and test/isolation/expected
ISOLATION = declare counter_cache counter_order counter_deferred counter_statement morph pivot kinds find_or_create sync graph_view factory order rewrite rewrite_cached swap attach ddl_retry lock_rights
ISOLATION_OPTS = --inputdir=test/isolation

PG_CONFIG ?= pg_config
# packagers: make WERROR=
WERROR ?= -Werror

# ---------------------------------------------------------------------
# The targets that need nothing but make: what they miss, they install.
# PGXS has no place in them, the makes that they start include it.
# ---------------------------------------------------------------------
FRONT = setup check check-all check-versions check-upgrade check-assert check-sanitize check-valgrind check-analyze demo diagram bench bench-write bench-factory deb dist

ifneq (,$(filter $(FRONT),$(MAKECMDGOALS)))

export PG_CONFIG WERROR

.NOTPARALLEL:
.PHONY: $(MAKECMDGOALS)

setup:
	@test/bin/setup

# PARTS: some of regress, isolation, modules, tap, long; all but long when empty
check:
	@test/bin/check $(PARTS)

# the long ones, too: test/long
check-all:
	@test/bin/check $(or $(PARTS),regress isolation modules tap long)

# VERSIONS: some of 15, 17, 18, PARTS as for check; all when empty
check-versions:
	@PARTS='$(PARTS)' test/bin/check-versions $(VERSIONS)

# a server with assertions, one with sanitizers, and one under valgrind: PARTS as for check, or TESTS, some of REGRESS
check-assert check-sanitize check-valgrind:
	@PARTS='$(PARTS)' test/bin/check-debug $(@:check-%=%) $(TESTS)

# the source under gcc -fanalyzer and clang-tidy
check-analyze:
	@test/bin/check-analyze

# VERSIONS: 17, 18 or both; both when empty
check-upgrade:
	@test/bin/check-upgrade $(VERSIONS)

demo:
	@test/bin/demo

# the picture in README.md
diagram:
	@test/bin/diagram

# PARTS: some of server, client, growth; server and client when empty.  The options of test/bench/run are
# variables here: USERS, POSTS, COMMENTS, ROUNDS, CASES (letters), CLOCK (wall or cpu), LARGEST (of growth),
# PICTURE (a file)
BENCH_OPTIONS = users posts comments rounds cases clock largest picture
upper = $(shell echo $(1) | tr a-z A-Z)
bench:
	@test/bin/bench $(foreach option,$(BENCH_OPTIONS),$(if $($(call upper,$(option))),--$(option)='$($(call upper,$(option)))')) $(PARTS)

bench-write:
	@test/bin/bench-write $(or $(DOCUMENTS),10000) $(or $(CHILDREN),5) $(or $(ROUNDS),7)

bench-factory:
	@test/bin/bench-factory $(or $(USERS),100000) $(or $(FEWER),10000) $(or $(ROUNDS),5)

# Debian packages, into build/
deb:
	@test/bin/deb

# what PGXN distributes, into build/: the files of the last commit
VERSION = $(shell sed -n 's/^  "version": "\(.*\)",/\1/p' META.json)
dist:
	@mkdir -p build
	git archive --format=zip --prefix=relations-$(VERSION)/ -o build/relations-$(VERSION).zip HEAD
	@echo build/relations-$(VERSION).zip

# whatever else was asked for together with them
$(filter-out $(FRONT),$(MAKECMDGOALS)):
	@$(MAKE) --no-print-directory $@

else

# ---------------------------------------------------------------------
# Building
# ---------------------------------------------------------------------
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq (,$(wildcard $(PGXS)))
$(error $(PG_CONFIG) leads to no server headers: set PG_CONFIG, or let "make setup" install PostgreSQL)
endif

# The server's headers are system headers: what they would warn of is not ours to mend.
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CFLAGS = -Wall -Wextra $(WERROR) -MMD -MP

# the version of the SQL face that the library is for
SQL_VERSION = $(shell sed -n "s/^default_version = '\(.*\)'.*/\1/p" $(TOP)relations.control)
PG_CPPFLAGS += -DRELATIONS_VERSION='"$(SQL_VERSION)"'

# No bitcode: nothing here gains from inlining by JIT, and clang may be absent.
override with_llvm = no

BUILT_FOR = src/.built-for
EXTRA_CLEAN = $(BUILT_FOR) $(wildcard src/*.d) .deps

include $(PGXS)

-include $(wildcard src/*.d)

# Objects that were built for another server are built anew.
SERVER := $(shell $(PG_CONFIG) --includedir-server --version | tr '\n' ' ')
$(BUILT_FOR): FORCE
	@mkdir -p $(@D)
	@test "$$(cat $@ 2>/dev/null)" = "$(strip $(SERVER))" || echo "$(strip $(SERVER))" > $@
$(OBJS): $(BUILT_FOR) $(TOP)Makefile $(TOP)relations.control
.PHONY: FORCE

endif
