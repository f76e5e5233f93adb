/* Tells the shim of each program that is started, before it is, and sees to it that the program has the shim too,
 * whatever environment it is given. Between vfork and exec nothing may be allocated, and stacks are small. */
#define _GNU_SOURCE
#include "programs.h"

#include "find.h"

#include <alloca.h>
#include <stdarg.h>

typedef char *const *strings;

/* Declares a function of ours and the next one of its name. */
#define NEXT(type, name, params)      \
    EXPORT type name params;          \
    static type(*next_##name) params; \
    REGISTER(name)
#define CALL(name) (next_##name ? next_##name : (start(), next_##name))

/* -- what is told ----------------------------------------------------------------------------------------------------------- */

/* A name without a slash is searched for in PATH. */
static void search(const char *file, strings arguments) {
    const char *path = value_in(environ, "PATH");
    char *place = borrow();
    if (!place) return;
    if (!file || letter_in(file, '/') || !path) {
        starting(CWD, file, arguments);
    } else {
        for (int found = 0; !found; path++) {
            char *end = place;
            while (*path && *path != ':' && end < place + PATH_ROOM / 2) *end++ = *path++;
            if (end > place) *end++ = '/';
            add_text(end, place + PATH_ROOM, file);
            found = starting(CWD, place, arguments) || !*path;
        }
    }
    give_back(place);
}

/* -- what is handed on ------------------------------------------------------------------------------------------------------ */

static size_t count(strings list) {
    size_t length = 0;
    while (list && list[length]) length++;
    return length;
}

#define SHIM (preload_entry + sizeof "LD_PRELOAD=" - 1)

/* Whether the entry is of the shim's own variable. */
static int is_own(const char *entry) {
    const char *own = own_entry;
    while (*own != '=')
        if (*entry++ != *own++) return 0;
    return *entry == '=';
}

/* Whether the environment has the shim and its variable already. */
static int is_armed(strings environment) {
    const char *preload = value_in(environment, "LD_PRELOAD");
    if (!preload || !contains(preload, SHIM)) return 0;
    while (*environment && !is_own(*environment)) environment++;
    return *environment != NULL;
}

/* Bytes that the entry takes which holds the shim and what the program is to preload itself. */
static size_t room_for(strings environment) {
    const char *theirs = value_in(environment, "LD_PRELOAD");
    return theirs ? length_of(theirs) + length_of(preload_entry) + 2 : 1;
}

/* The environment with the shim's two variables, written into `armed` (two more places and a NULL). */
static strings arm(strings environment, char **armed, char *room, size_t size) {
    size_t n = 0;
    const char *theirs = value_in(environment, "LD_PRELOAD");
    char *preload = preload_entry, *own = own_entry;
    if (theirs) {
        char *end = add_text(room, room + size, preload_entry);
        end = add_text(end, room + size, *theirs ? ":" : "");
        add_text(end, room + size, theirs);
        preload = contains(theirs, SHIM) ? NULL : room;
    }
    for (; environment && *environment; environment++) {
        if (begins(*environment, "LD_PRELOAD=")) armed[n++] = preload ? preload : *environment;
        else if (is_own(*environment)) own = *environment;
        else armed[n++] = *environment;
    }
    if (!theirs) armed[n++] = preload;
    armed[n++] = own;
    armed[n] = NULL;
    return armed;
}

/* On the caller's stack, and no more of it than it takes. */
#define ARMED(environment)                                                                        \
    (!*preload_entry || is_armed(environment)                                                     \
         ? (environment)                                                                          \
         : arm(environment, alloca((count(environment) + 3) * sizeof(char *)), alloca(room_for(environment)), \
               room_for(environment)))

/* -- the functions --------------------------------------------------------------------------------------------------------- */

NEXT(int, execve, (const char *path, strings arguments, strings environment));
EXPORT int execve(const char *path, strings arguments, strings environment) {
    starting(CWD, path, arguments);
    return CALL(execve)(path, arguments, ARMED(environment));
}

EXPORT int execv(const char *path, strings arguments) { return execve(path, arguments, environ); }

NEXT(int, execvpe, (const char *file, strings arguments, strings environment));
EXPORT int execvpe(const char *file, strings arguments, strings environment) {
    search(file, arguments);
    return CALL(execvpe)(file, arguments, ARMED(environment));
}

EXPORT int execvp(const char *file, strings arguments) { return execvpe(file, arguments, environ); }

NEXT(int, fexecve, (int file, strings arguments, strings environment));
EXPORT int fexecve(int file, strings arguments, strings environment) {
    starting(file, ".", arguments);
    return CALL(fexecve)(file, arguments, ARMED(environment));
}

NEXT(int, execveat, (int dirfd, const char *path, strings arguments, strings environment, int flags));
EXPORT int execveat(int dirfd, const char *path, strings arguments, strings environment, int flags) {
    starting(dirfd, path, arguments);
    if (!CALL(execveat)) return (int)call6(SYS_execveat, dirfd, (long)path, (long)arguments, (long)ARMED(environment), flags, 0);
    return CALL(execveat)(dirfd, path, arguments, ARMED(environment), flags);
}

#define SPAWN(name, told)                                                                              \
    NEXT(int, name, (void *pid, const char *file, void *actions, void *attributes, strings arguments,     \
                     strings environment));                                                               \
    EXPORT int name(void *pid, const char *file, void *actions, void *attributes, strings arguments,      \
                    strings environment) {                                                                \
        told;                                                                                          \
        return CALL(name)(pid, file, actions, attributes, arguments, ARMED(environment));                 \
    }
SPAWN(posix_spawn, starting(CWD, file, arguments))
SPAWN(posix_spawnp, search(file, arguments))

/* These start their program inside the C library, with the program's own environment: it holds the shim meanwhile. */
#define WITHIN(type, name, params, args)               \
    NEXT(type, name, params);                          \
    EXPORT type name params {                          \
        char **own = environ;                          \
        starting(CWD, "/bin/sh", NULL);                \
        strings armed = ARMED(environ);                \
        if (armed != own) environ = (char **)armed;    \
        type result = CALL(name) args;                 \
        if (armed != own) environ = own;               \
        return result;                                 \
    }
WITHIN(int, system, (const char *command), (command))
WITHIN(void *, popen, (const char *command, const char *mode), (command, mode))

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
    return execve(path, arguments, environ);
}

EXPORT int execlp(const char *file, const char *first, ...) {
    GATHER(first)
    va_end(rest);
    return execvpe(file, arguments, environ);
}

EXPORT int execle(const char *path, const char *first, ...) {
    GATHER(first)
    strings environment = va_arg(rest, strings);
    va_end(rest);
    return execve(path, arguments, environment);
}
