/* The guard's shim. What was dropped from a package is a symlink to its place below TREE, dangling until somebody asks:
 * a call that fails with ENOENT, and whose path stands in the index, has the file brought and is made again.
 *
 * Raw system calls and the stack alone: it works in threads, signal handlers, after fork, between vfork and exec.
 */
#ifndef LDEPLOY_GUARD_H
#define LDEPLOY_GUARD_H

#include <errno.h>
#include <stdint.h>

#include "../find.h"
#include "../paths.h"

#define STORE "/tmp/.ldeploy-guard"
#define TREE STORE "/t"   /* where the package's links lead */
#define ABSENT STORE "/a" /* where links inside TREE lead: never there */

/* The index, as index.py lays it out: rows sorted by their names' bytes, '/' before all others. */
struct header {
    char magic[8];
    uint32_t count, rows, digests, needs, names, about, about_length, spare; /* parts by their offsets in the file */
    char package[64]; /* what records of the probe carry for this package, filled up with NUL */
};

struct row {
    uint64_t size, place, packed;
    uint32_t name, needs, changed, spare;
    uint16_t length, needs_count, mode;
    uint8_t kind, flags;
};

enum kind {
    FILE_ROW = 'f',   /* a file that was dropped */
    FOLDER_ROW = 'd', /* a folder of which nothing is kept */
    KEEPER_ROW = 'k', /* what is kept, and needs libraries that were dropped */
    SONAME_ROW = 's'  /* a library's bare name: \1libx.so.1 */
};
enum { LOOKED_AT = 1 }; /* stat is answered from the index: the name is needed, the contents are not */

/* A path as it was asked for, and what the index knows of it. */
struct asked {
    char path[PATH_ROOM]; /* absolute, in the package; empty where it is not of the package */
    const struct row *row;
    int stored; /* the path that was given is one of STORE, not of the package */
    int moved; /* the kernel goes another way by the path that was given: past a link of ours by "..", or in TREE */
};

enum outcome {
    ABANDON, /* the error stands */
    REPEAT,  /* the same call again */
    INSTEAD  /* the call again, with asked.path */
};

/* -- index.c ------------------------------------------------------------------------------------------------------- */

HIDDEN extern const struct header *guard_index; /* NULL: this process is not guarded */
HIDDEN extern char package_root[1024], guard_folder[1024], python_path[1024], runtime_pid[16], life[24];

/* Looks a path up; whether it is of the package. Keeps errno. */
HIDDEN int look_up(int dirfd, const char *path, struct asked *asked);
HIDDEN const struct row *find_name(const char *name, size_t length);
HIDDEN const struct row *row_at(uint32_t number);
HIDDEN uint32_t number_of(const struct row *row);
HIDDEN const struct row *needed(const struct row *row, unsigned which);
HIDDEN const char *name_of(const struct row *row);

/* A path in TREE, told as the package's; in place, as /var/task is shorter. */
HIDDEN char *at_home(char *path);
HIDDEN void open_index(void);

/* -- line.c -------------------------------------------------------------------------------------------------------- */

/* Remembers which pipe is the log; `told` by the parent, NULL in the first process. What a child is to be told. */
HIDDEN void know_log(const char *told, char *child, size_t room);
HIDDEN void say_miss(const struct row *row, const char *ask, const char *how, long ms);
HIDDEN void say_line(const char *line, size_t length);
/* What processes without the log left to be said: called in the runtime. */
HIDDEN void say_rest(void);
HIDDEN int is_runtime(void);

/* -- bring.c ------------------------------------------------------------------------------------------------------- */

/* Brings what a row stands for, and what it needs, to its place. Whether it is there now. */
HIDDEN int bring(const struct row *row, const char *ask);

/* What is to be done about a call that failed with ENOENT. Keeps errno. */
HIDDEN enum outcome serve(int dirfd, const char *path, const char *ask, struct asked *asked);

/* -- write.c ------------------------------------------------------------------------------------------------------- */

/* The error that a write to what the path stands for meets: the package is read-only. 0: it is not ours. Keeps errno. */
HIDDEN int refusal(int dirfd, const char *path, int flags);

#define DELETES 1              /* none of open's */
#define CREATES 0100           /* O_CREAT */
#define EXCLUSIVE 0200         /* O_EXCL */
#define WRITES 03              /* O_WRONLY, O_RDWR */
#define TRUNCATES 01000        /* O_TRUNC */
#define TEMPORARY 020000000    /* what O_TMPFILE has and O_DIRECTORY has not */
#define AT_NO_FOLLOW 0x100     /* AT_SYMLINK_NOFOLLOW */

/* As syscall(2), which is one of ours. */
static inline long settled(long result) {
    if (!FAILED(result)) return result;
    errno = (int)-result;
    return -1;
}
#define ask_kernel(...) settled(KERNEL(__VA_ARGS__))

/* A function of ours, and what finds the next one of its name when the program starts: dlsym is not for signal handlers. */
#define NEXT(type, name, params)                                                              \
    EXPORT type name params;                                                                  \
    static type (*next_##name) params;                                                        \
    __attribute__((constructor)) static void find_##name(void) { next_##name = find(#name); }
#define CALL(name) (next_##name ? next_##name : (find_##name(), next_##name))

#endif
