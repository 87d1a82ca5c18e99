//! Server functions about a template's document in the editor.

use crate::AppError;
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use slipway_portal::access::At;
#[cfg(feature = "ssr")]
use slipway_portal::template::author;
use std::collections::BTreeMap;

/// Makes one change in the document of a template and leads back to the editor: what a form of the editor does without
/// JavaScript.
#[server(name = ChangeTemplate, prefix = "/api/fn", endpoint = "template/change")]
pub async fn change_template(
    org: String,
    project: Option<String>,
    template: String,
    version: i64,
    #[server(default)] change: BTreeMap<String, String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    let (place, draft) = author::draft(&ctx, at, &template).await?;
    let step = super::change::apply(&draft.text, &template, &change).inspect_err(AppError::tell_status)?;
    let at = At::new(&org, project.as_deref(), None);
    author::save(&ctx, at, &template, version, &step.text).await?;
    let then = crate::editor::afterwards(step.then, &change);
    leptos_axum::redirect(&super::href(&place, &template, then.as_deref()));
    Ok(())
}

/// Saves the document of a template while it is edited; the new version of the draft.
#[server(name = KeepTemplate, prefix = "/api/fn", endpoint = "template/keep")]
pub async fn keep_template(
    org: String,
    project: Option<String>,
    template: String,
    version: i64,
    text: String,
) -> Result<i64, AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    Ok(author::save(&ctx, at, &template, version, &text).await?)
}

/// Says that the reader's editor of a template's document is open.
#[server(name = ArriveTemplate, prefix = "/api/fn", endpoint = "template/arrive")]
pub async fn arrive_template(org: String, project: Option<String>, template: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), None);
    Ok(author::arrive(&ctx, at, &template).await?)
}
