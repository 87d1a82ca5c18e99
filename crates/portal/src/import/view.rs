//! How far an import is, and what is wrong with a draft.

use super::{allowed, known};
use crate::context::OpCtx;
use crate::error::Result;
use crate::ports::{ImportItemRecord, ImportRecord};
use slipway_domain::app::AppRef;
use slipway_domain::id::ImportId;
use slipway_domain::import::{
    ImportCounts, ImportItem, ImportRow, ImportState, ImportView, PER_PAGE, PageOf, free_slug,
};
use slipway_domain::name::{NameError, Slug};
use slipway_domain::text::Text;
use std::collections::BTreeSet;

/// The longest name of an app, in characters.
pub(super) const NAME_MOST: usize = 100;

/// How many imports a list has at most.
const LISTED: i64 = 100;

/// An import in a list.
pub(super) fn row(record: ImportRecord, counts: ImportCounts) -> ImportRow {
    ImportRow {
        id: record.id,
        group: record.group_path,
        state: record.state,
        counts,
        by: record.by,
        created_at: record.created_at,
    }
}

/// The newest imports into the project, without drafts.
///
/// # Errors
/// As [`crate::access::project`].
pub async fn list(ctx: &OpCtx, org: &str, project: &str) -> Result<Vec<ImportRow>> {
    let project = allowed(ctx, org, project).await?;
    let found = ctx.read().await?.imports(&project.see(), LISTED).await?;
    Ok(found
        .into_iter()
        .map(|(record, counts)| row(record, counts))
        .collect())
}

/// An import with a page of its repositories, from 1; page 0: all of them.
///
/// # Errors
/// As [`crate::access::project`]; [`crate::Error::NotFound`].
pub async fn view(ctx: &OpCtx, org: &str, project: &str, id: ImportId, page: u32) -> Result<ImportView> {
    let project = allowed(ctx, org, project).await?;
    let import = known(ctx, &project, id).await?;
    let mut tx = ctx.read().await?;
    let see = project.see();
    let items = tx.import_items(&see, id).await?;
    let taken = tx.taken_app_slugs(&see).await?;
    let connection = tx.connection(project.org_id(), import.connection).await?;
    drop(tx);
    let mut counts = ImportCounts::default();
    for (item, _) in &items {
        counts.add(item.state, 1);
    }
    let mut items: Vec<ImportItem> = if import.state == ImportState::Draft {
        judged(items.into_iter().map(|(item, _)| item).collect(), &taken)
    } else {
        items.into_iter().map(|(item, app)| shown(item, app)).collect()
    };
    let is_wrong = |item: &ImportItem| item.wrong_slug.is_some() || item.wrong_name.is_some();
    let wrong = items.iter().filter(|item| is_wrong(item)).count();
    items.sort_by_key(|item| !is_wrong(item));
    let page = cut(items, page);
    Ok(ImportView {
        place: project.place(),
        connection: import.connection,
        connection_name: connection.map(|record| record.connection.name),
        group: import.group,
        reason: import.reason.clone(),
        trouble: import.trouble.clone(),
        retry_at: import.retry_at,
        ended_at: import.ended_at,
        row: row(import, counts),
        items: page,
        wrong: i64::try_from(wrong).unwrap_or(i64::MAX),
        as_of: ctx.now(),
    })
}

fn cut(mut items: Vec<ImportItem>, page: u32) -> PageOf<ImportItem> {
    if page == 0 {
        return PageOf {
            items,
            page: 1,
            more: false,
        };
    }
    let from = usize::try_from(page - 1).map_or(usize::MAX, |before| before.saturating_mul(PER_PAGE));
    let mut rest = items.split_off(from.min(items.len()));
    let more = rest.len() > PER_PAGE;
    rest.truncate(PER_PAGE);
    PageOf {
        items: rest,
        page,
        more,
    }
}

fn shown(item: ImportItemRecord, app: Option<AppRef>) -> ImportItem {
    ImportItem {
        repository: item.repository,
        path: item.path,
        archived: item.archived,
        slug: item.slug,
        name: item.name,
        state: item.state,
        app,
        reason: item.reason,
        wrong_slug: None,
        wrong_name: None,
    }
}

/// The repositories of a draft, each with what is wrong about it. `taken`: slugs that the project's apps have.
pub(super) fn judged(items: Vec<ImportItemRecord>, taken: &[String]) -> Vec<ImportItem> {
    let mut used: BTreeSet<String> = taken.iter().cloned().collect();
    let apps = used.clone();
    used.extend(items.iter().map(|item| item.slug.clone()));
    let mut before = BTreeSet::new();
    items
        .into_iter()
        .map(|item| {
            let wrong_slug = if let Err(error) = Slug::parse(&item.slug) {
                Some(error.text())
            } else if apps.contains(&item.slug) {
                Some(taken_by_app(&free_slug(&item.slug, &used)))
            } else if !before.insert(item.slug.clone()) {
                Some(taken_twice(&free_slug(&item.slug, &used)))
            } else {
                None
            };
            let wrong_name = wrong_name(&item.name);
            ImportItem {
                wrong_slug,
                wrong_name,
                ..shown(item, None)
            }
        })
        .collect()
}

fn wrong_name(name: &str) -> Option<Text> {
    if name.trim().is_empty() {
        Some(NameError::Empty.text())
    } else if name.chars().count() > NAME_MOST {
        Some(Text::new(
            format!("use at most {NAME_MOST} characters"),
            format!("最多 {NAME_MOST} 个字符"),
        ))
    } else {
        None
    }
}

fn taken_by_app(free: &str) -> Text {
    Text::new(
        format!("an app of the project has it; “{free}” is free"),
        format!("项目中已有应用使用，“{free}”可用"),
    )
}

fn taken_twice(free: &str) -> Text {
    Text::new(
        format!("another repository of this import has it; “{free}” is free"),
        format!("本次导入中另一个仓库已使用，“{free}”可用"),
    )
}
