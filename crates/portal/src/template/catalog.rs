//! The templates that an app may use, with all their versions: of versions that are withdrawn too, since apps were made
//! of them.

use super::{key_of, newest, published, told};
use crate::access::{App, Authorized, may};
use crate::context::OpCtx;
use crate::error::Result;
use crate::ports::{TemplateRecord, TemplateVersionRecord};
use slipway_domain::pipeline::authored::Lock;
use slipway_domain::pipeline::{Template, TemplateRef, template, templates};
use slipway_domain::template::{Owner, Told, built_in, references_in};
use slipway_domain::text::Text;
use std::collections::BTreeMap;

/// A template of an app's organization or project.
struct Own {
    key: String,
    record: TemplateRecord,
    told: Told,
    versions: Vec<TemplateVersionRecord>,
}

impl Own {
    fn versions(&self) -> Vec<&TemplateVersionRecord> {
        self.versions.iter().collect()
    }
}

/// The templates of an app's organization and project, beside the built-in ones.
pub(crate) struct Catalog {
    own: Vec<Own>,
}

impl Catalog {
    /// Those that this app may use.
    ///
    /// # Errors
    /// The database does not answer.
    pub(crate) async fn of(ctx: &OpCtx, app: &Authorized<App, may::See>) -> Result<Self> {
        let mut tx = ctx.read().await?;
        let records = tx.templates_for(app).await?;
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        let versions = tx.template_versions_for(app, &ids).await?;
        let place = app.place();
        let own = records.into_iter().map(|record| {
            let name = match &place.project {
                Some(project) if record.project.is_some() => &project.name,
                _ => &place.org.name,
            };
            Own {
                key: key_of(&record),
                told: told(&record, name),
                versions: versions
                    .iter()
                    .filter(|version| version.template == record.id)
                    .cloned()
                    .collect(),
                record,
            }
        });
        Ok(Self { own: own.collect() })
    }

    fn find(&self, key: &str) -> Option<&Own> {
        self.own.iter().find(|own| own.key == key)
    }

    /// What there is to know of each that is offered, and of the one of key `also`, whatever became of it.
    pub(crate) fn told(&self, also: Option<&str>) -> BTreeMap<String, Told> {
        let shown = self.shown(also);
        shown.map(|own| (own.key.clone(), own.told.clone())).collect()
    }

    /// The newest version of each that is offered, own ones first; with it the one of key `also`.
    pub(crate) fn offered(&self, also: Option<&str>) -> Vec<Template> {
        let own = self.shown(also).filter_map(|own| self.newest(&own.key));
        own.chain(templates().iter().cloned()).collect()
    }

    fn shown(&self, also: Option<&str>) -> impl Iterator<Item = &Own> {
        self.own.iter().filter(move |own| {
            !own.versions.is_empty() && (own.record.standing.is_offered() || also == Some(own.key.as_str()))
        })
    }

    /// The newest version of a template.
    pub(crate) fn newest(&self, key: &str) -> Option<Template> {
        match self.find(key) {
            Some(own) => {
                let versions = own.versions();
                published(key, &newest(&versions)?, &versions)
            }
            None => template(key).cloned(),
        }
    }

    /// A version of a template; `None`: Slipway does not have it.
    pub(crate) fn version(&self, reference: &TemplateRef) -> Option<Template> {
        match self.find(&reference.key) {
            Some(own) => published(&reference.key, &reference.version, &own.versions()),
            None => built_in(reference).cloned(),
        }
    }

    /// The versions of a template, with what changed.
    pub(crate) fn versions(&self, key: &str) -> Vec<(String, Text)> {
        if let Some(own) = self.find(key) {
            let versions = own.versions.iter();
            return versions
                .map(|one| (one.version.clone(), one.changelog.clone()))
                .collect();
        }
        let changes = template(key)
            .map(|found| found.changelog.as_slice())
            .unwrap_or_default();
        changes
            .iter()
            .map(|one| (one.version.clone(), one.text.clone()))
            .collect()
    }

    /// What there is to know of a template; `None`: it came with Slipway, or nobody knows it.
    pub(crate) fn standing(&self, key: &str) -> Option<&Told> {
        self.find(key).map(|own| &own.told)
    }

    /// Whether there is such a template at all.
    pub(crate) fn knows(&self, key: &str) -> bool {
        self.find(key).is_some() || (Owner::of_key(key) == Owner::BuiltIn && template(key).is_some())
    }

    /// What a version locks, and who did.
    fn locks(&self, reference: &TemplateRef) -> Vec<Lock> {
        let (Some(own), Some(found)) = (self.find(&reference.key), self.version(reference)) else {
            return Vec::new();
        };
        let version = own.versions.iter().find(|one| one.version == reference.version);
        let by = version.and_then(|one| one.published_by.as_ref());
        let lock = |field| Lock {
            template: format!("{}@{}", reference.key, reference.version),
            field,
            by: by.map(|by| by.name.clone()).unwrap_or_default(),
            place: own.told.place.clone(),
            name: found.names.clone(),
        };
        found.locked_fields.iter().cloned().map(lock).collect()
    }
}

/// What the templates that a file's marks name lock, and who did.
pub(crate) async fn locks_in(ctx: &OpCtx, app: &Authorized<App, may::See>, file: &str) -> Result<Vec<Lock>> {
    let references = references_in(file);
    if references
        .iter()
        .all(|one| Owner::of_key(&one.key) == Owner::BuiltIn)
    {
        return Ok(Vec::new());
    }
    let catalog = Catalog::of(ctx, app).await?;
    Ok(references.iter().flat_map(|one| catalog.locks(one)).collect())
}
