//! The stored objects, their resource versions, and the log that watches read.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::object;
use super::resource::{RESOURCES, Resource};

/// Changes that a watch can still start from, per kind; older ones answer 410 Gone.
const LOG_LENGTH: usize = 4_000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub storage: usize,
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn of(resource: &Resource, namespace: &str, name: &str) -> Self {
        Self {
            storage: resource.storage,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    pub fn resource(&self) -> &'static Resource {
        &RESOURCES[self.storage]
    }
}

/// One change of one object. Created: no `old`. Deleted: no `new`.
#[derive(Debug, Clone)]
pub struct Change {
    pub revision: u64,
    pub key: Key,
    pub old: Option<Arc<Value>>,
    pub new: Option<Arc<Value>>,
}

#[derive(Debug)]
struct Table {
    objects: BTreeMap<(String, String), Arc<Value>>,
    log: VecDeque<Change>,
    /// The newest revision that the log has forgotten.
    forgotten: u64,
    revision: watch::Sender<u64>,
}

#[derive(Debug)]
pub struct State {
    revision: u64,
    tables: Vec<Table>,
    /// Objects by the uid of each owner.
    owned: HashMap<String, BTreeSet<Key>>,
    uids: HashMap<String, Key>,
    changes: mpsc::UnboundedSender<Change>,
}

impl State {
    /// An empty state, and the stream of its changes for the controllers.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Change>) {
        let (changes, receiver) = mpsc::unbounded_channel();
        let tables = RESOURCES
            .iter()
            .map(|_| Table {
                objects: BTreeMap::new(),
                log: VecDeque::new(),
                forgotten: 0,
                revision: watch::Sender::new(0),
            })
            .collect();
        (
            Self {
                revision: 1,
                tables,
                owned: HashMap::new(),
                uids: HashMap::new(),
                changes,
            },
            receiver,
        )
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.tables[resource.storage]
            .objects
            .get(&(namespace.to_owned(), name.to_owned()))
    }

    pub fn by_key(&self, key: &Key) -> Option<&Arc<Value>> {
        self.tables[key.storage]
            .objects
            .get(&(key.namespace.clone(), key.name.clone()))
    }

    pub fn by_uid(&self, uid: &str) -> Option<&Arc<Value>> {
        self.by_key(self.uids.get(uid)?)
    }

    /// The objects of a kind in the order of (namespace, name); of one namespace when one is given.
    pub fn list<'a>(
        &'a self,
        resource: &Resource,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        let start = (namespace.unwrap_or_default().to_owned(), String::new());
        let wanted = namespace.map(str::to_owned);
        self.tables[resource.storage]
            .objects
            .range(start..)
            .take_while(move |((ns, _), _)| wanted.as_deref().is_none_or(|w| w == ns))
            .map(|(_, object)| object)
    }

    /// The objects of a kind in one namespace whose names begin with `prefix`.
    pub fn with_prefix<'a>(
        &'a self,
        resource: &Resource,
        namespace: &str,
        prefix: &str,
    ) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        let (namespace, prefix) = (namespace.to_owned(), prefix.to_owned());
        self.tables[resource.storage]
            .objects
            .range((namespace.clone(), prefix.clone())..)
            .take_while(move |((ns, name), _)| *ns == namespace && name.starts_with(&prefix))
            .map(|(_, object)| object)
    }

    pub fn count(&self, resource: &Resource) -> usize {
        self.tables[resource.storage].objects.len()
    }

    /// The objects of a kind that name `uid` among their owners.
    pub fn owned_by<'a>(
        &'a self,
        uid: &str,
        resource: &'static Resource,
    ) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        let keys = self.owned.get(uid).into_iter().flatten();
        keys.filter(move |k| k.storage == resource.storage)
            .filter_map(|k| self.by_key(k))
    }

    pub fn dependents(&self, uid: &str) -> Vec<Key> {
        self.owned
            .get(uid)
            .map(|keys| keys.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Stores the object under a new resource version.
    pub fn put(&mut self, resource: &Resource, mut value: Value) -> Arc<Value> {
        self.revision += 1;
        object::set(
            &mut value,
            &["metadata", "resourceVersion"],
            self.revision.to_string(),
        );
        let key = Key::of(resource, object::namespace(&value), object::name(&value));
        let new = Arc::new(value);
        let old = self.place(&key, &new);
        self.publish(Change {
            revision: self.revision,
            key,
            old,
            new: Some(Arc::clone(&new)),
        });
        new
    }

    fn place(&mut self, key: &Key, new: &Arc<Value>) -> Option<Arc<Value>> {
        self.index(key, new);
        let slot = (key.namespace.clone(), key.name.clone());
        let old = self.tables[key.storage].objects.insert(slot, Arc::clone(new));
        if let Some(old) = &old
            && old.pointer("/metadata/ownerReferences") != new.pointer("/metadata/ownerReferences")
        {
            self.unindex_owners(key, old);
            self.index(key, new);
        }
        old
    }

    fn index(&mut self, key: &Key, value: &Value) {
        self.uids.insert(object::uid(value).to_owned(), key.clone());
        for owner in object::list(value, "/metadata/ownerReferences") {
            self.owned
                .entry(object::text(owner, "/uid").to_owned())
                .or_default()
                .insert(key.clone());
        }
    }

    fn unindex_owners(&mut self, key: &Key, value: &Value) {
        for owner in object::list(value, "/metadata/ownerReferences") {
            let uid = object::text(owner, "/uid");
            if let Some(keys) = self.owned.get_mut(uid) {
                keys.remove(key);
                if keys.is_empty() {
                    self.owned.remove(uid);
                }
            }
        }
    }

    /// Takes the object away; the log keeps its last state under the revision of its deletion.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let old = self.tables[key.storage]
            .objects
            .remove(&(key.namespace.clone(), key.name.clone()))?;
        self.unindex_owners(key, &old);
        self.uids.remove(object::uid(&old));
        self.revision += 1;
        let mut last = (*old).clone();
        object::set(
            &mut last,
            &["metadata", "resourceVersion"],
            self.revision.to_string(),
        );
        let last = Arc::new(last);
        self.publish(Change {
            revision: self.revision,
            key: key.clone(),
            old: Some(Arc::clone(&last)),
            new: None,
        });
        Some(last)
    }

    fn publish(&mut self, change: Change) {
        let table = &mut self.tables[change.key.storage];
        if table.log.len() >= LOG_LENGTH
            && let Some(first) = table.log.pop_front()
        {
            table.forgotten = first.revision;
        }
        table.log.push_back(change.clone());
        table.revision.send_replace(change.revision);
        // Without controllers (in unit tests) nobody listens.
        let _ = self.changes.send(change);
    }

    /// Changes of a kind after `revision`; none when the log does not reach back that far.
    pub fn changes_since(&self, resource: &Resource, revision: u64) -> Option<Vec<Change>> {
        let table = &self.tables[resource.storage];
        if revision < table.forgotten {
            return None;
        }
        let start = table.log.partition_point(|c| c.revision <= revision);
        Some(table.log.iter().skip(start).cloned().collect())
    }

    /// Wakes when something of this kind changes.
    pub fn subscribe(&self, resource: &Resource) -> watch::Receiver<u64> {
        self.tables[resource.storage].revision.subscribe()
    }

    /// Forgets the log, so that every older watch answers 410 Gone.
    pub fn compact(&mut self) {
        for table in &mut self.tables {
            table.log.clear();
            table.forgotten = self.revision;
        }
    }

    /// Every object with its kind's index, for persistence.
    pub fn snapshot(&self) -> Vec<(usize, Arc<Value>)> {
        let rows = self.tables.iter().enumerate();
        rows.flat_map(|(i, table)| table.objects.values().map(move |o| (i, Arc::clone(o))))
            .collect()
    }

    /// Puts back what was persisted, with its resource versions.
    pub fn restore(&mut self, revision: u64, objects: impl IntoIterator<Item = (&'static Resource, Value)>) {
        for (resource, value) in objects {
            let key = Key::of(resource, object::namespace(&value), object::name(&value));
            self.place(&key, &Arc::new(value));
        }
        self.revision = self.revision.max(revision);
        for table in &mut self.tables {
            table.forgotten = self.revision;
        }
    }
}
