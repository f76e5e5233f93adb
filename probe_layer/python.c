/* The shim's fourth part: follows Python code. The functions by which CPython opens, lists and loads are led over ours,
 * in the place where CPython itself looks up what they do (their PyMethodDef): to Python code they stay the same
 * objects. An audit hook would be told of each id() too, which makes copy.deepcopy half as fast.
 *
 * Nothing of Python's headers: one shim is for 3.9 to 3.14. What is relied on is checked by name before it is used.
 */
#define _GNU_SOURCE
#include "find.h"
#include "journal.h"
#include "python.h"

typedef struct object PyObject;
typedef PyObject *called(PyObject *module, PyObject *const *arguments, long count, PyObject *names);

/* https://docs.python.org/3/c-api/structures.html */
struct method {
    const char *name;
    called *does;
    int flags;
};
struct object {
    long references;
    PyObject *type;
    struct method *method; /* of a function that is built in */
};
#define FAST 0x80     /* METH_FASTCALL */
#define KEYWORDS 0x02 /* METH_KEYWORDS */

#define LONGEST 200 /* of a module's name: it is whatever the function makes it */

/* The interpreter's functions, found by name. */
static struct {
    PyObject *(*PyEval_GetFrame)(void);
    PyObject *(*PyObject_GetAttrString)(PyObject *, const char *);
    PyObject *(*PyDict_GetItemString)(PyObject *, const char *);
    PyObject *(*PyUnicode_AsEncodedString)(PyObject *, const char *, const char *);
    int (*PyUnicode_FSConverter)(PyObject *, PyObject **);
    const char *(*PyBytes_AsString)(PyObject *);
    long (*PyLong_AsLong)(PyObject *);
    PyObject *(*PyImport_GetModule)(PyObject *);
    PyObject *(*PyUnicode_FromString)(const char *);
    void (*PyErr_Clear)(void);
    PyObject *(*PyErr_Occurred)(void);
    void (*Py_IncRef)(PyObject *);
    void (*Py_DecRef)(PyObject *);
    int (*Py_IsInitialized)(void);
    int (*PySys_AddAuditHook)(int (*)(const char *, PyObject *, void *), void *);
    PyObject *none;
} py;

static const struct { const char *name; void **place; } NEEDED[] = {
#define NEED(name) {#name, (void **)&py.name}
    NEED(PyEval_GetFrame), NEED(PyObject_GetAttrString), NEED(PyDict_GetItemString), NEED(PyUnicode_AsEncodedString),
    NEED(PyUnicode_FSConverter), NEED(PyBytes_AsString), NEED(PyLong_AsLong), NEED(PyImport_GetModule),
    NEED(PyUnicode_FromString), NEED(PyErr_Clear), NEED(PyErr_Occurred), NEED(Py_IncRef), NEED(Py_DecRef),
    NEED(Py_IsInitialized), NEED(PySys_AddAuditHook), {"_Py_NoneStruct", (void **)&py.none},
};

static int find_python(void) {
    for (size_t i = sizeof NEEDED / sizeof *NEEDED; i-- > 0;)
        if (!*NEEDED[i].place && !(*NEEDED[i].place = find_first(NEEDED[i].name))) return 0;
    return 1;
}

/* -- which module ------------------------------------------------------------------------------------------------------ */

static int among(const char *name, const char *const *names) {
    for (; *names; names++)
        if (equal(name, *names)) return 1;
    return 0;
}

/* The two halves of the import system, by the names before and after `importlib` itself is imported. */
static const char *const IMPORT[] = {"_frozen_importlib", "importlib._bootstrap", NULL};
static const char *const LOADERS[] = {"_frozen_importlib_external", "importlib._bootstrap_external", NULL};
/* Who lists a folder to find one file, which it opens then. */
static const char *const FINDERS[] = {"importlib.metadata", "importlib_metadata", "site", NULL};
/* Who asks for others. */
static const char *const BETWEEN[] = {"codecs", "ctypes", "glob", "os", "pathlib", "pathlib._local", "pathlib._os",
                                      "subprocess", NULL};
static const char *const IMPORTING[] = {"importlib", "_frozen_importlib", "zipimport", "pkgutil", NULL};

/* The name of the module whose code the frame runs, in room; empty where it has none. */
static void name_module(PyObject *frame, char *room) {
    *room = 0;
    PyObject *globals = py.PyObject_GetAttrString(frame, "f_globals");
    PyObject *name = globals ? py.PyDict_GetItemString(globals, "__name__") : NULL;
    PyObject *bytes = name ? py.PyUnicode_AsEncodedString(name, "utf-8", "surrogateescape") : NULL;
    if (bytes) add_text(room, room + LONGEST + 1, py.PyBytes_AsString(bytes));
    else py.PyErr_Clear();
    if (bytes) py.Py_DecRef(bytes);
    if (globals) py.Py_DecRef(globals);
}

/* Goes on to the caller; NULL at the end. */
static PyObject *caller_of(PyObject *frame) {
    PyObject *back = py.PyObject_GetAttrString(frame, "f_back");
    if (!back) py.PyErr_Clear();
    py.Py_DecRef(frame);
    if (back == py.none) py.Py_DecRef(back);
    return back == py.none ? NULL : back;
}

static PyObject *first_frame(void) {
    PyObject *frame = py.PyEval_GetFrame();
    if (frame) py.Py_IncRef(frame);
    return frame;
}

static int is_between(const char *name) {
    for (const char *const *each = IMPORTING; *each; each++)
        if (begins(name, *each)) return 1;
    return !*name || among(name, BETWEEN);
}

/* The module that is behind the import system and its like. */
static void name_asker(char *room) {
    PyObject *frame = first_frame();
    for (*room = 0; frame; frame = caller_of(frame)) {
        name_module(frame, room);
        if (!is_between(room)) {
            py.Py_DecRef(frame);
            return;
        }
    }
    *room = 0;
}

/* Whether the code that calls is of the import system, or looks one file up as it does. */
static int is_finder(void) {
    char name[LONGEST + 1] = "";
    PyObject *frame = first_frame();
    if (!frame) return 0;
    name_module(frame, name);
    py.Py_DecRef(frame);
    return among(name, LOADERS) || among(name, FINDERS);
}

/* Whether a source is opened for another reason than that a module of its name is imported. */
static int is_read(void) {
    char name[LONGEST + 1] = "";
    PyObject *frame = first_frame();
    for (; frame; frame = caller_of(frame)) {
        name_module(frame, name);
        if (!among(name, LOADERS)) break;
    }
    if (!frame) return 1;
    py.Py_DecRef(frame);
    return !among(name, IMPORT);
}

/* -- what it asks for ---------------------------------------------------------------------------------------------------- */

static __thread int finding __attribute__((tls_model("initial-exec")));

void note_listing(int dirfd, const char *path, int good) {
    int kind = finding ? LISTED : BROWSED;
    finding = 0;
    if (good) note(dirfd, path, kind);
}

static int is_source(const char *path) {
    size_t length = length_of(path);
    return length > 3 && equal(path + length - 3, ".py");
}

/* Notes what was asked for by a name, a number (an open descriptor) or nothing (the working directory). */
static void note_object(PyObject *asked, int kind) {
    char module[LONGEST + 1];
    PyObject *bytes = NULL;
    int dirfd = CWD, lists = kind == PY_BROWSED || kind == PY_LISTED;
    const char *path = ".";
    if (asked && asked != py.none && py.PyUnicode_FSConverter(asked, &bytes)) {
        path = py.PyBytes_AsString(bytes);
    } else if (!lists) {
        path = NULL;
    } else if (asked && asked != py.none) {
        py.PyErr_Clear();
        dirfd = (int)py.PyLong_AsLong(asked);
    }
    if (py.PyErr_Occurred()) py.PyErr_Clear();
    if (path && kind == PY_OPENED && is_source(path) && is_news(dirfd, path, PY_READ) && is_read()) {
        name_asker(module);
        note_asked(dirfd, path, PY_READ, module);
    }
    if (path && is_news(dirfd, path, kind)) {
        name_asker(module);
        note_asked(dirfd, path, kind, module);
    }
    if (bytes) py.Py_DecRef(bytes);
}

/* -- the functions ------------------------------------------------------------------------------------------------------- */

/* One that does what CPython's does, with something before and something after, where it did not fail. */
#define FOLLOW(name, before, after)                                                           \
    static called *original_##name;                                                           \
    static PyObject *follow_##name(PyObject *module, PyObject *const *arguments, long count, PyObject *names) { \
        before;                                                                               \
        PyObject *result = original_##name(module, arguments, count, names);                  \
        PyObject *first = count > 0 ? arguments[0] : names ? arguments[0] : NULL;             \
        if (result) after;                                                                    \
        return result;                                                                        \
    }
#define LISTS(name)                                                                           \
    FOLLOW(name, int finds = finding = is_finder(), note_object(first, finds ? PY_LISTED : PY_BROWSED); finding = 0)
LISTS(listdir)
LISTS(scandir)
FOLLOW(open, , note_object(first, PY_OPENED))
/* Who opens the name alone (O_PATH) does not open the file. */
static int opens(PyObject *const *arguments, long count) {
    long flags = count > 1 ? py.PyLong_AsLong(arguments[1]) : 0;
    if (flags == -1) py.PyErr_Clear();
    return !(flags & ONLY_NAME);
}
FOLLOW(posix_open, , if (opens(arguments, count)) note_object(first, PY_OPENED))
FOLLOW(open_code, , note_object(first, PY_OPENED))

static void note_extension(PyObject *spec) {
    PyObject *origin = py.PyObject_GetAttrString(spec, "origin");
    if (origin) note_object(origin, PY_LOADED);
    else py.PyErr_Clear();
    if (origin) py.Py_DecRef(origin);
}
FOLLOW(create_dynamic, , note_extension(first))

static const struct {
    const char *module, *name;
    int flags;
    called *ours, **original;
} FOLLOWED[] = {
    {"posix", "listdir", FAST | KEYWORDS, follow_listdir, &original_listdir},
    {"posix", "scandir", FAST | KEYWORDS, follow_scandir, &original_scandir},
    {"posix", "open", FAST | KEYWORDS, follow_posix_open, &original_posix_open},
    {"_io", "open", FAST | KEYWORDS, follow_open, &original_open},
    {"_io", "open_code", FAST | KEYWORDS, follow_open_code, &original_open_code},
    {"_imp", "create_dynamic", FAST, follow_create_dynamic, &original_create_dynamic},
};

/* Leads one function over ours. Whether it is what it is taken for. */
static int follow(const char *module_name, const char *name, int flags, called *ours, called **original) {
    PyObject *key = py.PyUnicode_FromString(module_name), *module = key ? py.PyImport_GetModule(key) : NULL;
    PyObject *function = module ? py.PyObject_GetAttrString(module, name) : NULL;
    struct method *method = function ? function->method : NULL;
    int good = method && equal(method->name, name) && method->flags == flags;
    if (good && method->does != ours) {
        *original = method->does;
        method->does = ours;
    }
    if (function) py.Py_DecRef(function);
    if (module) py.Py_DecRef(module);
    if (key) py.Py_DecRef(key);
    py.PyErr_Clear();
    return good;
}

/* Follows Python code from now on, in an interpreter that has begun: whether all of it is followed. */
EXPORT int ldeploy_follow(void) {
    int all = find_python();
    for (size_t i = 0; all && i < sizeof FOLLOWED / sizeof *FOLLOWED; i++)
        all = follow(FOLLOWED[i].module, FOLLOWED[i].name, FOLLOWED[i].flags, FOLLOWED[i].ours, FOLLOWED[i].original);
    return all;
}

/* -- children -------------------------------------------------------------------------------------------------------------- */

/* The first event of an interpreter that has begun is where it can be followed. */
static int begin(const char *event, PyObject *arguments, void *nothing) {
    static int begun;
    (void)arguments;
    (void)nothing;
    if (!begun && equal(event, "import") && py.Py_IsInitialized()) {
        begun = 1;
        ldeploy_follow();
    }
    return 0;
}

/* The runtime's own interpreter is followed by launch.py, without an audit hook; and the reporter is not. */
static int is_the_probes(void) {
    char *room = borrow();
    if (!room) return 0;
    long file = KERNEL(SYS_openat, CWD, "/proc/self/cmdline", READ_ONLY, 0), length = 0;
    if (!FAILED(file)) length = KERNEL(SYS_read, file, room, PATH_ROOM - 1);
    if (!FAILED(file)) KERNEL(SYS_close, file);
    for (long i = 0; i < length; i++)
        if (!room[i]) room[i] = '\n';
    room[length > 0 ? length : 0] = 0;
    char *end = add_text(room + PATH_ROOM, room + 2 * PATH_ROOM, own_folder());
    add_text(end, room + 2 * PATH_ROOM, "/probe_layer/");
    int found = contains(room, room + PATH_ROOM);
    give_back(room);
    return found;
}

void follow_children(void) {
    if (*own_folder() && find_first("PySys_AddAuditHook") && find_python() && !is_the_probes())
        py.PySys_AddAuditHook(begin, NULL);
}
