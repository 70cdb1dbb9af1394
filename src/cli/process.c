/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/process.h"

#include "base/log.h"
#include "cli/command.h"
#include "cli/data.h"
#include "cli/signals.h"
#include "hub/account.h"
#include "net/address.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Large pieces of memory go back to the system when they are freed.  By itself glibc raises its
 * threshold after the first one, and then keeps the 19 MB of each password's hash in the heap of
 * each thread: 200 MB after a few logins, where this leaves 10. */
static void give_memory_back(void)
{
    enum { LARGE_BYTES = 1024 * 1024 };
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
}

void process_prepare(const struct settings *settings)
{
    give_memory_back();
    log_configure((enum log_level)settings_choice(settings, SETTING_LOG_LEVEL),
                  (enum log_format)settings_choice(settings, SETTING_LOG_FORMAT), STDERR_FILENO);
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    signals_block();
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* ---- the text ---- */

static bool is_https(const struct settings *settings)
{
    return str_is_set(settings_text(settings, SETTING_TLS_CERTIFICATE));
}

/* 0.0.0.0 and [::], which take this machine's own addresses in. */
static bool is_unspecified(const uint8_t address[16])
{
    static const uint8_t none[16] = { 0 }, none_v4[16] = { [10] = 0xff, 0xff };
    return memcmp(address, none, 16) == 0 || memcmp(address, none_v4, 16) == 0;
}

static bool listen_is_everywhere(struct str listen)
{
    struct listen_address address;
    struct error ignored = { 0 };
    uint8_t host[16];
    if (!listen_address_parse(listen, &address, &ignored) || address.is_localhost)
        return false;
    address_from_socket(&address.address, host);
    return address.is_any || is_unspecified(host);
}

/* What a person on this machine types for address number `index`: "localhost:5000". */
static struct str listen_authority(const struct start_text *text, struct str listen, size_t index)
{
    struct listen_address address;
    struct error ignored = { 0 };
    struct arena *arena = text->plan->arena;
    struct str localhost = arena_format(arena, "localhost:%u", text->ports[index]);
    if (!listen_address_parse(listen, &address, &ignored) || address.is_localhost || address.is_any)
        return localhost;
    uint8_t host[16];
    char bytes[ADDRESS_TEXT_MAX];
    address_from_socket(&address.address, host);
    if (is_unspecified(host))
        return localhost;
    struct str shown = address_format(host, bytes);
    bool is_v6 = str_find(shown, ':') < shown.len;
    return arena_format(arena, "%s%.*s%s:%u", is_v6 ? "[" : "", STR_ARG(shown), is_v6 ? "]" : "",
                        text->ports[index]);
}

/* The options that lead another command to the same installation, whatever folder it is run in. */
static struct str installation_options(const struct serve_plan *plan)
{
    struct arena *arena = plan->arena;
    const struct settings *settings = plan->settings;
    struct str data = cli_quote(arena, path_absolute(arena, settings_text(settings, SETTING_DATA)));
    struct str out = arena_format(arena, " --data %.*s", STR_ARG(data));
    if (str_is_set(settings->file)) {
        struct str file = cli_quote(arena, path_absolute(arena, settings->file));
        out = arena_format(arena, "%.*s --config %.*s", STR_ARG(out), STR_ARG(file));
    }
    const enum setting_id others[] = { SETTING_DATABASE, SETTING_STORAGE, SETTING_KEYS };
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (settings->values[others[i]].origin != ORIGIN_FLAG)
            continue;
        struct str name = setting_name(arena, others[i]);
        struct str value = settings_shown(settings, arena, others[i]);
        struct str pair = arena_format(arena, "%.*s=%.*s", STR_ARG(name), STR_ARG(value));
        out = arena_format(arena, "%.*s --set %.*s", STR_ARG(out), STR_ARG(cli_quote(arena, pair)));
    }
    return out;
}

static void first_administrator_print(const struct start_text *text, struct str origin,
                                      struct str code)
{
    const struct serve_plan *plan = text->plan;
    struct str options = installation_options(plan);
    struct str program = cli_quote(plan->arena, str_from(plan->program));
    fprintf(plan->out, "\nThere is no administrator yet. ");
    if (text->has_setup_page)
        fprintf(plan->out, "Open this link once to become it:\n  %.*s/setup?code=%.*s\nor type:\n",
                STR_ARG(origin), STR_ARG(code));
    else
        fprintf(plan->out, "To make one, type:\n");
    fprintf(plan->out, "  %.*s user add NAME --email ADDRESS --admin%.*s\n", STR_ARG(program),
            STR_ARG(options));
}

static void next_steps_print(FILE *out, struct str authority, bool needs_tls)
{
    fprintf(out, "\nTo push an image of yours:\n");
    fprintf(out, "  docker login %.*s\n", STR_ARG(authority));
    fprintf(out, "  docker tag IMAGE %.*s/NAME/IMAGE\n", STR_ARG(authority));
    fprintf(out, "  docker push %.*s/NAME/IMAGE\n", STR_ARG(authority));
    if (needs_tls)
        fprintf(out, "From other machines docker needs https: \"berth cert --help\" shows how.\n");
}

bool start_text_print(const struct start_text *text, struct error *err)
{
    const struct serve_plan *plan = text->plan;
    const struct settings *settings = plan->settings;
    struct str *listen = NULL;
    size_t count = 0;
    settings_list(settings, plan->arena, SETTING_LISTEN, &listen, &count);
    assert(count == text->port_count && count > 0);
    struct str code = STR_NONE;
    if (!account_setup_code(text->hub, plan->arena, &code, err))
        return false;

    const char *scheme = is_https(settings) ? "https" : "http";
    fprintf(plan->out, "Berth %s listens on", BERTH_VERSION);
    for (size_t i = 0; i < count; i++) {
        struct str here = listen_authority(text, listen[i], i);
        if (listen_is_everywhere(listen[i])) {
            struct str host = str_slice(listen[i], 0, str_find_last(listen[i], ':'));
            fprintf(plan->out, " %s://%.*s:%u (all addresses), here", scheme,
                    STR_ARG(host.len > 0 ? host : STR("*")), text->ports[i]);
        }
        fprintf(plan->out, " %s://%.*s", scheme, STR_ARG(here));
    }
    struct str url = settings_text(settings, SETTING_URL);
    if (str_is_set(url))
        fprintf(plan->out, ", known as %.*s", STR_ARG(url));
    fprintf(plan->out, "\n");

    struct str authority = listen_authority(text, listen[0], 0);
    struct str origin = arena_format(plan->arena, "%s://%.*s", scheme, STR_ARG(authority));
    if (str_is_set(url)) {
        origin = url;
        authority = str_after(url, str_find_text(url, STR("://")) + 3);
    }
    if (str_is_set(code))
        first_administrator_print(text, origin, code);
    next_steps_print(plan->out, authority, str_starts(origin, STR("http://")));
    fflush(plan->out);
    return true;
}
