"""``ldeploy doctor --package``: what is to be known of a build, without an AWS."""

import pytest

from deployer.limits import UNZIPPED
from tests.functional.project import FILES, Project, write
from tests.zips import packed

LIBRARY = "x" * 20_000


def wheel(name, version, files, tag="py3-none-any"):
    """An installed wheel, with its RECORD."""
    info = f"{name}-{version}.dist-info"
    own = {**files, f"{info}/METADATA": f"Name: {name}\nVersion: {version}\n", f"{info}/WHEEL": f"Tag: {tag}\n"}
    return {**own, f"{info}/RECORD": "".join(f"{path},,\n" for path in [*own, f"{info}/RECORD"])}


@pytest.fixture
def alone(tmp_path, monkeypatch, capsys):
    """A user in a folder, without region and credentials."""
    for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "build", {**FILES, **wheel("lib", "1.0", {"lib/__init__.py": LIBRARY})})
    return Project(None, tmp_path, capsys)  # type: ignore[arg-type]


def looked_at(alone, *arguments):
    done = alone.unattended("doctor", "--package", "build", *arguments, "--output", "json")
    return done, [(one["name"], one["verdict"]) for one in done.json["checks"]]


def told(done, name):
    return [one["what"] for one in done.json["checks"] if one["name"] == name]


def test_the_weights_add_up_and_the_limits_are_told(alone):
    done, checks = looked_at(alone, "--handler", "app.handler")
    assert (done.code, done.json["ready"]) == (0, True)
    assert dict(checks) == dict.fromkeys(("unzipped", "zipped", "handler", "copies", "wheels"), "good")
    weights = {one["name"]: one["bytes"] for one in done.json["weights"]}
    own = sum(len(text) for text in FILES.values())
    assert weights == {"lib 1.0": pytest.approx(20_000, abs=500), "(your own)": own}
    assert done.json["next"].startswith("ldeploy trace --package build --handler app.handler")


def test_as_text_it_fits_eighty_columns(alone):
    done = alone.unattended("doctor", "--package", "build")
    assert done.out.startswith("build: nothing stops it\n")
    assert max(map(len, done.out.splitlines())) <= 80


def test_a_zip_is_looked_at_too(alone):
    (alone.folder / "build.zip").write_bytes(packed(FILES))
    done = alone.unattended("doctor", "--package", "build.zip", "--output", "json")
    assert (done.code, done.json["weights"][0]["files"]) == (0, len(FILES))


def test_wheels_of_another_python_or_processor_stop_it(alone):
    write(alone.folder / "build", wheel("fast", "2.0", {"fast/__init__.py": "1"}, "cp38-cp38-manylinux2014_x86_64"))
    done, checks = looked_at(alone)
    assert (done.code, ("wheels", "stops") in checks) == (1, True)
    assert "for Python 3.8" in told(done, "wheels")[0]
    assert "pip install --only-binary :all:" in told(done, "wheels")[0]
    write(alone.folder / "build", wheel("fast", "2.0", {}, "py3-none-manylinux2014_aarch64"))
    assert "fast 2.0" not in "".join(told(looked_at(alone, "--architecture", "arm64")[0], "wheels"))


def test_what_is_there_twice_is_named(alone):
    twins = {"one.libs/libz-0123abcd.so.1": LIBRARY + "a", "two.libs/libz-4567abcd.so.1": LIBRARY + "b"}
    write(alone.folder / "build", {**twins, **wheel("lib", "0.9", {}), "copy/of.py": LIBRARY})
    done, checks = looked_at(alone)
    assert ("twice", "doubt") in checks
    said = told(done, "twice")
    assert any(text.startswith("lib is there 2 times: 0.9 in lib-0.9.dist-info and 1.0") for text in said)
    assert any("libz is there 2 times" in text and "one.libs, two.libs" in text for text in said)
    assert any("copy/of.py = lib/__init__.py" in text for text in said)


def test_a_build_over_the_limit_and_what_lambda_has_itself(alone):
    with (alone.folder / "build/big.bin").open("wb") as file:
        file.truncate(UNZIPPED)
    write(alone.folder / "build", wheel("boto3", "1.40", {"boto3/__init__.py": "1"}))
    done, checks = looked_at(alone)
    assert (done.code, dict(checks)["unzipped"], dict(checks)["runtime"]) == (0, "doubt", "doubt")
    assert "over" in told(done, "unzipped")[0]


def test_what_is_wrong_is_said(alone):
    assert alone.unattended("doctor", "--package", "nowhere").code == 2
    done, checks = looked_at(alone, "--handler", "gone.handler")
    assert (done.code, ("handler", "stops") in checks) == (1, True)


def test_with_a_function_the_build_is_looked_at_for_it(project):
    project.cloud.create("f", FILES)
    done = project.ldeploy("doctor", "f", "--package", "build", "--bucket", "packages", "--output", "json")
    names = [one["name"] for one in done.json["checks"]]
    assert (done.code, {"account", "room", "unzipped", "wheels"} <= set(names)) == (0, True)
