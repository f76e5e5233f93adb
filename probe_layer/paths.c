#include "paths.h"

#include <sys/mman.h>

#define ROOMS 16

/* -- room ------------------------------------------------------------------------------------------------------------ */

static char rooms[ROOMS][2 * PATH_ROOM];
static uint32_t taken;

char *borrow(void) {
    uint32_t held = __atomic_load_n(&taken, __ATOMIC_RELAXED);
    while (held != (1u << ROOMS) - 1) {
        int free = __builtin_ctz(~held);
        if (__atomic_compare_exchange_n(&taken, &held, held | 1u << free, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return rooms[free];
    }
    long mapped = KERNEL(SYS_mmap, 0, 2 * PATH_ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return FAILED(mapped) ? NULL : (char *)mapped;
}

void give_back(char *room) {
    long place = (room - rooms[0]) / (2 * PATH_ROOM);
    if (room >= rooms[0] && place < ROOMS) __atomic_fetch_and(&taken, ~(1u << place), __ATOMIC_RELEASE);
    else KERNEL(SYS_munmap, room, 2 * PATH_ROOM);
}

/* -- paths ----------------------------------------------------------------------------------------------------------- */

/* Appends the path's segments to what is in buffer, without empty ones and ".". The new length, or 0: no room. */
static size_t join(char *buffer, size_t length, const char *path) {
    while (*path) {
        size_t segment = 0;
        while (path[segment] && path[segment] != '/') segment++;
        if (segment && !(segment == 1 && *path == '.')) {
            if (length + segment + 3 > PATH_ROOM) return 0;
            buffer[length++] = '/';
            copy(buffer + length, path, segment);
            length += segment;
        }
        path += segment + (path[segment] == '/');
    }
    buffer[length] = 0;
    return length;
}

char *digits(char *to, unsigned long number) {
    char backwards[20];
    int n = 0;
    do backwards[n++] = (char)('0' + number % 10);
    while (number /= 10);
    while (n) *to++ = backwards[--n];
    *to = 0;
    return to;
}

/* Where the descriptor leads, in buffer: the length, or a number below 1. */
long read_descriptor(unsigned file, char *buffer) {
    char link[40] = "/proc/self/fd/";
    digits(link + 14, file);
    return KERNEL(SYS_readlinkat, CWD, link, buffer, PATH_ROOM - 2);
}

/* The directory that a relative path starts from, in buffer: its length (0 for "/"), or -1 where it has no name. */
static long base(char *buffer, int dirfd) {
    long length = dirfd == CWD ? KERNEL(SYS_getcwd, buffer, PATH_ROOM) - 1 : read_descriptor((unsigned)dirfd, buffer);
    if (length < 1 || buffer[0] != '/') return -1;
    return length == 1 ? 0 : length;
}

size_t whole_path(char *buffer, int dirfd, const char *path) {
    long start = *path == '/' ? 0 : base(buffer, dirfd);
    return start < 0 ? 0 : join(buffer, (size_t)start, path);
}

/* The path with each "x/.." taken out by its letters alone: enough to tell which root it may lie below. */
void fold(char *path) {
    char *to = path;
    for (const char *from = path; *from;) {
        const char *end = letter_in(from + 1, '/');
        size_t segment = end ? (size_t)(end - from) : length_of(from);
        if (segment == 3 && from[1] == '.' && from[2] == '.') {
            while (to > path && *--to != '/') {}
        } else {
            copy(to, from, segment);
            to += segment;
        }
        from += segment;
    }
    *to = 0;
}

int below(const char *path, const char *root) {
    return *root && begins(path, root) && path[length_of(root)] == '/';
}
