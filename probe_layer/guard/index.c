/* The index, mapped: which paths of the package were dropped, by binary search. */
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../programs.h"

#define MAGIC "ldguard1"
#define VARIABLE "LDEPLOY_INDEX"

_Static_assert(sizeof(struct header) == 104 && sizeof(struct row) == 48, "index.py writes them by these sizes");

const struct header *guard_index;
char preload_entry[PATH_ROOM + 16], own_entry[PATH_ROOM + 16];
char package_root[1024], guard_folder[1024], python_path[1024], runtime_pid[16], life[24];

static const char *part(uint32_t offset) { return (const char *)guard_index + offset; }
const struct row *row_at(uint32_t number) { return (const struct row *)part(guard_index->rows) + number; }
uint32_t number_of(const struct row *row) { return (uint32_t)(row - row_at(0)); }
const char *name_of(const struct row *row) { return part(guard_index->names) + row->name; }

const struct row *needed(const struct row *row, unsigned which) {
    return row_at(((const uint32_t *)part(guard_index->needs))[row->needs + which]);
}

static int rank(char letter) { return letter == '/' ? 0 : (unsigned char)letter; }

static int compare(const char *name, size_t length, const struct row *row) {
    const char *other = name_of(row);
    for (size_t i = 0; i < length && i < row->length; i++) {
        int difference = rank(name[i]) - rank(other[i]);
        if (difference) return difference;
    }
    return length < row->length ? -1 : length > row->length;
}

const struct row *find_name(const char *name, size_t length) {
    uint32_t low = 0, high = guard_index->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare(name, length, row_at(middle));
        if (!order) return row_at(middle);
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return NULL;
}

/* What cannot lie in the package is known by its first letters, without a copy. */
static int is_elsewhere(const char *path) {
    if (*path != '/' || strstr(path, "/.") || strstr(path, "//")) return 0;
    return !below(path, package_root) && !below(path, STORE);
}

/* A path below TREE or ABSENT, as the package has it. */
static int move_home(char *path) {
    if (!below(path, TREE) && !below(path, ABSENT)) return 0;
    size_t home = strlen(package_root), rest = strlen(path) - strlen(TREE);
    if (home + rest + 1 > PATH_ROOM) return 0;
    memmove(path + home, path + strlen(TREE), rest + 1);
    memcpy(path, package_root, home);
    return 1;
}

int look_up(int dirfd, const char *path, struct asked *asked) {
    asked->row = NULL;
    asked->path[0] = 0;
    asked->moved = asked->stored = 0;
    if (!guard_index || !path || !*path || is_elsewhere(path)) return 0;
    int before = errno;
    size_t length = whole_path(asked->path, dirfd, path);
    errno = before;
    if (!length) return 0;
    if (strstr(asked->path, "/..")) {
        fold(asked->path);
        asked->moved = 1;
    }
    asked->stored = move_home(asked->path);
    asked->moved |= asked->stored;
    if (!below(asked->path, package_root)) {
        asked->path[0] = 0;
        return 0;
    }
    const char *name = asked->path + strlen(package_root) + 1;
    asked->row = find_name(name, strlen(name));
    return 1;
}

char *at_home(char *path) {
    size_t home = strlen(package_root);
    if (!path || !guard_index || home > strlen(TREE) || !below(path, TREE)) return path;
    memmove(path + home, path + strlen(TREE), strlen(path + strlen(TREE)) + 1);
    memcpy(path, package_root, home);
    return path;
}

/* -- start --------------------------------------------------------------------------------------------------------- */

/* The next field of LDEPLOY_INDEX (pid:python:folder:life:log), and where the one behind it begins; NULL: no more. */
static const char *take_field(const char *text, char *to, size_t room) {
    size_t length = strcspn(text, ":");
    snprintf(to, room, "%.*s", (int)length, text);
    return text[length] ? text + length + 1 : NULL;
}

static void draw_life(void) {
    unsigned char random[8] = {0};
    ask_kernel(SYS_getrandom, random, sizeof random, 0);
    for (int i = 0; i < 8; i++) snprintf(life + 2 * i, 3, "%02x", random[i]);
}

/* The first process of a life draws its name and says which pipe is the log; others are told. */
static void read_settings(const char *told) {
    const char *rest = take_field(told, runtime_pid, sizeof runtime_pid);
    rest = rest ? take_field(rest, python_path, sizeof python_path) : NULL;
    rest = rest ? take_field(rest, guard_folder, sizeof guard_folder) : NULL;
    rest = rest ? take_field(rest, life, sizeof life) : NULL;
    char log[100];
    if (!*life) draw_life();
    know_log(rest, log, sizeof log);
    snprintf(own_entry, sizeof own_entry, VARIABLE "=%s:%s:%s:%s:%s", runtime_pid, python_path, guard_folder, life, log);
    if (!rest) setenv(VARIABLE, own_entry + sizeof VARIABLE, 1);
    snprintf(package_root, sizeof package_root, "%s", guard_folder);
    char *slash = strrchr(package_root, '/');
    if (slash) *slash = 0;
}

static void map_index(void) {
    char place[1100];
    struct stat about;
    snprintf(place, sizeof place, "%s/guard.idx", guard_folder);
    int file = (int)ask_kernel(SYS_openat, CWD, place, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return;
    if (!ask_kernel(SYS_fstat, file, &about) && about.st_size > (long)sizeof(struct header)) {
        void *mapped = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, file, 0);
        if (mapped != MAP_FAILED && !memcmp(mapped, MAGIC, sizeof MAGIC - 1))
            __atomic_store_n(&guard_index, mapped, __ATOMIC_RELEASE);
    }
    ask_kernel(SYS_close, file);
}

__attribute__((constructor)) void open_index(void) {
    const char *told = getenv(VARIABLE);
    if (guard_index || !told || !*told) return;
    int before = errno;
    read_settings(told);
    if (*package_root == '/') map_index();
    if (guard_index) snprintf(preload_entry, sizeof preload_entry, "LD_PRELOAD=%s", own_file());
    errno = before;
}

void start(void) {
    find_nexts();
    open_index();
}
