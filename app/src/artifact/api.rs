//! Server functions about the files of a job.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::artifact::ArtifactView;

/// What is in a folder of a job's archive.
#[server(name = ReadArtifacts, prefix = "/api/fn", endpoint = "artifact/view", input = GetUrl)]
pub async fn read_artifacts(
    org: String,
    project: String,
    app: String,
    number: String,
    job: String,
    folder: Option<String>,
) -> Result<ArtifactView, AppError> {
    let ctx = crate::ctx()?;
    let nowhere = slipway_portal::Error::NotFound;
    let (Ok(number), Ok(job)) = (number.parse(), job.parse()) else {
        return Err(nowhere.into());
    };
    let at = slipway_portal::run::JobAt {
        org: &org,
        project: &project,
        app: &app,
        number,
        job,
    };
    Ok(slipway_portal::artifact::view(&ctx, &at, folder.as_deref().unwrap_or_default()).await?)
}
