//! Server functions about iterations and the backlog.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::UserId;
use slipway_domain::item::{ItemKind, Priority};
use slipway_domain::iteration::{Backlog, IterationList, IterationReport, IterationView};

/// The iterations, the newest first.
#[server(name = ReadIterations, prefix = "/api/fn", endpoint = "iteration/list", input = GetUrl)]
pub async fn read_iterations(org: String, project: String) -> Result<IterationList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::iteration::list(&ctx, &org, &project).await?)
}

/// One iteration with its charts. A number that is none reads as not found.
#[server(name = ReadIteration, prefix = "/api/fn", endpoint = "iteration/view", input = GetUrl)]
pub async fn read_iteration(
    org: String,
    project: String,
    number: String,
    zone: Option<String>,
    on: Option<String>,
) -> Result<IterationView, AppError> {
    let ctx = crate::ctx()?;
    let number = number.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    let when = (zone.as_deref(), on.as_deref());
    Ok(slipway_portal::iteration::view(&ctx, &org, &project, number, when).await?)
}

/// What became of what an iteration took on. A number that is none reads as not found.
#[server(name = ReadIterationReport, prefix = "/api/fn", endpoint = "iteration/report", input = GetUrl)]
pub async fn read_iteration_report(
    org: String,
    project: String,
    number: String,
    zone: Option<String>,
) -> Result<IterationReport, AppError> {
    let ctx = crate::ctx()?;
    let number = number.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    Ok(slipway_portal::iteration::report(&ctx, &org, &project, number, zone.as_deref()).await?)
}

/// Plans an iteration.
#[server(name = PlanIteration, prefix = "/api/fn", endpoint = "iteration/plan")]
pub async fn plan_iteration(
    org: String,
    project: String,
    name: String,
    goal: String,
    starts_on: String,
    ends_on: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::item::IterationInput {
        name,
        goal,
        starts_on,
        ends_on,
    };
    slipway_portal::iteration::plan(&ctx, &org, &project, input).await?;
    Ok(())
}

/// Changes what an iteration is called, what it is for, and its days.
#[server(name = EditIteration, prefix = "/api/fn", endpoint = "iteration/edit")]
pub async fn edit_iteration(
    org: String,
    project: String,
    number: i64,
    name: String,
    goal: String,
    starts_on: String,
    ends_on: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::item::IterationInput {
        name,
        goal,
        starts_on,
        ends_on,
    };
    Ok(slipway_portal::iteration::update(&ctx, &org, &project, number, input).await?)
}

/// Starts a planned iteration.
#[server(name = BeginIteration, prefix = "/api/fn", endpoint = "iteration/begin")]
pub async fn begin_iteration(org: String, project: String, number: i64) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::iteration::start(&ctx, &org, &project, number).await?)
}

/// Closes the iteration that runs; what is not done goes to another one, or to the backlog.
#[server(name = CloseIteration, prefix = "/api/fn", endpoint = "iteration/close")]
pub async fn close_iteration(
    org: String,
    project: String,
    number: i64,
    carry_to: Option<i64>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::iteration::close(&ctx, &org, &project, number, carry_to).await?;
    Ok(())
}

/// A page of the backlog.
#[server(name = ReadBacklog, prefix = "/api/fn", endpoint = "item/backlog", input = GetUrl)]
pub async fn read_backlog(
    org: String,
    project: String,
    kind: Option<ItemKind>,
    assignee: Option<UserId>,
    label: Option<String>,
    words: Option<String>,
    view: Option<String>,
    cursor: Option<String>,
) -> Result<Backlog, AppError> {
    let ctx = crate::ctx()?;
    let filter = slipway_domain::iteration::BacklogFilter {
        kind,
        assignee,
        label: label.unwrap_or_default(),
        words: words.unwrap_or_default(),
    };
    let asked = (filter, view.is_none());
    Ok(slipway_portal::iteration::backlog_of(&ctx, &org, &project, asked, cursor.as_deref()).await?)
}

/// Empty: as it is; `none`: nothing; else what it is to be.
#[cfg(feature = "ssr")]
fn set<T: std::str::FromStr>(text: &str) -> Result<slipway_portal::item::Set<T>, slipway_portal::Error> {
    use slipway_portal::item::Set;
    match text {
        "" => Ok(Set::Keep),
        "none" => Ok(Set::Clear),
        text => text
            .parse()
            .map(Set::To)
            .map_err(|_| slipway_portal::Error::NotFound),
    }
}

/// Changes the same of many items.
#[server(name = ChangeItems, prefix = "/api/fn", endpoint = "item/bulk")]
pub async fn change_items(
    org: String,
    project: String,
    #[server(default)] numbers: Vec<i64>,
    #[server(default)] iteration: String,
    #[server(default)] assignee: String,
    priority: Option<Priority>,
) -> Result<(), AppError> {
    use slipway_domain::id::{IterationId, TypedId};
    use slipway_portal::item::Set;
    let ctx = crate::ctx()?;
    let (iteration, assignee) = (set::<uuid::Uuid>(&iteration)?, set::<uuid::Uuid>(&assignee)?);
    let edit = slipway_portal::item::Edit {
        iteration: match iteration {
            Set::To(id) => Set::To(IterationId::from_uuid(id)),
            Set::Clear => Set::Clear,
            Set::Keep => Set::Keep,
        },
        assignee: match assignee {
            Set::To(id) => Set::To(UserId::from_uuid(id)),
            Set::Clear => Set::Clear,
            Set::Keep => Set::Keep,
        },
        priority,
        ..slipway_portal::item::Edit::default()
    };
    slipway_portal::item::bulk(&ctx, &org, &project, &numbers, edit).await?;
    Ok(())
}
