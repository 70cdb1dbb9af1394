/* SPDX-License-Identifier: Apache-2.0 */
/* berth cert: files, and what every client has to do with them. */
#include "base/file.h"
#include "cli/certificate.h"
#include "cli/command.h"
#include "cli/data.h"

struct names {
    struct str list[CERTIFICATE_NAMES_MAX];
    size_t count;
};

static void name_add(struct names *names, struct str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (str_equal_ignore_case(names->list[i], name))
            return;
    }
    if (names->count < CERTIFICATE_NAMES_MAX)
        names->list[names->count++] = name;
}

/* "hub.example.com:8443" and "[::1]:80" without the port. */
static struct str host_without_port(struct str host)
{
    if (str_starts(host, STR("[")))
        return str_slice(host, 1, str_find(host, ']'));
    return str_slice(host, 0, str_find(host, ':'));
}

static void names_collect(struct cli *cli, struct names *names)
{
    for (size_t i = 0; str_is_set(cli_get_nth(cli, "--name", i)); i++)
        name_add(names, cli_get_nth(cli, "--name", i));
    struct str url = settings_text(&cli->settings, SETTING_URL);
    size_t scheme = str_find_text(url, STR("://"));
    if (scheme < url.len)
        name_add(names, host_without_port(str_after(url, scheme + 3)));
    name_add(names, STR("localhost"));
    name_add(names, STR("127.0.0.1"));
    name_add(names, STR("::1"));
}

/* What clients write: the public address if there is one, otherwise the first name and the
 * port that the server listens on.  No port if it is that of https. */
static struct str registry_name(struct cli *cli, const struct names *names)
{
    struct str url = settings_text(&cli->settings, SETTING_URL);
    if (str_starts(url, STR("https://")))
        return str_after(url, 8);
    struct str host = names->list[0];
    bool is_v6 = str_find(host, ':') < host.len;
    struct str *listen = NULL;
    size_t count = 0;
    settings_list(&cli->settings, cli->arena, SETTING_LISTEN, &listen, &count);
    size_t colon = str_find_last(listen[0], ':');
    struct str port = str_after(listen[0], colon);
    if (str_equal(port, STR(":443")) || colon == listen[0].len)
        port = STR("");
    return arena_format(cli->arena, "%s%.*s%s%.*s", is_v6 ? "[" : "", STR_ARG(host),
                        is_v6 ? "]" : "", STR_ARG(port));
}

static void instructions_print(struct cli *cli, const char *authority, struct str name)
{
    FILE *out = cli->out;
    struct str file = cli_quote(cli->arena, str_from(authority));
    int f = (int)file.len, n = (int)name.len;
    fprintf(out, "\nEach client needs ca.crt once (copy it there; nothing else, never a .key):\n");
    fprintf(out, "  docker      sudo mkdir -p /etc/docker/certs.d/%.*s\n", n, name.ptr);
    fprintf(out, "              sudo cp %.*s /etc/docker/certs.d/%.*s/ca.crt\n", f, file.ptr, n,
            name.ptr);
    fprintf(out,
            "  podman, buildah, skopeo\n"
            "              sudo mkdir -p /etc/containers/certs.d/%.*s\n",
            n, name.ptr);
    fprintf(out, "              sudo cp %.*s /etc/containers/certs.d/%.*s/ca.crt\n", f, file.ptr, n,
            name.ptr);
    fprintf(out, "  containerd  sudo mkdir -p /etc/containerd/certs.d/%.*s\n", n, name.ptr);
    fprintf(out, "              sudo cp %.*s /etc/containerd/certs.d/%.*s/ca.crt\n", f, file.ptr, n,
            name.ptr);
    fprintf(out, "              and /etc/containerd/certs.d/%.*s/hosts.toml with:\n", n, name.ptr);
    fprintf(out, "                [host.\"https://%.*s\"]\n", n, name.ptr);
    fprintf(out, "                  ca = \"/etc/containerd/certs.d/%.*s/ca.crt\"\n", n, name.ptr);
    fprintf(out,
            "  all programs of a machine (Debian, Ubuntu)\n"
            "              sudo cp %.*s /usr/local/share/ca-certificates/berth.crt\n"
            "              sudo update-ca-certificates\n",
            f, file.ptr);
    fprintf(out,
            "  (Fedora)    sudo cp %.*s /etc/pki/ca-trust/source/anchors/berth.crt\n"
            "              sudo update-ca-trust\n",
            f, file.ptr);
}

static const char *folder_get(struct cli *cli)
{
    struct str out = cli_get(cli, "--out");
    struct str data = settings_text(&cli->settings, SETTING_DATA);
    return str_is_set(out) ? arena_c(cli->arena, out)
                           : arena_format(cli->arena, "%.*s/tls", STR_ARG(data)).ptr;
}

/* Clients that use a name today shall not lose it because another is added. */
static void names_keep(struct cli *cli, const char *folder, struct names *names)
{
    struct str old[CERTIFICATE_NAMES_MAX];
    const char *path = arena_format(cli->arena, "%s/server.crt", folder).ptr;
    size_t count = certificate_names(cli->arena, path, old, ARRAY_COUNT(old));
    for (size_t i = 0; i < count; i++)
        name_add(names, old[i]);
}

enum cli_result command_cert(struct cli *cli)
{
    struct error error = { 0 };
    struct names names = { 0 };
    const char *folder = folder_get(cli);
    names_collect(cli, &names);
    if (!cli_has(cli, "--only"))
        names_keep(cli, folder, &names);
    if (!file_make_folders(folder, 0700, &error))
        return cli_fail(cli, &error);
    /* The whole path, since the settings are read from other folders, too. */
    folder = arena_c(cli->arena, path_absolute(cli->arena, str_from(folder)));
    struct certificate_request request = { .folder = folder,
                                           .names = names.list,
                                           .name_count = names.count };
    struct certificate_files files;
    if (!certificate_make(&request, cli->arena, &files, &error))
        return cli_fail(cli, &error);
    FILE *out = cli->out;
    fprintf(out, "%s %s\n",
            files.authority_is_new ? "Made the authority   " : "Used the authority   ",
            files.authority);
    fprintf(out, "Made the certificate  %s\nfor %d days and ", files.certificate, CERTIFICATE_DAYS);
    for (size_t i = 0; i < names.count; i++)
        fprintf(out, "%s%.*s", i ? ", " : "", STR_ARG(names.list[i]));
    struct arena *arena = cli->arena;
    struct str certificate = cli_quote(arena, str_from(files.certificate));
    struct str key = cli_quote(arena, str_from(files.key));
    fprintf(out,
            "\n\nTo switch https on, start the server with these settings:\n"
            "  BERTH_TLS_CERTIFICATE=%.*s\n  BERTH_TLS_KEY=%.*s\n%s"
            "A running server that has them reads the new files on SIGHUP.\n",
            STR_ARG(certificate), STR_ARG(key),
            cli->settings.values[SETTING_LISTEN].origin == ORIGIN_DEFAULT
                ? "  BERTH_LISTEN=0.0.0.0:5000      for other machines; the default is this one "
                  "only\n"
                : "");
    instructions_print(cli, files.authority, registry_name(cli, &names));
    return CLI_OK;
}
