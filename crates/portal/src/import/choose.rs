//! What one chooses repositories by: connections, groups, and the repositories of a group.

use super::{allowed, connection_of, no_connection, open, refused};
use crate::access::{self, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{ConnectionRecord, ForgeProject, GroupFilter, SourceForge};
use slipway_domain::id::{AppId, ConnectionId};
use slipway_domain::import::{
    ConnectionName, DraftRef, GroupChoice, ImportChoice, ImportChooser, PER_PAGE, PageOf,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many of the last imports are shown.
const LAST: i64 = 10;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Through which connection; `None`: the first one by name.
    pub connection: Option<ConnectionId>,
    /// GitLab's numeric id of the group; `None`: the groups are asked for.
    pub group: Option<i64>,
    /// Whether the repositories of its subgroups, too.
    pub subgroups: bool,
    /// Only those whose name or path has it.
    pub search: Option<String>,
    /// The page, from 1.
    pub page: u32,
}

/// The words to look for, if any.
pub(super) fn words(search: Option<&str>) -> Option<String> {
    search
        .map(str::trim)
        .filter(|words| !words.is_empty())
        .map(|words| words.chars().take(100).collect())
}

/// Connections, groups and repositories to choose from. What GitLab refuses stands in the answer.
///
/// # Errors
/// As [`access::project`]; [`Error::NotFound`] for a connection of somebody else's; the database does not answer.
pub async fn chooser(ctx: &OpCtx, org: &str, project: &str, asked: &Asked) -> Result<ImportChooser> {
    let project = allowed(ctx, org, project).await?;
    let mut tx = ctx.read().await?;
    let connections: Vec<ConnectionName> = tx
        .connections(project.org_id())
        .await?
        .into_iter()
        .map(|record| ConnectionName {
            id: record.connection.id,
            name: record.connection.name,
        })
        .collect();
    let imports = tx.imports(&project.see(), LAST).await?;
    drop(tx);
    let mut shown = ImportChooser {
        place: project.place(),
        connections,
        connection: None,
        groups: None,
        group: None,
        repositories: None,
        draft: None,
        trouble: None,
        imports: imports
            .into_iter()
            .map(|(record, counts)| super::view::row(record, counts))
            .collect(),
    };
    if shown.connections.is_empty() {
        shown.trouble = Some(no_connection().text());
        return Ok(shown);
    }
    let record = connection_of(ctx, project.org_id(), asked.connection).await?;
    shown.connection = Some(record.connection.id);
    let (mut chosen, mut draft) = (BTreeSet::new(), None);
    if let (Some(group), Ok(person)) = (asked.group, ctx.user()) {
        let mut tx = ctx.read().await?;
        let see = project.see();
        draft = tx
            .import_draft(&see, person.id, record.connection.id, group)
            .await?
            .map(|record| record.id);
        if let Some(id) = draft {
            let items = tx.import_items(&see, id).await?;
            chosen = items.iter().map(|(item, _)| item.repository).collect();
        }
    }
    shown.draft = draft.map(|id| DraftRef {
        id,
        chosen: i64::try_from(chosen.len()).unwrap_or(i64::MAX),
    });
    match look(ctx, &record, asked, &chosen, &mut shown).await {
        Err(error @ (Error::Unavailable { .. } | Error::Refused { .. } | Error::Invalid(_))) => {
            shown.trouble = Some(error.text());
            Ok(shown)
        }
        Err(error) => Err(error),
        Ok(()) => Ok(shown),
    }
}

/// Asks GitLab.
async fn look(
    ctx: &OpCtx,
    record: &ConnectionRecord,
    asked: &Asked,
    chosen: &BTreeSet<i64>,
    shown: &mut ImportChooser,
) -> Result<()> {
    let forge = open(ctx, record)?;
    let search = words(asked.search.as_deref());
    let page = asked.page.max(1);
    let Some(group) = asked.group else {
        let found = forge
            .groups(search.as_deref(), page)
            .await
            .map_err(|error| refused(&error))?;
        let items = found.items.into_iter().map(|group| GroupChoice {
            id: group.id,
            path: group.path,
            name: group.name,
        });
        shown.groups = Some(PageOf {
            items: items.collect(),
            page,
            more: found.more,
        });
        return Ok(());
    };
    let found = forge.group(group).await.map_err(|error| refused(&error))?;
    shown.group = Some(GroupChoice {
        id: found.id,
        path: found.path,
        name: found.name,
    });
    let filter = GroupFilter {
        subgroups: asked.subgroups,
        search,
    };
    let found = forge
        .group_projects(group, &filter, page)
        .await
        .map_err(|error| refused(&error))?;
    let users = users(ctx, record.connection.id).await?;
    let mut items = Vec::new();
    for project in found.items.into_iter().take(PER_PAGE) {
        let used_by = match users.get(&project.id) {
            Some(app) => Some(name_of(ctx, *app).await?),
            None => None,
        };
        items.push(ImportChoice {
            repository: project.id,
            chosen: used_by.is_none() && chosen.contains(&project.id),
            path: project.path,
            name: project.name,
            last_activity: project.last_activity,
            archived: project.archived,
            used_by,
        });
    }
    shown.repositories = Some(PageOf {
        items,
        page,
        more: found.more,
    });
    Ok(())
}

/// The apps that are connected to repositories, by repository.
pub(super) async fn users(ctx: &OpCtx, connection: ConnectionId) -> Result<BTreeMap<i64, AppId>> {
    let used = ctx.read().await?.repositories_in_use(connection).await?;
    Ok(used.into_iter().collect())
}

/// The name of an app as far as the reader may know it.
async fn name_of(ctx: &OpCtx, app: AppId) -> Result<String> {
    match access::app_by_id::<may::See>(ctx, app).await {
        Ok(app) => Ok(app.app.name.clone()),
        Err(Error::NotFound) => Ok(String::from("…")),
        Err(error) => Err(error),
    }
}

/// Every project of a group, page after page; `None`: they are more than `most`.
pub(super) async fn every_project(
    forge: &dyn SourceForge,
    group: i64,
    filter: &GroupFilter,
    most: usize,
) -> Result<Option<Vec<ForgeProject>>> {
    let mut all: Vec<ForgeProject> = Vec::new();
    let mut seen = BTreeSet::new();
    for page in 1.. {
        let found = forge
            .group_projects(group, filter, page)
            .await
            .map_err(|error| refused(&error))?;
        // What moves while pages are turned may come twice.
        all.extend(found.items.into_iter().filter(|project| seen.insert(project.id)));
        if all.len() > most {
            return Ok(None);
        }
        if !found.more {
            break;
        }
    }
    Ok(Some(all))
}
