//! Making a pipeline: the gallery of templates, and one generated form with its YAML beside it.

pub mod api;
mod draft;
mod field;
mod form;
mod gallery;
pub(crate) mod made;
pub(crate) mod preview;

#[cfg(feature = "ssr")]
pub(crate) use draft::with_switches;
pub(crate) use draft::{Draft, from_query};
pub(crate) use field::param_field;
pub use form::form_page;
pub use gallery::gallery_page;

use serde::{Deserialize, Serialize};
use slipway_domain::pipeline::{StepType, Template};
use slipway_domain::project::Place;
use slipway_domain::proposal::ExistingFile;
#[cfg(feature = "ssr")]
use slipway_domain::proposal::Gallery;
use slipway_domain::template::Told;
use slipway_domain::text::Text;
use std::collections::BTreeMap;

/// What the page of a template's form shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplatePage {
    /// Where.
    pub place: Place,
    /// The template.
    pub template: Template,
    /// The types of its steps.
    pub steps: Vec<StepType>,
    /// What there is to know of it, where it did not come with Slipway.
    pub told: Option<Told>,
    /// What the form is filled in with, by parameter: as it was asked for, else as the reader typed it before.
    pub typed: BTreeMap<String, String>,
    /// The file of that.
    pub made: made::Made,
    /// Whether a repository is connected.
    pub connected: bool,
    /// The pipeline that is there already.
    pub existing: Option<ExistingFile>,
    /// Whether the editor has a draft that nobody has proposed.
    pub edited: bool,
    /// Why something is missing here.
    pub trouble: Option<Text>,
    /// Whether the reader may propose pipelines.
    pub may_edit: bool,
}

impl TemplatePage {
    /// The page of the gallery's template `key`, if it has one; `asked`: what the form is to be filled in with.
    #[cfg(feature = "ssr")]
    pub fn of(gallery: Gallery, key: &str, asked: BTreeMap<String, String>) -> Option<Self> {
        let template = gallery
            .templates
            .into_iter()
            .find(|template| template.key == key)?;
        let draft = gallery.draft.filter(|draft| draft.template == key);
        let typed = if asked.is_empty() {
            draft.map(|draft| draft.inputs).unwrap_or_default()
        } else {
            asked
        };
        let steps = slipway_domain::pipeline::StepTypes::built_in().of(&template);
        let inputs = draft::filled(&template.params, typed.clone());
        let values = slipway_domain::pipeline::form::parse(&template.params, &inputs).values;
        Some(Self {
            made: made::made(&template, &steps, &values),
            told: gallery.told.get(key).cloned(),
            place: gallery.place,
            steps,
            template,
            typed,
            connected: gallery.repository.is_some(),
            existing: gallery.existing,
            edited: gallery.edited,
            trouble: gallery.trouble,
            may_edit: gallery.may_edit,
        })
    }
}
