//! Server functions about pipeline schedules.

use crate::AppError;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::GetUrl;
use slipway_domain::schedule::{CronPreview, ScheduleForm, ScheduleList};
use slipway_domain::variable::Variable;
#[cfg(feature = "ssr")]
use slipway_portal::schedule::{self, Act, Input};
use std::collections::BTreeMap;

/// When a schedule runs, as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// Five fields.
    pub cron: String,
    /// A name of the IANA time zone database.
    pub zone: String,
}

/// The schedules of an app's repository.
#[server(name = ReadSchedules, prefix = "/api/fn", endpoint = "schedule/list", input = GetUrl)]
pub async fn read_schedules(org: String, project: String, app: String) -> Result<ScheduleList, AppError> {
    let ctx = crate::ctx()?;
    Ok(schedule::list(&ctx, (&org, &project, &app)).await?)
}

/// The form of a schedule; without `id`, of a new one.
#[server(name = ReadSchedule, prefix = "/api/fn", endpoint = "schedule/form", input = GetUrl)]
pub async fn read_schedule(
    org: String,
    project: String,
    app: String,
    id: Option<String>,
    #[server(rename = "ref")] git_ref: Option<String>,
) -> Result<ScheduleForm, AppError> {
    let ctx = crate::ctx()?;
    let id = match id {
        Some(id) => Some(id.parse().map_err(|_| slipway_portal::Error::NotFound)?),
        None => None,
    };
    Ok(schedule::form(&ctx, (&org, &project, &app), id, git_ref.as_deref()).await?)
}

/// The next times of an expression that is being typed, or what is wrong with it.
#[server(name = PreviewCron, prefix = "/api/fn", endpoint = "schedule/preview", input = GetUrl)]
pub async fn preview_cron(cron: String, zone: String) -> Result<CronPreview, AppError> {
    let ctx = crate::ctx()?;
    Ok(schedule::preview(&ctx, &cron, &zone).await?)
}

/// Makes or changes a schedule, and leads to the list. With `check` it only says when it would run.
#[server(name = SaveSchedule, prefix = "/api/fn", endpoint = "schedule/save")]
pub async fn save_schedule(
    org: String,
    project: String,
    app: String,
    id: Option<i64>,
    description: String,
    #[server(rename = "ref")] git_ref: String,
    when: When,
    #[server(default)] active: bool,
    #[server(default)] inputs: BTreeMap<String, String>,
    #[server(default)] variables: Vec<Variable>,
    #[server(default)] dropped: Vec<String>,
    #[server(default)] check: bool,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let When { cron, zone } = when;
    if check {
        return Err(schedule::only_checked(&ctx, &cron, &zone).into());
    }
    let input = Input {
        description,
        git_ref,
        cron,
        zone,
        active,
        inputs: slipway_portal::run::Given::Typed(inputs),
        variables,
        dropped,
    };
    let at = (org.as_str(), project.as_str(), app.as_str());
    match id {
        Some(id) => schedule::update(&ctx, at, id, &input).await?,
        None => {
            schedule::create(&ctx, at, &input).await?;
        }
    }
    leptos_axum::redirect(&format!("{}/schedules", crate::places::app(&org, &project, &app)));
    Ok(())
}

/// Deletes a schedule.
#[server(name = DeleteSchedule, prefix = "/api/fn", endpoint = "schedule/delete")]
pub async fn delete_schedule(org: String, project: String, app: String, id: i64) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(schedule::act(&ctx, (&org, &project, &app), id, Act::Delete).await?)
}

/// Makes Slipway's account at GitLab the owner of a schedule.
#[server(name = OwnSchedule, prefix = "/api/fn", endpoint = "schedule/own")]
pub async fn own_schedule(org: String, project: String, app: String, id: i64) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(schedule::act(&ctx, (&org, &project, &app), id, Act::Own).await?)
}

/// Runs a schedule now.
#[server(name = PlaySchedule, prefix = "/api/fn", endpoint = "schedule/play")]
pub async fn play_schedule(org: String, project: String, app: String, id: i64) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(schedule::act(&ctx, (&org, &project, &app), id, Act::Play).await?)
}
