"""The bucket of ldeploy's own: private in every way, finished where a run left it half made, and nobody else's."""

import json

from tests.functional.project import CREATE

OWN = "ldeploy-123456789012-us-east-1"
SETTINGS = {
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketPolicy": "PutBucketPolicy",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketVersioning": "PutBucketVersioning",
}
"""What makes the bucket ours, in the order of the calls, and the permission that each needs."""


def probe(project, *arguments):
    package = ("--package", "build", *CREATE)
    return project.ldeploy("probe", "f", *package, *(arguments or ["--resolve-s3"]))


def check_whole(project):
    storage = project.cloud.storage
    assert set(storage.get_public_access_block(Bucket=OWN)["PublicAccessBlockConfiguration"].values()) == {True}
    assert storage.get_bucket_encryption(Bucket=OWN)["ServerSideEncryptionConfiguration"]["Rules"]
    assert storage.get_bucket_versioning(Bucket=OWN)["Status"] == "Enabled"
    [statement] = json.loads(storage.get_bucket_policy(Bucket=OWN)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    rules = {rule["ID"] for rule in storage.get_bucket_lifecycle_configuration(Bucket=OWN)["Rules"]}
    assert rules == {"old-versions", "uploads-cut-off"}


def test_a_bucket_that_was_left_half_made_is_finished_by_the_next_run(project):
    for operation, permission in SETTINGS.items():
        project.cloud.aws.faults.order(f"s3.{operation}*", "deny", times=1)
        refused = probe(project)
        assert (refused.code, f"s3:{permission}" in refused.err) == (1, True), refused.err
        assert not project.cloud.functions.list_functions()["Functions"]
    done = probe(project)
    assert done.code == 0, done.err
    check_whole(project)


def test_a_bucket_of_another_account_is_refused_at_each_call(project):
    refused = probe(project, "--bucket", "packages", "--bucket-owner", "999999999999")
    assert refused.code == 1
    assert "--bucket-owner" in refused.err
    assert probe(project, "--bucket", "packages", "--bucket-owner", "123456789012").code == 0
