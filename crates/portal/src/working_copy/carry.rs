//! A job of one app's pipeline in the working copy of another.

use super::{Save, open, save};
use crate::access::{self, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use slipway_domain::access::Action;
use slipway_domain::pipeline::file::carry::{Carried, carry};
use slipway_domain::project::Place;
use slipway_domain::text::{Locale, Text};
use slipway_domain::working_copy::Destinations;

/// The apps of the organization whose pipelines the actor may edit, but for this one.
///
/// # Errors
/// As [`access::app`].
pub async fn destinations(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<Destinations> {
    let here = access::app::<may::SeePipelines>(ctx, org, project, app).await?;
    let org = access::org::<may::See>(ctx, org).await?;
    let rights = ctx.rights().await?;
    let mut apps = ctx.read().await?.apps_in(&org).await?;
    apps.retain(|app| app.app.id != here.id() && rights.in_app(app).has(Action::PipelineEdit));
    let mut places: Vec<Place> = apps.iter().map(access::AppScope::place).collect();
    places.sort_by_key(|place| {
        let project = place.project.as_ref().map(|project| project.name.to_lowercase());
        (project, place.app.as_ref().map(|app| app.name.to_lowercase()))
    });
    Ok(Destinations {
        place: here.place(),
        apps: places,
    })
}

/// Copies a job, as this app's working copy has it, into the working copy of another app of the organization, with what
/// it takes from its file. Nothing is proposed.
///
/// # Errors
/// As [`access::app`], for both; the other app has no repository, or GitLab does not answer for it and nobody saved
/// its working copy; the job cannot be carried over, with the reason; somebody saved the other at this moment.
pub async fn copy_job(
    ctx: &OpCtx,
    org: &str,
    (project, app): (&str, &str),
    job: &str,
    to: (&str, &str),
) -> Result<(Place, Carried)> {
    let from = open(ctx, org, project, app).await?;
    access::app::<may::PipelineEdit>(ctx, org, to.0, to.1).await?;
    if (from.copy.version, from.copy.text.is_empty()) == (0, true)
        && let Some(text) = from.trouble
    {
        return Err(Error::Refused {
            code: "no_pipeline",
            text,
        });
    }
    let there = open(ctx, org, to.0, to.1).await?;
    if let (0, Some(text)) = (there.copy.version, there.trouble) {
        let code = "no_pipeline";
        return Err(Error::Refused { code, text });
    }
    let carried = carry(&from.copy.text, job, &there.copy.text).map_err(|refusal| Error::Refused {
        code: "job_not_copied",
        text: Text::new(refusal.message(Locale::En), refusal.message(Locale::ZhCn)),
    })?;
    let input = Save {
        version: there.copy.version,
        base_commit: there.copy.base_commit,
        base: None,
        text: carried.text.clone(),
    };
    save(ctx, org, to.0, to.1, &input).await?;
    Ok((there.place, carried))
}
