"""FastAPI with Mangum behind an HTTP API, a REST API and a function URL: the same for a browser after ``shrink``."""

import shutil
import urllib.request

import pytest
from boto3.session import Session

from tests.functional.browser import NEEDED, chromium
from tests.functional.local_aws import ROLE, RUNTIME
from tests.functional.project import write
from tests.kept import installed

__all__ = ["chromium"]
pytestmark = [pytest.mark.network, pytest.mark.slow("a web framework, in a browser")]
REQUIREMENTS = ["fastapi==0.115.12", "mangum==0.19.0", "python-multipart==0.0.20"]
APP = '''
import os
from typing import Annotated
from fastapi import FastAPI, Form, Response
from fastapi.responses import HTMLResponse
from mangum import Mangum
from pydantic import BaseModel

app = FastAPI()
PAGE = """<!doctype html><title>Items</title><h1>Items</h1><img id=dot src=dot.png>
<form method=post action=form><input name=name value="B&uuml;cher"><button>Send</button></form><p id=said></p>
<script>fetch("items/7?colour=red", {method: "PUT", headers: {"content-type": "application/json"},
body: JSON.stringify({name: "pear", price: 2})}).then(r => r.json()).then(j => said.textContent = JSON.stringify(j))
</script>"""
DOT = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf"
                    "c0000003010100c9fe92ef0000000049454e44ae426082")

class Item(BaseModel):
    name: str
    price: float

@app.get("/", response_class=HTMLResponse)
def page():
    return PAGE

@app.get("/dot.png")
def dot():
    return Response(DOT, media_type="image/png")

@app.put("/items/{number}")
def put(number: int, item: Item, colour: str = "none"):
    return {"number": number, "colour": colour, **item.model_dump()}

@app.post("/form", response_class=HTMLResponse)
def form(name: Annotated[str, Form()]):
    return f"<h1>Hello {name}</h1>"

handler = Mangum(app, lifespan="off", api_gateway_base_path=os.environ.get("BASE", "/"))
'''


@pytest.fixture
def web(project):
    """The function deployed with the probe, and the addresses of what leads to it."""
    package = project.folder / "web"
    shutil.copytree(installed(REQUIREMENTS, "--only-binary=:all:"), package, symlinks=True)
    write(package, {"app.py": APP})
    create = ("--create", "--role", ROLE, "--handler", "app.handler", "--runtime", RUNTIME)
    sizes = ("--memory", "512", "--timeout", "30", "--bucket", "packages")
    probed = project.ldeploy("probe", "f", "--package", "web", *create, *sizes)
    assert probed.code == 0, probed.err
    arn = project.cloud.functions.get_function(FunctionName="f")["Configuration"]["FunctionArn"]
    return [lead(project, arn), url(project), rest(project, arn)]


def url(project):
    """The address of a function URL."""
    return project.cloud.functions.create_function_url_config(FunctionName="f", AuthType="NONE")["FunctionUrl"]


def lead(project, arn):
    """The address of an HTTP API."""
    client = Session().client("apigatewayv2", endpoint_url=project.cloud.aws.endpoint_url)
    return client.create_api(Name="quick", ProtocolType="HTTP", Target=arn)["ApiEndpoint"] + "/"


def rest(project, arn):
    """The address of a stage of a REST API that takes everything for binary."""
    client = Session().client("apigateway", endpoint_url=project.cloud.aws.endpoint_url)
    api = client.create_rest_api(name="rest", binaryMediaTypes=["*/*"])["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    below = client.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    for resource in (root, below):
        client.put_method(restApiId=api, resourceId=resource, httpMethod="ANY", authorizationType="NONE")
        client.put_integration(
            restApiId=api,
            resourceId=resource,
            httpMethod="ANY",
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=uri,
        )
    client.create_deployment(restApiId=api, stageName="prod")
    return f"http://{api}.execute-api.us-east-1.localhost:{project.cloud.aws.endpoint_url.rpartition(':')[2]}/prod/"


def shown(chromium, address):
    """What a user sees of the page: its script's answer, its picture's width, and the form's answer."""
    tab = chromium.new_page()
    tab.goto(address)
    tab.wait_for_function("said.textContent")
    found = [tab.inner_text("h1"), tab.inner_text("#said"), tab.eval_on_selector("#dot", "dot => dot.naturalWidth")]
    tab.click("button")
    tab.wait_for_url(f"{address}form")
    found.append(tab.inner_text("h1"))
    tab.close()
    return found


@NEEDED
def test_a_browser_sees_the_same_before_and_after_shrink(project, web, chromium):
    expected = ["Items", '{"number":7,"colour":"red","name":"pear","price":2}', 1, "Hello Bücher"]
    assert [shown(chromium, address) for address in web] == [expected] * 3
    shrunk = project.shrink()
    assert shrunk.code == 0, shrunk.err
    assert len(project.deployed()) < shrunk.json["before"]["files"]
    assert [shown(chromium, address) for address in web] == [expected] * 3


def test_a_client_without_a_browser_uses_the_path(project, web):
    for address in web:
        name = address.split("/")[2].partition(".")[0]
        below = address.split("/", 3)[3]
        with urllib.request.urlopen(f"{project.cloud.aws.endpoint_url}/_ldeploy/apis/{name}/{below}") as answer:
            assert b"<h1>Items</h1>" in answer.read()
