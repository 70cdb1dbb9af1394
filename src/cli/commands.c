/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all commands and their options. */
#include "cli/command.h"

static const struct cli_option serve_options[] = {
    { "--listen", "ADDR:PORT", "where to listen, localhost:5000 by default", false, false },
    { 0 },
};

static const struct cli_option settings_options[] = {
    { "--listen", "ADDR:PORT", "as for serve", false, false },
    { "--json", NULL, "as JSON", false, false },
    { "--manual", NULL, "print doc/manual/settings.md instead", false, false },
    { 0 },
};

static const struct cli_option migrate_options[] = {
    { "--status", NULL, "only tell which migrations are there", false, false },
    { "--json", NULL, "as JSON", false, false },
    { 0 },
};

static const struct cli_option cert_options[] = {
    { "--listen", "ADDR:PORT", "as for serve: clients trust a name with its port", false, false },
    { "--name", "HOST", "name or address that clients use; may be repeated", false, true },
    { "--only", NULL, "leave out the names of the certificate that is there", false, false },
    { "--out", "DIR", "folder for the files, <data>/tls by default", false, false },
    { 0 },
};

static const struct cli_option user_add_options[] = {
    { "--email", "ADDRESS", "e-mail address", true, false },
    { "--admin", NULL, "make a site administrator", false, false },
    { "--full-name", "NAME", "the name that people read", false, false },
    { "--private-default", NULL, "repositories that a push creates are private", false, false },
    { "--password-stdin", NULL, "read the password from standard input", false, false },
    { 0 },
};

static const struct cli_option user_change_options[] = {
    { "--email", "ADDRESS", "new e-mail address", false, false },
    { "--full-name", "NAME", "the name that people read", false, false },
    { "--password", NULL, "ask for a new password", false, false },
    { "--password-stdin", NULL, "read a new password from standard input", false, false },
    { "--admin", "yes|no", "site administrator", false, false },
    { "--active", "yes|no", "may log in; \"no\" ends all tokens at once", false, false },
    { "--default-visibility", "public|private", "of repositories that a push creates", false,
      false },
    { "--untagged-days", "N|off", "days after which manifests without a tag go", false, false },
    { 0 },
};

static const struct cli_option gc_options[] = {
    { "--run", NULL, "wait until all that is due has gone", false, false },
    { "--purge", NULL, "forget what tags pointed to before, then do the same", false, false },
    { "--yes", NULL, "do not ask before --purge", false, false },
    { "--json", NULL, "as JSON", false, false },
    { 0 },
};

static const struct cli_option check_options[] = {
    { "--repair", NULL, "mend what can be mended", false, false },
    { "--quick", NULL, "look at the sizes of blobs, do not read them", false, false },
    { "--rate", "MB/S", "megabytes read in a second, 50 by default; 0: as fast as it goes", false,
      false },
    { "--grace", "SECONDS", "files changed since are running pushes, 3600 by default", false,
      false },
    { "--json", NULL, "as JSON", false, false },
    { 0 },
};

static const struct cli_option restore_options[] = {
    { "--from-store", NULL, "rebuild an empty database from the store", false, false },
    { "--trust", NULL, "do not read all blobs to see whether they are whole", false, false },
    { 0 },
};

static const struct cli_option list_options[] = {
    { "--json", NULL, "as JSON", false, false },
    { 0 },
};

static const struct cli_option repo_options[] = {
    { "--description", "TEXT", "one line, up to 100 characters", false, false },
    { "--full-description-file", "FILE", "Markdown for the repository's page; - is standard input",
      false, false },
    { "--private", "yes|no", "only for those with access", false, false },
    { "--automated", "yes|no", "filled by automated builds", false, false },
    { 0 },
};

static const char serve_more[] =
    "Starts the registry and the hub around it. SIGTERM and SIGINT stop it once running requests "
    "are\n"
    "done (a second signal at once), SIGHUP reads certificate and keys again.";

static const char cert_more[] =
    "Docker talks plain http to localhost only. This makes a certificate of a local authority for "
    "the\n"
    "names given, for the host of the setting \"url\", and for localhost, and prints what each "
    "client needs. An\n"
    "authority that is there already is used again, so clients that trust it need nothing new.";

static const char gc_more[] =
    "Shows which bytes are kept and why. What nothing keeps goes by itself, within a minute while "
    "a\n"
    "server runs; pushes go on meanwhile. Deleted tags and manifests stay for the days of the "
    "setting\n"
    "\"history_days\", and what was pushed without a manifest for \"collect.lease_s\" seconds.";

static const char check_more[] =
    "Compares database and store: every blob's bytes, every reference, every file. Works beside a\n"
    "running server. Ends with status 1 if something is found that is not repaired.";

static const char restore_more[] =
    "For a database that is lost altogether. Passwords are not in the store: give new ones with\n"
    "\"user change\". Ends with status 1 if something could not be restored.";

static const char user_more[] = "Without --password-stdin the password is asked for on the "
                                "terminal. The password has 9 to 1024 bytes.";

/* clang-format off */
const struct cli_command cli_commands[] = {
    { "serve", "", 0, 0, "Start the server",
      serve_more, command_serve, serve_options, true },
    { "user add", "NAME", 1, 1, "Make an account",
      user_more, command_user_add, user_add_options, true },
    { "user change", "NAME", 1, 1, "Change an account",
      NULL, command_user_change, user_change_options, true },
    { "user list", "", 0, 0, "List accounts",
      NULL, command_user_list, list_options, true },
    { "repo add", "NS/NAME", 1, 1, "Make a repository ahead of its first push",
      NULL, command_repo_add, repo_options, true },
    { "repo change", "NS/NAME", 1, 1, "Change a repository",
      NULL, command_repo_change, repo_options, true },
    { "repo list", "[NS]", 0, 1, "List repositories, of one namespace or all",
      NULL, command_repo_list, list_options, true },
    { "cert", "", 0, 0, "Make a local authority and a server certificate",
      cert_more, command_cert, cert_options, true },
    { "key rotate", "", 0, 0, "Add a secret key, which signs from then on",
      NULL, command_key_rotate, NULL, true },
    { "migrate", "", 0, 0, "Bring the database up to date",
      NULL, command_migrate, migrate_options, true },
    { "gc", "", 0, 0, "Show what keeps content, and collect what nothing keeps",
      gc_more, command_gc, gc_options, true },
    { "check", "", 0, 0, "See whether database and store are whole, and mend them",
      check_more, command_check, check_options, true },
    { "restore", "", 0, 0, "Rebuild a lost database from the store",
      restore_more, command_restore, restore_options, true },
    { "settings", "", 0, 0, "Show the settings that hold and where they come from",
      NULL, command_settings, settings_options, true },
    { "version", "", 0, 0, "Print the version",
      NULL, command_version, NULL, false },
    { "help", "[COMMAND]", 0, 2, "Print what commands there are, or one command's help",
      NULL, command_help, NULL, false },
    { 0 },
};
/* clang-format on */
