"""Every way of finding a module, or data beside a module."""

import zipfile

from tests.functional.suite.judge import Embedded, Folders, errors, judge

Place = Folders | Embedded


def test_modules_packages_and_data_files(place: Place) -> None:
    place.add("package/__init__.py", "")
    place.add("package/inner/module.py", "VALUE = 1")
    place.add("package/data.txt")
    place.add("package/unused.txt")
    seen = judge(place.run("""
        import os
        from package.inner import module
        def handler(event, context):
            return open(os.path.join(os.path.dirname(module.__file__), "..", "data.txt")).read()
    """))  # fmt: skip
    assert seen.answers == ["x"]
    assert {"app.py", "package/__init__.py", "package/inner/module.py", "package/data.txt"} <= seen.touched("opened")
    assert "package/unused.txt" not in seen.touched()


def test_a_source_that_is_opened_as_a_file(place: Place) -> None:
    for name in ("imported", "settings", "plugin", "shown", "script"):
        place.add(f"package/{name}.py", "VALUE = 1\ndef f():\n    return VALUE\n")
    seen = judge(place.run("""
        import importlib.util, inspect, subprocess, sys
        from package import imported, shown
        def handler(event, context):
            found = {}
            exec(open("package/settings.py").read(), found)
            spec = importlib.util.spec_from_file_location("plugin", "package/plugin.py")
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
            script = subprocess.run([sys.executable, "package/script.py"]).returncode
            return [found["VALUE"], imported.f(), len(inspect.getsource(shown.f)), script]
    """))  # fmt: skip
    assert seen.answers == [[1, 1, 26, 0]]
    assert seen.touched("read") == {f"package/{name}.py" for name in ("settings", "plugin", "shown", "script")}
    assert "audit" in seen.evidence.paths["package/imported.py"].witnesses


def test_a_module_imported_in_the_middle_of_an_invocation(place: Place) -> None:
    place.add("late.py", "VALUE = 7")
    seen = judge(place.run("""
        def handler(event, context):
            if event:
                import late
                return late.VALUE
    """, [0, 1, 1]))  # fmt: skip
    assert seen.answers == [None, 7, 7]
    assert seen.evidence.paths["late.py"].phase == "invoke"


def test_plugins_by_entry_points(place: Place) -> None:
    place.add("plugin_a.py", "NAME = 'a'")
    place.add("plugin_a-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: plugin-a\nVersion: 1.0\n")
    place.add("plugin_a-1.0.dist-info/entry_points.txt", "[app.plugins]\na = plugin_a:NAME\n")
    place.add("silent-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: silent\nVersion: 1.0\n")
    seen = judge(place.run("""
        from importlib.metadata import entry_points, version
        def handler(event, context):
            found = entry_points()  # a dict up to 3.9
            plugins = found["app.plugins"] if isinstance(found, dict) else found.select(group="app.plugins")
            return [[plugin.load() for plugin in plugins], version("plugin-a")]
    """))  # fmt: skip
    assert seen.answers == [[["a"], "1.0"]]
    assert {"plugin_a.py", "plugin_a-1.0.dist-info/entry_points.txt"} <= seen.touched("opened")


def test_resources_of_a_package(place: Place) -> None:
    place.add("res/__init__.py", "")
    place.add("res/one.txt", "1")
    place.add("res/two.txt", "2")
    place.add("res/sub/three.txt", "3")
    seen = judge(place.run("""
        import importlib.resources, pkgutil
        def handler(event, context):
            files = importlib.resources.files("res")
            with importlib.resources.as_file(files / "sub" / "three.txt") as path:
                third = path.exists()
            names = [module.name for module in pkgutil.iter_modules(["res"])]
            return [pkgutil.get_data("res", "one.txt").decode(), files.joinpath("two.txt").read_text(), third, names]
    """))  # fmt: skip
    assert seen.answers == [["1", "2", True, []]]
    assert {"res/one.txt", "res/two.txt", "res/sub/three.txt"} <= seen.touched()


def test_modules_and_data_inside_a_zip(place: Place) -> None:
    for name in ("library.egg", "library.zip"):
        with zipfile.ZipFile(place.task / name, "w") as archive:
            archive.writestr(f"inside_{name[-3:]}/__init__.py", "VALUE = 3")
            archive.writestr(f"inside_{name[-3:]}/data.txt", "in a zip")
    seen = judge(place.run("""
        import pkgutil, sys, zipimport
        sys.path.insert(0, "library.egg")
        def handler(event, context):
            import inside_egg
            other = zipimport.zipimporter("library.zip").get_data("inside_zip/data.txt").decode()
            return [inside_egg.VALUE, pkgutil.get_data("inside_egg", "data.txt").decode(), other]
    """))  # fmt: skip
    assert seen.answers == [[3, "in a zip", "in a zip"]]
    assert {"library.egg", "library.zip"} <= seen.touched("opened")


def test_namespace_packages(place: Place) -> None:
    place.add("names/one/module.py", "VALUE = 1")
    place.add("vendor/names/two/module.py", "VALUE = 2")
    seen = judge(place.run("""
        import sys
        sys.path.append("vendor")
        import names.one.module, names.two.module
        def handler(event, context):
            return [names.one.module.VALUE, names.two.module.VALUE, len(list(names.__path__))]
    """))  # fmt: skip
    assert seen.answers == [[1, 2, 2]]
    assert {"names/one/module.py", "vendor/names/two/module.py"} <= seen.touched("opened")


def test_pth_files(place: Place) -> None:
    place.add("vendor.pth", "below\nimport by_pth\n")
    place.add("by_pth.py", "VALUE = 1")
    place.add("below/module.py", "VALUE = 2")
    seen = judge(place.run("""
        import os, site, sys
        site.addsitedir(os.environ["LAMBDA_TASK_ROOT"])
        def handler(event, context):
            import module
            return [module.VALUE, "by_pth" in sys.modules]
    """))  # fmt: skip
    assert seen.answers == [[2, True]]
    assert {"vendor.pth", "by_pth.py", "below/module.py"} <= seen.touched("opened")


def test_layers(place: Place) -> None:
    (place.opt / "python").mkdir()
    (place.opt / "python" / "shared.py").write_text("VALUE = 5")
    (place.opt / "data.txt").write_text("of a layer")
    seen = judge(place.run("""
        import os, sys
        opt = os.path.join(os.environ["LAMBDA_TASK_ROOT"], "../opt")
        opt = opt if os.path.exists(opt) else "/opt"
        sys.path.append(os.path.join(opt, "python"))
        import shared
        def handler(event, context):
            return [shared.VALUE, os.path.getsize(opt + "/data.txt")]
    """))  # fmt: skip
    assert seen.answers == [[5, 10]]
    assert {"/opt/python/shared.py", "/opt/data.txt"} <= seen.touched()
    assert not [path for path in seen.touched() if path.startswith("/opt/ldeploy")]


def test_modules_imported_by_a_thread_after_the_answer(place: Place) -> None:
    place.add("after.py", "VALUE = 1")
    seen = judge(place.run("""
        import threading, time
        def late():
            time.sleep(0.2)
            import after
        def handler(event, context):
            if event:
                threading.Thread(target=late).start()
            else:
                time.sleep(0.5)
    """, [1, 0]))  # fmt: skip
    assert not errors(seen.answers)
    assert "after.py" in seen.touched("opened")
