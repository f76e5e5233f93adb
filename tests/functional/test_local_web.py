"""APIs and function URLs of the AWS on this machine: routes, events of both forms, CORS, binary bodies, errors."""

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass

import pytest
from boto3.session import Session

from deployer.local import LocalAws
from deployer.local.services.web_answers import MalformedError, reply_of
from deployer.local.services.web_events import event_of
from deployer.local.services.web_requests import WebRequest
from deployer.local.services.web_routes import Kind, Route, Target, best
from tests.functional.local_aws import RUNTIME
from tests.zips import packed

ECHO = """
import json
def handler(event, context):
    path = event.get("rawPath") or event["path"]
    if path.endswith("/fail"):
        raise ValueError("as asked")
    if path.endswith("/wrong"):
        return {"statusCode": "none"}
    if path.endswith("/picture"):
        png = {"content-type": "image/png"}
        return {"statusCode": 200, "headers": png, "body": "iVBORw==", "isBase64Encoded": True}
    headers = {"content-type": "application/json", "access-control-allow-origin": "of the function"}
    return {"statusCode": 201, "headers": headers, "body": json.dumps(event)}
"""
SAM = f"""
Transform: AWS::Serverless-2016-10-31
Globals:
  Api: {{ Cors: "'*'", BinaryMediaTypes: [image~1png] }}
Resources:
  Rest:
    Type: AWS::Serverless::Function
    Properties: &function
      Runtime: {RUNTIME}
      Handler: index.handler
      InlineCode: {json.dumps(ECHO)}
      AutoPublishAlias: live
      FunctionUrlConfig: {{ AuthType: NONE, Cors: {{ AllowOrigins: ["http://one.test"], AllowMethods: [GET] }} }}
      Events:
        Root: {{ Type: Api, Properties: {{ Path: /, Method: get }} }}
        Item: {{ Type: Api, Properties: {{ Path: "/items/{{id}}", Method: any }} }}
        Rest: {{ Type: Api, Properties: {{ Path: "/{{proxy+}}", Method: get }} }}
  Web:
    Type: AWS::Serverless::HttpApi
    Properties: {{ CorsConfiguration: {{ AllowOrigins: ["http://one.test"], AllowMethods: [GET], MaxAge: 60 }} }}
  Http:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: {RUNTIME}
      Handler: index.handler
      InlineCode: {json.dumps(ECHO)}
      Events:
        Item: {{ Type: HttpApi, Properties: {{ ApiId: !Ref Web, Path: "/items/{{id}}", Method: get }} }}
        Any: {{ Type: HttpApi, Properties: {{ ApiId: !Ref Web }} }}
Outputs:
  Rest: {{ Value: !Ref ServerlessRestApi }}
  Web: {{ Value: !Ref Web }}
  Url: {{ Value: !GetAtt RestUrl.FunctionUrl }}
"""


@dataclass(frozen=True)
class Answer:
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        """The body."""
        return json.loads(self.body)


@pytest.fixture(scope="module")
def aws():
    with LocalAws(settle=0) as here:
        yield here


@pytest.fixture(scope="module")
def client(aws):
    return lambda service: Session("test", "test", region_name="us-east-1").client(
        service, endpoint_url=aws.endpoint_url
    )


@pytest.fixture(scope="module")
def stack(client):
    """The outputs of the stack."""
    stacks = client("cloudformation")
    allowed = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    stacks.create_change_set(
        StackName="web", ChangeSetName="one", ChangeSetType="CREATE", TemplateBody=SAM, Capabilities=allowed
    )
    stacks.execute_change_set(StackName="web", ChangeSetName="one")
    described = stacks.describe_stacks(StackName="web")["Stacks"][0]
    events = stacks.describe_stack_events(StackName="web")["StackEvents"]
    assert described["StackStatus"] == "CREATE_COMPLETE", [one.get("ResourceStatusReason") for one in events]
    return {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}


@pytest.fixture
def ask(aws):
    """Sends a request by the name of the host, as a browser does, whatever this machine makes of such names."""

    def send(host, path, method="GET", body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"{aws.endpoint_url}{path}", body, {"Host": f"{host}:{aws.endpoint_url[-5:]}", **named}, method=method
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return Answer(
                    answer.status, {key.lower(): value for key, value in answer.headers.items()}, answer.read()
                )
        except urllib.error.HTTPError as error:
            return Answer(error.code, {key.lower(): value for key, value in error.headers.items()}, error.read())

    return send


@pytest.fixture
def rest(stack, ask):
    """Asks the REST API."""
    host = f"{stack['Rest']}.execute-api.us-east-1.localhost"
    return lambda path, *more, **settings: ask(host, path, *more, **settings)


@pytest.fixture
def http(stack, ask):
    """Asks the HTTP API."""
    host = f"{stack['Web']}.execute-api.us-east-1.localhost"
    return lambda path, *more, **settings: ask(host, path, *more, **settings)


@pytest.fixture
def url(stack, ask):
    """Asks the function's URL."""
    host = stack["Url"].split("/")[2].partition(":")[0]
    return lambda path, *more, **settings: ask(host, path, *more, **settings)


def test_a_rest_api_sends_the_first_form(rest, stack):
    answer = rest("/Prod/items/a%20b?x=1&x=2&y=", X_Custom="yes")
    event = answer.json
    assert (answer.status, event["resource"], event["path"]) == (201, "/items/{id}", "/items/a%20b")
    assert event["pathParameters"] == {"id": "a b"}
    assert event["queryStringParameters"] == {"x": "2", "y": ""}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": [""]}
    assert event["headers"]["X-Custom"] == "yes"
    assert event["requestContext"]["stage"] == "Prod"
    assert event["requestContext"]["apiId"] == stack["Rest"]
    assert "version" not in event
    assert rest("/Prod/").json["pathParameters"] is None
    assert rest("/Prod/deep/down").json["pathParameters"] == {"proxy": "deep/down"}


def test_an_http_api_sends_the_second_form(http):
    answer = http("/items/a%20b?x=1&x=2", Cookie="a=1; b=2")
    event = answer.json
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "GET /items/{id}", "/items/a b")
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["queryStringParameters"] == {"x": "1,2"}
    assert event["rawQueryString"] == "x=1&x=2"
    assert event["pathParameters"] == {"id": "a b"}
    assert event["requestContext"]["http"]["method"] == "GET"
    assert event["requestContext"]["stage"] == "$default"
    other = http("/elsewhere", "POST", b"text", Content_Type="text/plain").json
    assert (other["routeKey"], other["body"], other["isBase64Encoded"]) == ("$default", "text", False)


def test_a_function_url_is_of_the_alias(url):
    event = url("/any/path", "PUT", b"\x00\xff", Content_Type="application/octet-stream").json
    assert (event["rawPath"], event["requestContext"]["accountId"]) == ("/any/path", "anonymous")
    assert base64.b64decode(event["body"]) == b"\x00\xff"
    assert event["isBase64Encoded"]


def test_stages_and_routes_that_are_not_there(rest, http):
    assert (rest("/none/").status, rest("/none/").json) == (403, {"message": "Forbidden"})
    assert rest("/Prod/", "DELETE").json == {"message": "Missing Authentication Token"}
    assert rest("/Stage/").status == 201
    assert http("/").status == 201


def test_what_goes_wrong_in_the_function_has_each_front_s_own_error(rest, http, url):
    for path in ("fail", "wrong"):
        assert (rest(f"/Prod/{path}").status, rest(f"/Prod/{path}").json["message"]) == (502, "Internal server error")
        assert (http(f"/{path}").status, http(f"/{path}").json["message"]) == (500, "Internal Server Error")
        assert (url(f"/{path}").status, url(f"/{path}").body) == (502, b"Internal Server Error")


def test_binary_answers(rest, http):
    assert http("/picture").body == b"\x89PNG\x0d"[:4]
    assert rest("/Prod/picture", Accept="image/png").body == b"\x89PNG"
    assert rest("/Prod/picture", Accept="text/html").body == b"iVBORw=="


def test_another_page_may_read_it_where_cors_says_so(rest, http, url):
    wish = {"Origin": "http://one.test", "Access_Control_Request_Method": "GET"}
    allowed = http("/items/1", "OPTIONS", **wish)
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (204, "http://one.test")
    assert (allowed.headers["access-control-allow-methods"], allowed.headers["access-control-max-age"]) == ("GET", "60")
    assert "access-control-allow-origin" not in http("/", "OPTIONS", **{**wish, "Origin": "http://two.test"}).headers
    assert http("/", Origin="http://one.test").headers["access-control-allow-origin"] == "http://one.test"
    assert "access-control-allow-origin" not in http("/", Origin="http://two.test").headers
    assert url("/", "OPTIONS", **wish).headers["access-control-allow-origin"] == "http://one.test"
    mock = rest("/Prod/items/1", "OPTIONS", **{**wish, "Origin": "http://two.test"})
    assert (mock.status, mock.headers["access-control-allow-origin"]) == (200, "*")
    assert rest("/Prod/").headers["access-control-allow-origin"] == "of the function"


def test_aws_itself_is_closed_to_other_pages(aws, ask):
    assert ask("127.0.0.1", "/2015-03-31/functions/", Origin="http://one.test").status == 403
    assert ask("api.evil.test", "/").status == 403
    assert ask("unknown.execute-api.us-east-1.localhost", "/").status == 403


def test_the_list_of_apis_gives_addresses_that_work(stack, ask):
    rows = ask("127.0.0.1", "/_ldeploy/apis").json
    assert {(row["kind"], row["id"]) for row in rows} >= {("rest", stack["Rest"]), ("http", stack["Web"])}
    assert stack["Url"] in {row["url"] for row in rows}
    assert ask("127.0.0.1", f"/_ldeploy/apis/{stack['Rest']}/Prod/items/7").json["pathParameters"] == {"id": "7"}


def test_the_stack_s_next_template_is_what_the_apis_do_next(client, stack, rest, http):
    stacks = client("cloudformation")
    stacks.update_stack(
        StackName="web", TemplateBody=SAM.replace("/items/", "/things/"), Capabilities=["CAPABILITY_IAM"]
    )
    assert stacks.describe_stacks(StackName="web")["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
    assert rest("/Prod/things/1").json["resource"] == "/things/{id}"
    assert rest("/Prod/items/1").json["resource"] == "/{proxy+}"
    assert http("/things/1").json["routeKey"] == "GET /things/{id}"
    stacks.delete_stack(StackName="web")
    assert rest("/Prod/things/1").status == 403


def test_an_api_imported_by_a_client_needs_no_description(client, ask):
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"
    functions = client("lambda")
    made = functions.create_function(
        FunctionName="imported",
        Runtime=RUNTIME,
        Handler="index.handler",
        Role="arn:aws:iam::123456789012:role/any",
        Code={"ZipFile": packed({"index.py": ECHO})},
    )
    document = {
        "swagger": "2.0",
        "info": {"title": "imported", "version": "1"},
        "x-amazon-apigateway-binary-media-types": ["*/*"],
        "paths": {
            "/": {
                "x-amazon-apigateway-any-method": {
                    "x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": uri.format(made["FunctionArn"])}
                }
            }
        },
    }
    apis = client("apigateway")
    api = apis.import_rest_api(body=json.dumps(document).encode())
    apis.create_deployment(restApiId=api["id"], stageName="api")
    answer = ask(f"{api['id']}.execute-api.us-east-1.localhost", "/api/", "POST", b"text", Content_Type="text/plain")
    assert answer.json["body"] == base64.b64encode(b"text").decode()
    second = client("apigatewayv2").create_api(Name="quick", ProtocolType="HTTP", Target=made["FunctionArn"])
    host = second["ApiEndpoint"].removeprefix("http://").partition(":")[0]
    assert ask(host, "/x").json["routeKey"] == "$default"


def chosen(routes, method, path):
    """The record of the route that answers."""
    found = best(routes, method, path)
    assert found
    return found[0].record


def test_the_most_specific_route_comes_first():
    routes = [Route("ANY", one, one) for one in ("$default", "/{all+}", "/a/{x}", "/a/{x+}", "/a/b")]
    routes.append(Route("GET", "/a/b", "own"))
    for path, expected in (("/a/b", "own"), ("/a/c", "/a/{x}"), ("/a/c/d", "/a/{x+}"), ("/b", "/{all+}")):
        assert chosen(routes, "GET", path) == expected
    assert chosen(routes, "POST", "/a/b") == "/a/b"
    assert chosen(routes, "POST", "/") == "$default"


@pytest.mark.parametrize(
    ("payload", "status", "body"),
    [
        (b'"text"', 200, b"text"),
        (b'{"a": 1}', 200, b'{"a": 1}'),
        (b'{"statusCode": 404}', 404, b""),
        (b'{"statusCode": "302", "headers": {"location": "/x", "n": 1}, "cookies": ["a=1", "b=2"]}', 302, b""),
    ],
)
def test_short_answers_of_the_second_form(payload, status, body):
    target = Target(Kind.HTTP, "api", "us-east-1", "1", "arn")
    reply = reply_of(payload, target, request())
    assert (reply.status, reply.body) == (status, body)
    if status == 302:
        assert [value for name, value in reply.headers if name == "Set-Cookie"] == ["a=1", "b=2"]
        assert ("n", "1") in reply.headers


@pytest.mark.parametrize("payload", [b'"text"', b"[]", b'{"statusCode": 200, "body": {}}', b'{"body": "x"}'])
def test_malformed_answers_of_the_first_form(payload):
    with pytest.raises(MalformedError):
        reply_of(payload, Target(Kind.REST, "api", "us-east-1", "1", "arn", version="1.0"), request())


def test_a_form_is_binary_to_an_http_api_and_text_to_a_rest_api():
    sent = request(headers=(("Content-Type", "application/x-www-form-urlencoded"),), body=b"a=1")
    first = Target(Kind.REST, "api", "us-east-1", "1", "arn", version="1.0")
    assert event_of(first, sent)["body"] == "a=1"
    assert event_of(Target(Kind.HTTP, "api", "us-east-1", "1", "arn"), sent)["isBase64Encoded"]


def request(**settings):
    """A request."""
    plain = {"api": "api", "method": "GET", "path": "/", "query": "", "headers": (), "body": b"", "address": "::1"}
    return WebRequest(**{**plain, **settings})
