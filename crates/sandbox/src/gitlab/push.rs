//! What follows when a branch or a tag moves: hooks, merge requests, pipelines.

use std::collections::BTreeMap;

use super::App;
use super::ci::create::{self, Wanted};
use super::git::NOTHING;
use super::state::{Project, now};
use super::{merge_requests, webhook};

/// One ref that moved; `before` and `after` are `NOTHING` for a new or a removed ref.
#[derive(Clone, Debug)]
pub struct Moved {
    pub reference: String,
    pub before: String,
    pub after: String,
}

/// Runs everything that follows a push by `user`.
pub fn follow(app: &App, project_id: u64, user: u64, moved: &Moved, skip_ci: bool) {
    settle_default_branch(app, project_id, moved);
    let Some(project) = app.with(|state| {
        let project = state.projects.get_mut(&project_id)?;
        project.last_activity_at = now();
        Some(project.clone())
    }) else {
        return;
    };
    webhook::push(app, &project, user, moved);
    let branch = moved.reference.strip_prefix("refs/heads/");
    if let Some(branch) = branch {
        merge_requests::source_moved(app, &project, branch, moved, user);
    }
    app.touched();
    if moved.after == NOTHING || skip_ci {
        return;
    }
    let name = branch
        .or_else(|| moved.reference.strip_prefix("refs/tags/"))
        .unwrap_or_default();
    let Some(sha) = app.repository(project.id).resolve(&moved.after) else {
        return;
    };
    let message = app
        .repository(project.id)
        .commit(&sha)
        .map(|commit| commit.message)
        .unwrap_or_default();
    let lower = message.to_lowercase();
    if lower.contains("[skip ci]") || lower.contains("[ci skip]") {
        return;
    }
    let wanted = Wanted {
        project,
        reference: name.to_owned(),
        tag: branch.is_none(),
        sha,
        before_sha: Some(moved.before.clone()),
        source: "push".into(),
        user_id: user,
        variables: Vec::new(),
        merge_request: None,
        inputs: BTreeMap::new(),
    };
    if let Err(refused) = create::create(app, &wanted) {
        tracing::debug!(reason = refused.message(), "a push made no pipeline");
    }
    if let Some(branch) = branch {
        merge_requests::start_pipelines(app, &wanted.project, branch, user);
    }
}

/// The first branch of an empty repository becomes its default branch, protected.
fn settle_default_branch(app: &App, project_id: u64, moved: &Moved) {
    let Some(branch) = moved.reference.strip_prefix("refs/heads/") else {
        return;
    };
    let repository = app.repository(project_id);
    let default = app.with(|state| {
        state
            .projects
            .get(&project_id)
            .map(|project| project.default_branch.clone())
    });
    if moved.before != NOTHING
        || default.is_none_or(|default| default != branch && repository.branch(&default).is_some())
    {
        return;
    }
    let others = repository
        .refs()
        .iter()
        .filter(|(name, _)| name.starts_with("refs/heads/"))
        .count();
    if others > 1 {
        return;
    }
    if let Err(error) = repository.text(&["symbolic-ref", "HEAD", &moved.reference]) {
        tracing::warn!(%error, "HEAD stays where it was");
    }
    app.with(|state| {
        let id = state.next("protected branch");
        if let Some(project) = state.projects.get_mut(&project_id) {
            branch.clone_into(&mut project.default_branch);
            if !super::ci::variables::is_protected(project, branch) {
                project
                    .protected_branches
                    .push(super::protection::rule(id, branch, 40, 40, false));
            }
        }
    });
}

/// Whether `level` may push to this branch.
pub fn may_push(project: &Project, branch: &str, level: u64) -> bool {
    let rule = project
        .protected_branches
        .iter()
        .find(|rule| rule["name"] == branch);
    let least = rule.map_or(30, |rule| {
        super::protection::least_level(rule, "push_access_levels")
    });
    level >= least && least > 0
}
