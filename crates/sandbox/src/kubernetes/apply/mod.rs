//! Server-side apply: structured merge of a configuration into an object, and who owns which field.

mod compare;
mod managers;
mod merge;

use serde_json::{Value, json};

use super::error::ApiError;
use super::fieldset::{FieldSet, fields_of};
use super::object;
use super::schema::At;

use compare::compare;
pub use managers::Writer;
use managers::{Manager, managers, strip, write_managers};
use merge::{merge, prune};

/// What an apply makes of an object, before defaulting and validation.
#[derive(Debug)]
pub struct Applied {
    pub object: Value,
    managers: Vec<Manager>,
}

/// Applies `config` (without nulls) onto `live` (an empty object when there is none).
pub fn apply(
    live: &Value,
    config: &Value,
    at: At<'_>,
    writer: &Writer<'_>,
    force: bool,
    has_status: bool,
) -> Result<Applied, ApiError> {
    let mut all = managers(live);
    let set = strip(fields_of(config, Some(at)), writer.subresource, has_status);
    let mut merged = merge(live, config, Some(at));
    let position = all.iter().position(|m| m.is(writer, "Apply"));
    let mut last = FieldSet::default();
    if let Some(position) = position {
        last = std::mem::replace(&mut all[position].fields, set.clone());
        if last != set {
            all[position].time = object::now();
        }
    } else {
        all.push(Manager {
            name: writer.manager.to_owned(),
            operation: "Apply",
            api_version: writer.api_version.to_owned(),
            subresource: writer.subresource.to_owned(),
            time: object::now(),
            fields: set,
        });
    }
    if !last.is_empty() {
        merged = prune(&merged, &all, &last, at);
    }
    let difference = compare(live, &merged, at);
    let changed = difference.modified.union(&difference.added);
    // A manager's time is that of its last change, of a value as well.
    let differs = !changed.is_empty() || !difference.removed.is_empty();
    if let Some(own) = all.iter_mut().find(|m| differs && m.is(writer, "Apply")) {
        own.time = object::now();
    }
    let mut conflicts: Vec<(usize, FieldSet)> = Vec::new();
    for (i, manager) in all.iter().enumerate() {
        if !manager.is(writer, "Apply") {
            let both = manager.fields.intersection(&changed);
            if !both.is_empty() {
                conflicts.push((i, both));
            }
        }
    }
    if !conflicts.is_empty() && !force {
        let named: Vec<(&Manager, Vec<String>)> =
            conflicts.iter().map(|(i, set)| (&all[*i], set.paths())).collect();
        return Err(conflict_error(&named));
    }
    for (i, set) in conflicts {
        all[i].fields = all[i].fields.difference(&set);
    }
    drop_removed(&mut all, writer, "Apply", &difference.removed);
    Ok(Applied {
        object: merged,
        managers: all,
    })
}

impl Applied {
    pub fn into_parts(self) -> (Value, Ownership) {
        (self.object, Ownership(self.managers))
    }
}

/// Who owns what after a write.
#[derive(Debug)]
pub struct Ownership(Vec<Manager>);

impl Ownership {
    pub fn write(&self, target: &mut Value) {
        write_managers(target, &self.0);
    }
}

fn drop_removed(all: &mut [Manager], writer: &Writer<'_>, operation: &str, removed: &FieldSet) {
    if removed.is_empty() {
        return;
    }
    for manager in all.iter_mut().filter(|m| !m.is(writer, operation)) {
        manager.fields = manager.fields.difference(removed);
    }
}

fn conflict_error(conflicts: &[(&Manager, Vec<String>)]) -> ApiError {
    let count: usize = conflicts.iter().map(|(_, paths)| paths.len()).sum();
    let causes: Vec<Value> = conflicts
        .iter()
        .flat_map(|(manager, paths)| paths.iter().map(move |path| (manager, path)))
        .map(|(manager, path)| {
            json!({
                "reason": "FieldManagerConflict", "message": format!("conflict with {}", manager.printed()), "field": path,
            })
        })
        .collect();
    let message = if let [(manager, paths)] = conflicts
        && let [path] = paths.as_slice()
    {
        format!(
            "Apply failed with 1 conflict: conflict with {}: {path}",
            manager.printed()
        )
    } else {
        let mut parts: Vec<String> = conflicts
            .iter()
            .map(|(manager, paths)| {
                format!("conflicts with {}:\n- {}", manager.printed(), paths.join("\n- "))
            })
            .collect();
        parts.sort();
        format!("Apply failed with {count} conflicts: {}", parts.join("\n"))
    };
    let mut error = ApiError::new(409, "Conflict", message);
    error.details = json!({ "causes": causes });
    error
}

/// Notes in `new` that `writer` made the difference to `old` with an ordinary write.
pub fn track_update(old: &Value, new: &mut Value, at: At<'_>, writer: &Writer<'_>, has_status: bool) {
    let given = new.pointer("/metadata/managedFields");
    // A writer may rewrite the managers (kubectl does when it moves to server-side apply); a lone empty entry resets them.
    let mut all = match given {
        Some(Value::Array(entries)) if !entries.is_empty() => managers(new),
        _ => managers(old),
    };
    let difference = compare(old, new, at);
    let removed = strip(difference.removed, "", false);
    let changed = strip(
        difference.modified.union(&difference.added),
        writer.subresource,
        has_status,
    );
    if !changed.is_empty() || !removed.is_empty() {
        for manager in all.iter_mut().filter(|m| !m.is(writer, "Update")) {
            manager.fields = manager.fields.difference(&changed).difference(&removed);
        }
        if let Some(own) = all.iter_mut().find(|m| m.is(writer, "Update")) {
            own.fields = own.fields.union(&changed).difference(&removed);
            own.time = object::now();
        } else if !changed.is_empty() {
            all.push(Manager {
                name: writer.manager.to_owned(),
                operation: "Update",
                api_version: writer.api_version.to_owned(),
                subresource: writer.subresource.to_owned(),
                time: object::now(),
                fields: changed,
            });
        }
    }
    write_managers(new, &all);
}

/// True when two objects are the same but for the times in their managed fields.
pub fn same_but_times(a: &Value, b: &Value) -> bool {
    if a == b {
        return true;
    }
    let bare = |object: &Value| {
        let mut copy = object.clone();
        for path in ["managedFields", "resourceVersion"] {
            object::set(&mut copy, &["metadata", path], Value::Null);
        }
        copy
    };
    let owners = |object: &Value| {
        let mut all = managers(object);
        for manager in &mut all {
            manager.time.clear();
        }
        all.sort_by(|a, b| {
            (a.operation, &a.name, &a.subresource).cmp(&(b.operation, &b.name, &b.subresource))
        });
        all
    };
    bare(a) == bare(b) && owners(a) == owners(b)
}

#[cfg(test)]
mod tests;
