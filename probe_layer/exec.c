/* The part that the probe's shim and the guard's have in common: tells the shim of each program that is started, before
 * it is, and sees to it that the program has the shim too, whatever environment it is given. */
#define _GNU_SOURCE
#include "programs.h"

#include "paths.h"

#include <alloca.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef char *const *strings;

/* Declares a function of ours and what finds the next one of its name. */
#define NEXT(name, params)                                                                    \
    EXPORT int name params;                                                                   \
    static int (*next_##name) params;                                                         \
    __attribute__((constructor)) static void find_##name(void) { next_##name = find(#name); }
#define CALL(name) (next_##name ? next_##name : (find_##name(), next_##name))

/* -- what is told ------------------------------------------------------------------------------------------------- */

/* A name without a slash is searched for in PATH. */
static void search(const char *file) {
    const char *path = getenv("PATH");
    if (!file || strchr(file, '/') || !path) {
        starting(CWD, file);
        return;
    }
    for (size_t length; ; path += length + 1) {
        char place[PATH_ROOM];
        length = strcspn(path, ":");
        if (length + strlen(file) + 2 < sizeof place) {
            memcpy(place, path, length);
            place[length] = '/';
            strcpy(place + length + !!length, file);
            if (starting(CWD, place) || !path[length]) return;
        } else if (!path[length]) {
            return;
        }
    }
}

/* -- what is handed on --------------------------------------------------------------------------------------------- */

static size_t count(strings list) {
    size_t length = 0;
    while (list && list[length]) length++;
    return length;
}

/* The preload entry that holds ours and theirs, in room; theirs alone if it holds ours already. */
static char *both(char *theirs, char *room) {
    const char *ours = strchr(preload_entry, '=') + 1;
    if (strstr(theirs, ours) || strlen(theirs) + strlen(ours) + 2 > PATH_ROOM) return theirs;
    strcpy(room, preload_entry);
    strcat(room, ":");
    strcat(room, strchr(theirs, '=') + 1);
    return room;
}

/* The environment with the shim's two variables, written into `armed` (two more places and a NULL). */
static strings arm(strings environment, char **armed, char *room) {
    size_t n = 0;
    char *preload = preload_entry, *own = own_entry;
    if (!*preload_entry || !environment) return environment;
    size_t name = strcspn(own_entry, "=") + 1;
    for (; *environment; environment++) {
        if (!strncmp(*environment, "LD_PRELOAD=", 11)) preload = both(*environment, room);
        else if (!strncmp(*environment, own_entry, name)) own = *environment;
        else armed[n++] = *environment;
    }
    armed[n++] = preload;
    armed[n++] = own;
    armed[n] = NULL;
    return armed;
}

/* On the caller's stack: between vfork and exec nothing may be allocated. */
#define ARMED(environment) \
    arm(environment, alloca((count(environment) + 3) * sizeof(char *)), alloca(PATH_ROOM + 16))

/* -- the functions ------------------------------------------------------------------------------------------------- */

NEXT(execve, (const char *path, strings arguments, strings environment))
EXPORT int execve(const char *path, strings arguments, strings environment) {
    starting(CWD, path);
    return CALL(execve)(path, arguments, ARMED(environment));
}

NEXT(execv, (const char *path, strings arguments))
EXPORT int execv(const char *path, strings arguments) {
    starting(CWD, path);
    return CALL(execv)(path, arguments);
}

NEXT(execvp, (const char *file, strings arguments))
EXPORT int execvp(const char *file, strings arguments) {
    search(file);
    return CALL(execvp)(file, arguments);
}

NEXT(execvpe, (const char *file, strings arguments, strings environment))
EXPORT int execvpe(const char *file, strings arguments, strings environment) {
    search(file);
    return CALL(execvpe)(file, arguments, ARMED(environment));
}

NEXT(fexecve, (int file, strings arguments, strings environment))
EXPORT int fexecve(int file, strings arguments, strings environment) {
    return CALL(fexecve)(file, arguments, ARMED(environment));
}

NEXT(posix_spawn, (void *pid, const char *path, void *actions, void *attributes, strings arguments,
                   strings environment))
EXPORT int posix_spawn(void *pid, const char *path, void *actions, void *attributes, strings arguments,
                       strings environment) {
    starting(CWD, path);
    return CALL(posix_spawn)(pid, path, actions, attributes, arguments, ARMED(environment));
}

NEXT(posix_spawnp, (void *pid, const char *file, void *actions, void *attributes, strings arguments,
                    strings environment))
EXPORT int posix_spawnp(void *pid, const char *file, void *actions, void *attributes, strings arguments,
                        strings environment) {
    search(file);
    return CALL(posix_spawnp)(pid, file, actions, attributes, arguments, ARMED(environment));
}

/* The forms with the arguments one by one become the forms with a list. */
#define GATHER(first)                                                \
    va_list rest;                                                    \
    size_t n = 0;                                                    \
    va_start(rest, first);                                           \
    for (const char *each = first; each; n++) each = va_arg(rest, char *); \
    va_end(rest);                                                    \
    char **arguments = alloca((n + 1) * sizeof(char *));             \
    va_start(rest, first);                                           \
    arguments[0] = (char *)first;                                    \
    for (size_t i = 1; i <= n; i++) arguments[i] = va_arg(rest, char *);

EXPORT int execl(const char *path, const char *first, ...) {
    GATHER(first)
    va_end(rest);
    return execv(path, arguments);
}

EXPORT int execlp(const char *file, const char *first, ...) {
    GATHER(first)
    va_end(rest);
    return execvp(file, arguments);
}

EXPORT int execle(const char *path, const char *first, ...) {
    GATHER(first)
    strings environment = va_arg(rest, strings);
    va_end(rest);
    return execve(path, arguments, environment);
}
