"""What a function allows while it is being created or changed on the embedded AWS."""

from tests.functional.local_aws import cloud, refusal, spec
from tests.zips import packed


def test_a_function_is_not_changed_or_called_before_it_is_active() -> None:
    with cloud(settle=30.0) as slow:
        slow.functions.create_function(**spec("pending"))
        expected = (
            409,
            "ResourceConflictException",
            "The operation cannot be performed at this time. The function is currently in the following state: Pending",
        )
        assert refusal(slow.functions.invoke, FunctionName="pending") == expected
        assert refusal(slow.functions.update_function_configuration, FunctionName="pending", Timeout=4) == expected


def test_one_update_at_a_time_and_the_old_code_serves_meanwhile() -> None:
    with cloud(settle=5.0) as slow:
        slow.create("busy", "def handler(e, c): return 'old'")
        changed = slow.functions.update_function_code(
            FunctionName="busy", ZipFile=packed({"app.py": "def handler(e, c): return 'new'"})
        )
        assert changed["LastUpdateStatus"] == "InProgress"
        arn = changed["FunctionArn"]
        text = f"The operation cannot be performed at this time. An update is in progress for resource: {arn}"
        expected = (409, "ResourceConflictException", text)
        assert refusal(slow.functions.update_function_configuration, FunctionName="busy", Timeout=4) == expected
        assert refusal(slow.functions.publish_version, FunctionName="busy") == expected
        assert slow.invoke("busy").value == "old"
        slow.settle("busy")
        assert slow.invoke("busy").value == "new"
