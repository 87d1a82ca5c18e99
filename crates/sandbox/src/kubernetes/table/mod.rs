//! The forms of an answer: whole objects, metadata only, or the table that `kubectl get` prints.

mod cells;
mod columns;

use serde_json::{Value, json};

use super::object::{self, text};
use super::resource::Resource;

use cells::cells;
use columns::columns;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Full,
    Table,
    /// `PartialObjectMetadata`.
    Metadata,
}

impl Form {
    /// The first form in an `Accept` header that the server can give.
    pub fn of(accept: &str) -> Self {
        for part in accept.split(',').filter(|p| p.contains("json")) {
            if part.contains("as=Table") && part.contains("v=v1;") | part.trim_end().ends_with("v=v1") {
                return Self::Table;
            }
            if part.contains("as=PartialObjectMetadata") {
                return Self::Metadata;
            }
            if !part.contains("as=") {
                return Self::Full;
            }
        }
        Self::Full
    }

    pub fn object(self, resource: &Resource, target: &Value) -> Value {
        match self {
            Self::Full => target.clone(),
            Self::Metadata => partial(target),
            Self::Table => {
                let metadata = json!({ "resourceVersion": text(target, "/metadata/resourceVersion") });
                table(resource, &[target], &metadata)
            }
        }
    }

    pub fn list(self, resource: &Resource, items: Vec<Value>, metadata: &Value) -> Value {
        match self {
            Self::Full => {
                // Items of a typed list do not repeat what they are.
                let items: Vec<Value> = items
                    .into_iter()
                    .map(|mut item| {
                        object::set(&mut item, &["kind"], Value::Null);
                        object::set(&mut item, &["apiVersion"], Value::Null);
                        item
                    })
                    .collect();
                json!({ "kind": format!("{}List", resource.kind), "apiVersion": resource.api_version(), "metadata": metadata, "items": items })
            }
            Self::Metadata => {
                let items: Vec<Value> = items.iter().map(partial).collect();
                json!({ "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items })
            }
            Self::Table => table(resource, &items.iter().collect::<Vec<_>>(), metadata),
        }
    }
}

fn partial(target: &Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": target["metadata"] })
}

fn table(resource: &Resource, items: &[&Value], metadata: &Value) -> Value {
    let columns: Vec<Value> = columns(resource.name)
        .iter()
        .map(|(name, wide)| {
            let kind = if INTEGERS.contains(name) { "integer" } else { "string" };
            let format = if *name == "Name" { "name" } else { "" };
            json!({ "name": name, "type": kind, "format": format, "description": "", "priority": i32::from(*wide) })
        })
        .collect();
    let rows: Vec<Value> = items
        .iter()
        .map(|item| json!({ "cells": cells(resource.name, item), "object": partial(item) }))
        .collect();
    json!({ "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns, "rows": rows })
}

const INTEGERS: [&str; 12] = [
    "Desired",
    "Current",
    "Ready Replicas",
    "Up-to-date",
    "Available",
    "Data",
    "Secrets",
    "Count",
    "MinPods",
    "MaxPods",
    "Replicas",
    "Allowed Disruptions",
];
