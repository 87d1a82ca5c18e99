//! The working copy as GitLab reads it.

use super::propose::whole;
use super::{open, unavailable_to_see};
use crate::access::{self, may};
use crate::connection;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use slipway_domain::working_copy::Merged;

/// The whole configuration that GitLab makes of the working copy: with its includes, `extends` and references written
/// out. It is GitLab's own word (`merged_yaml` of its lint); where GitLab does not answer, that is said.
///
/// # Errors
/// As [`access::app`].
pub async fn merged(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<Merged> {
    let scope = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    let view = open(ctx, org, project, app).await?;
    let mut merged = Merged {
        app: scope.id(),
        version: view.copy.version,
        text: None,
        errors: Vec::new(),
        trouble: None,
    };
    if view.copy.text.trim().is_empty() {
        merged.trouble = view.trouble;
        merged.text = merged.trouble.is_none().then(String::new);
        return Ok(merged);
    }
    let link = match connection::link(ctx, &scope).await {
        Ok(link) => link,
        Err(Error::Refused { text, .. } | Error::Unavailable { text, .. }) => {
            merged.trouble = Some(text);
            return Ok(merged);
        }
        Err(error) => return Err(error),
    };
    let said = match whole(&link, &view.copy.text).await {
        Ok(whole) => link.forge.lint(link.project(), &whole).await,
        Err(error) => Err(error),
    };
    match link.heard(ctx, said).await {
        Ok(answer) => {
            merged.text = answer.merged.filter(|text| !text.trim().is_empty());
            merged.errors = answer.errors;
            if merged.text.is_none() && merged.errors.is_empty() {
                merged.trouble = Some(unavailable_to_see());
            }
        }
        Err(error) => merged.trouble = Some(error.text()),
    }
    Ok(merged)
}
