# The front door; Meson does the work. `make help` lists the targets.
BUILD       ?= build
MESON_FLAGS ?=
TEST_FLAGS  ?=
BENCH       ?= hop library
BENCH_FLAGS ?=
prefix      ?= /usr/local
DESTDIR     ?=

c_files = $(shell find include src examples tests fuzz bench \( -name '*.c' -o -name '*.h' \) | sort)

.PHONY: all help run test bench static install docs format check-format clean
.NOTPARALLEL:

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

# Only build/ is set up here; the other build folders belong to scripts/run-tests.
$(BUILD)/build.ninja:
	meson setup --prefix=$(abspath $(prefix)) $(MESON_FLAGS) $(BUILD)

help:
	@echo 'make                   build everything into $(BUILD)/'
	@echo 'make run               build, then show weir in front of the echo example'
	@echo 'make test              all tests, also with ASan and UBSan; last line: N passed, N failed'
	@echo 'make bench             CPU per request: weir beside nginx (BENCH=hop), libweir beside Go'
	@echo '                       and libfcgi (BENCH=library); BENCH_FLAGS for one of them'
	@echo 'make static            build/fcurl-static: fcurl as one static file, without TLS'
	@echo 'make install           into $$(DESTDIR)$$(prefix); prefix is /usr/local unless given'
	@echo 'make docs              write the documents that are generated from tests'
	@echo 'make format            clang-format all C files; check-format only looks'
	@echo 'make clean             remove the build folders'

run:
	@scripts/install-deps --run
	@$(MAKE) --no-print-directory all
	@WEIR_BUILD=$(BUILD) scripts/run-demo

test:
	@scripts/install-deps --test
	@/usr/bin/python3 scripts/run-tests $(TEST_FLAGS)

bench:
	@scripts/install-deps --bench
	@$(MAKE) --no-print-directory all
	@for name in $(BENCH); do \
	    WEIR_BUILD=$(BUILD) /usr/bin/python3 bench/$$name.py $(BENCH_FLAGS) || exit; done

# fcurl as one file, with musl in place of glibc and without TLS.
static:
	@scripts/install-deps --static
	@test -f build-static/build.ninja || \
	    CC=musl-gcc meson setup -Dfcurl_static=true --buildtype=minsize build-static
	@ninja -C build-static
	@mkdir -p $(BUILD)
	@cp build-static/src/tools/fcurl/static/fcurl-static $(BUILD)/fcurl-static

install: all
	@meson configure $(BUILD) --prefix=$(abspath $(prefix))
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD)

docs:
	@scripts/make-conformance

format:
	@clang-format-14 -i $(c_files)

check-format:
	@clang-format-14 --dry-run --Werror $(c_files)

clean:
	rm -rf build build-asan build-tsan build-clang build-static
