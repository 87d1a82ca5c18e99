//! The file that a form makes, and what Slipway's rules say of it: made by the server for the first page, and in the browser
//! at every key. There it is a part of its own, which comes when the first thing is typed: the form is there before it.

use crate::browser::timed;
use serde::{Deserialize, Serialize};
use slipway_domain::pipeline::{
    Params, Severity, StepType, StepTypes, Template, compile_with, instantiate, validate_with,
};
use slipway_domain::text::{Locale, Text};

/// The file of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The file, with the defaults where a text was refused.
    pub yaml: String,
    /// What Slipway's rules say.
    pub remarks: Vec<Remark>,
}

/// Something that Slipway's rules say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// How bad it is.
    pub severity: Severity,
    /// The job's id; none for the whole pipeline.
    pub job: Option<String>,
    /// In words.
    pub text: Text,
}

/// Makes the file of a template with steps of these types.
pub(crate) fn made(template: &Template, steps: &[StepType], values: &Params) -> Made {
    let types = StepTypes(steps);
    let (yaml, problems) = match instantiate(template, values) {
        Ok(pipeline) => (
            timed("compile", || compile_with(&pipeline, types)).text,
            validate_with(&pipeline, types),
        ),
        Err(problems) => (String::new(), problems),
    };
    let remark = |problem: slipway_domain::pipeline::Problem| Remark {
        text: Text::new(problem.message(Locale::En), problem.message(Locale::ZhCn)),
        severity: problem.severity,
        job: problem.job,
    };
    Made {
        yaml,
        remarks: problems.into_iter().map(remark).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::{Inputs, filled};
    use super::*;
    use slipway_domain::pipeline::form::parse;
    use slipway_domain::pipeline::template;

    fn of(template: &Template, typed: Inputs) -> Made {
        let values = parse(&template.params, &filled(&template.params, typed)).values;
        made(template, &StepTypes::built_in().of(template), &values)
    }

    #[test]
    fn untouched_forms_of_all_templates_but_those_that_ask_make_a_file() {
        for built_in in slipway_domain::pipeline::templates() {
            let made = of(built_in, Inputs::new());
            assert!(
                made.yaml.contains("# Pipeline made with Slipway"),
                "{}: {:?}",
                built_in.key,
                made.remarks
            );
        }
    }

    #[test]
    fn a_refused_text_keeps_a_file_in_sight() {
        let node = template("node").unwrap();
        let typed = Inputs::from([(String::from("node_version"), String::from("not a version"))]);
        assert!(of(node, typed).yaml.contains("image: node:"));
    }
}
