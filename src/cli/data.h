/* SPDX-License-Identifier: Apache-2.0 */
/* cli/data.h - the data folder of a command: is it the right one, and may it be used?
 *
 * Only what begins an installation makes one (serve, migrate, cert, and `user add` for a folder
 * that somebody named): a slip in --data or a start in another folder must not end in a second,
 * empty hub.  Any thread. */
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/settings.h"

#include <stdbool.h>

/* Makes the data folder (0700) if it is missing.  ERROR_INVALID if it is a file or somebody
 * else's. */
NODISCARD bool data_prepare(const struct settings *settings, struct arena *arena,
                            struct error *err);

/* ERROR_NOT_FOUND if there is no database file yet.  A database on a server was named by a setting,
 * and says itself whether it is empty. */
NODISCARD bool data_require(const struct settings *settings, struct arena *arena,
                            struct error *err);

/* The same for what may be the first command of an installation: a folder that the settings name
 * will do if it only has to be made beside others that are there. */
NODISCARD bool data_require_or_named(const struct settings *settings, struct arena *arena,
                                     struct error *err);

/* From the root, with links followed; as it is if it does not exist. */
struct str path_absolute(struct arena *arena, struct str path);
