/* What exec.c asks of the shim that it is a part of. */
#ifndef LDEPLOY_PROGRAMS_H
#define LDEPLOY_PROGRAMS_H

#include "paths.h"

/* Called before a program is started. Whether it is there. Keeps errno. */
HIDDEN int starting(int dirfd, const char *path);

/* "LD_PRELOAD=..." and the shim's own variable, "LDEPLOY_JOURNAL=...", as they stand in this process; or empty. */
HIDDEN extern char preload_entry[PATH_ROOM + 16], own_entry[PATH_ROOM + 16];

#endif
