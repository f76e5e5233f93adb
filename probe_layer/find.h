/* Looks symbols up by itself: dlsym lies in a library of its own before glibc 2.34. */
#ifndef LDEPLOY_FIND_H
#define LDEPLOY_FIND_H

#include "system.h"

/* A function of ours and the next one of its name, which `start` finds. */
struct next {
    const char *name;
    void **place;
};
#define REGISTER(name)                                                                       \
    __attribute__((section("nexts"), used)) static const struct next register_##name = {     \
        #name, (void **)&next_##name,                                                         \
    }

/* Finds the next definition of each registered function, in the order in which the loader would. */
HIDDEN void find_nexts(void);

/* The next definition of a name behind ours, or NULL. */
HIDDEN void *find(const char *name);

/* The first definition of a name in the process other than ours, or NULL. */
HIDDEN void *find_first(const char *name);

/* The file that the shim was loaded from; empty where it has no name. */
HIDDEN const char *own_file(void);

#endif
