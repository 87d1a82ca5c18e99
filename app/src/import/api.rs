//! Server functions about imports of GitLab groups.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::{ConnectionId, ImportId};
use slipway_domain::import::{ImportChooser, ImportView};
use std::collections::BTreeMap;

/// Connections, groups and repositories to choose from. A connection or a group that is none reads as not found.
#[server(name = ReadImportChooser, prefix = "/api/fn", endpoint = "import/chooser", input = GetUrl)]
pub async fn read_import_chooser(
    org: String,
    project: String,
    connection: Option<String>,
    group: Option<String>,
    subgroups: Option<bool>,
    search: Option<String>,
    page: Option<u32>,
) -> Result<ImportChooser, AppError> {
    let ctx = crate::ctx()?;
    let asked = slipway_portal::import::Asked {
        connection: super::id(connection)?,
        group: super::id(group)?,
        subgroups: subgroups.unwrap_or_default(),
        search,
        page: page.unwrap_or(1),
    };
    Ok(slipway_portal::import::chooser(&ctx, &org, &project, &asked).await?)
}

/// Keeps what is ticked on a page, and leads to where the pressed button says: `find`, `previous`, `next`, `all` or
/// `review`.
#[server(name = ChooseRepositories, prefix = "/api/fn", endpoint = "import/choose")]
pub async fn choose_repositories(
    org: String,
    project: String,
    connection: ConnectionId,
    group: i64,
    page: u32,
    shown: String,
    #[server(default)] chosen: Vec<i64>,
    subgroups: Option<bool>,
    search: Option<String>,
    with_subgroups: Option<bool>,
    find: Option<String>,
    then: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let ticks = slipway_portal::import::Ticks {
        connection: Some(connection),
        group,
        subgroups: subgroups.unwrap_or_default(),
        search: search.clone(),
        page,
        shown: shown.split(',').filter_map(|id| id.trim().parse().ok()).collect(),
        chosen: chosen.into_iter().collect(),
        all: then == "all",
        review: then == "review",
    };
    let id = slipway_portal::import::choose(&ctx, &org, &project, &ticks).await?;
    let base = crate::places::project(&org, &project);
    let shown = super::Filter {
        connection: Some(connection.to_string()),
        group: Some(group.to_string()),
        subgroups: ticks.subgroups,
        search: search.unwrap_or_default(),
    };
    let to = match then.as_str() {
        "review" | "all" => format!("{base}/imports/{id}"),
        "next" => format!("{base}/import{}", shown.href(page.saturating_add(1))),
        "previous" => format!("{base}/import{}", shown.href(page.saturating_sub(1).max(1))),
        _ => {
            let found = super::Filter {
                subgroups: with_subgroups.unwrap_or_default(),
                search: find.unwrap_or_default(),
                ..shown
            };
            format!("{base}/import{}", found.href(1))
        }
    };
    leptos_axum::redirect(&to);
    Ok(())
}

/// An import with a page of its repositories. An id that is none reads as not found.
#[server(name = ReadImport, prefix = "/api/fn", endpoint = "import/view", input = GetUrl)]
pub async fn read_import(
    org: String,
    project: String,
    id: String,
    page: Option<u32>,
) -> Result<ImportView, AppError> {
    let ctx = crate::ctx()?;
    let id = id.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    let page = page.unwrap_or(1).max(1);
    Ok(slipway_portal::import::view(&ctx, &org, &project, id, page).await?)
}

/// Keeps the slugs and names of a draft, by `r` and the repository's number, and goes where the pressed button says:
/// `start`, `previous`, `next` or `save`.
#[server(name = ReviewImport, prefix = "/api/fn", endpoint = "import/review")]
pub async fn review_import(
    org: String,
    project: String,
    id: ImportId,
    page: u32,
    #[server(default)] slugs: BTreeMap<String, String>,
    #[server(default)] names: BTreeMap<String, String>,
    then: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let edits = super::edits(slugs, names);
    slipway_portal::import::edit(&ctx, &org, &project, id, &edits).await?;
    if then == "start" {
        slipway_portal::import::start(&ctx, &org, &project, id).await?;
    }
    let to = match then.as_str() {
        "start" => 1,
        "next" => page.saturating_add(1),
        "previous" => page.saturating_sub(1).max(1),
        _ => page,
    };
    let base = crate::places::project(&org, &project);
    leptos_axum::redirect(&format!("{base}/imports/{id}{}", super::page_query(to)));
    Ok(())
}

/// Stops an import.
#[server(name = StopImport, prefix = "/api/fn", endpoint = "import/stop")]
pub async fn stop_import(org: String, project: String, id: ImportId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::import::stop(&ctx, &org, &project, id).await?)
}

/// Goes on with an import that ended, and tries the failed again.
#[server(name = RetryImport, prefix = "/api/fn", endpoint = "import/retry")]
pub async fn retry_import(org: String, project: String, id: ImportId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::import::retry(&ctx, &org, &project, id).await?)
}
