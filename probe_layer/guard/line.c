/* What the guard says: a line of the log that is a metric too, in CloudWatch's embedded metric format
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
 *
 * The log is the pipe that the runtime was started with. It is written to by a descriptor that leads there, as it cannot
 * be opened again: it belongs to another user. A process that has none leaves its lines in a file to the runtime.
 */
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LEFT STORE "/said"
#define LONGEST 3500 /* under PIPE_BUF: lines of several processes do not mix */

static unsigned long log_device[2], log_file[2];
static char function_name[160];

void know_log(const char *told, char *child, size_t room) {
    struct stat about;
    const char *name = getenv("AWS_LAMBDA_FUNCTION_NAME");
    snprintf(function_name, sizeof function_name, "%s", name ? name : "");
    if (told) {
        sscanf(told, "%lu.%lu.%lu.%lu", &log_device[0], &log_file[0], &log_device[1], &log_file[1]);
    } else {
        for (int i = 0; i < 2; i++)
            if (!ask_kernel(SYS_fstat, i + 1, &about)) {
                log_device[i] = about.st_dev;
                log_file[i] = about.st_ino;
            }
    }
    snprintf(child, room, "%lu.%lu.%lu.%lu", log_device[0], log_file[0], log_device[1], log_file[1]);
}

static int log_descriptor(void) {
    struct stat about;
    for (int file = 1; file <= 2; file++)
        if (!ask_kernel(SYS_fstat, file, &about))
            for (int i = 0; i < 2; i++)
                if (log_file[i] && about.st_ino == log_file[i] && about.st_dev == log_device[i]) return file;
    return -1;
}

int is_runtime(void) {
    char own[24];
    digits(own, (unsigned long)ask_kernel(SYS_getpid));
    return !strcmp(own, runtime_pid);
}

/* Renamed before it is read, so that no line is said twice and none is lost. */
void say_rest(void) {
    char block[4096], mine[64] = LEFT ".";
    int before = errno;
    digits(mine + sizeof LEFT, (unsigned long)ask_kernel(SYS_gettid));
    int log = ask_kernel(SYS_faccessat, CWD, LEFT, 0) ? -1 : log_descriptor();
    if (log >= 0 && !ask_kernel(SYS_renameat2, CWD, LEFT, CWD, mine, 0)) {
        int file = (int)ask_kernel(SYS_openat, CWD, mine, O_RDONLY | O_CLOEXEC, 0);
        long got;
        while (file >= 0 && (got = ask_kernel(SYS_read, file, block, sizeof block)) > 0) ask_kernel(SYS_write, log, block, got);
        if (file >= 0) ask_kernel(SYS_close, file);
        ask_kernel(SYS_unlinkat, CWD, mine, 0);
    }
    errno = before;
}

void say_line(const char *line, size_t length) {
    int log = log_descriptor();
    if (log >= 0) {
        ask_kernel(SYS_write, log, line, length);
        if (is_runtime()) say_rest();
        return;
    }
    log = (int)ask_kernel(SYS_openat, CWD, LEFT, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (log < 0) return;
    ask_kernel(SYS_write, log, line, length);
    ask_kernel(SYS_close, log);
}

/* -- the line ------------------------------------------------------------------------------------------------------ */

static char *put(char *to, const char *text) {
    size_t length = strlen(text);
    memcpy(to, text, length + 1);
    return to + length;
}

/* As JSON in ASCII; bytes that are not ASCII as json.loads and surrogateescape give them back (PEP 383). */
static char *quote(char *to, const char *end, const char *text, size_t length) {
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < length && to + 8 < end; i++) {
        unsigned char letter = (unsigned char)text[i];
        if (letter >= 0x20 && letter < 0x80 && letter != '"' && letter != '\\') {
            *to++ = (char)letter;
            continue;
        }
        to = put(to, letter < 0x80 ? "\\u00" : "\\udc");
        *to++ = hex[letter >> 4];
        *to++ = hex[letter & 15];
    }
    *to = 0;
    return to;
}

static char *padded(char *to, long value, int width) {
    for (int i = width; i--; value /= 10) to[i] = (char)('0' + value % 10);
    to[width] = 0;
    return to + width;
}

/* RFC 3339 in UTC; gmtime is not for signal handlers (days to a date: howardhinnant.github.io/date_algorithms.html). */
static char *stamp(char *to, const struct timespec *now) {
    long days = now->tv_sec / 86400, rest = now->tv_sec % 86400;
    long z = days + 719468, era = z / 146097, doe = z - era * 146097;
    long yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    long mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9;
    to = put(padded(to, yoe + era * 400 + (month <= 2), 4), "-");
    to = put(padded(to, month, 2), "-");
    to = put(padded(to, doy - (153 * mp + 2) / 5 + 1, 2), "T");
    to = put(padded(to, rest / 3600, 2), ":");
    to = put(padded(to, rest / 60 % 60, 2), ":");
    to = put(padded(to, rest % 60, 2), ".");
    return put(padded(to, now->tv_nsec / 1000000, 3), "Z");
}

__attribute__((noinline)) void say_miss(const struct row *row, const char *ask, const char *how, long ms) {
    char line[LONGEST], *to, *end = line + sizeof line - 700, package[sizeof guard_index->package + 1] = "";
    struct timespec now;
    memcpy(package, guard_index->package, sizeof guard_index->package);
    ask_kernel(SYS_clock_gettime, CLOCK_REALTIME, &now);
    to = stamp(put(line, "{\"record\":\"ldeploy-guard/1\",\"timestamp\":\""), &now);
    to = put(put(put(to, "\",\"level\":\"WARN\",\"package\":\""), package), "\",\"sandbox\":\"");
    to = put(put(to, life), "\",\"miss\":\"");
    to = quote(to, end, name_of(row), row->length);
    to = put(put(put(put(to, "\",\"ask\":\""), ask), "\",\"how\":\""), how);
    to = digits(put(to, "\",\"bytes\":"), (unsigned long)row->size);
    to = digits(put(to, ",\"ms\":"), (unsigned long)ms);
    to = digits(put(to, ",\"_aws\":{\"Timestamp\":"), (unsigned long)(now.tv_sec * 1000 + now.tv_nsec / 1000000));
    to = put(to, ",\"CloudWatchMetrics\":[{\"Namespace\":\"ldeploy\",\"Dimensions\":[[\"FunctionName\"]],"
                 "\"Metrics\":[{\"Name\":\"GuardMisses\",\"Unit\":\"Count\"}]}]},\"FunctionName\":\"");
    to = put(quote(to, end + 300, function_name, strlen(function_name)), "\",\"GuardMisses\":1}\n");
    say_line(line, (size_t)(to - line));
}
