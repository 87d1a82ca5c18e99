//! Writing templates: a document that is saved with a version check, and versions that never change.

use super::{key_of, may_publish, newest, own, owner_of, published, seen, told, told_of, touch};
use crate::access::{self, Anywhere, At, Authorized, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{StoreError, TemplateRecord, TemplateVersionRecord};
use crate::template::usage;
use slipway_domain::access::ScopeKind;
use slipway_domain::id::TemplateId;
use slipway_domain::name::Slug;
use slipway_domain::person::PersonRef;
use slipway_domain::pipeline::authored::{
    Bump, LARGEST, VersionError, bump_between, compare, from_file, from_template, next, parse_version, read,
    scratch,
};
use slipway_domain::pipeline::{Params, Template, template, templates};
use slipway_domain::project::Place;
use slipway_domain::template::{
    Act, DraftView, Owner, Standing, TemplateList, TemplateRow, TemplateView, Told, VersionRow, slug_of,
};
use slipway_domain::text::Text;
use slipway_domain::working_copy::PRESENT;

/// The most templates that a place can have.
const MOST: usize = 200;
/// The longest changelog, reason and the like, in characters.
const LONGEST: usize = 2000;

/// What a new document begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// One job with commands.
    Scratch,
    /// Another template's newest version, by its key: a built-in one, or one of the place or above it.
    Template(String),
    /// The pipeline of an app of the place: the slugs of its project and of it.
    App(String, String),
    /// This document.
    Text(String),
}

/// A new template.
#[derive(Clone, Debug)]
pub struct New {
    /// Its slug, for good.
    pub slug: String,
    /// The name that the document begins with; where it says none itself.
    pub name: String,
    /// What it begins with.
    pub begin: Begin,
}

/// A template that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its key, with whose it is.
    pub key: String,
    /// Jobs of the app's pipeline that no template can have, by name.
    pub left: Vec<String>,
}

/// The templates that can be used in a place: its own, those above, those that came with Slipway.
///
/// # Errors
/// As [`access::anywhere`]; [`Error::NotFound`] for an app.
pub async fn list(ctx: &OpCtx, at: At<'_>) -> Result<TemplateList> {
    let place = seen(ctx, at).await?;
    let may_publish = may_publish(ctx, &place).await?;
    let mut tx = ctx.read().await?;
    let own = tx.templates(&place).await?;
    let above = match place.kind() {
        ScopeKind::Org => Vec::new(),
        _ => tx.templates_above(&place).await?,
    };
    let ids: Vec<TemplateId> = own.iter().chain(&above).map(|one| one.id).collect();
    let versions = tx.template_versions(&place, &ids).await?;
    drop(tx);
    let uses = usage::counts(ctx, &place).await?;
    let row = |record: &TemplateRecord| {
        let mine: Vec<&TemplateVersionRecord> = versions
            .iter()
            .filter(|version| version.template == record.id)
            .collect();
        let key = key_of(record);
        let shown = newest(&mine).and_then(|version| published(&key, &version, &mine));
        let shown = shown.or_else(|| read(&record.text, &key, "0.0.0").template);
        let (names, summary) = shown.map(|one| (one.names, one.summary)).unwrap_or_default();
        let newest = newest(&mine);
        let (uses, behind) = uses.of(&key, newest.as_deref());
        TemplateRow {
            names: if names.en.is_empty() {
                Text::verbatim(&record.slug)
            } else {
                names
            },
            key,
            summary,
            newest,
            standing: record.standing,
            successor: record.notice.as_ref().and_then(|notice| notice.successor.clone()),
            uses,
            behind,
        }
    };
    let built_in = templates().iter().map(|one| {
        let (uses, behind) = uses.of(&one.key, Some(&one.semver));
        TemplateRow {
            key: one.key.clone(),
            names: one.names.clone(),
            summary: one.summary.clone(),
            newest: Some(one.semver.clone()),
            standing: Standing::Published,
            successor: None,
            uses,
            behind,
        }
    });
    let shown = |record: &&TemplateRecord| may_publish || record.standing != Standing::Draft;
    Ok(TemplateList {
        own: own.iter().filter(shown).map(row).collect(),
        above: above
            .iter()
            .filter(|record| record.standing != Standing::Draft)
            .map(row)
            .collect(),
        built_in: built_in.collect(),
        place: place.place(),
        may_publish,
    })
}

/// A template as it is looked at in a place: one of its own, one above it, or a built-in one.
///
/// # Errors
/// As [`list`]; [`Error::NotFound`], also for a draft that the actor may not write.
pub async fn view(ctx: &OpCtx, at: At<'_>, key: &str) -> Result<TemplateView> {
    let place = seen(ctx, at).await?;
    if Owner::of_key(key) == Owner::BuiltIn {
        return built_in_view(&place, key);
    }
    let authored_here = Owner::of_key(key) == owner_of(&place);
    let may_publish = authored_here && may_publish(ctx, &place).await?;
    let (record, versions) = known(ctx, &place, key).await?;
    if record.standing == Standing::Draft && !may_publish {
        return Err(Error::NotFound);
    }
    let all: Vec<&TemplateVersionRecord> = versions.iter().collect();
    let newest_text = newest(&all).and_then(|version| all.iter().find(|one| one.version == version).copied());
    let at = place.place();
    let name = match &at.project {
        Some(project) if record.project.is_some() => project.name.clone(),
        _ => at.org.name.clone(),
    };
    let editors = if may_publish {
        others(ctx, &place, record.id).await?
    } else {
        Vec::new()
    };
    let draft = may_publish.then(|| DraftView {
        editors,
        text: record.text.clone(),
        version: record.version,
        updated_at: record.updated_at,
        updated_by: record.updated_by.clone(),
        is_published: newest_text.is_some_and(|one| one.text == record.text),
    });
    Ok(TemplateView {
        key: key.to_owned(),
        told: told(&record, &name),
        newest: newest(&all).and_then(|version| published(key, &version, &all)),
        versions: sorted(versions),
        draft,
        may_publish,
        place: at,
    })
}

fn sorted(mut versions: Vec<TemplateVersionRecord>) -> Vec<VersionRow> {
    versions.sort_by(|one, other| {
        let of = |text: &str| parse_version(text).ok();
        of(&other.version).cmp(&of(&one.version))
    });
    let row = |one: TemplateVersionRecord| VersionRow {
        version: one.version,
        changelog: one.changelog,
        published_at: one.published_at,
        published_by: one.published_by,
    };
    versions.into_iter().map(row).collect()
}

fn built_in_view(place: &Authorized<Anywhere, may::See>, key: &str) -> Result<TemplateView> {
    let found = template(key).ok_or(Error::NotFound)?;
    let row = |change: &slipway_domain::pipeline::Change| VersionRow {
        version: change.version.clone(),
        changelog: change.text.clone(),
        published_at: slipway_domain::time::Timestamp(0),
        published_by: None,
    };
    Ok(TemplateView {
        place: place.place(),
        key: key.to_owned(),
        told: Told {
            owner: Owner::BuiltIn,
            place: String::from("Slipway"),
            standing: Standing::Published,
            notice: None,
        },
        newest: Some(found.clone()),
        versions: found.changelog.iter().map(row).collect(),
        draft: None,
        may_publish: false,
    })
}

/// The record and versions of a key that is written in the place or in its organization.
pub(super) async fn known(
    ctx: &OpCtx,
    place: &Authorized<Anywhere, may::See>,
    key: &str,
) -> Result<(TemplateRecord, Vec<TemplateVersionRecord>)> {
    let mut tx = ctx.read().await?;
    let all = match Owner::of_key(key) {
        Owner::Org => tx.templates_above(place).await?,
        Owner::Project if place.kind() == ScopeKind::Project => tx.templates(place).await?,
        Owner::BuiltIn | Owner::Project => return Err(Error::NotFound),
    };
    let record = all
        .into_iter()
        .find(|one| one.slug == slug_of(key))
        .ok_or(Error::NotFound)?;
    let versions = tx.template_versions(place, &[record.id]).await?;
    Ok((record, versions))
}

/// The text and form of a published version, as it never changes.
///
/// # Errors
/// As [`view`]; [`Error::NotFound`].
pub async fn version(
    ctx: &OpCtx,
    at: At<'_>,
    key: &str,
    version: &str,
) -> Result<(String, Template, VersionRow)> {
    let place = seen(ctx, at).await?;
    if Owner::of_key(key) == Owner::BuiltIn {
        let found = template(key)
            .filter(|one| one.semver == version)
            .ok_or(Error::NotFound)?;
        let view = built_in_view(&place, key)?;
        let row = view.versions.into_iter().find(|row| row.version == version);
        return Ok((
            from_template(found, &Params::new()),
            found.clone(),
            row.ok_or(Error::NotFound)?,
        ));
    }
    let (_, versions) = known(ctx, &place, key).await?;
    let all: Vec<&TemplateVersionRecord> = versions.iter().collect();
    let form = published(key, version, &all).ok_or(Error::NotFound)?;
    let found = versions.iter().find(|one| one.version == version).cloned();
    let found = found.ok_or(Error::NotFound)?;
    let text = found.text.clone();
    let row = sorted(vec![found]).pop().ok_or(Error::NotFound)?;
    Ok((text, form, row))
}

/// Begins a template. No app sees it before a version is published.
///
/// # Errors
/// As [`access::publishing`]; the slug is none or taken; there are too many; what it is to begin with is not there.
pub async fn create(ctx: &OpCtx, at: At<'_>, new: &New) -> Result<Begun> {
    let place = access::publishing(ctx, at).await?;
    let see = access::anywhere(ctx, at).await?;
    let slug = Slug::parse(new.slug.trim()).map_err(|error| Error::name("slug", error))?;
    let name = new.name.trim();
    if name.chars().count() > 60 || name.chars().any(char::is_control) {
        return Err(Error::field(
            "name",
            Text::new("one line of at most 60 characters", "请填写一行，最多 60 个字符"),
        ));
    }
    let name = if name.is_empty() { slug.as_str() } else { name };
    let (text, left) = begun(ctx, at, &see, name, &new.begin).await?;
    checked_size(&text)?;
    let now = ctx.now();
    let record = TemplateRecord {
        id: ctx.id(),
        project: place.project_id(),
        slug: slug.as_str().to_owned(),
        text,
        version: 1,
        standing: Standing::Draft,
        notice: None,
        created_at: now,
        updated_at: now,
        updated_by: Some(ctx.user()?.clone()),
    };
    let mut change = ctx.change().await?;
    if change.tx().templates(&see).await?.len() >= MOST {
        return Err(Error::refused(
            "too_many",
            format!("A place has at most {MOST} templates. Delete drafts that nobody needs."),
            format!("每处最多 {MOST} 个模板，请删除不需要的草稿。"),
        ));
    }
    change
        .tx()
        .insert_template(&place, &record)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(_) => Error::field(
                "slug",
                Text::new("another template has this name", "已有同名模板"),
            ),
            other => other.into(),
        })?;
    told_of(
        &mut change,
        &place,
        "template.create",
        &record,
        serde_json::json!({}),
    )
    .await?;
    change.commit().await?;
    Ok(Begun {
        key: key_of(&record),
        left,
    })
}

async fn begun(
    ctx: &OpCtx,
    at: At<'_>,
    see: &Authorized<Anywhere, may::See>,
    name: &str,
    begin: &Begin,
) -> Result<(String, Vec<String>)> {
    match begin {
        Begin::Scratch => Ok((scratch(name), Vec::new())),
        Begin::Text(text) => Ok((text.clone(), Vec::new())),
        Begin::Template(key) if Owner::of_key(key) == Owner::BuiltIn => {
            let found = template(key).ok_or_else(|| {
                Error::field("template", Text::new("there is no such template", "没有该模板"))
            })?;
            Ok((from_template(found, &Params::new()), Vec::new()))
        }
        Begin::Template(key) => {
            let (record, versions) = known(ctx, see, key).await?;
            let all: Vec<&TemplateVersionRecord> = versions.iter().collect();
            let newest = newest(&all);
            let published = all.into_iter().find(|one| Some(&one.version) == newest.as_ref());
            Ok((published.map_or(record.text, |one| one.text.clone()), Vec::new()))
        }
        Begin::App(project, app) => {
            if at.project.is_some_and(|own| own != project) {
                return Err(Error::NotFound);
            }
            usage::document_of_app(ctx, at.org, project, app, name).await
        }
    }
}

fn checked_size(text: &str) -> Result<()> {
    if text.len() <= LARGEST {
        return Ok(());
    }
    Err(Error::field(
        "text",
        Text::new(
            "the document is larger than 256 KiB; make it smaller",
            "文档超过 256 KiB，请精简",
        ),
    ))
}

/// The document that is being written, and where.
///
/// # Errors
/// As [`access::publishing`]; [`Error::NotFound`].
pub async fn draft(ctx: &OpCtx, at: At<'_>, key: &str) -> Result<(Place, DraftView)> {
    let place = access::publishing(ctx, at).await?;
    let see = access::anywhere(ctx, at).await?;
    let record = own(ctx, &place, &see, key).await?;
    let draft = DraftView {
        editors: others(ctx, &see, record.id).await?,
        text: record.text,
        version: record.version,
        updated_at: record.updated_at,
        updated_by: record.updated_by,
        is_published: false,
    };
    Ok((see.place(), draft))
}

async fn others(
    ctx: &OpCtx,
    place: &Authorized<Anywhere, may::See>,
    template: TemplateId,
) -> Result<Vec<PersonRef>> {
    let me = ctx.user().ok().map(|person| person.id);
    let since = ctx.now().plus(-PRESENT);
    let mut editors = ctx.read().await?.template_editors(place, template, since).await?;
    editors.retain(|editor| Some(editor.id) != me);
    Ok(editors)
}

/// Says that the actor's editor of the document is open. To be repeated while it is.
///
/// # Errors
/// As [`access::publishing`]; [`Error::NotFound`].
pub async fn arrive(ctx: &OpCtx, at: At<'_>, key: &str) -> Result<()> {
    let place = access::publishing(ctx, at).await?;
    let see = access::anywhere(ctx, at).await?;
    let record = own(ctx, &place, &see, key).await?;
    let (me, now) = (ctx.user()?.id, ctx.now());
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let is_new = change
        .tx()
        .note_template_editor(&place, record.id, me, now, now.plus(-PRESENT))
        .await;
    let is_new = match is_new {
        // The draft was deleted meanwhile.
        Err(StoreError::Gone) => return Err(Error::NotFound),
        noted => noted?,
    };
    if is_new {
        touch(&mut change, &place);
    }
    change.commit().await
}

/// Saves the document, good or not; the new version of the draft. Only [`publish`] leads to apps.
///
/// # Errors
/// As [`access::publishing`]; [`Error::NotFound`]; somebody saved it since; it is too large.
pub async fn save(ctx: &OpCtx, at: At<'_>, key: &str, version: i64, text: &str) -> Result<i64> {
    let place = access::publishing(ctx, at).await?;
    let see = access::anywhere(ctx, at).await?;
    checked_size(text)?;
    let record = own(ctx, &place, &see, key).await?;
    if record.version != version {
        return Err(changed(&record));
    }
    let saved = TemplateRecord {
        text: text.to_owned(),
        updated_at: ctx.now(),
        updated_by: Some(ctx.user()?.clone()),
        ..record
    };
    let mut change = ctx.change().await?;
    write(&mut change, &place, &saved).await?;
    let summary = serde_json::json!({ "draft": saved.version + 1, "bytes": text.len() });
    told_of(&mut change, &place, "template.save", &saved, summary).await?;
    change.commit().await?;
    Ok(saved.version + 1)
}

pub(super) fn changed(record: &TemplateRecord) -> Error {
    let name = record.updated_by.as_ref().map_or("…", |by| by.name.as_str());
    Error::conflict(
        "template_changed",
        format!(
            "{name} saved the document meanwhile. Look at it in another tab; what you wrote is still here."
        ),
        format!("{name} 已保存该文档。请在另一标签页查看，你填写的内容仍保留在此。"),
    )
}

pub(super) async fn write(
    change: &mut crate::change::Change<'_>,
    place: &Authorized<Anywhere, may::Modify>,
    record: &TemplateRecord,
) -> Result<()> {
    match change.tx().update_template(place, record).await {
        Ok(()) => Ok(()),
        Err(StoreError::Gone) => Err(changed(record)),
        Err(error) => Err(error.into()),
    }
}

/// A version to be published.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// The version of the draft that its author saw.
    pub draft: i64,
    /// Semantic version; empty: the smallest that what changed allows.
    pub version: String,
    /// What changed, in Chinese.
    pub changelog_zh: String,
    /// What changed, in English.
    pub changelog_en: String,
}

/// Publishes the document as a version; which. It never changes, and no app changes by it.
///
/// # Errors
/// As [`save`]; the document has errors; the version is no version, not the newest, or a smaller step than what changed;
/// nothing changed; a changelog is missing; the template is deprecated or withdrawn.
pub async fn publish(ctx: &OpCtx, at: At<'_>, key: &str, new: &Publication) -> Result<String> {
    let place = access::publishing(ctx, at).await?;
    let see = access::anywhere(ctx, at).await?;
    let record = own(ctx, &place, &see, key).await?;
    if record.version != new.draft {
        return Err(changed(&record));
    }
    let standing = after(record.standing, Act::Publish)?;
    let document = read(&record.text, key, "0.0.0");
    if let Some(error) = document.first_error() {
        return Err(Error::Refused {
            code: "template_has_errors",
            text: error.placed(),
        });
    }
    let written = document
        .template
        .ok_or_else(|| Error::internal("a document without errors was not read"))?;
    let versions = ctx.read().await?.template_versions(&see, &[record.id]).await?;
    let all: Vec<&TemplateVersionRecord> = versions.iter().collect();
    let before = newest(&all).and_then(|version| published(key, &version, &all));
    let version = allowed(before.as_ref(), &written, &new.version)?;
    let changelog = changelog(new)?;
    let publication = TemplateVersionRecord {
        template: record.id,
        version: version.clone(),
        text: record.text.clone(),
        changelog,
        published_at: ctx.now(),
        published_by: Some(ctx.user()?.clone()),
    };
    let record = TemplateRecord { standing, ..record };
    let mut change = ctx.change().await?;
    write(&mut change, &place, &record).await?;
    let inserted = change.tx().insert_template_version(&place, &publication).await;
    inserted.map_err(|error| match error {
        StoreError::Constraint(_) => changed(&record),
        other => other.into(),
    })?;
    let summary = serde_json::json!({ "version": version, "changelog": publication.changelog.en });
    told_of(&mut change, &place, "template.publish", &record, summary).await?;
    change.commit().await?;
    Ok(version)
}

/// The version that may be published: what was asked for, else the smallest that will do.
fn allowed(before: Option<&Template>, written: &Template, wanted: &str) -> Result<String> {
    let refuse = |error: &VersionError| Error::field("version", error.text());
    let wanted = wanted.trim();
    let Some(before) = before else {
        let first = if wanted.is_empty() { "1.0.0" } else { wanted };
        return parse_version(first)
            .map(|version| version.to_string())
            .map_err(|error| refuse(&error));
    };
    let newest = parse_version(&before.semver).map_err(|error| refuse(&error))?;
    let needed = compare(before, written).needed.ok_or_else(|| {
        Error::refused(
            "nothing_changes",
            format!("The document says exactly what {newest} says. Change something first."),
            format!("文档与 {newest} 完全相同，请先修改。"),
        )
    })?;
    let least = next(&newest, needed);
    if wanted.is_empty() {
        return Ok(least.to_string());
    }
    let version = parse_version(wanted).map_err(|error| refuse(&error))?;
    match bump_between(&newest, &version) {
        None => Err(refuse(&VersionError::NotNewer {
            newest: newest.to_string(),
        })),
        Some(bump) if bump < needed => Err(refuse(&VersionError::TooSmall {
            needed,
            least: least.to_string(),
        })),
        Some(_) => Ok(version.to_string()),
    }
}

fn changelog(new: &Publication) -> Result<Text> {
    let (zh, en) = (new.changelog_zh.trim(), new.changelog_en.trim());
    if zh.is_empty() && en.is_empty() {
        return Err(Error::field(
            "changelog_en",
            Text::new(
                "say what changed: those who use the template read it",
                "请说明改动，模板的使用者会看到",
            ),
        ));
    }
    if zh.chars().count() > LONGEST || en.chars().count() > LONGEST {
        return Err(Error::field("changelog_en", too_long()));
    }
    // Who writes one language alone is read in it by everybody.
    let or = |text: &str, other: &str| {
        if text.is_empty() {
            other.to_owned()
        } else {
            text.to_owned()
        }
    };
    Ok(Text::new(or(en, zh), or(zh, en)))
}

pub(super) fn too_long() -> Text {
    Text::new("at most 2000 characters", "最多 2000 个字符")
}

pub(super) fn after(standing: Standing, act: Act) -> Result<Standing> {
    standing.after(act).map_err(|text| Error::Refused {
        code: "template_standing",
        text,
    })
}

/// Forgets a draft of which no version was ever published.
///
/// # Errors
/// As [`save`]; `template_published`: a version is out there.
pub async fn delete(ctx: &OpCtx, at: At<'_>, key: &str, version: i64) -> Result<()> {
    let place = access::publishing(ctx, at).await?;
    let see = access::anywhere(ctx, at).await?;
    let record = own(ctx, &place, &see, key).await?;
    if record.standing != Standing::Draft {
        return Err(Error::refused(
            "template_published",
            "Versions of the template are published: pipelines may be made of them. Withdraw it instead.",
            "该模板已发布过版本，可能已有流水线使用。请改为撤回。",
        ));
    }
    let mut change = ctx.change().await?;
    match change.tx().delete_template(&place, record.id, version).await {
        Ok(()) => {}
        Err(StoreError::Gone) => return Err(changed(&record)),
        Err(error) => return Err(error.into()),
    }
    told_of(
        &mut change,
        &place,
        "template.delete",
        &record,
        serde_json::json!({}),
    )
    .await?;
    change.commit().await
}

/// The smallest step that the document's change needs, against the newest version; `None`: nothing changed, or it has
/// errors. For the page that publishes.
pub fn needed(newest: Option<&Template>, key: &str, text: &str) -> Option<Bump> {
    let written = read(text, key, "0.0.0").template?;
    compare(newest?, &written).needed
}

/// The document of a file, for an app's pipeline that is made of no template that Slipway has.
pub(super) fn document_of_file(name: &str, file: &str) -> Result<(String, Vec<String>)> {
    from_file(name, file).map_err(|error| {
        let words = |locale| error.message(locale);
        Error::Refused {
            code: "not_yaml",
            text: Text::new(
                words(slipway_domain::text::Locale::En),
                words(slipway_domain::text::Locale::ZhCn),
            ),
        }
    })
}
