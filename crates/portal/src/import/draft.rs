//! A draft: what is chosen, and what each app is to be called. And its start.

use super::choose::{every_project, users, words};
use super::view::{NAME_MOST, judged};
use super::{KEEP_DRAFTS, allowed, connection_of, enqueue, entry, known, open, refused, too_many};
use crate::access::{Authorized, Project, may};
use crate::change::Change;
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::fault;
use crate::ports::{ForgeGroup, ForgeProject, GroupFilter, ImportItemRecord, ImportRecord, SourceForge};
use slipway_domain::id::{ConnectionId, ImportId};
use slipway_domain::import::{ImportState, ItemState, MOST, free_slug, proposed_slug};
use slipway_domain::name::Slug;
use slipway_domain::text::Text;
use std::collections::{BTreeMap, BTreeSet};

/// The longest slug or name that a draft keeps, in characters: what is too long is told, not lost.
const TYPED_MOST: usize = 300;

/// How many wrong fields are told at once.
const TOLD: usize = 20;

/// What is ticked on a page of a group's repositories.
#[derive(Clone, Debug, Default)]
pub struct Ticks {
    /// Through which connection.
    pub connection: Option<ConnectionId>,
    /// GitLab's numeric id of the group.
    pub group: i64,
    /// Whether the page shows repositories of subgroups.
    pub subgroups: bool,
    /// The words that the page was filtered by.
    pub search: Option<String>,
    /// The number of the page, from 1.
    pub page: u32,
    /// The repositories that the page showed.
    pub shown: BTreeSet<i64>,
    /// Those of them that are ticked.
    pub chosen: BTreeSet<i64>,
    /// Whether to take every repository of the group that fits the filter, whatever is ticked: neither archived nor
    /// connected.
    pub all: bool,
    /// Whether the reader goes on to the names, for which something must be chosen.
    pub review: bool,
}

/// What the app of a repository is to be called.
#[derive(Clone, Debug)]
pub struct Edit {
    /// GitLab's numeric project id.
    pub repository: i64,
    /// In URLs; `None`: as it is.
    pub slug: Option<String>,
    /// For people; `None`: as it is.
    pub name: Option<String>,
}

/// A repository to be imported.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// GitLab's numeric project id.
    pub repository: i64,
    /// The slug of its app; `None`: one that suits its path.
    pub slug: Option<String>,
    /// The name of its app; `None`: GitLab's.
    pub name: Option<String>,
}

/// An import to be made and started.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// Through which connection; `None`: the first one by name.
    pub connection: Option<ConnectionId>,
    /// GitLab's numeric id of the group.
    pub group: i64,
    /// Whether repositories of its subgroups are in it.
    pub subgroups: bool,
    /// Which; `None`: all that are neither archived nor connected.
    pub repositories: Option<Vec<NewItem>>,
}

/// Keeps what is ticked in the actor's draft of the group; answers the draft. What other pages have chosen stays.
///
/// # Errors
/// As [`crate::access::project`]; GitLab does not answer; `too_many`; `nothing_chosen`.
pub async fn choose(ctx: &OpCtx, org: &str, project: &str, ticks: &Ticks) -> Result<ImportId> {
    let project = allowed(ctx, org, project).await?;
    let record = connection_of(ctx, project.org_id(), ticks.connection).await?;
    let forge = open(ctx, &record)?;
    let group = forge.group(ticks.group).await.map_err(|error| refused(&error))?;
    let filter = GroupFilter {
        subgroups: ticks.subgroups,
        search: words(ticks.search.as_deref()),
    };
    let used = users(ctx, record.connection.id).await?;
    let free = |project: &ForgeProject| !used.contains_key(&project.id);
    let found = ticked(&*forge, ticks, &filter).await?;
    let see = project.see();
    let modify = project.modify();
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let person = ctx.user()?.id;
    let draft = change
        .tx()
        .import_draft(&see, person, record.connection.id, ticks.group)
        .await?;
    let items = match &draft {
        Some(draft) => change.tx().import_items(&see, draft.id).await?,
        None => Vec::new(),
    };
    let known: BTreeSet<i64> = items.iter().map(|(item, _)| item.repository).collect();
    let wanted = |project: &&ForgeProject| {
        free(project)
            && (ticks.chosen.contains(&project.id) || (ticks.all && !project.archived))
            && !known.contains(&project.id)
    };
    let added: Vec<&ForgeProject> = found.iter().filter(wanted).collect();
    let gone: Vec<i64> = ticks
        .shown
        .iter()
        .filter(|id| known.contains(id) && !ticks.chosen.contains(id) && !ticks.all)
        .copied()
        .collect();
    let chosen = known.len() + added.len() - gone.len();
    if chosen > MOST {
        return Err(too_many());
    }
    if chosen == 0 && (ticks.review || ticks.all) {
        return Err(nothing_chosen());
    }
    let id = match draft {
        Some(draft) => draft.id,
        None => {
            begin(ctx, &mut change, &project, record.connection.id, group)
                .await?
                .id
        }
    };
    for repository in gone {
        change.tx().remove_import_item(&modify, id, repository).await?;
    }
    let mut taken: BTreeSet<String> = change.tx().taken_app_slugs(&see).await?.into_iter().collect();
    taken.extend(items.into_iter().map(|(item, _)| item.slug));
    for project in added {
        let item = proposed(project, &mut taken);
        change.tx().put_import_item(&modify, id, &item).await?;
    }
    change.touch("import", id, &project.place());
    change.commit().await?;
    Ok(id)
}

/// The repositories that the ticks are about: those of the page, or of the whole group where the page is not enough.
async fn ticked(forge: &dyn SourceForge, ticks: &Ticks, filter: &GroupFilter) -> Result<Vec<ForgeProject>> {
    if !ticks.all {
        let found = forge
            .group_projects(ticks.group, filter, ticks.page.max(1))
            .await
            .map_err(|error| refused(&error))?
            .items;
        let there: BTreeSet<i64> = found.iter().map(|project| project.id).collect();
        if ticks.chosen.is_subset(&there) {
            return Ok(found);
        }
        // Something moved to another page since the reader saw this one.
    }
    let all = every_project(forge, ticks.group, filter, 10 * MOST).await?;
    all.ok_or_else(too_many)
}

/// Begins a draft, and forgets those that nobody went on with.
async fn begin(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    project: &Authorized<Project, may::AppCreate>,
    connection: ConnectionId,
    group: ForgeGroup,
) -> Result<ImportRecord> {
    let import = ImportRecord {
        id: ctx.id(),
        connection,
        group: group.id,
        group_path: group.path,
        state: ImportState::Draft,
        by: ctx.user()?.clone(),
        reason: None,
        trouble: None,
        retry_at: None,
        exhausted: 0,
        created_at: ctx.now(),
        started_at: None,
        ended_at: None,
    };
    let modify = project.modify();
    let tx = change.tx();
    tx.delete_import_drafts(&modify, ctx.now().plus(-KEEP_DRAFTS))
        .await?;
    tx.insert_import(&modify, &import).await?;
    Ok(import)
}

/// A repository with a slug and a name that suit it. The slug is taken from now on.
fn proposed(project: &ForgeProject, taken: &mut BTreeSet<String>) -> ImportItemRecord {
    let slug = free_slug(&proposed_slug(&project.path), taken);
    taken.insert(slug.clone());
    let name: String = project.name.trim().chars().take(NAME_MOST).collect();
    ImportItemRecord {
        repository: project.id,
        path: project.path.clone(),
        archived: project.archived,
        name: if name.trim().is_empty() {
            slug.clone()
        } else {
            name.trim_end().to_owned()
        },
        slug,
        state: ItemState::Waiting,
        app: None,
        reason: None,
        tries: 0,
        ended_at: None,
    }
}

/// Keeps what was typed into a draft, right or wrong.
///
/// # Errors
/// As [`crate::access::project`]; [`Error::NotFound`]; `started`.
pub async fn edit(ctx: &OpCtx, org: &str, project: &str, id: ImportId, edits: &[Edit]) -> Result<()> {
    let project = allowed(ctx, org, project).await?;
    is_draft(&known(ctx, &project, id).await?)?;
    let by_repository: BTreeMap<i64, &Edit> = edits.iter().map(|edit| (edit.repository, edit)).collect();
    let modify = project.modify();
    let mut change = ctx.change().await?;
    change.bookkeeping();
    for (mut item, _) in change.tx().import_items(&project.see(), id).await? {
        let Some(edit) = by_repository.get(&item.repository) else {
            continue;
        };
        let clipped = |text: &String| text.trim().chars().take(TYPED_MOST).collect::<String>();
        let slug = edit.slug.as_ref().map_or_else(|| item.slug.clone(), clipped);
        let name = edit.name.as_ref().map_or_else(|| item.name.clone(), clipped);
        if (&slug, &name) != (&item.slug, &item.name) {
            (item.slug, item.name) = (slug, name);
            change.tx().put_import_item(&modify, id, &item).await?;
        }
    }
    change.touch("import", id, &project.place());
    change.commit().await
}

fn is_draft(import: &ImportRecord) -> Result<()> {
    if import.state == ImportState::Draft {
        return Ok(());
    }
    Err(Error::conflict(
        "started",
        "This import has started: its names can no longer be changed. Rename the apps in their settings.",
        "该导入已开始，名称不能再修改。可在应用设置中重命名。",
    ))
}

/// Starts a draft.
///
/// # Errors
/// As [`crate::access::project`]; [`Error::NotFound`]; `started`; `nothing_chosen`; a wrong or taken slug or name, in
/// the fields `slugs[r12]` and `names[r12]` of the repository 12.
pub async fn start(ctx: &OpCtx, org: &str, project: &str, id: ImportId) -> Result<()> {
    let project = allowed(ctx, org, project).await?;
    let import = known(ctx, &project, id).await?;
    is_draft(&import)?;
    let mut change = ctx.change().await?;
    let items = change.tx().import_items(&project.see(), id).await?;
    let items: Vec<ImportItemRecord> = items.into_iter().map(|(item, _)| item).collect();
    if items.is_empty() {
        return Err(nothing_chosen());
    }
    let taken = change.tx().taken_app_slugs(&project.see()).await?;
    let count = items.len();
    let mut wrong = Vec::new();
    for item in judged(items, &taken) {
        let fields = [("slugs", item.wrong_slug), ("names", item.wrong_name)];
        wrong.extend(fields.into_iter().filter_map(|(field, text)| {
            let text = text?;
            Some(FieldError {
                field: format!("{field}[r{}]", item.repository),
                text: Text::new(
                    format!("{}: {}", item.path, text.en),
                    format!("{}：{}", item.path, text.zh),
                ),
            })
        }));
    }
    if !wrong.is_empty() {
        wrong.truncate(TOLD);
        return Err(Error::Invalid(wrong));
    }
    let running = ImportRecord {
        state: ImportState::Running,
        started_at: Some(ctx.now()),
        ..import
    };
    change
        .tx()
        .update_import(&project.modify(), &running, ImportState::Draft)
        .await?;
    started(ctx, change, &project, &running, count).await
}

fn nothing_chosen() -> Error {
    Error::refused(
        "nothing_chosen",
        "No repository is chosen. Tick at least one.",
        "尚未选择仓库，请至少勾选一个。",
    )
}

/// The end of every start: its audit row, its job, and the news.
async fn started(
    ctx: &OpCtx,
    mut change: Change<'_>,
    project: &Authorized<Project, may::AppCreate>,
    import: &ImportRecord,
    count: usize,
) -> Result<()> {
    let place = project.place();
    let summary = serde_json::json!({ "repositories": count });
    change
        .audit(entry("import.start", import, &place, summary))
        .await?;
    enqueue(&mut change, project.id(), import.id, ctx.now()).await?;
    change.touch("import", import.id, &place);
    change.commit().await?;
    fault::point("import.started");
    Ok(())
}

/// Makes and starts an import at once: for programs.
///
/// # Errors
/// As [`crate::access::project`]; GitLab does not answer; `too_many`; `nothing_chosen`; a repository that is not in the
/// group, or a wrong or taken slug or name, in the fields `repositories[0].repository`, `.slug` and `.name`.
pub async fn create(ctx: &OpCtx, org: &str, project: &str, new: &New) -> Result<ImportId> {
    let project = allowed(ctx, org, project).await?;
    if new.repositories.as_ref().is_some_and(|some| some.len() > MOST) {
        return Err(too_many());
    }
    let record = connection_of(ctx, project.org_id(), new.connection).await?;
    let forge = open(ctx, &record)?;
    let group = forge.group(new.group).await.map_err(|error| refused(&error))?;
    let filter = GroupFilter {
        subgroups: new.subgroups,
        search: None,
    };
    let found = every_project(&*forge, new.group, &filter, 10 * MOST)
        .await?
        .ok_or_else(too_many)?;
    let used = users(ctx, record.connection.id).await?;
    let mut change = ctx.change().await?;
    let taken = change.tx().taken_app_slugs(&project.see()).await?;
    let items = if let Some(named) = &new.repositories {
        named_items(named, &found, &taken)?
    } else {
        let mut taken: BTreeSet<String> = taken.into_iter().collect();
        let free = found
            .iter()
            .filter(|project| !project.archived && !used.contains_key(&project.id));
        free.map(|project| proposed(project, &mut taken)).collect()
    };
    if items.is_empty() {
        return Err(nothing_chosen());
    }
    if items.len() > MOST {
        return Err(too_many());
    }
    let modify = project.modify();
    // A draft of the same group stays as it is.
    let import = ImportRecord {
        id: ctx.id(),
        connection: record.connection.id,
        group: group.id,
        group_path: group.path,
        state: ImportState::Running,
        by: ctx.user()?.clone(),
        reason: None,
        trouble: None,
        retry_at: None,
        exhausted: 0,
        created_at: ctx.now(),
        started_at: Some(ctx.now()),
        ended_at: None,
    };
    change.tx().insert_import(&modify, &import).await?;
    for item in &items {
        change.tx().put_import_item(&modify, import.id, item).await?;
    }
    started(ctx, change, &project, &import, items.len()).await?;
    Ok(import.id)
}

/// The repositories that a program named. Slugs that it typed are taken as they are; the others make room.
fn named_items(named: &[NewItem], found: &[ForgeProject], apps: &[String]) -> Result<Vec<ImportItemRecord>> {
    let by_id: BTreeMap<i64, &ForgeProject> = found.iter().map(|project| (project.id, project)).collect();
    let mut wrong = Vec::new();
    let mut say = |i: usize, field: &str, text: Text| {
        wrong.push(FieldError {
            field: format!("repositories[{i}].{field}"),
            text,
        });
    };
    let mut taken: BTreeSet<String> = apps.iter().cloned().collect();
    taken.extend(named.iter().filter_map(|item| item.slug.clone()));
    let (mut seen, mut items) = (BTreeSet::new(), Vec::new());
    for (i, item) in named.iter().enumerate() {
        let Some(project) = by_id.get(&item.repository) else {
            say(
                i,
                "repository",
                Text::new("the group has no such repository", "该群组中没有此仓库"),
            );
            continue;
        };
        if !seen.insert(item.repository) {
            say(
                i,
                "repository",
                Text::new(
                    "it is named twice; name it once",
                    "重复填写了该仓库，请只填写一次",
                ),
            );
            continue;
        }
        let mut made = match &item.slug {
            Some(_) => proposed(project, &mut BTreeSet::new()),
            None => proposed(project, &mut taken),
        };
        if let Some(slug) = &item.slug {
            if let Err(error) = Slug::parse(slug) {
                say(i, "slug", error.text());
            }
            made.slug.clone_from(slug);
        }
        if let Some(name) = &item.name {
            name.trim().clone_into(&mut made.name);
        }
        items.push((i, made));
    }
    let records = items.iter().map(|(_, item)| item.clone()).collect();
    let places: Vec<usize> = items.iter().map(|(i, _)| *i).collect();
    for (place, item) in places.into_iter().zip(judged(records, apps)) {
        if let Some(text) = item.wrong_slug.filter(|_| Slug::parse(&item.slug).is_ok()) {
            say(place, "slug", text);
        }
        if let Some(text) = item.wrong_name {
            say(place, "name", text);
        }
    }
    if wrong.is_empty() {
        return Ok(items.into_iter().map(|(_, item)| item).collect());
    }
    wrong.truncate(TOLD);
    Err(Error::Invalid(wrong))
}
