//! `OpenAPI` v3 documents made from the schema: enough for `kubectl explain`, `apply`, `diff` and `--validate`.

use serde_json::{Map, Value, json};

use super::resource::{GROUPS, RESOURCES, Resource, group_version};
use super::schema::{Field, Schema, Shape, Struct};

/// The index under `/openapi/v3`.
pub fn index() -> Value {
    let mut paths = Map::new();
    paths.insert(
        "api/v1".into(),
        json!({ "serverRelativeURL": "/openapi/v3/api/v1?hash=1" }),
    );
    for (group, versions) in GROUPS {
        for version in *versions {
            let path = format!("apis/{group}/{version}");
            let url = format!("/openapi/v3/{path}?hash=1");
            paths.insert(path, json!({ "serverRelativeURL": url }));
        }
    }
    json!({ "paths": paths })
}

/// The name of a type in the documents: `io.k8s.api.apps.v1.Deployment`.
fn full_name(of: &Struct) -> String {
    let kind = of.name.rsplit('.').next().unwrap_or(&of.name);
    if of.package.starts_with("meta.") {
        format!("io.k8s.apimachinery.pkg.apis.{}.{kind}", of.package)
    } else {
        format!("io.k8s.api.{}.{kind}", of.package)
    }
}

fn shape_schema(shape: &Shape) -> Value {
    match shape {
        Shape::String => json!({ "type": "string" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Int32 => json!({ "type": "integer", "format": "int32" }),
        Shape::Int64 => json!({ "type": "integer", "format": "int64" }),
        Shape::Number => json!({ "type": "number", "format": "double" }),
        Shape::Bytes => json!({ "type": "string", "format": "byte" }),
        Shape::Time | Shape::MicroTime => json!({ "type": "string", "format": "date-time" }),
        Shape::Quantity => json!({ "oneOf": [{ "type": "string" }, { "type": "number" }] }),
        Shape::IntOrString => {
            json!({ "format": "int-or-string", "oneOf": [{ "type": "integer" }, { "type": "string" }] })
        }
        Shape::Any => json!({ "type": "object" }),
        Shape::Struct(index) => {
            let name = full_name(Schema::get().by_index(*index));
            json!({ "allOf": [{ "$ref": format!("#/components/schemas/{name}") }] })
        }
        Shape::List(item) => json!({ "type": "array", "items": shape_schema(item) }),
        Shape::Map(value) => json!({ "type": "object", "additionalProperties": shape_schema(value) }),
    }
}

fn field_schema(field: &Field) -> Value {
    let mut schema = shape_schema(&field.shape);
    if !field.keys.is_empty() {
        schema["x-kubernetes-list-type"] = "map".into();
        schema["x-kubernetes-list-map-keys"] = json!(field.keys);
    } else if field.set {
        schema["x-kubernetes-list-type"] = "set".into();
    } else if matches!(field.shape, Shape::List(_)) {
        schema["x-kubernetes-list-type"] = "atomic".into();
    }
    if field.atomic {
        schema["x-kubernetes-map-type"] = "atomic".into();
    }
    if let Some(key) = &field.merge_key {
        schema["x-kubernetes-patch-merge-key"] = key.clone().into();
    }
    let strategy = match (field.merge, field.retain_keys) {
        (true, true) => "merge,retainKeys",
        (true, false) => "merge",
        (false, true) => "retainKeys",
        (false, false) => return schema,
    };
    schema["x-kubernetes-patch-strategy"] = strategy.into();
    schema
}

fn struct_schema(of: &Struct) -> Value {
    let properties: Map<String, Value> = of
        .fields
        .iter()
        .map(|f| (f.name.clone(), field_schema(f)))
        .collect();
    let required: Vec<&String> = of.fields.iter().filter(|f| f.required).map(|f| &f.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if of.atomic {
        schema["x-kubernetes-map-type"] = "atomic".into();
    }
    schema
}

fn collect(shape: &Shape, schemas: &mut Map<String, Value>) {
    match shape {
        Shape::List(inner) | Shape::Map(inner) => collect(inner, schemas),
        Shape::Struct(index) => {
            let of = Schema::get().by_index(*index);
            let name = full_name(of);
            if schemas.contains_key(&name) {
                return;
            }
            schemas.insert(name, struct_schema(of));
            for field in &of.fields {
                collect(&field.shape, schemas);
            }
        }
        _ => {}
    }
}

fn kind_of(resource: &Resource) -> Value {
    json!({ "group": resource.group, "version": resource.version, "kind": resource.kind })
}

fn item_path(resource: &Resource) -> String {
    let root = if resource.group.is_empty() {
        "/api/v1".to_owned()
    } else {
        format!("/apis/{}", resource.api_version())
    };
    let namespace = if resource.namespaced {
        "/namespaces/{namespace}"
    } else {
        ""
    };
    format!("{root}{namespace}/{}/{{name}}", resource.name)
}

/// The document of one group version; none when it is not served.
pub fn document(group: &str, version: &str) -> Option<Value> {
    super::discovery::resources(group, version)?;
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for resource in RESOURCES
        .iter()
        .filter(|r| r.group == group && r.version == version)
    {
        let shape = Schema::get().shape(resource.schema);
        collect(&shape, &mut schemas);
        if let Shape::Struct(index) = shape {
            let name = full_name(Schema::get().by_index(index));
            if let Some(schema) = schemas.get_mut(&name) {
                schema["x-kubernetes-group-version-kind"] = json!([kind_of(resource)]);
            }
        }
        let query = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } });
        let parameters: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation", "force"]
            .map(query)
            .into();
        let mut operations = Map::new();
        for (verb, action) in [
            ("get", "get"),
            ("put", "put"),
            ("patch", "patch"),
            ("delete", "delete"),
        ] {
            let operation = json!({
                "operationId": format!("{action}{}{}", resource.kind, resource.version), "parameters": parameters,
                "x-kubernetes-action": action, "x-kubernetes-group-version-kind": kind_of(resource),
                "responses": { "200": { "description": "OK" } },
            });
            operations.insert(verb.to_owned(), operation);
        }
        paths.insert(item_path(resource), Value::Object(operations));
    }
    Some(json!({
        "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": group_version(group, version) },
        "paths": paths, "components": { "schemas": schemas },
    }))
}
