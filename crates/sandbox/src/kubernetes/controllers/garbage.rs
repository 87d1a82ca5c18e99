//! Garbage collection by owner references.

use super::super::object;
use super::super::registry::{Deletion, Registry};
use super::super::resource;
use super::super::state::Key;

/// Deletes the object when all its owners are gone, and advances a foreground deletion. True when it dealt with it.
pub fn collect(registry: &mut Registry, key: &Key) -> bool {
    let Some(target) = registry.state.by_key(key).cloned() else {
        return true;
    };
    let finalizers = object::list(&target, "/metadata/finalizers");
    if object::is_deleting(&target) && finalizers.iter().any(|f| f == "foregroundDeletion") {
        foreground(registry, key, object::uid(&target));
        return true;
    }
    let owners = object::list(&target, "/metadata/ownerReferences");
    let orphaned = !owners.is_empty()
        && owners
            .iter()
            .all(|o| registry.state.by_uid(object::text(o, "/uid")).is_none());
    if orphaned && !object::is_deleting(&target) {
        let options = Deletion {
            uid: Some(object::uid(&target).to_owned()),
            ..Deletion::default()
        };
        // It may have gone in the meantime; then there is nothing left to do.
        let _ = registry.delete(key.resource(), &key.namespace, &key.name, &options);
        return true;
    }
    false
}

fn foreground(registry: &mut Registry, key: &Key, uid: &str) {
    let dependents = registry.state.dependents(uid);
    if dependents.is_empty() {
        registry.remove_finalizer(key, "foregroundDeletion");
        return;
    }
    for dependent in dependents {
        let marked = registry
            .state
            .by_key(&dependent)
            .is_none_or(|d| object::is_deleting(d));
        if !marked && dependent.storage != resource::EVENTS.storage {
            let options = Deletion {
                propagation: Some("Foreground".into()),
                ..Deletion::default()
            };
            let _ = registry.delete(
                dependent.resource(),
                &dependent.namespace,
                &dependent.name,
                &options,
            );
        }
    }
}
