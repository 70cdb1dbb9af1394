/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

#include "base/file.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { WORD_COUNT_MAX = 80 };

int bench_setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    (void)snprintf(bench->folder, sizeof(bench->folder), "/tmp/berth-cli-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    bench->arena = arena_new();
    *state = bench;
    return 0;
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

int bench_teardown(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(nftw(bench->folder, entry_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
    arena_free(bench->arena);
    free(bench);
    return 0;
}

const char *bench_path(struct bench *bench, const char *name)
{
    return arena_format(bench->arena, "%s/%s", bench->folder, name).ptr;
}

void bench_write(struct bench *bench, const char *name, const char *text)
{
    struct error err = { 0 };
    assert_true(file_write_all(bench_path(bench, name), str_from(text), 0600, &err));
}

static char *word_copy(struct bench *bench, struct str word)
{
    struct str made =
        str_starts(word, STR("@"))
            ? arena_format(bench->arena, "%s%.*s", bench->folder, STR_ARG(str_after(word, 1)))
            : word;
    char *copy = arena_alloc(bench->arena, made.len + 1);
    if (made.len > 0)
        memcpy(copy, made.ptr, made.len);
    return copy;
}

static struct str stream_text(struct bench *bench, FILE *stream, char **bytes, const size_t *size)
{
    assert_int_equal(fclose(stream), 0);
    struct str text = arena_copy(bench->arena, (struct str){ *bytes, *size });
    free(*bytes);
    return text;
}

int bench_run(struct bench *bench, const char *in, const char *words)
{
    char *argv[WORD_COUNT_MAX + 2];
    int argc = 0;
    argv[argc++] = word_copy(bench, STR("berth"));
    struct str rest = words[0] ? str_from(words) : STR_NONE, word = STR_NONE;
    while (str_split(&rest, ' ', &word)) {
        assert_true(argc <= WORD_COUNT_MAX);
        argv[argc++] = word_copy(bench, word);
    }
    argv[argc] = NULL;

    char *data = word_copy(bench, arena_format(bench->arena, "BERTH_DATA=%s", bench->folder));
    char *const only_data[] = { data, NULL };
    char *out = NULL, *err = NULL;
    size_t out_size = 0, err_size = 0;
    /* fmemopen() refuses an empty text; a NUL at its end is read as one byte more. */
    FILE *input =
        in[0] ? fmemopen(word_copy(bench, str_from(in)), strlen(in), "r") : fopen("/dev/null", "r");
    struct cli_environment environment = { .variables =
                                               bench->variables ? bench->variables : only_data,
                                           .in = input,
                                           .out = open_memstream(&out, &out_size),
                                           .err = open_memstream(&err, &err_size),
                                           .serve = bench->serve };
    int code = cli_run(&environment, argc, argv);
    (void)fclose(input);
    bench->out = stream_text(bench, environment.out, &out, &out_size);
    bench->err = stream_text(bench, environment.err, &err, &err_size);
    return code;
}

bool text_has(struct str text, const char *part)
{
    return str_find_text(text, str_from(part)) < text.len;
}

size_t text_lines(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}
