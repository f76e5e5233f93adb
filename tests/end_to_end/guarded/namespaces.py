"""Packages that several distributions share: parts of them come and go without an ``__init__.py``."""

REQUIREMENTS = ["protobuf==6.31.1", "google-auth==2.40.3", "googleapis-common-protos==1.70.0", "zope.interface==7.2",
                "zope.event==5.1", "jaraco.text==4.0.0", "ruamel.yaml==0.18.14", "sphinxcontrib-serializinghtml==2.0.0"]  # fmt: skip
EVENTS = ["protobuf", "auth", "rpc", "zope", "jaraco", "ruamel", "path"]

import importlib
import json


def protobuf():
    struct = importlib.import_module("google.protobuf.struct_pb2").Struct()
    struct.update({"a": 1})
    return importlib.import_module("google.protobuf.json_format").MessageToDict(struct)


def auth():
    return importlib.import_module("google.oauth2.credentials").Credentials("x").valid


def rpc():
    status = importlib.import_module("google.rpc.status_pb2").Status(code=5, message="m")
    return str(status) + importlib.import_module("google.type.date_pb2").DESCRIPTOR.name


def zope():
    heard = []
    event = importlib.import_module("zope.event")
    event.subscribers.append(heard.append)
    event.notify("x")
    interface = importlib.import_module("zope.interface")
    return heard, interface.Interface.__name__


def jaraco():
    text = importlib.import_module("jaraco.text")
    return text.Splitter(",")("a,b"), len(text.lorem_ipsum)


def ruamel():
    return importlib.import_module("ruamel.yaml").YAML(typ="safe").load("a: [1, 2]")


def path():
    google = importlib.import_module("google")
    return [place.rpartition("/")[2] for place in google.__path__], importlib.util.find_spec("google.absent") is None


def handler(event, context):
    return json.loads(json.dumps(globals()[event]()))
