/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/replay_main - runs a fuzz target over files, without a fuzzer.
 *
 * Each argument is a file, or a folder of which each file is taken.  Ends with 1
 * if there was nothing to replay: a test without inputs proves nothing. */
#include "base/arena.h"
#include "base/file.h"

#include "fuzz.h"

#include <dirent.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 16 << 20 };

static bool replay_file(struct arena *arena, const char *path)
{
    struct error err = { 0 };
    struct str input;
    if (!file_read_all(arena, path, INPUT_BYTES_MAX, &input, &err)) {
        (void)fprintf(stderr, "%s\n", err.message);
        return false;
    }
    (void)printf("%s\n", path);
    (void)fflush(stdout); /* names the input that the next line may die of */
    /* A copy of exactly its size, so that the sanitizer sees the first byte too many. */
    uint8_t *bytes = malloc(input.len > 0 ? input.len : 1);
    if (!bytes)
        abort();
    memcpy(bytes, input.ptr, input.len);
    (void)LLVMFuzzerTestOneInput(bytes, input.len);
    free(bytes);
    return true;
}

static bool replay(struct arena *arena, const char *path, size_t *count)
{
    DIR *folder = opendir(path);
    if (!folder) {
        (*count)++;
        return replay_file(arena, path);
    }
    bool all_read = true;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        (*count)++;
        struct str inside = arena_format(arena, "%s/%s", path, entry->d_name);
        all_read = replay_file(arena, inside.ptr) && all_read;
    }
    closedir(folder);
    return all_read;
}

int main(int argc, char **argv)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    size_t count = 0;
    bool all_read = true;
    for (int i = 1; i < argc; i++)
        all_read = replay(arena, argv[i], &count) && all_read;
    (void)printf("%zu inputs replayed\n", count);
    return all_read && count > 0 ? 0 : 1;
}
