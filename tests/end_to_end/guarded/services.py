"""Clients of several services: a model, endpoints, paginators and waiters each, JSON files found by a service's name."""

REQUIREMENTS = ["boto3==1.40.1"]
EVENTS = [{"service": "s3"}, {"service": "dynamodb"}, {"service": "ec2"}, {"service": "cloudformation"}]

import boto3

SESSION = boto3.Session("key", "secret", region_name="eu-west-1")


def handler(event, context):
    name = event["service"]
    client = SESSION.client(name)
    model = client.meta.service_model
    resource = SESSION.resource(name)
    pages = [operation for operation in client.meta.method_to_api_mapping if client.can_paginate(operation)]
    return [boto3.__version__, model.api_version, len(pages), client.waiter_names, resource.meta.service_name,
            client.meta.endpoint_url, sorted(SESSION.get_available_regions(name))[:3]]  # fmt: skip
