#define _GNU_SOURCE
#include "paths.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* musl has no dlvsym, and a child may be linked against it. */
extern void *dlvsym(void *, const char *, const char *) __attribute__((weak));

#ifdef __x86_64__
#define OLDEST "GLIBC_2.2.5"
#else
#define OLDEST "GLIBC_2.17"
#endif

void *find(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    return found || !dlvsym ? found : dlvsym(RTLD_NEXT, name, OLDEST);
}

/* snprintf is not for signal handlers. */
char *digits(char *to, unsigned long number) {
    char turned[24];
    int n = 0;
    do turned[n++] = (char)('0' + number % 10);
    while (number /= 10);
    while (n) *to++ = turned[--n];
    *to = 0;
    return to;
}

/* Appends the path's segments to what is in buffer, without empty ones and ".". The new length, or 0: no room. */
static size_t join(char *buffer, size_t length, const char *path) {
    while (*path) {
        size_t segment = 0;
        while (path[segment] && path[segment] != '/') segment++;
        if (segment && !(segment == 1 && *path == '.')) {
            if (length + segment + 2 > PATH_ROOM) return 0;
            buffer[length++] = '/';
            memcpy(buffer + length, path, segment);
            length += segment;
        }
        path += segment + (path[segment] == '/');
    }
    buffer[length] = 0;
    return length;
}

/* The directory that a relative path starts from, in buffer: its length (0 for "/"), or -1 where it has no name. */
static long base(char *buffer, int dirfd) {
    char link[40] = "/proc/self/fd/";
    long length;
    if (dirfd == CWD) {
        length = syscall(SYS_getcwd, buffer, PATH_ROOM) - 1;
    } else {
        if (dirfd < 0) return -1;
        digits(link + 14, (unsigned long)dirfd);
        length = syscall(SYS_readlinkat, CWD, link, buffer, PATH_ROOM - 1);
    }
    if (length < 1 || buffer[0] != '/') return -1;
    return length == 1 ? 0 : length;
}

size_t whole_path(char *buffer, int dirfd, const char *path) {
    long start = *path == '/' ? 0 : base(buffer, dirfd);
    return start < 0 ? 0 : join(buffer, (size_t)start, path);
}

void fold(char *path) {
    char *to = path;
    for (const char *from = path; *from;) {
        const char *end = strchr(from + 1, '/');
        size_t segment = end ? (size_t)(end - from) : strlen(from);
        if (segment == 3 && from[1] == '.' && from[2] == '.') {
            while (to > path && *--to != '/') {}
        } else {
            memmove(to, from, segment);
            to += segment;
        }
        from += segment;
    }
    *to = 0;
}

int below(const char *path, const char *root) {
    size_t length = strlen(root);
    return length && !strncmp(path, root, length) && path[length] == '/';
}
