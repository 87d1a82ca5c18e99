//! Reading what GitLab answers. Everything is optional but what a thing is named by: a field that is missing, of
//! another type or of a later version never hides the rest.

use serde_json::Value;
use slipway_domain::release::{Commit, Evidence};
use slipway_domain::run::RunStatus;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{
    ForgeBranch, ForgeError, ForgeGroup, ForgeJob, ForgeMergeRequest, ForgePipeline, ForgeProject, Lint,
};
use std::collections::BTreeMap;

/// A thing that was asked for by name must be readable.
pub fn must<T>(read: Option<T>, what: &str) -> Result<T, ForgeError> {
    read.ok_or_else(|| ForgeError::Broken(format!("the answer is no {what}")))
}

/// Items of a list that can be read; the others are left out and told.
pub fn each<T>(items: &[Value], what: &'static str, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    let found: Vec<T> = items.iter().filter_map(&read).collect();
    if found.len() < items.len() {
        tracing::warn!(
            what,
            left_out = items.len() - found.len(),
            "GitLab listed items that cannot be read"
        );
    }
    found
}

/// A text that is not empty.
pub fn text(value: &Value, key: &str) -> Option<String> {
    value
        .get(key)
        .and_then(Value::as_str)
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
}

fn words(value: &Value, key: &str) -> Vec<String> {
    value.get(key).map(texts).unwrap_or_default()
}

/// The texts of a list.
pub fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// A whole number; some versions write ids as texts.
pub fn int(value: &Value, key: &str) -> Option<i64> {
    let value = value.get(key)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

pub fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

pub fn time(value: &Value, key: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(value.get(key)?.as_str()?)
}

pub fn status(value: &Value) -> Option<RunStatus> {
    let word = value.get("status")?.as_str()?;
    let known = RunStatus::from_key(word);
    if known.is_none() {
        tracing::warn!(word, "GitLab has a status that Slipway does not know");
    }
    known
}

pub fn project(value: &Value) -> Option<ForgeProject> {
    let empty = flag(value, "empty_repo");
    let path = text(value, "path_with_namespace")?;
    Some(ForgeProject {
        id: int(value, "id")?,
        name: text(value, "name").unwrap_or_else(|| path.clone()),
        path,
        description: text(value, "description").unwrap_or_default(),
        default_branch: text(value, "default_branch").filter(|_| !empty),
        web_url: text(value, "web_url").unwrap_or_default(),
        archived: flag(value, "archived"),
        last_activity: time(value, "last_activity_at"),
    })
}

pub fn group(value: &Value) -> Option<ForgeGroup> {
    let path = text(value, "full_path")?;
    Some(ForgeGroup {
        id: int(value, "id")?,
        name: text(value, "name").unwrap_or_else(|| path.clone()),
        path,
    })
}

/// `{"JavaScript": 66.69, …}`, largest share first.
pub fn languages(value: &Value) -> Vec<(String, f32)> {
    let shares = value.as_object().into_iter().flatten();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share in percent has two decimals"
    )]
    let mut shares: Vec<(String, f32)> = shares
        .filter_map(|(name, share)| Some((name.clone(), share.as_f64()? as f32)))
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

pub fn branch(value: &Value) -> Option<ForgeBranch> {
    Some(ForgeBranch {
        name: text(value, "name")?,
        sha: value
            .get("commit")
            .and_then(|commit| text(commit, "id"))
            .unwrap_or_default(),
        protected: flag(value, "protected"),
    })
}

pub fn lint(value: &Value) -> Option<Lint> {
    let jobs = value
        .get("jobs")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut needs = BTreeMap::new();
    for job in jobs {
        let needed = job
            .get("needs")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let needed: Vec<String> = needed
            .iter()
            .filter_map(|need| {
                need.as_str()
                    .map(str::to_owned)
                    .or_else(|| text(need, "name").or_else(|| text(need, "job")))
            })
            .collect();
        if let Some(name) = text(job, "name").filter(|_| !needed.is_empty()) {
            needs.insert(name, needed);
        }
    }
    // Before 13.x it was `status: valid`.
    let valid = value
        .get("valid")
        .and_then(Value::as_bool)
        .or_else(|| Some(value.get("status")?.as_str()? == "valid"))?;
    Some(Lint {
        valid,
        errors: words(value, "errors"),
        warnings: words(value, "warnings"),
        needs,
        merged: text(value, "merged_yaml"),
    })
}

pub fn merge_request(value: &Value) -> Option<ForgeMergeRequest> {
    let status = text(value, "detailed_merge_status").or_else(|| {
        // Before 15.6 there was only `merge_status`.
        let old = text(value, "merge_status")?;
        Some(match old.as_str() {
            "can_be_merged" => String::from("mergeable"),
            "cannot_be_merged" => String::from("conflict"),
            _ => old,
        })
    });
    Some(ForgeMergeRequest {
        iid: int(value, "iid")?,
        title: text(value, "title").unwrap_or_default(),
        state: text(value, "state")?,
        source_branch: text(value, "source_branch").unwrap_or_default(),
        sha: text(value, "sha").unwrap_or_default(),
        web_url: text(value, "web_url").unwrap_or_default(),
        merge_status: status.unwrap_or_else(|| String::from("unchecked")),
    })
}

pub fn pipeline(value: &Value) -> Option<ForgePipeline> {
    let id = int(value, "id")?;
    Some(ForgePipeline {
        id,
        iid: int(value, "iid").unwrap_or(id),
        status: status(value),
        git_ref: text(value, "ref").unwrap_or_default(),
        tag: flag(value, "tag"),
        sha: text(value, "sha")?,
        source: text(value, "source").unwrap_or_default(),
        web_url: text(value, "web_url").unwrap_or_default(),
        user: value
            .get("user")
            .and_then(|user| text(user, "name").or_else(|| text(user, "username"))),
        yaml_errors: text(value, "yaml_errors"),
        created_at: time(value, "created_at"),
        updated_at: time(value, "updated_at"),
        started_at: time(value, "started_at"),
        finished_at: time(value, "finished_at"),
    })
}

pub fn job(value: &Value) -> Option<ForgeJob> {
    let files = value
        .get("artifacts")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let kept = |file: &Value| {
        file.get("file_type")
            .and_then(Value::as_str)
            .is_some_and(|t| t == "archive" || t == "dotenv")
    };
    let commit = value.get("commit");
    Some(ForgeJob {
        id: int(value, "id")?,
        name: text(value, "name")?,
        stage: text(value, "stage").unwrap_or_default(),
        status: status(value),
        allow_failure: flag(value, "allow_failure"),
        created_at: time(value, "created_at"),
        started_at: time(value, "started_at"),
        finished_at: time(value, "finished_at"),
        failure_reason: text(value, "failure_reason"),
        runner: value
            .get("runner")
            .and_then(|r| text(r, "description").or_else(|| text(r, "name"))),
        tags: words(value, "tag_list"),
        has_artifacts: files.iter().any(kept) || value.get("artifacts_file").is_some_and(Value::is_object),
        commit: commit.and_then(|c| Some((text(c, "title")?, text(c, "author_name").unwrap_or_default()))),
    })
}

pub fn commit(value: &Value) -> Option<Commit> {
    Some(Commit {
        sha: text(value, "id")?,
        title: text(value, "title").unwrap_or_default(),
        author: text(value, "author_name").unwrap_or_default(),
        author_email: text(value, "author_email").unwrap_or_default(),
        at: time(value, "created_at")
            .or_else(|| time(value, "committed_date"))
            .unwrap_or_default(),
    })
}

/// `test_report_summary`, or `test_report`, whose sums stand at the top.
pub fn evidence(value: &Value) -> Option<Evidence> {
    let sums = |count: &str, success: &str, failed: &str, error: &str, skipped: &str, at: &Value| {
        let evidence = Evidence {
            tests_passed: int(at, success)?,
            tests_failed: int(at, failed)?.saturating_add(int(at, error).unwrap_or(0)),
            tests_skipped: int(at, skipped).unwrap_or(0),
            ..Evidence::default()
        };
        (int(at, count)? > 0).then_some(evidence)
    };
    match value.get("total") {
        Some(total) => sums("count", "success", "failed", "error", "skipped", total),
        None => sums(
            "total_count",
            "success_count",
            "failed_count",
            "error_count",
            "skipped_count",
            value,
        ),
    }
}
