//! Drift: what a cluster has against what was applied to it, field by field, and who made the difference.
//!
//! A server-side dry run says what the objects would be if they were applied again. Where that differs from what is there,
//! somebody changed a field that was applied. Where somebody set a field that Slipway never set, the object's managed fields say
//! so. Defaults, the status and what controllers own are no drift.

mod added;

use crate::app::Deployed;
use crate::diff::DiffView;
use crate::environment::EnvironmentRef;
use crate::id::DeploymentId;
use crate::project::Place;
use crate::promotion::PromotionRow;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fmt;

pub use added::{adds, removal, stranger, was_applied};

/// One step from a value to one inside of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Into a field of an object.
    Field(String),
    /// Into the item of a list with these keys, as in `{"name": "web"}`.
    Item(Map<String, Value>),
}

/// Where a field is, from the root of its object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(pub Vec<Step>);

impl FieldPath {
    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

/// As Kubernetes prints it in conflicts: `.spec.template.spec.containers[name="web"].image`.
impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            match step {
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(keys) => {
                    let keys: Vec<String> =
                        keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                    write!(f, "[{}]", keys.join(","))?;
                }
            }
        }
        Ok(())
    }
}

/// Who wrote a field last, by the object's managed fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The field manager: the program, as in `kubectl-edit`.
    pub manager: String,
    /// Through which subresource, as in `scale`; empty: the object itself.
    pub subresource: String,
    /// When it wrote last.
    pub at: Option<Timestamp>,
}

/// The managers that Kubernetes' own controllers write as: what they change, they own.
const CONTROLLERS: [&str; 5] = [
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "cloud-controller-manager",
    "kube-apiserver",
];

impl Author {
    /// Whether it is one of Kubernetes' own controllers, as the one that scales by load.
    pub fn is_controller(&self) -> bool {
        CONTROLLERS.contains(&self.manager.as_str())
    }
}

/// A field that is not as it was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The kind of the object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The field; empty: the object itself, which is gone or was never applied.
    pub path: FieldPath,
    /// What was applied; `None`: nothing.
    pub applied: Option<Value>,
    /// What is there; `None`: nothing.
    pub live: Option<Value>,
    /// Who wrote it; `None`: nobody claims it, as where a field was taken away.
    pub by: Option<Author>,
}

impl FieldChange {
    /// Whether the object itself is gone.
    pub const fn is_gone(&self) -> bool {
        self.path.0.is_empty() && self.live.is_none()
    }

    /// Whether the object itself is one that Slipway never applied.
    pub const fn is_stranger(&self) -> bool {
        self.path.0.is_empty() && self.live.is_some()
    }

    /// Whether the change is in this object.
    pub fn is_in(&self, object: &Value) -> bool {
        object["kind"] == self.kind.as_str() && object["metadata"]["name"] == self.name.as_str()
    }
}

/// What a stop's cluster has against what was applied, at the last look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The deployment that it was compared with.
    pub deployment: DeploymentId,
    /// When it was looked at last.
    pub looked_at: Timestamp,
    /// Since when there is a difference; `None`: there is none.
    pub since: Option<Timestamp>,
    /// The fields that differ.
    pub changes: Vec<FieldChange>,
    /// Why it could not be compared at the last look; the rest is as of the look before.
    pub trouble: Option<Text>,
    /// When objects were last looked for that Slipway never applied: that is done less often.
    #[serde(default)]
    pub listed_at: Option<Timestamp>,
}

impl Drift {
    /// Whether something differs.
    pub const fn is_there(&self) -> bool {
        !self.changes.is_empty()
    }

    /// What the lane shows of it; `None`: all is as it was applied.
    pub fn brief(&self) -> Option<DriftBrief> {
        let since = self.since.filter(|_| self.is_there())?;
        Some(DriftBrief {
            fields: self.changes.len(),
            since,
            by: managers(&self.changes),
        })
    }
}

/// Who made the changes: each manager once, in order of appearance.
pub fn managers(changes: &[FieldChange]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for author in changes.iter().filter_map(|change| change.by.as_ref()) {
        if !names.contains(&author.manager) {
            names.push(author.manager.clone());
        }
    }
    names
}

/// How many fields differ, and who changed them, in a sentence without its full stop.
pub fn said(fields: usize, by: &[String]) -> Text {
    let (en, zh) = match by {
        [] => (String::new(), String::new()),
        by => (
            format!("; changed by {}", by.join(", ")),
            format!("，由 {} 修改", by.join("、")),
        ),
    };
    let are = if fields == 1 {
        String::from("1 field in the cluster is not as it was deployed")
    } else {
        format!("{fields} fields in the cluster are not as they were deployed")
    };
    Text::new(
        format!("{are}{en}"),
        format!("集群中有 {fields} 个字段与部署不一致{zh}"),
    )
}

/// The hash that names a drift: the same fields with the same values have the same, whenever they were looked at.
pub fn digest(changes: &[FieldChange]) -> String {
    let parts: Vec<Value> = changes
        .iter()
        .map(|c| json!([c.kind, c.name, c.path, c.applied, c.live]))
        .collect();
    hex::encode(Sha256::digest(Value::from(parts).to_string().as_bytes()))
}

/// What the lane shows of a drift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftBrief {
    /// How many fields differ.
    pub fields: usize,
    /// Since when it is known.
    pub since: Timestamp,
    /// The managers that made it; none: nobody claims it.
    pub by: Vec<String>,
}

/// What is done about a drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// What was deployed is applied again.
    Revert,
    /// What the cluster has becomes what was deployed.
    Adopt,
}

impl Settlement {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Revert, Self::Adopt];

    /// The stable key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Revert => "revert",
            Self::Adopt => "adopt",
        }
    }
}

/// What the page of a drift shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftPage {
    /// Where.
    pub place: Place,
    /// In which environment.
    pub environment: EnvironmentRef,
    /// What was deployed there; `None`: nothing yet.
    pub current: Option<Deployed>,
    /// The last look; `None`: nobody looked yet.
    pub drift: Option<Drift>,
    /// Names what the page shows: send it with a request to settle it.
    pub digest: String,
    /// From what was applied to what is there, as YAML.
    pub diff: DiffView,
    /// Reverts and adoptions that wait or run.
    pub open: Vec<PromotionRow>,
    /// Whether the reader may ask for it to be settled.
    pub may_settle: bool,
    /// Why it cannot be adopted; `None`: it can.
    pub not_adoptable: Option<Text>,
}

/// Why changes cannot be adopted; `None`: they can.
pub fn not_adoptable(changes: &[FieldChange]) -> Option<Text> {
    if let Some(other) = changes.iter().find(|change| change.is_stranger()) {
        return Some(Text::new(
            format!(
                "{} {} was never part of a release, so no deployment of one can be recorded with it. Put it into the app's workload or manifests and release that, or revert: that deletes it.",
                other.kind, other.name
            ),
            format!(
                "{} {} 从未属于任何发布，无法记录为部署内容。请将其加入应用的工作负载或清单后重新发布，或使用还原将其删除。",
                other.kind, other.name
            ),
        ));
    }
    let gone = changes.iter().find(|change| change.is_gone())?;
    Some(Text::new(
        format!(
            "{} {} was deleted. A deployment without it cannot be recorded: revert makes it again.",
            gone.kind, gone.name
        ),
        format!(
            "{} {} 已被删除，无法作为部署记录。请使用还原重新创建。",
            gone.kind, gone.name
        ),
    ))
}

/// The fields of `metadata` that people and programs set.
const OF_METADATA: [&str; 3] = ["labels", "annotations", "finalizers"];

/// The fields in which what is there differs from what applying it again would make of it, without what controllers own.
/// `live`: the object as it is, with its managed fields; `None`: it is gone. `wanted`: the answer of the dry run.
pub fn compare(live: Option<&Value>, wanted: &Value) -> Vec<FieldChange> {
    let text = |pointer: &str| {
        wanted
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (kind, name) = (text("/kind").to_owned(), text("/metadata/name").to_owned());
    let Some(live) = live else {
        return vec![FieldChange {
            kind,
            name,
            path: FieldPath::default(),
            applied: Some(Value::String(text("/metadata/name").to_owned())),
            live: None,
            by: None,
        }];
    };
    let mut found = Vec::new();
    differences(&FieldPath::default(), &bare(live), &bare(wanted), &mut found);
    let entries = managed(live);
    let beside = added::beside(live, entries, managed(wanted), &found);
    found.extend(beside.into_iter().map(|(path, there)| (path, Some(there), None)));
    found
        .into_iter()
        .map(|(path, there, wanted)| FieldChange {
            by: author(entries, &path),
            kind: kind.clone(),
            name: name.clone(),
            path,
            applied: wanted,
            live: there,
        })
        .filter(|change| !change.by.as_ref().is_some_and(Author::is_controller))
        .collect()
}

/// Who has which fields of an object.
fn managed(object: &Value) -> &[Value] {
    let managed = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    managed.map_or(&[], Vec::as_slice)
}

/// The object without what the server keeps of it.
fn bare(object: &Value) -> Value {
    let mut bare = object.clone();
    if let Some(fields) = bare.as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| OF_METADATA.contains(&key.as_str()));
        }
    }
    bare
}

type Difference = (FieldPath, Option<Value>, Option<Value>);

fn differences(path: &FieldPath, live: &Value, wanted: &Value, found: &mut Vec<Difference>) {
    match (live, wanted) {
        _ if live == wanted => {}
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                one(
                    &path.then(Step::Field(key.clone())),
                    a.get(key),
                    b.get(key),
                    found,
                );
            }
        }
        (Value::Array(a), Value::Array(b)) => match (keyed(path, a), keyed(path, b)) {
            (Some(a), Some(b)) => {
                for (keys, item) in &a {
                    let other = b.iter().find(|(other, _)| other == keys).map(|(_, item)| *item);
                    one(&path.then(Step::Item(keys.clone())), Some(item), other, found);
                }
                for (keys, item) in b
                    .iter()
                    .filter(|(keys, _)| !a.iter().any(|(other, _)| other == keys))
                {
                    one(&path.then(Step::Item(keys.clone())), None, Some(item), found);
                }
            }
            _ => found.push((path.clone(), Some(live.clone()), Some(wanted.clone()))),
        },
        _ => found.push((path.clone(), Some(live.clone()), Some(wanted.clone()))),
    }
}

fn one(path: &FieldPath, live: Option<&Value>, wanted: Option<&Value>, found: &mut Vec<Difference>) {
    match (live, wanted) {
        (Some(live), Some(wanted)) => differences(path, live, wanted, found),
        (None, None) => {}
        (live, wanted) => found.push((path.clone(), live.cloned(), wanted.cloned())),
    }
}

/// The keys that tell the items of a list apart where the API merges it by item; `None`: it is one value.
fn keys_of(path: &FieldPath, item: &Map<String, Value>) -> Option<&'static [&'static str]> {
    let Some(Step::Field(field)) = path.0.last() else {
        return None;
    };
    Some(match field.as_str() {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "resourceClaims" => &["name"],
        "ports" if item.contains_key("containerPort") => &["containerPort", "protocol"],
        "ports" => &["port", "protocol"],
        "volumeMounts" => &["mountPath"],
        "volumeDevices" => &["devicePath"],
        "hostAliases" => &["ip"],
        "topologySpreadConstraints" => &["topologyKey", "whenUnsatisfiable"],
        _ => return None,
    })
}

/// The value of an item's key; ports that do not say so speak TCP.
fn key_value(item: &Map<String, Value>, key: &str) -> Option<Value> {
    match (item.get(key), key) {
        (Some(value), _) => Some(value.clone()),
        (None, "protocol") => Some(Value::from("TCP")),
        (None, _) => None,
    }
}

fn keys_in(path: &FieldPath, item: &Value) -> Option<Map<String, Value>> {
    let item = item.as_object()?;
    let keys = keys_of(path, item)?.iter();
    keys.map(|key| Some(((*key).to_owned(), key_value(item, key)?)))
        .collect()
}

/// The items with their keys; `None` where the list is one value, or its keys do not tell its items apart.
fn keyed<'a>(path: &FieldPath, items: &'a [Value]) -> Option<Vec<(Map<String, Value>, &'a Value)>> {
    let mut list: Vec<(Map<String, Value>, &Value)> = Vec::new();
    for item in items {
        let keys = keys_in(path, item)?;
        if list.iter().any(|(other, _)| *other == keys) {
            return None;
        }
        list.push((keys, item));
    }
    Some(list)
}

/// Who wrote a field, or something in it, last; of `metadata.managedFields`.
fn author(managed: &[Value], path: &FieldPath) -> Option<Author> {
    let text = |entry: &Value, key: &str| {
        entry
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    managed
        .iter()
        .filter(|entry| {
            !(text(entry, "manager") == crate::manifest::FIELD_MANAGER && text(entry, "operation") == "Apply")
        })
        .filter(|entry| {
            entry
                .get("fieldsV1")
                .is_some_and(|fields| claims(fields, &path.0))
        })
        .map(|entry| Author {
            manager: text(entry, "manager"),
            subresource: text(entry, "subresource"),
            at: Timestamp::parse_rfc3339(&text(entry, "time")),
        })
        .max_by_key(|author| author.at)
}

/// Whether a set of fields (`FieldsV1`) has the field at `path`, something in it, or all that it is in.
fn claims(fields: &Value, path: &[Step]) -> bool {
    let Some((step, rest)) = path.split_first() else {
        return true;
    };
    let Some(fields) = fields.as_object() else {
        return false;
    };
    let inner = fields.iter().find(|(key, _)| match step {
        Step::Field(name) => key.strip_prefix("f:") == Some(name.as_str()),
        Step::Item(keys) => key
            .strip_prefix("k:")
            .and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok())
            .is_some_and(|found| found == *keys),
    });
    match inner {
        // A leaf is owned whole, with all that is in it.
        Some((_, inner)) => {
            rest.is_empty() || inner.as_object().is_some_and(Map::is_empty) || claims(inner, rest)
        }
        None => false,
    }
}

/// The objects with what is there instead of what was applied, without those that are gone: what an adoption records.
pub fn adopted(objects: &[Value], changes: &[FieldChange]) -> Vec<Value> {
    let mut objects = objects.to_vec();
    objects.retain(|object| {
        !changes
            .iter()
            .any(|change| change.is_gone() && change.is_in(object))
    });
    for change in changes.iter().filter(|change| !change.path.0.is_empty()) {
        if let Some(object) = objects.iter_mut().find(|object| change.is_in(object)) {
            put(
                object,
                &FieldPath::default(),
                &change.path.0,
                change.live.as_ref(),
            );
        }
    }
    objects
}

/// Puts `value` at the end of `rest`, or takes away what is there.
fn put(target: &mut Value, at: &FieldPath, rest: &[Step], value: Option<&Value>) {
    let Some((step, rest)) = rest.split_first() else {
        return;
    };
    let here = at.then(step.clone());
    match step {
        Step::Field(name) => {
            if !target.is_object() {
                *target = json!({});
            }
            let Some(fields) = target.as_object_mut() else {
                return;
            };
            match (rest.is_empty(), value) {
                (true, Some(value)) => {
                    fields.insert(name.clone(), value.clone());
                }
                (true, None) => {
                    fields.remove(name);
                }
                (false, None) if !fields.contains_key(name) => {}
                (false, value) => put(fields.entry(name).or_insert(Value::Null), &here, rest, value),
            }
        }
        Step::Item(keys) => {
            if !target.is_array() {
                *target = json!([]);
            }
            let Some(items) = target.as_array_mut() else {
                return;
            };
            let found = items
                .iter()
                .position(|item| keys_in(at, item).as_ref() == Some(keys));
            match (found, rest.is_empty(), value) {
                (Some(found), true, Some(value)) => items[found] = value.clone(),
                (Some(found), true, None) => {
                    items.remove(found);
                }
                (Some(found), false, value) => put(&mut items[found], &here, rest, value),
                (None, true, Some(value)) => items.push(value.clone()),
                (None, false, Some(value)) => {
                    let mut item = Value::Object(keys.clone());
                    put(&mut item, &here, rest, Some(value));
                    items.push(item);
                }
                (None, _, None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
