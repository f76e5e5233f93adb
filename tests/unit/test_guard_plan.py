"""What a guarded package has in the place of what was dropped."""

from collections.abc import Iterable

from deployer.models.package import Entry, Kind, Package
from deployer.package.index import directory_entry
from deployer.slim.guard.needs import Dynamic, Libraries, resolve
from deployer.slim.guard.plan import GuardPlan, plan


def a_package(files: Iterable[str], links: dict[str, str] | None = None, folders: Iterable[str] = ()) -> Package:
    entries = {path: Entry(path, Kind.FILE, 5, 4, 1, 0o644, 8, number) for number, path in enumerate(files)}
    for path, target in (links or {}).items():
        entries[path] = Entry(path, Kind.SYMLINK, 5, 5, 1, 0o755, 0, 0, target)
    for path in [*entries, *(f"{folder}/x" for folder in folders)]:
        while path := path.rpartition("/")[0]:
            entries[path] = directory_entry(path)
    return Package(dict(sorted(entries.items())), 1, "0" * 64)


def slim_of(files: Iterable[str], **settings) -> Package:
    made = a_package(files, **settings)
    kept = {path: entry for path, entry in made.entries.items() if entry.kind is not Kind.DIRECTORY}
    return Package(kept, 1, "0" * 64)


FULL = ("app.py", "part/__init__.py", "part/lazy.py", "gone/__init__.py", "gone/sub/leaf.py", "gone/data.txt")
KEPT = ("app.py", "part/__init__.py")


def roles(made: GuardPlan) -> dict[str, str]:
    return {row.path: row.role for row in made.rows}


def test_a_dropped_folder_is_one_link_and_a_file_in_a_kept_one_another():
    made = plan(a_package(FULL), slim_of(KEPT), Libraries())
    assert made.links == ("gone", "part/lazy.py")
    assert roles(made) == {
        "gone": "folder",
        "gone/sub": "folder",
        "gone/__init__.py": "file",
        "gone/sub/leaf.py": "file",
        "gone/data.txt": "file",
        "part/lazy.py": "file",
    }


def test_a_folder_that_the_loader_looks_in_stays():
    full = a_package([*FULL, "lib/libx.so", "gone.libs/liby.so", "part/kept.so"])
    places = Libraries(places={"part/kept.so": ("gone.libs",)})
    made = plan(full, slim_of([*KEPT, "part/kept.so"]), places)
    assert {"lib/libx.so", "gone.libs/liby.so"} <= set(made.links)
    assert "folder" not in {roles(made).get("lib"), roles(made).get("gone.libs")}


def test_a_folder_that_was_kept_as_such_stays():
    slim = slim_of(KEPT)
    listed = Package({**slim.entries, "gone": directory_entry("gone")}, 1, "0" * 64)
    made = plan(a_package(FULL), listed, Libraries())
    assert "gone" not in made.links
    assert {"gone/__init__.py", "gone/data.txt", "gone/sub"} <= set(made.links)


def test_an_emptied_file_is_a_link_whose_name_is_known():
    slim = slim_of([*KEPT, "gone/data.txt"])
    entries = {**slim.entries, "gone/data.txt": Entry("gone/data.txt", Kind.FILE, 0, 0, 0, 0o644, 8, 0)}
    made = plan(a_package(FULL), Package(entries, 1, "0" * 64), Libraries())
    assert "gone/data.txt" in made.links
    assert {row.path for row in made.rows if row.looked_at} == {"gone/data.txt"}


def test_a_source_that_its_bytecode_replaced_and_a_packed_file_are_not_guarded():
    slim = slim_of([*KEPT, "part/lazy.pyc"], links={"gone/data.txt": "/tmp/ldeploy-1/gone/data.txt"})
    made = plan(a_package(FULL), slim, Libraries())
    assert not {"part/lazy.py", "gone/data.txt"} & roles(made).keys()


def test_what_is_not_to_come_back_does_not():
    made = plan(a_package(FULL), slim_of(KEPT), Libraries(), ["part/lazy.py"])
    assert "part/lazy.py" not in roles(made)


def test_what_nobody_can_use_at_run_time_is_left_out_and_said():
    useless = ["gone/libx.a", "gone/__pycache__/data.cpython-311.pyc", "gone/__pycache__/__init__.cpython-311.pyc"]
    made = plan(a_package([*FULL, *useless]), slim_of(KEPT), Libraries())
    assert made.left_out == {"for linkers": 5, "bytecode of a source": 5}
    assert useless[1] in roles(made)  # there is no source that it could be made of again
    assert not {useless[0], useless[2]} & roles(made).keys()


def test_a_dropped_symlink_is_a_copy_and_stays_where_it_leads_to_what_is_kept():
    links = {"gone/copy.txt": "data.txt", "part/again.py": "__init__.py", "folder": "part"}
    made = plan(a_package(FULL, links=links), slim_of(KEPT), Libraries())
    rows = {row.path: row for row in made.rows}
    assert rows["gone/copy.txt"].entry == rows["gone/data.txt"].entry
    assert [entry.path for entry in made.restored] == ["folder", "part/again.py"]


def test_a_folder_in_which_nothing_was_is_kept_or_comes_with_its_folder():
    full = a_package(FULL, folders=["hollow", "gone/hollow"])
    made = plan(full, slim_of(KEPT), Libraries())
    assert [entry.path for entry in made.restored] == ["hollow"]
    assert roles(made)["gone/hollow"] == "folder"


# -- libraries -------------------------------------------------------------------------------------------------------

LIBRARIES = ("a/x.so", "b/y.so", "a.libs/libone.so.1", "a.libs/libtwo.so.2", "b.libs/libone.so.1", "lib/libbare.so")
DYNAMICS = {
    "a/x.so": Dynamic(("libone.so.1", "libc.so.6"), ("$ORIGIN/../a.libs",)),
    "b/y.so": Dynamic(("libone.so.1",), ("${ORIGIN}/../b.libs", "/usr/lib")),
    "a.libs/libone.so.1": Dynamic(("libtwo.so.2",)),
}


def test_libraries_are_found_as_the_loader_finds_them():
    found = resolve(DYNAMICS, LIBRARIES)
    assert found.needs["a/x.so"] == ("a.libs/libone.so.1", "a.libs/libtwo.so.2")
    assert found.needs["b/y.so"] == ("b.libs/libone.so.1",)
    assert found.places["b/y.so"] == ("b.libs",)


def test_a_kept_library_brings_what_it_needs_but_not_where_one_of_that_name_is_kept():
    full, found = a_package(["app.py", *LIBRARIES]), resolve(DYNAMICS, LIBRARIES)
    made = plan(full, slim_of(["app.py", "a/x.so", "b/y.so", "b.libs/libone.so.1"]), found)
    rows = {row.path: row for row in made.rows}
    assert rows["a/x.so"].needs == ("a.libs/libone.so.1", "a.libs/libtwo.so.2")  # libtwo is kept nowhere
    assert "b/y.so" not in rows
    assert {row.path for row in made.rows if row.role == "soname"} == {"libbare.so", "libtwo.so.2"}


def test_a_dropped_library_brings_dropped_ones_and_names_kept_ones():
    full, found = a_package(["app.py", *LIBRARIES]), resolve(DYNAMICS, LIBRARIES)
    made = plan(full, slim_of(["app.py", "a.libs/libtwo.so.2"]), found)
    rows = {row.path: row for row in made.rows}
    assert rows["a/x.so"].needs == ("a.libs/libone.so.1", "a.libs/libtwo.so.2")
    assert rows["a.libs/libtwo.so.2"].role == "keeper"
