/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cli.h - the command line: one table of commands, one way to parse and to fail.
 *
 * A command gives 0 for done, 1 for failed (one line on stderr says why), 2 for a usage mistake.
 * Every command has --help; those that list have --json.  Commands work whether the server runs or
 * not: they open the same database, store and keys through the same settings.
 *
 * `berth serve` is wired up by main.c, which knows all surfaces; it gets the settings that were
 * loaded here. */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "cli/settings.h"

#include <stdbool.h>
#include <stdio.h>

enum cli_result { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* What a start of the server gets. */
struct serve_plan {
    struct arena *arena;
    const struct settings *settings;
    const char *program; /* as it was called, for commands that are printed */
    FILE *out;           /* for people; the log goes to stderr */
};

struct cli_environment {
    char *const *variables; /* environ */
    FILE *in, *out, *err;
    /* Serves until it is told to stop. */
    bool (*serve)(const struct serve_plan *plan, struct error *err);
};

/* Runs one command and returns the exit code of the process. */
int cli_run(const struct cli_environment *environment, int argc, char *const *argv);
