//! `metadata.managedFields`: which manager owns which fields.

use serde_json::{Value, json};

use super::super::fieldset::FieldSet;
use super::super::object;

/// One entry of `metadata.managedFields`.
#[derive(Debug, Clone, PartialEq)]
pub struct Manager {
    pub name: String,
    /// `Apply` or `Update`.
    pub operation: &'static str,
    pub api_version: String,
    pub subresource: String,
    pub time: String,
    pub fields: FieldSet,
}

impl Manager {
    pub(super) fn is(&self, writer: &Writer<'_>, operation: &str) -> bool {
        self.name == writer.manager
            && self.operation == operation
            && self.subresource == writer.subresource
            && self.api_version == writer.api_version
    }

    /// As conflict messages name it.
    pub(super) fn printed(&self) -> String {
        let mut text = format!("{:?}", self.name);
        if !self.subresource.is_empty() {
            text = format!("{text} with subresource {:?}", self.subresource);
        }
        if self.operation == "Update" {
            format!("{text} using {}", self.api_version)
        } else {
            text
        }
    }
}

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    pub manager: &'a str,
    pub api_version: &'a str,
    pub subresource: &'a str,
}

pub fn managers(live: &Value) -> Vec<Manager> {
    object::list(live, "/metadata/managedFields")
        .iter()
        .filter(|entry| entry.get("fieldsV1").is_some())
        .map(|entry| Manager {
            name: object::text(entry, "/manager").to_owned(),
            operation: if object::text(entry, "/operation") == "Apply" {
                "Apply"
            } else {
                "Update"
            },
            api_version: object::text(entry, "/apiVersion").to_owned(),
            subresource: object::text(entry, "/subresource").to_owned(),
            time: object::text(entry, "/time").to_owned(),
            fields: FieldSet::from_json(&entry["fieldsV1"]),
        })
        .collect()
}

pub(super) fn write_managers(target: &mut Value, managers: &[Manager]) {
    let mut ordered: Vec<&Manager> = managers.iter().filter(|m| !m.fields.is_empty()).collect();
    ordered.sort_by(|a, b| (a.operation, &a.time, &a.name).cmp(&(b.operation, &b.time, &b.name)));
    let entries: Vec<Value> = ordered
        .iter()
        .map(|manager| {
            let mut entry = json!({
                "manager": manager.name, "operation": manager.operation, "apiVersion": manager.api_version,
                "time": manager.time, "fieldsType": "FieldsV1", "fieldsV1": manager.fields.to_json(),
            });
            if !manager.subresource.is_empty() {
                entry["subresource"] = manager.subresource.clone().into();
            }
            entry
        })
        .collect();
    let value = if entries.is_empty() {
        Value::Null
    } else {
        Value::Array(entries)
    };
    object::set(target, &["metadata", "managedFields"], value);
}

/// Takes out what nobody owns: identity and what the server itself maintains.
pub(super) fn strip(mut set: FieldSet, subresource: &str, has_status: bool) -> FieldSet {
    for path in ["f:apiVersion", "f:kind"] {
        set.remove(&[path]);
    }
    for name in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "generation",
        "managedFields",
        "resourceVersion",
        "generateName",
    ] {
        set.remove(&["f:metadata", &format!("f:{name}")]);
    }
    if let Some(metadata) = set.children.get_mut("f:metadata") {
        metadata.member = false;
        if metadata.is_empty() {
            set.children.remove("f:metadata");
        }
    }
    if has_status && subresource != "status" {
        set.remove(&["f:status"]);
    }
    if subresource == "status" {
        set.remove(&["f:spec"]);
    }
    set
}
