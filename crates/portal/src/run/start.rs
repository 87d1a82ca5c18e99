//! Running a pipeline: the form of what the file asks for, and what is typed into it.

use super::{enqueue_sync, is_protected, remember_starter, sync};
use crate::access::{self, may};
use crate::change::Entry;
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::ports::{ForgeError, NewPipeline};
use crate::proposal::{FILE, look_up};
use regex::Regex;
use serde_json::Value;
use slipway_domain::access::Action;
use slipway_domain::pipeline::inputs::{self, Asked, Input, InputError};
use slipway_domain::run::RunForm;
use slipway_domain::text::{Locale, Text};
use slipway_domain::variable::{Variable, Visibility, check_run_key, check_value};
use std::collections::{BTreeMap, BTreeSet};

/// The most variables of one run.
const MOST_VARIABLES: usize = 100;

/// What a pipeline's inputs are.
#[derive(Clone, Debug)]
pub enum Given {
    /// Texts of a form, by input.
    Typed(BTreeMap<String, String>),
    /// Values of a program, by input.
    Values(BTreeMap<String, Value>),
}

impl Default for Given {
    fn default() -> Self {
        Self::Values(BTreeMap::new())
    }
}

/// A pipeline to be run.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The branch or tag.
    pub git_ref: String,
    /// Its inputs.
    pub inputs: Given,
    /// Its variables; those without a name are left out.
    pub variables: Vec<Variable>,
}

impl From<&str> for Start {
    fn from(git_ref: &str) -> Self {
        Self {
            git_ref: git_ref.to_owned(),
            ..Self::default()
        }
    }
}

/// Whether a text matches a pattern of the file; `None`: the pattern cannot be read here.
pub(crate) fn fits(pattern: &str, text: &str) -> Option<bool> {
    Some(Regex::new(pattern).ok()?.is_match(text))
}

/// The name of a branch or tag, as it is sent.
///
/// # Errors
/// It is none.
pub(crate) fn checked_ref(git_ref: &str) -> Result<&str> {
    let git_ref = git_ref.trim();
    if git_ref.is_empty() || git_ref.len() > 255 || git_ref.chars().any(char::is_control) {
        return Err(Error::field(
            "ref",
            Text::new("name a branch or tag", "请填写分支或标签"),
        ));
    }
    Ok(git_ref)
}

/// What the file at `git_ref` asks for. A file that is not there or cannot be read asks for nothing: GitLab says why it
/// runs nothing.
pub(crate) async fn asked_of(link: &Link, git_ref: &str) -> Result<(Asked, Option<Text>), ForgeError> {
    let found = match look_up(link, FILE, git_ref.to_owned()).await {
        Ok(found) => found,
        Err(ForgeError::NotFound(_)) => return Ok((Asked::default(), Some(no_file(git_ref)))),
        Err(error) => return Err(error),
    };
    if found.file.is_none() {
        return Ok((Asked::default(), Some(no_file(git_ref))));
    }
    if let Some(broken) = found.broken() {
        return Ok((Asked::default(), Some(broken)));
    }
    Ok(match inputs::read(&found.text()) {
        Ok(asked) => (asked, None),
        Err(error) => {
            let trouble = Text::new(
                format!("{FILE}: {}", error.message(Locale::En)),
                format!("{FILE}：{}", error.message(Locale::ZhCn)),
            );
            (Asked::default(), Some(trouble))
        }
    })
}

fn no_file(git_ref: &str) -> Text {
    Text::new(
        format!("There is no {FILE} on “{git_ref}”, or no such branch or tag."),
        format!("“{git_ref}”上没有 {FILE}，或没有该分支或标签。"),
    )
}

/// The form to run a pipeline with, for a branch or tag; without one, for the default branch.
///
/// # Errors
/// As [`access::app`]; no repository is connected, or it has no commits; GitLab does not answer.
pub async fn form(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    git_ref: Option<&str>,
) -> Result<RunForm> {
    let app = access::app::<may::PipelineRun>(ctx, org, project, app).await?;
    let held = access::rights_in(ctx, &app.see()).await?;
    let link = connection::link(ctx, &app).await?;
    let git_ref = match git_ref.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => checked_ref(name)?.to_owned(),
        None => link.default_branch()?.to_owned(),
    };
    let branches = match link.forge.branches(link.project()).await {
        Err(ForgeError::NotFound(_)) => Ok(Vec::new()),
        other => other,
    };
    let branches = link.asked(ctx, branches).await?;
    let known = branches.iter().find(|branch| branch.name == git_ref);
    let protected = match known {
        Some(branch) => branch.protected,
        None => is_protected(&link, ctx, &git_ref).await?,
    };
    let (asked, trouble) = link.asked(ctx, asked_of(&link, &git_ref).await).await?;
    Ok(RunForm {
        place: app.place(),
        refs: branches.into_iter().map(|branch| branch.name).collect(),
        may_run: !protected || held.has(Action::PipelineRunProtected),
        protected,
        git_ref,
        asked,
        trouble,
    })
}

/// Runs a pipeline on a branch or tag; its number. Inputs and variables are checked before GitLab sees them.
///
/// # Errors
/// As [`access::app`]; the repository has no commits; an input or a variable is wrong; GitLab refuses (there is no such
/// ref, no job would run) or does not answer.
pub async fn start(ctx: &OpCtx, org: &str, project: &str, app: &str, start: &Start) -> Result<i64> {
    let app = access::app::<may::PipelineRun>(ctx, org, project, app).await?;
    let git_ref = checked_ref(&start.git_ref)?;
    let variables = checked_variables(&start.variables, "variables")?;
    let link = connection::link(ctx, &app).await?;
    link.default_branch()?;
    if is_protected(&link, ctx, git_ref).await? {
        access::also::<may::PipelineRunProtected>(ctx, &app.see()).await?;
    }
    let (asked, _) = link.asked(ctx, asked_of(&link, git_ref).await).await?;
    let new = NewPipeline {
        git_ref: git_ref.to_owned(),
        inputs: checked_inputs(&asked, &start.inputs)?,
        variables,
    };
    let made = link
        .asked(ctx, link.forge.create_pipeline(link.project(), &new).await)
        .await?;
    let place = app.place();
    // Values may be secrets: names are enough to know what was asked.
    let keys: Vec<&String> = new.variables.iter().map(|variable| &variable.key).collect();
    let inputs: Vec<&String> = new.inputs.keys().collect();
    let summary = serde_json::json!({ "ref": git_ref, "sha": made.sha, "inputs": inputs, "variables": keys });
    let mut change = ctx.change().await?;
    change
        .audit(Entry::done(
            "run.start",
            "app",
            app.id(),
            format!("#{}", made.iid),
            &place,
            summary,
        ))
        .await?;
    remember_starter(ctx, &mut change, &app.see(), made.id).await?;
    enqueue_sync(&mut change, app.id(), made.id, ctx.now()).await?;
    change.commit().await?;
    // So that the page that is opened next has something to show; the job would do it too.
    if let Err(error) = sync(ctx, app.id(), made.id).await {
        tracing::debug!(%error, "the first look at a new pipeline failed; the job looks again");
    }
    Ok(made.iid)
}

/// The inputs for GitLab, once they are what the file asks for.
pub(crate) fn checked_inputs(asked: &Asked, given: &Given) -> Result<BTreeMap<String, Value>> {
    let inputs = with_unknown(asked, given);
    let checked = match given {
        Given::Typed(typed) => inputs::from_form(&inputs, typed, fits),
        Given::Values(values) => inputs::check_values(&inputs, values, fits).map(|()| values.clone()),
    };
    checked.map_err(|errors| Error::Invalid(errors.iter().map(wrong_input).collect()))
}

/// Where other files bring inputs along, a program's are left to GitLab.
fn with_unknown(asked: &Asked, given: &Given) -> Vec<Input> {
    let mut inputs = asked.inputs.clone();
    let Given::Values(values) = given else {
        return inputs;
    };
    if asked.more_elsewhere {
        let named: BTreeSet<String> = inputs.iter().map(|input| input.name.clone()).collect();
        let others = values.keys().filter(|name| !named.contains(*name));
        inputs.extend(others.map(|name| Input {
            name: name.clone(),
            default: Some(Value::Null),
            unknown: vec![String::from("type")],
            ..Input::default()
        }));
    }
    inputs
}

fn wrong_input(error: &InputError) -> FieldError {
    let name = &error.input;
    FieldError {
        field: format!("inputs[{name}]"),
        text: Text::new(
            format!("{name}: {}", error.text.en),
            format!("{name}：{}", error.text.zh),
        ),
    }
}

/// Variables that have a name, once they are what GitLab takes. `field` is what they are called in the input.
pub(crate) fn checked_variables(variables: &[Variable], field: &str) -> Result<Vec<Variable>> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for (place, variable) in variables.iter().enumerate() {
        let key = variable.key.trim();
        let mut wrong = |part: &str, text: Text| {
            errors.push(FieldError {
                field: format!("{field}[{place}][{part}]"),
                text,
            });
        };
        if key.is_empty() {
            if !variable.value.is_empty() {
                wrong("key", Text::new("name this variable", "请填写变量名"));
            }
            continue;
        }
        if let Err(text) = check_run_key(key) {
            wrong("key", text);
        } else if !seen.insert(key.to_owned()) {
            wrong(
                "key",
                Text::new(format!("“{key}” stands here twice"), format!("“{key}”重复")),
            );
        }
        if let Err(text) = check_value(&variable.value, Visibility::Visible, true) {
            wrong("value", text);
        }
        kept.push(Variable {
            key: key.to_owned(),
            value: variable.value.clone(),
            kind: variable.kind,
        });
    }
    if kept.len() > MOST_VARIABLES {
        let many = Text::new("give at most 100 variables", "变量最多 100 个");
        errors.push(FieldError {
            field: field.to_owned(),
            text: many,
        });
    }
    if errors.is_empty() {
        Ok(kept)
    } else {
        Err(Error::Invalid(errors))
    }
}
