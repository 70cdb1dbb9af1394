/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/data.h"

#include "base/file.h"

#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool exists(struct arena *arena, struct str path)
{
    struct stat status;
    return stat(arena_c(arena, path), &status) == 0;
}

static struct str user_name(struct arena *arena, uid_t id)
{
    enum { BYTES_MAX = 4096 };
    struct passwd row, *found = NULL;
    char *bytes = arena_alloc(arena, BYTES_MAX);
    if (getpwuid_r(id, &row, bytes, BYTES_MAX, &found) == 0 && found)
        return str_from(found->pw_name);
    return arena_format(arena, "user %u", (unsigned)id);
}

static bool check_folder(const struct settings *settings, struct arena *arena, struct error *err)
{
    struct str data = settings_text(settings, SETTING_DATA);
    const char *path = arena_c(arena, data);
    struct stat status;
    if (stat(path, &status) != 0)
        return true; /* who makes or opens it sees why not */
    if (!S_ISDIR(status.st_mode))
        return error_set(err, ERROR_INVALID, "data is '%.*s', which is a file; it must be a folder",
                         STR_ARG(data));
    if (euidaccess(path, R_OK | W_OK | X_OK) == 0 || status.st_uid == geteuid())
        return true;
    struct str owner = user_name(arena, status.st_uid);
    return error_set(err, ERROR_INVALID,
                     "the data folder '%.*s' belongs to %.*s: run berth as %.*s, or choose another "
                     "with --data",
                     STR_ARG(data), STR_ARG(owner), STR_ARG(owner));
}

bool data_prepare(const struct settings *settings, struct arena *arena, struct error *err)
{
    return check_folder(settings, arena, err) &&
           file_make_folders(arena_c(arena, settings_text(settings, SETTING_DATA)), 0700, err);
}

bool data_require(const struct settings *settings, struct arena *arena, struct error *err)
{
    struct str database = settings_text(settings, SETTING_DATABASE);
    struct str data = settings_text(settings, SETTING_DATA);
    if (!check_folder(settings, arena, err))
        return false;
    bool is_named =
        !str_starts(database, STR("sqlite:")); /* a server: nobody gets there by a slip */
    return is_named || exists(arena, str_after(database, 7)) ||
           error_set(err, ERROR_NOT_FOUND,
                     "there is no Berth data in %.*s; start \"berth serve --data %.*s\" first, or "
                     "name the right folder with --data",
                     STR_ARG(data), STR_ARG(data));
}

bool data_require_or_named(const struct settings *settings, struct arena *arena, struct error *err)
{
    const struct setting_value *data = &settings->values[SETTING_DATA];
    struct str path = data->text;
    while (path.len > 1 && str_ends(path, STR("/")))
        path.len--;
    size_t slash = str_find_last(path, '/');
    struct str above = slash == path.len ? STR(".") : str_slice(path, 0, slash > 0 ? slash : 1);
    if (data->origin != ORIGIN_DEFAULT && (exists(arena, path) || exists(arena, above)))
        return true;
    return data_require(settings, arena, err);
}

struct str path_absolute(struct arena *arena, struct str path)
{
    char *whole = realpath(arena_c(arena, path), NULL);
    struct str copy = whole ? arena_copy(arena, str_from(whole)) : path;
    free(whole);
    return copy;
}
