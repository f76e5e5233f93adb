/* What exec.c asks of the shim that it is a part of. */
#ifndef LDEPLOY_PROGRAMS_H
#define LDEPLOY_PROGRAMS_H

#include "paths.h"

/* Called before a program is started. Whether it is there. Keeps errno. */
HIDDEN int starting(int dirfd, const char *path, char *const *arguments);

/* Finds the next functions, and whatever else the shim needs, where that is not done yet: another library may be
 * initialised, and call us, before the shim is. */
HIDDEN void start(void);

/* "LD_PRELOAD=..." with the shim alone, and the shim's own variable, "LDEPLOY_JOURNAL=..."; or empty. */
HIDDEN extern char preload_entry[PATH_ROOM + 16], own_entry[PATH_ROOM + 16];

extern char **environ;

#endif
