/* Libraries, before the loader asks for them: and what they need of what was dropped. And the log of buried children. */
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

/* A bare name has a row of its own, which no path can have. */
static __attribute__((noinline)) void before_load(const char *path) {
    struct asked asked;
    const struct row *row = NULL;
    int before = errno;
    if (strchr(path, '/')) {
        if (look_up(CWD, path, &asked)) row = asked.row;
    } else if (strlen(path) + 1 < sizeof asked.path) {
        asked.path[0] = 1;
        strcpy(asked.path + 1, path);
        row = find_name(asked.path, strlen(asked.path));
    }
    if (row && row->kind != FOLDER_ROW) bring(row, "dlopen");
    errno = before;
}

/* The loader searches by the RUNPATH of whom it would return to: so the next one is jumped to, and returns to our caller. */
NEXT(void *, dlopen, (const char *path, int mode))
EXPORT void *dlopen(const char *path, int mode) {
    if (!next_dlopen) find_dlopen();
    if (guard_index && path && *path) before_load(path);
    __attribute__((musttail)) return next_dlopen(path, mode);
}

NEXT(void *, dlmopen, (long space, const char *path, int mode))
EXPORT void *dlmopen(long space, const char *path, int mode) {
    if (!next_dlmopen) find_dlmopen();
    if (guard_index && path && *path) before_load(path);
    __attribute__((musttail)) return next_dlmopen(space, path, mode);
}

/* When the runtime has buried a child, it says what the child could not. */
#define BURIED(name, params, args)                                                            \
    NEXT(int, name, params)                                                                   \
    EXPORT int name params {                                                                  \
        int result = CALL(name) args;                                                         \
        if (result >= 0 && guard_index && is_runtime()) say_rest();                           \
        return result;                                                                        \
    }
BURIED(wait, (int *status), (status))
BURIED(waitpid, (int pid, int *status, int options), (pid, status, options))
BURIED(wait3, (int *status, int options, void *usage), (status, options, usage))
BURIED(wait4, (int pid, int *status, int options, void *usage), (pid, status, options, usage))
BURIED(waitid, (int kind, unsigned id, void *about, int options), (kind, id, about, options))
