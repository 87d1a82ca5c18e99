//! Server functions about making a pipeline.

use super::TemplatePage;
use crate::AppError;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::GetUrl;
use slipway_domain::diff::DiffView;
use slipway_domain::proposal::{Gallery, LintView};
use std::collections::BTreeMap;

/// The templates, those that suit the app's repository first.
#[server(name = ReadGallery, prefix = "/api/fn", endpoint = "proposal/gallery", input = GetUrl)]
pub async fn read_gallery(org: String, project: String, app: String) -> Result<Gallery, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::proposal::gallery(&ctx, &org, &project, &app).await?)
}

/// One template with its form, filled in with `inputs`; with what the reader typed before, where there are none.
#[server(name = ReadTemplate, prefix = "/api/fn", endpoint = "proposal/template", input = GetUrl)]
pub async fn read_template(
    org: String,
    project: String,
    app: String,
    template: String,
    #[server(default)] inputs: BTreeMap<String, String>,
) -> Result<TemplatePage, AppError> {
    let ctx = crate::ctx()?;
    let gallery = slipway_portal::proposal::gallery(&ctx, &org, &project, &app).await?;
    let page = TemplatePage::of(gallery, &template, inputs);
    Ok(page.ok_or(slipway_portal::Error::NotFound)?)
}

/// What only the server can say of a filled form; Slipway's rules the browser knows itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// What GitLab says.
    pub lint: LintView,
    /// From the file that is there now to this one; `None` where there is none, or the form has errors.
    pub diff: Option<DiffView>,
}

/// Checks a filled form: GitLab's lint, and the difference to the file that is there.
#[server(name = CheckPipeline, prefix = "/api/fn", endpoint = "proposal/check")]
pub async fn check_pipeline(
    org: String,
    project: String,
    app: String,
    template: String,
    #[server(default)] inputs: BTreeMap<String, String>,
    #[server(default)] switches: Vec<String>,
) -> Result<Checked, AppError> {
    let ctx = crate::ctx()?;
    let inputs = super::draft::with_switches(inputs, switches);
    let input = slipway_portal::proposal::Input {
        template,
        inputs,
        replace: false,
    };
    let view = slipway_portal::proposal::check(&ctx, &org, &project, &app, &input).await?;
    Ok(Checked {
        lint: view.lint,
        diff: view.diff,
    })
}

/// Proposes the pipeline as a merge request, and leads to the app's page; with `go` = `editor`, opens it in the editor
/// instead.
#[server(name = ProposePipeline, prefix = "/api/fn", endpoint = "proposal/propose")]
pub async fn propose_pipeline(
    org: String,
    project: String,
    app: String,
    template: String,
    #[server(default)] inputs: BTreeMap<String, String>,
    #[server(default)] switches: Vec<String>,
    replace: Option<bool>,
    go: Option<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let inputs = super::draft::with_switches(inputs, switches);
    let input = slipway_portal::proposal::Input {
        template,
        inputs,
        replace: replace.unwrap_or_default(),
    };
    if go.as_deref() == Some("editor") {
        let text = slipway_portal::proposal::compiled(&ctx, &org, &project, &app, &input).await?;
        slipway_portal::working_copy::begin(&ctx, &org, &project, &app, &text, input.replace).await?;
        let page = format!("{}/pipelines/edit", crate::places::app(&org, &project, &app));
        leptos_axum::redirect(&page);
        return Ok(());
    }
    slipway_portal::proposal::propose(&ctx, &org, &project, &app, &input).await?;
    leptos_axum::redirect(&crate::places::app(&org, &project, &app));
    Ok(())
}
