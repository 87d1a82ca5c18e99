//! Server functions beside the editor.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::working_copy::{Destinations, DriftView};

/// The apps that a job of this one can be copied to.
#[server(name = ReadDestinations, prefix = "/api/fn", endpoint = "working-copy/destinations", input = GetUrl)]
pub async fn read_destinations(org: String, project: String, app: String) -> Result<Destinations, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::working_copy::destinations(&ctx, &org, &project, &app).await?)
}

/// Copies a job into the draft of another app, and leads to its editor. `to`: project and app, `/` between.
#[server(name = CopyJob, prefix = "/api/fn", endpoint = "working-copy/copy-job")]
pub async fn copy_job(
    org: String,
    project: String,
    app: String,
    job: String,
    #[server(default)] to: String,
) -> Result<(), AppError> {
    use slipway_domain::text::Text;
    let ctx = crate::ctx()?;
    let to = to.split_once('/').ok_or_else(|| {
        let text = Text::new("choose an app of the list", "请从列表中选择应用");
        AppError::from(slipway_portal::Error::field("to", text))
    })?;
    let (place, carried) =
        slipway_portal::working_copy::copy_job(&ctx, &org, (&project, &app), &job, to).await?;
    // What came along, and what it waits for no longer, is among the changes.
    let then = format!("{}&view=changes", crate::editor::job_query(&carried.job));
    leptos_axum::redirect(&crate::editor::editor_href(&place, Some(&then)));
    Ok(())
}

/// The jobs that Slipway wrote and that were changed in git.
#[server(name = ReadDrift, prefix = "/api/fn", endpoint = "working-copy/drift", input = GetUrl)]
pub async fn read_drift(org: String, project: String, app: String) -> Result<DriftView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::working_copy::drifted(&ctx, &org, &project, &app).await?)
}

/// Puts a job back into the draft as Slipway wrote it.
#[server(name = RestoreJob, prefix = "/api/fn", endpoint = "working-copy/restore")]
pub async fn restore_job(org: String, project: String, app: String, id: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::working_copy::restore(&ctx, &org, &project, &app, &id).await?;
    leptos_axum::redirect(&format!(
        "{}/pipelines/drift",
        crate::places::app(&org, &project, &app)
    ));
    Ok(())
}
