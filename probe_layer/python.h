/* What Python code does, told by CPython's own functions: which module opens, lists and imports what. */
#ifndef LDEPLOY_PYTHON_H
#define LDEPLOY_PYTHON_H

/* Notes that a directory was listed: for its names, or by Python's import system, to find one. */
void note_listing(int dirfd, const char *path, int good) __attribute__((visibility("hidden")));

/* Sees to it that Python code is followed, where this process is a Python other than the runtime's. */
void follow_children(void) __attribute__((visibility("hidden")));

#endif
