/* Paths as text, for code that may allocate nothing: in signal handlers, threads, between vfork and exec. */
#ifndef LDEPLOY_PATHS_H
#define LDEPLOY_PATHS_H

#include <stddef.h>

#define HIDDEN __attribute__((visibility("hidden")))
#define EXPORT __attribute__((visibility("default")))

#define CWD (-100) /* AT_FDCWD */
#define PATH_ROOM 4096

/* The absolute path in buffer (PATH_ROOM bytes), without empty segments and ".": its length, or 0 where there is none. */
HIDDEN size_t whole_path(char *buffer, int dirfd, const char *path);

/* The path with each "x/.." taken out by its letters alone: enough to tell which root it may lie below. */
HIDDEN void fold(char *path);

/* Whether the path lies below the folder. */
HIDDEN int below(const char *path, const char *root);

/* The number in decimal digits, and where they end. */
HIDDEN char *digits(char *to, unsigned long number);

/* The next definition of a function behind ours, or NULL. */
HIDDEN void *find(const char *name);

#endif
