/* Paths as text, for code that may allocate nothing and has little stack: in signal handlers, threads, between vfork and
 * exec. */
#ifndef LDEPLOY_PATHS_H
#define LDEPLOY_PATHS_H

#include "system.h"

#define PATH_ROOM 4096

/* Two PATH_ROOMs for a moment; NULL where there is none. */
HIDDEN char *borrow(void);
HIDDEN void give_back(char *room);

/* The absolute path in buffer (PATH_ROOM bytes), without empty segments and ".": its length, or 0 where there is none. */
HIDDEN size_t whole_path(char *buffer, int dirfd, const char *path);

/* Where the descriptor leads, in buffer, without a NUL behind it: the length, or a number below 1. */
HIDDEN long read_descriptor(unsigned file, char *buffer);

/* The path with each "x/.." taken out by its letters alone: enough to tell which root it may lie below. */
HIDDEN void fold(char *path);

/* Whether the path lies below the folder. */
HIDDEN int below(const char *path, const char *root);

/* The number in decimal digits, and where they end. */
HIDDEN char *digits(char *to, unsigned long number);

#endif
