/* SPDX-License-Identifier: Apache-2.0 */
/* Gauges of this process under the names that Prometheus' own clients use. */
#include "api/health.h"

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { PROC_FILE_BYTES_MAX = 65536 };

static void gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
    buf_format(out, "# HELP %s %s\n# TYPE %s gauge\n%s %" PRId64 "\n", name, help, name, name,
               value);
}

/* Files of /proc have no size, so they are read until their end. */
static bool proc_read(struct arena *arena, const char *path, struct str *out)
{
    struct error ignored = { 0 };
    int fd FILE_AUTO = file_open(path, O_RDONLY, 0, &ignored);
    char *text = arena_alloc(arena, PROC_FILE_BYTES_MAX);
    size_t len = 0;
    ssize_t got = 0;
    while (fd >= 0 && len < PROC_FILE_BYTES_MAX &&
           (got = read(fd, text + len, PROC_FILE_BYTES_MAX - len)) > 0)
        len += (size_t)got;
    *out = (struct str){ text, len };
    return len > 0;
}

/* Number `index` (from 0) of the fields between spaces; 0 if there is none. */
static int64_t field(struct str line, unsigned index)
{
    struct str part = STR_NONE;
    while (str_split(&line, ' ', &part)) {
        uint64_t value = 0;
        if (index-- == 0)
            return str_to_u64(part, INT64_MAX, &value) ? (int64_t)value : 0;
    }
    return 0;
}

/* Seconds since 1970 of the machine's start; 0 if not known. */
static int64_t boot_time_s(struct arena *arena)
{
    struct str text = STR_NONE, line = STR_NONE;
    if (!proc_read(arena, "/proc/stat", &text))
        return 0;
    while (str_split(&text, '\n', &line)) {
        if (str_starts(line, STR("btime ")))
            return field(line, 1);
    }
    return 0;
}

static void start_time_write(struct buf *out, struct arena *arena)
{
    enum { START_TIME_FIELD = 19 }; /* of those behind the program's name, proc(5): field 22 */
    struct str stat = STR_NONE;
    int64_t boot_s = boot_time_s(arena);
    if (boot_s == 0 || !proc_read(arena, "/proc/self/stat", &stat))
        return;
    struct str behind_name = str_after(stat, str_find_last(stat, ')') + 2);
    int64_t ticks = field(behind_name, START_TIME_FIELD);
    gauge(out, "process_start_time_seconds", "Start of the process, seconds since 1970.",
          boot_s + ticks / sysconf(_SC_CLK_TCK));
}

static void memory_write(struct buf *out, struct arena *arena)
{
    struct str statm = STR_NONE;
    if (!proc_read(arena, "/proc/self/statm", &statm))
        return;
    int64_t page = sysconf(_SC_PAGESIZE);
    gauge(out, "process_virtual_memory_bytes", "Address space in use.", field(statm, 0) * page);
    gauge(out, "process_resident_memory_bytes", "Memory in use.", field(statm, 1) * page);
}

static void files_write(struct buf *out)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    int64_t count = -1; /* the folder itself */
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    gauge(out, "process_open_fds", "Open files and connections.", count);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= INT64_MAX)
        gauge(out, "process_max_fds", "Most files and connections that may be open.",
              (int64_t)limit.rlim_cur);
}

static void processor_write(struct buf *out)
{
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
        return;
    const char *name = "process_cpu_seconds_total";
    buf_format(out, "# HELP %s Processor time used.\n# TYPE %s counter\n%s %" PRId64 ".%03ld\n",
               name, name, name, (int64_t)used.tv_sec, used.tv_nsec / 1000000);
}

void process_metrics_write(struct buf *out)
{
    struct arena *arena AUTO(arena_free) = arena_new();
    buf_format(out,
               "# HELP berth_build_info What is running.\n"
               "# TYPE berth_build_info gauge\n"
               "berth_build_info{version=\"%s\",compiler=\"%s\"} 1\n",
               BERTH_VERSION,
#ifdef __clang__
               "clang"
#else
               "gcc"
#endif
    );
    start_time_write(out, arena);
    processor_write(out);
    memory_write(out, arena);
    files_write(out);
}
