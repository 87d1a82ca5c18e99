//! Pipelines with inputs, schedules and variables.

use crate::answer::{self, each, flag, int, must, status, text, time};
use crate::call::Call;
use crate::gitlab::{Gitlab, found, id};
use crate::{archive, report};
use async_trait::async_trait;
use gitlab::api::common::path_escaped;
use gitlab::api::projects::runners::ProjectRunners;
use serde_json::{Map, Value, json};
use slipway_domain::artifact::Archive;
use slipway_domain::report::TestReport;
use slipway_domain::run::queue::Runner;
use slipway_domain::schedule::{ScheduleInput, ScheduleVariable};
use slipway_domain::variable::{Variable, VariableKind, VariableRow, Visibility};
use slipway_portal::ports::{
    CiForge, Flow, ForgeCoverage, ForgeError, ForgePipeline, ForgeSchedule, NewPipeline, NewSchedule,
    NewVariable,
};
use std::time::Duration;

/// The most schedules, variables and environments that are read.
const MOST: usize = 200;
/// How long the files of a job may take to come.
const PATIENCE: Duration = Duration::from_mins(15);

fn list_of<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// A schedule; of its variables the names alone.
pub fn schedule(value: &Value) -> Option<ForgeSchedule> {
    let git_ref = text(value, "ref").unwrap_or_default();
    let short = git_ref
        .strip_prefix("refs/heads/")
        .or_else(|| git_ref.strip_prefix("refs/tags/"));
    let last = value.get("last_pipeline");
    let variable = |item: &Value| {
        Some(ScheduleVariable {
            key: text(item, "key")?,
            kind: kind(item),
        })
    };
    let input = |item: &Value| {
        Some(ScheduleInput {
            name: text(item, "name")?,
            value: item.get("value").cloned().unwrap_or_default(),
        })
    };
    Some(ForgeSchedule {
        id: int(value, "id")?,
        description: text(value, "description").unwrap_or_default(),
        git_ref: short.unwrap_or(&git_ref).to_owned(),
        cron: text(value, "cron")?,
        zone: text(value, "cron_timezone").unwrap_or_else(|| String::from("UTC")),
        active: flag(value, "active"),
        next_run_at: time(value, "next_run_at"),
        owner: value.get("owner").and_then(|owner| text(owner, "username")),
        last: last.and_then(|last| Some((int(last, "id")?, status(last)))),
        variables: each(list_of(value, "variables"), "variable of a schedule", variable),
        inputs: each(list_of(value, "inputs"), "input of a schedule", input),
    })
}

fn kind(value: &Value) -> VariableKind {
    VariableKind::from_key(
        value
            .get("variable_type")
            .and_then(Value::as_str)
            .unwrap_or_default(),
    )
}

/// A variable of a repository. Its value is left where it is.
pub fn variable(value: &Value) -> Option<VariableRow> {
    let visibility = if flag(value, "hidden") {
        Visibility::Hidden
    } else if flag(value, "masked") {
        Visibility::Masked
    } else {
        Visibility::Visible
    };
    Some(VariableRow {
        key: text(value, "key")?,
        scope: text(value, "environment_scope").unwrap_or_else(|| String::from("*")),
        kind: kind(value),
        visibility,
        protected: flag(value, "protected"),
        raw: flag(value, "raw"),
        description: text(value, "description").unwrap_or_default(),
    })
}

fn schedule_body(new: &NewSchedule) -> Value {
    let kept = new
        .inputs
        .iter()
        .map(|input| json!({ "name": input.name, "value": input.value }));
    let dropped = new
        .dropped
        .iter()
        .map(|name| json!({ "name": name, "value": "", "destroy": true }));
    let inputs: Vec<Value> = kept.chain(dropped).collect();
    let mut body = json!({
        "description": new.description, "ref": new.git_ref, "cron": new.cron, "cron_timezone": new.zone,
        "active": new.active,
    });
    // GitLab before 18.1 knows no inputs.
    if !inputs.is_empty() {
        body["inputs"] = inputs.into();
    }
    body
}

fn variable_body(new: &NewVariable, creating: bool) -> Value {
    let row = &new.row;
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("variable_type", row.kind.key().into());
    put("protected", row.protected.into());
    put("raw", row.raw.into());
    put("environment_scope", row.scope.clone().into());
    put("description", row.description.clone().into());
    if let Some(value) = &new.value {
        put("value", value.clone().into());
    }
    if creating {
        put("key", row.key.clone().into());
        if row.visibility == Visibility::Hidden {
            put("masked_and_hidden", true.into());
        }
    }
    // GitLab refuses to change this of a hidden one.
    if creating || row.visibility != Visibility::Hidden {
        put("masked", (row.visibility != Visibility::Visible).into());
    }
    Value::Object(body)
}

fn schedule_path(project: i64, id: i64, more: &str) -> String {
    format!("projects/{project}/pipeline_schedules/{id}{more}")
}

fn variable_call(make: impl Fn(String) -> Call, project: i64, key: &str, scope: &str) -> Call {
    let path = format!("projects/{project}/variables/{}", path_escaped(key));
    make(path).with("filter[environment_scope]", scope)
}

#[async_trait]
impl CiForge for Gitlab {
    async fn create_pipeline(&self, project: i64, new: &NewPipeline) -> Result<ForgePipeline, ForgeError> {
        let mut body = json!({ "ref": new.git_ref });
        if !new.inputs.is_empty() {
            body["inputs"] = json!(new.inputs);
        }
        if !new.variables.is_empty() {
            let variables = new.variables.iter().map(
                |variable| json!({ "key": variable.key, "value": variable.value, "variable_type": variable.kind.key() }),
            );
            body["variables"] = variables.collect();
        }
        let value = self
            .call(Call::post(format!("projects/{project}/pipeline"), body))
            .await?;
        must(answer::pipeline(&value), "pipeline")
    }

    async fn schedules(&self, project: i64) -> Result<Vec<ForgeSchedule>, ForgeError> {
        let call = Call::get(format!("projects/{project}/pipeline_schedules"));
        let items = self.list(Ok::<_, ForgeError>(call), MOST).await?;
        let mut schedules = Vec::new();
        // The list has neither variables nor the last pipeline.
        for listed in each(&items, "schedule", schedule) {
            match self.schedule(project, listed.id).await {
                Ok(schedule) => schedules.push(schedule),
                Err(ForgeError::NotFound(_)) => {}
                Err(ForgeError::Forbidden(_)) => schedules.push(listed),
                Err(error) => return Err(error),
            }
        }
        Ok(schedules)
    }

    async fn schedule(&self, project: i64, id: i64) -> Result<ForgeSchedule, ForgeError> {
        let value = self.call(Call::get(schedule_path(project, id, ""))).await?;
        must(schedule(&value), "schedule")
    }

    async fn create_schedule(&self, project: i64, new: &NewSchedule) -> Result<ForgeSchedule, ForgeError> {
        let path = format!("projects/{project}/pipeline_schedules");
        let value = self.call(Call::post(path, schedule_body(new))).await?;
        must(schedule(&value), "schedule")
    }

    async fn update_schedule(&self, project: i64, id: i64, new: &NewSchedule) -> Result<(), ForgeError> {
        self.call(Call::put(schedule_path(project, id, ""), schedule_body(new)))
            .await
            .map(drop)
    }

    async fn delete_schedule(&self, project: i64, id: i64) -> Result<(), ForgeError> {
        self.done(Call::delete(schedule_path(project, id, ""))).await
    }

    async fn own_schedule(&self, project: i64, id: i64) -> Result<(), ForgeError> {
        self.done(Call::post(
            schedule_path(project, id, "/take_ownership"),
            json!({}),
        ))
        .await
    }

    async fn play_schedule(&self, project: i64, id: i64) -> Result<(), ForgeError> {
        self.done(Call::post(schedule_path(project, id, "/play"), json!({})))
            .await
    }

    async fn put_schedule_variable(
        &self,
        project: i64,
        id: i64,
        variable: &Variable,
        new: bool,
    ) -> Result<(), ForgeError> {
        let mut body = json!({ "value": variable.value, "variable_type": variable.kind.key() });
        let call = if new {
            body["key"] = variable.key.clone().into();
            Call::post(schedule_path(project, id, "/variables"), body)
        } else {
            let more = format!("/variables/{}", path_escaped(&variable.key));
            Call::put(schedule_path(project, id, &more), body)
        };
        self.done(call).await
    }

    async fn delete_schedule_variable(&self, project: i64, id: i64, key: &str) -> Result<(), ForgeError> {
        let more = format!("/variables/{}", path_escaped(key));
        self.done(Call::delete(schedule_path(project, id, &more))).await
    }

    async fn variables(&self, project: i64) -> Result<Vec<VariableRow>, ForgeError> {
        let call = Call::get(format!("projects/{project}/variables"));
        let items = self.list(Ok::<_, ForgeError>(call), MOST).await?;
        Ok(each(&items, "variable", variable))
    }

    async fn create_variable(&self, project: i64, new: &NewVariable) -> Result<(), ForgeError> {
        let path = format!("projects/{project}/variables");
        self.done(Call::post(path, variable_body(new, true))).await
    }

    async fn update_variable(
        &self,
        project: i64,
        key: &str,
        scope: &str,
        new: &NewVariable,
    ) -> Result<(), ForgeError> {
        let body = variable_body(new, false);
        self.done(variable_call(
            |path| Call::put(path, body.clone()),
            project,
            key,
            scope,
        ))
        .await
    }

    async fn delete_variable(&self, project: i64, key: &str, scope: &str) -> Result<(), ForgeError> {
        self.done(variable_call(Call::delete, project, key, scope)).await
    }

    async fn environments(&self, project: i64) -> Result<Vec<String>, ForgeError> {
        let call = Call::get(format!("projects/{project}/environments"));
        let items = self.list(Ok::<_, ForgeError>(call), MOST).await?;
        Ok(each(&items, "environment", |item| text(item, "name")))
    }

    async fn runners(&self, project: i64, tags: &[String]) -> Result<Vec<Runner>, ForgeError> {
        let endpoint = ProjectRunners::builder()
            .project(id(project)?)
            .tags(tags.iter().map(String::as_str))
            .build();
        let items = self.list(endpoint, MOST).await?;
        Ok(items.iter().map(report::runner).collect())
    }

    async fn test_cases(&self, project: i64, pipeline: i64) -> Result<Option<TestReport>, ForgeError> {
        let call = Call::get(format!("projects/{project}/pipelines/{pipeline}/test_report"));
        Ok(found(self.call(call).await)?.and_then(|value| report::tests(&value)))
    }

    async fn coverage(&self, project: i64, pipeline: i64) -> Result<ForgeCoverage, ForgeError> {
        let value = self
            .call(Call::get(format!("projects/{project}/pipelines/{pipeline}")))
            .await?;
        let call = Call::get(format!("projects/{project}/pipelines/{pipeline}/jobs"));
        let jobs = self.list(Ok::<_, ForgeError>(call), MOST).await?;
        Ok(ForgeCoverage {
            whole: report::hundredths(&value),
            jobs: jobs.iter().filter_map(report::job_coverage).collect(),
        })
    }

    async fn archive(&self, project: i64, job: i64) -> Result<Option<Archive>, ForgeError> {
        archive::read(self, project, job).await
    }

    async fn archive_bytes(&self, project: i64, job: i64) -> Result<Option<Flow>, ForgeError> {
        let url = self.client.address(&archive::archive_path(project, job))?;
        found(self.client.stream(url.as_str(), PATIENCE).await)
    }

    async fn file_bytes(&self, project: i64, job: i64, path: &str) -> Result<Option<Flow>, ForgeError> {
        let url = self.client.address(&archive::file_path(project, job, path))?;
        found(self.client.stream(url.as_str(), PATIENCE).await)
    }
}
