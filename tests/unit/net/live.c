/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

static bool small(struct request *request, struct response *response, struct error *err)
{
    (void)request;
    (void)err;
    response_status(response, 200);
    response_memory(response, "text/plain", STR("small\n"));
    return true;
}

static bool file(struct request *request, struct response *response, struct error *err)
{
    struct live_app *app = request->app;
    int fd = open(app->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno, "no file");
    response_status(response, 200);
    response_file(response, fd, 0, LIVE_FILE_SIZE);
    return true;
}

static bool short_file(struct request *request, struct response *response, struct error *err)
{
    if (!file(request, response, err))
        return false;
    response->length += 1000;
    return true;
}

static bool count(struct request *request, struct response *response, struct error *err)
{
    enum { PIECE = 65536 };
    char *piece = arena_alloc(request->arena, PIECE);
    int64_t total = 0, got;
    while ((got = request_read(request, piece, PIECE, err)) > 0)
        total += got;
    if (got < 0)
        return false;
    response_status(response, 201);
    response_memory(response, "text/plain", arena_format(request->arena, "%lld", (long long)total));
    return true;
}

static bool echo(struct request *request, struct response *response, struct error *err)
{
    struct str body;
    if (!request_read_all(request, 4096, &body, err))
        return false;
    response_status(response, 200);
    response_memory(response, "text/plain", body);
    return true;
}

static bool denied(struct request *request, struct response *response, struct error *err)
{
    (void)request;
    (void)response;
    return error_set(err, ERROR_UNAUTHENTICATED, "sign in first");
}

static bool nothing(struct request *request, struct response *response, struct error *err)
{
    (void)err;
    response_status(response, str_equal(request->query, STR("304")) ? 304 : 204);
    response_memory(response, NULL, STR("never sent"));
    return true;
}

static bool wait_here(struct request *request, struct response *response, struct error *err)
{
    struct live_app *app = request->app;
    (void)err;
    atomic_fetch_add(&app->running, 1);
    for (int i = 0; i < PATIENCE_MS && !atomic_load(&app->is_open); i++)
        usleep(1000);
    atomic_fetch_sub(&app->running, 1);
    response_status(response, 204);
    return true;
}

static bool who(struct request *request, struct response *response, struct error *err)
{
    (void)err;
    response_status(response, 200);
    response_memory(response, "text/plain",
                    arena_format(request->arena, "%.*s %.*s %.*s", STR_ARG(request->client_address),
                                 STR_ARG(request_origin(request)), STR_ARG(request->id)));
    return true;
}

struct letters {
    struct live_app *app;
    uint64_t left;
    bool fails;
};

static int64_t letters_read(void *state, void *bytes, size_t size, struct error *err)
{
    struct letters *letters = state;
    if (letters->left == 0 && letters->fails) {
        error_set(err, ERROR_INTERNAL, "the toy source broke");
        return -1;
    }
    if (size > letters->left)
        size = (size_t)letters->left;
    memset(bytes, 'x', size);
    letters->left -= size;
    return (int64_t)size;
}

static void letters_close(void *state)
{
    struct letters *letters = state;
    atomic_fetch_add(&letters->app->sources_closed, 1);
}

/* ?known, ?unknown or ?broken */
static bool source(struct request *request, struct response *response, struct error *err)
{
    (void)err;
    struct letters *letters = arena_alloc(request->arena, sizeof(*letters));
    letters->app = request->app;
    letters->left = 30000;
    letters->fails = str_equal(request->query, STR("broken"));
    uint64_t length = str_equal(request->query, STR("unknown")) ? RESPONSE_LENGTH_UNKNOWN : 30000;
    response_status(response, 200);
    response_source(
        response,
        (struct body_source){ .read = letters_read, .close = letters_close, .state = letters },
        letters->fails ? length + 5 : length);
    return true;
}

static bool endless(struct request *request, struct response *response, struct error *err)
{
    source(request, response, err);
    struct letters *letters = response->source.state;
    letters->left = INT64_MAX;
    response->length = INT64_MAX;
    return true;
}

static void refuse(struct request *request, struct response *response, const struct error *err)
{
    static const int statuses[] = {
        [ERROR_INVALID] = 400,   [ERROR_NOT_FOUND] = 404, [ERROR_UNAUTHENTICATED] = 401,
        [ERROR_TOO_LARGE] = 413, [ERROR_TOO_MANY] = 429,  [ERROR_INTERNAL] = 500,
    };
    if (response->status == 0)
        response_status(response, statuses[err->kind]);
    response_memory(response, "text/plain", arena_copy(request->arena, str_from(err->message)));
}

static bool authorize(struct request *request, struct error *err)
{
    (void)request;
    (void)err;
    return true;
}

/* clang-format off */
static const struct route routes[] = {
    { METHOD_GET,  "/small",   1, small,      "" },
    { METHOD_GET,  "/file",    1, file,       "" },
    { METHOD_GET,  "/short",   1, short_file, "" },
    { METHOD_GET,  "/nothing", 1, nothing,    "" },
    { METHOD_GET,  "/wait",    1, wait_here,  "" },
    { METHOD_GET,  "/who",     1, who,        "" },
    { METHOD_GET,  "/source",  1, source,     "" },
    { METHOD_GET,  "/endless", 1, endless,    "" },
    { METHOD_PUT,  "/count",   1, count,      "" },
    { METHOD_POST, "/echo",    1, echo,       "" },
    { METHOD_PUT,  "/denied",  1, denied,     "" },
    { 0 },
};
/* clang-format on */
static const struct surface toy = {
    .name = "toy", .prefix = "/", .routes = routes, .refuse = refuse
};
static const struct surface *const surfaces[] = { &toy };

static void make_file(struct live_app *app)
{
    snprintf(app->file, sizeof(app->file), "/tmp/berth-live-XXXXXX");
    int fd = mkstemp(app->file);
    assert_true(fd >= 0);
    char *bytes = malloc(LIVE_FILE_SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < LIVE_FILE_SIZE; i++)
        bytes[i] = (char)('a' + i % 23);
    assert_int_equal(write(fd, bytes, LIVE_FILE_SIZE), LIVE_FILE_SIZE);
    free(bytes);
    close(fd);
}

static void *run(void *argument)
{
    struct live *live = argument;
    server_run(live->server);
    return NULL;
}

void live_start(struct live *live, const struct live_options *options)
{
    static const struct live_options none = { 0 };
    struct error err = { 0 };
    if (!options)
        options = &none;
    memset(live, 0, sizeof(*live));
    log_configure(getenv("LIVE_LOG") ? LOG_INFO : LOG_ERROR, LOG_TEXT, 2);
    make_file(&live->app);
    live->router = router_new(surfaces, 1, authorize, &err);
    assert_non_null(live->router);
    live->listen = str_from(options->listen ? options->listen : "127.0.0.1:0");
    struct server_options server = options->server;
    server.listen = &live->listen;
    server.listen_count = 1;
    server.router = live->router;
    server.app = &live->app;
    live->server =
        server_new_tuned(&server, options->is_tuned ? &options->tuning : &net_tuning_default, &err);
    if (!live->server)
        fail_msg("%s", err.message);
    live->port = server_port(live->server, 0);
    assert_int_equal(pthread_create(&live->thread, NULL, run, live), 0);
}

void live_stop(struct live *live)
{
    atomic_store(&live->app.is_open, true);
    server_stop(live->server);
    pthread_join(live->thread, NULL);
    server_free(live->server);
    router_free(live->router);
    unlink(live->app.file);
}

int live_connect(const struct live *live)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(live->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void live_send_bytes(int fd, const void *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

void live_send(int fd, const char *text)
{
    live_send_bytes(fd, text, strlen(text));
}

struct str reply_header(const struct reply *reply, const char *name)
{
    struct str rest = reply->head, line;
    size_t size = strlen(name);
    while (str_split(&rest, '\n', &line))
        if (line.len > size && line.ptr[size] == ':' &&
            str_equal_ignore_case(str_slice(line, 0, size), str_from(name)))
            return str_trim(str_slice(line, size + 1, line.len - 1)); /* without CR */
    return STR_NONE;
}

static ssize_t receive(int fd, struct reply *out, size_t at, size_t size)
{
    assert_true(at + size <= sizeof(out->text));
    return recv(fd, out->text + at, size, 0);
}

void live_reply(int fd, bool is_head, struct reply *out)
{
    size_t size = 0;
    out->status = 0;
    out->head = out->body = STR("");
    /* Byte by byte, so that nothing of the next answer is taken. */
    while (size < 4 || memcmp(out->text + size - 4, "\r\n\r\n", 4) != 0) {
        ssize_t got = receive(fd, out, size, 1);
        if (got <= 0) {
            out->status = got < 0 && errno == EAGAIN ? -1 : 0;
            return;
        }
        size++;
    }
    out->head = (struct str){ out->text, size };
    out->status = (int)strtol(out->text + 9, NULL, 10);
    uint64_t length = 0;
    struct str text = reply_header(out, "Content-Length");
    if (is_head || !str_is_set(text))
        return;
    assert_true(str_to_u64(text, LIVE_REPLY_MAX - size, &length));
    size_t end = size + (size_t)length;
    while (size < end) {
        ssize_t got = receive(fd, out, size, end - size);
        if (got <= 0)
            return;
        size += (size_t)got;
        out->body = (struct str){ out->text + out->head.len, size - out->head.len };
    }
}

int live_ask(const struct live *live, const char *text, struct reply *out)
{
    int fd = live_connect(live);
    live_send(fd, text);
    live_reply(fd, strncmp(text, "HEAD", 4) == 0, out);
    close(fd);
    return out->status;
}

bool live_is_closed(int fd, int timeout_ms)
{
    char dropped[65536];
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    for (;;) {
        int64_t left = deadline - clock_monotonic_ms();
        struct pollfd poller = { .fd = fd, .events = POLLIN };
        if (left <= 0 || poll(&poller, 1, (int)left) <= 0)
            return false;
        if (recv(fd, dropped, sizeof(dropped), 0) <= 0)
            return true;
    }
}

int64_t live_metric(const char *line_start)
{
    struct buf buf;
    buf_init(&buf, 1 << 20);
    metrics_write(&buf);
    struct str rest = buf_str(&buf), line;
    int64_t value = -1;
    while (str_split(&rest, '\n', &line))
        if (str_starts(line, str_from(line_start))) {
            char number[32]; /* strtoll() wants an end, which a slice has not */
            struct str text = str_after(line, str_find_last(line, ' ') + 1);
            snprintf(number, sizeof(number), "%.*s", STR_ARG(text));
            value = strtoll(number, NULL, 10);
        }
    buf_release(&buf);
    return value;
}

void live_wait_until(bool (*is_so)(struct live *live), struct live *live)
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        if (is_so(live))
            return;
        usleep(1000);
    }
    fail_msg("it did not become so");
}
