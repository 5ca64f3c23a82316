#!/usr/bin/env python3
"""Holds an OpenAPI 3.1 document, and answers of a live server against it.

    check_answers.py openapi.yaml answers.ndjson

A line of answers.ndjson: {"method", "target", "status", "type", "body"}; of a stream's message, status 101.
Prints what is wrong, a line each; exit code 1 where anything is. JSON Schema 2020-12 by python3-jsonschema.
"""
import csv
import io
import json
import re
import sys

import jsonschema
import yaml

PROBLEM = "application/problem+json"
METHODS = ("get", "put", "post", "delete", "patch")
faults = []

formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time")
def is_instant(text):
    return not isinstance(text, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text))


@formats.checks("date")
def is_date(text):
    return not isinstance(text, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text))


def children(schema):
    """Schemas inside a schema: where, and whether they stand for a value of their own (else for a part)."""
    for name in ("properties", "patternProperties"):
        for key, part in schema.get(name, {}).items():
            yield (name, key), part, True
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield (name,), schema[name], True
    for name in ("prefixItems", "oneOf", "anyOf", "allOf"):
        for at, part in enumerate(schema.get(name, [])):
            yield (name, at), part, name != "allOf"


def walk(schema, place):
    if not isinstance(schema, dict):
        return
    yield schema, place
    for path, part, _ in children(schema):
        yield from walk(part, f"{place}/{'/'.join(map(str, path))}")


def closed(schema, is_value=True):
    """A copy in which objects have no members but those that are described."""
    if not isinstance(schema, dict):
        return schema
    out = json.loads(json.dumps(schema))
    for path, part, is_part_value in children(schema):
        holder = out
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = closed(part, is_part_value)
    if "$ref" in out and not is_value:
        out["$ref"] = out["$ref"].replace("#/components/schemas/", "#/open/")
    whole = "properties" in out or "allOf" in out
    if is_value and whole and "additionalProperties" not in out:
        out["unevaluatedProperties"] = False
    return out


class Document:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.root = yaml.load(file, Loader=yaml.CSafeLoader)
        schemas = self.root["components"]["schemas"]
        self.base = {
            "components": {"schemas": {name: closed(s) for name, s in schemas.items()}},
            "open": {name: closed(s, is_value=False) for name, s in schemas.items()},
        }
        self.operations = {}
        for path_text, item in self.root["paths"].items():
            pattern = re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path_text))
            for method in METHODS:
                if method in item:
                    name = item[method]["operationId"]
                    self.operations[name] = (method.upper(), re.compile(pattern), item[method], path_text)

    def resolve(self, thing):
        while isinstance(thing, dict) and "$ref" in thing:
            found = self.root
            for step in thing["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            thing = found
        return thing

    def operation_of(self, method, target):
        path = target.split("?")[0]
        fitting = [
            (text.count("{"), name)
            for name, (m, pattern, _, text) in self.operations.items()
            if m == method and pattern.fullmatch(path)
        ]
        return min(fitting)[1] if fitting else None

    def errors(self, schema, value):
        if schema is True:
            return []
        validator = jsonschema.Draft202012Validator({**closed(schema), **self.base}, format_checker=formats)
        return [f"{e.json_path}: {e.message[:400]}" for e in validator.iter_errors(value)]

    def response_of(self, operation, status):
        responses = self.operations[operation][2]["responses"]
        found = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        return self.resolve(found) if found else None


def check_document(document):
    """What an answer cannot show: schemas are schemas, say what is in them, and their examples fit."""
    found = []
    for name, schema in document.root["components"]["schemas"].items():
        found.append((schema, f"schemas/{name}", True))
    contents = []
    for name, (_, _, operation, _) in document.operations.items():
        contents.append((operation.get("requestBody", {}), f"{name}/request", False))
        for status, response in operation["responses"].items():
            contents.append((document.resolve(response), f"{name}/{status}", True))
        for parameter in operation.get("parameters", []):
            p = document.resolve(parameter)
            if not p.get("description"):
                faults.append(f"{name}/{p['name']}: a parameter without a description")
            found.append((p["schema"], f"{name}/{p['name']}", False))
    for holder, place, answers in contents:
        for kind, media in holder.get("content", {}).items():
            found.append((media["schema"], f"{place}/{kind}", answers))
            for example in [media.get("example")] + [e["value"] for e in media.get("examples", {}).values()]:
                if example is not None:
                    for error in document.errors(media["schema"], example):
                        faults.append(f"{place}/{kind}: its example: {error}")
    for top, top_place, answers in found:
        jsonschema.Draft202012Validator.check_schema(top)
        for schema, place in walk(top, top_place):
            says = schema.keys() & {"properties", "additionalProperties", "allOf", "oneOf", "anyOf", "const", "enum"}
            if schema.get("type") == "object" and not says:
                faults.append(f"{place}: an object of which nothing is said")
            if schema.get("type") == "array" and not schema.keys() & {"items", "prefixItems"}:
                faults.append(f"{place}: an array of which nothing is said")
            if answers and "properties" in schema and "required" not in schema:
                faults.append(f"{place}: it does not say which members are always there")
            for wrong in set(schema.get("required", [])) - set(schema.get("properties", {})):
                if "properties" in schema:
                    faults.append(f"{place}: requires {wrong}, which it does not describe")
            for example in schema.get("examples", []) + ([schema["default"]] if "default" in schema else []):
                for error in document.errors(schema, example):
                    faults.append(f"{place}: its example: {error}")


def bodies_of(kind, body):
    """The values in a body that its media type's schema is about."""
    if kind == "application/x-ndjson":
        return [json.loads(line) for line in body.splitlines() if line]
    if kind == "text/csv":
        rows = list(csv.reader(io.StringIO(body)))
        return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    return [json.loads(body)] if kind.endswith("json") else [body]


def check_answer(document, operation, answer):
    place = f"{answer['method']} {answer['target']} -> {answer['status']}"
    response = document.response_of(operation, answer["status"])
    if response is None:
        return [f"{place}: {operation} does not list this status: {answer['body'][:300]}"]
    kind = answer["type"].split(";")[0]
    content = response.get("content")
    if content is None:
        return [f"{place}: a body that {operation} does not describe"] if answer["body"] else []
    if kind not in content:
        return [f"{place}: {operation} does not list the type {kind or '(none)'}: {answer['body'][:300]}"]
    if answer["status"] >= 400 and kind != PROBLEM:
        return [f"{place}: a refusal that is no problem document"]
    try:
        values = bodies_of(kind, answer["body"])
    except ValueError as e:
        return [f"{place}: {e}"]
    errors = [f"{place}: {error}" for value in values for error in document.errors(content[kind]["schema"], value)]
    if answer["status"] >= 400 and values and values[0].get("status") != answer["status"]:
        errors.append(f"{place}: the problem's status is another")
    return errors


def main(document_path, answers_path):
    document = Document(document_path)
    check_document(document)
    done, refused = set(), set()
    with open(answers_path, encoding="utf-8") as file:
        answers = [json.loads(line) for line in file]
    for answer in answers:
        operation = document.operation_of(answer["method"], answer["target"])
        if operation is None:
            faults.append(f"{answer['method']} {answer['target']}: no operation of the document")
            continue
        faults.extend(check_answer(document, operation, answer))
        (refused if answer["status"] >= 400 else done).add(operation)
    for operation in document.operations:
        if operation not in done:
            faults.append(f"{operation}: no answer of success was seen")
        if operation not in refused:
            faults.append(f"{operation}: no refusal was seen")
    for fault in faults:
        print(fault)
    print(f"{len(answers)} answers of {len(done | refused)} operations, {len(faults)} faults", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
