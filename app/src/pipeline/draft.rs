//! The form as it stands: texts, and what is wrong with them. The same code runs on the server, for the first page, and in
//! the browser, at every key.

use crate::i18n;
use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use slipway_domain::pipeline::form::{self, Parsed};
use slipway_domain::pipeline::{Param, Params};
use std::collections::BTreeMap;

/// The texts of a form, by parameter.
pub type Inputs = BTreeMap<String, String>;

/// The field that names the switches of a form: a browser sends nothing for one that is off.
pub const SWITCHES: &str = "switches[]";

/// The name of a parameter's field in the post.
pub fn name_of(id: &str) -> String {
    format!("inputs[{id}]")
}

/// The texts with `false` for every switch that was not sent.
pub fn with_switches(mut inputs: Inputs, switches: Vec<String>) -> Inputs {
    for switch in switches {
        inputs.entry(switch).or_insert_with(|| String::from("false"));
    }
    inputs
}

/// The texts in the query of an address: without JavaScript the preview is asked for by loading the page.
pub fn from_query(query: &ParamsMap) -> Inputs {
    let inputs = query.latest_values().filter_map(|(name, text)| {
        Some((
            name.strip_prefix("inputs[")?.strip_suffix(']')?.to_owned(),
            text.to_owned(),
        ))
    });
    with_switches(inputs.collect(), query.get_all(SWITCHES).unwrap_or_default())
}

/// What the texts of a form come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The values, and what was refused.
    pub parsed: Parsed,
    /// The ids of the parameters that are shown.
    pub visible: Vec<String>,
}

fn outcome(params: &[Param], inputs: &Inputs) -> Outcome {
    let parsed = form::parse(params, inputs);
    let visible = visible(params, &parsed.values);
    Outcome { parsed, visible }
}

/// The texts of a form: what was typed, and the defaults where nothing was.
pub fn filled(params: &[Param], typed: Inputs) -> Inputs {
    let mut inputs = form::raw(&form::parse(params, &Inputs::new()).values);
    inputs.extend(typed);
    inputs
}

fn visible(params: &[Param], values: &Params) -> Vec<String> {
    let fields = form::fields(params, values);
    fields
        .iter()
        .filter(|field| field.visible)
        .map(|field| field.param.id.clone())
        .collect()
}

/// A form that is being filled.
#[derive(Clone, Copy)]
pub struct Draft {
    /// The texts.
    pub inputs: RwSignal<Inputs>,
    /// What they come to.
    pub outcome: Memo<Outcome>,
    /// Fields that were left, or that a failed post spoke of: their errors are shown.
    left: RwSignal<Vec<String>>,
}

impl Draft {
    /// The form of these parameters with these texts; the defaults stand where there is none.
    pub fn new(params: Vec<Param>, typed: Inputs, all_left: bool) -> Self {
        let left = if all_left {
            typed.keys().cloned().collect()
        } else {
            Vec::new()
        };
        let inputs = RwSignal::new(filled(&params, typed));
        let outcome = Memo::new(move |_| inputs.with(|inputs| outcome(&params, inputs)));
        Self {
            inputs,
            outcome,
            left: RwSignal::new(left),
        }
    }

    /// The text of a field now.
    pub fn text(self, id: &str) -> String {
        self.inputs
            .with_untracked(|inputs| inputs.get(id).cloned().unwrap_or_default())
    }

    /// Takes what was typed.
    pub fn typed(self, id: &str, text: String) {
        self.inputs.update(|inputs| {
            inputs.insert(id.to_owned(), text);
        });
    }

    /// The reader went on from a field.
    pub fn leave(self, id: &str) {
        if self
            .left
            .with_untracked(|left| left.iter().all(|known| known != id))
        {
            self.left.update(|left| left.push(id.to_owned()));
        }
    }

    /// Whether a field is shown.
    pub fn is_visible(self, id: &str) -> bool {
        self.outcome
            .with(|outcome| outcome.visible.iter().any(|known| known == id))
    }

    /// Whether a field is wrong at this moment, left or not.
    pub fn wrong_now(self, id: &str) -> bool {
        self.outcome
            .with_untracked(|outcome| outcome.parsed.errors.iter().any(|error| error.param == id))
    }

    /// What is wrong with a field that was left.
    pub fn wrong(self, id: &str) -> Option<String> {
        if !self.left.with(|left| left.iter().any(|known| known == id)) {
            return None;
        }
        self.outcome.with(|outcome| {
            let error = outcome.parsed.errors.iter().find(|error| error.param == id)?;
            Some(error.message.text(i18n::locale()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::pipeline::template;

    #[test]
    fn a_query_holds_the_texts_and_a_switch_that_is_off() {
        let query: ParamsMap = [
            ("inputs[node_version]", "24"),
            ("inputs[lint]", "true"),
            ("switches[]", "lint"),
            ("switches[]", "scan"),
            ("other", "x"),
        ]
        .map(|(name, text)| (name, text.to_owned()))
        .into_iter()
        .collect();
        let expected = [("lint", "true"), ("node_version", "24"), ("scan", "false")];
        assert_eq!(
            from_query(&query),
            expected.map(|(id, text)| (id.to_owned(), text.to_owned())).into()
        );
    }

    #[test]
    fn a_refused_text_names_its_field() {
        let node = template("node").unwrap();
        let inputs = Inputs::from([(String::from("node_version"), String::from("not a version"))]);
        assert_eq!(
            outcome(&node.params, &inputs).parsed.errors[0].param,
            "node_version"
        );
    }
}
