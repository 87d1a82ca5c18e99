//! The route table of `/api/v4`.

use std::collections::BTreeMap;

use axum::http::Method;
use percent_encoding::percent_decode_str;

use super::call::{Call, Outcome};
use super::ci::lint;
use super::{
    branches, commits, deployments, files, groups, hooks, issues, jobs, labels, members, merge_requests,
    notes, oauth, pipelines, projects, protection, registry, releases, schedules, tags, users, variables,
};

pub type Handler = fn(&Call) -> Outcome;

/// What a path leads to.
pub enum Found {
    Route(Handler, BTreeMap<&'static str, String>),
    OtherMethod,
    Nothing,
}

/// Finds the first route whose pattern fits the (still encoded) segments.
pub fn find(method: &Method, segments: &[&str]) -> Found {
    let mut other = false;
    for (verb, pattern, handler) in ROUTES {
        if let Some(params) = fit(pattern, segments) {
            if *verb == method.as_str() {
                return Found::Route(*handler, params);
            }
            other = true;
        }
    }
    if other { Found::OtherMethod } else { Found::Nothing }
}

fn fit(pattern: &'static str, segments: &[&str]) -> Option<BTreeMap<&'static str, String>> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut params = BTreeMap::new();
    let mut at = 0;
    for part in pattern.split('/') {
        if let Some(name) = part.strip_prefix('*') {
            let rest = segments.get(at..).filter(|rest| !rest.is_empty())?;
            params.insert(name, decode(&rest.join("/")));
            return Some(params);
        }
        let segment = segments.get(at)?;
        match part.strip_prefix(':') {
            Some(name) => {
                params.insert(name, decode(segment));
            }
            None if part == *segment => {}
            None => return None,
        }
        at += 1;
    }
    (at == segments.len()).then_some(params)
}

const ROUTES: &[(&str, &str, Handler)] = &[
    ("GET", "version", users::version),
    ("GET", "metadata", users::metadata),
    ("GET", "user", users::current),
    ("GET", "users", users::list),
    ("POST", "users", users::create),
    ("GET", "users/:user_id", users::get),
    ("GET", "users/:user_id/projects", projects::of_user),
    (
        "POST",
        "users/:user_id/personal_access_tokens",
        users::create_token_for,
    ),
    ("GET", "personal_access_tokens", users::tokens),
    ("GET", "personal_access_tokens/self", users::own_token),
    ("DELETE", "personal_access_tokens/self", users::revoke_own_token),
    ("DELETE", "personal_access_tokens/:token_id", users::revoke_token),
    ("GET", "applications", oauth::applications),
    ("POST", "applications", oauth::create_application),
    (
        "DELETE",
        "applications/:application_id",
        oauth::delete_application,
    ),
    ("GET", "namespaces", groups::namespaces),
    ("GET", "namespaces/:id", groups::namespace),
    ("GET", "groups", groups::list),
    ("POST", "groups", groups::create),
    ("GET", "groups/:id", groups::get),
    ("PUT", "groups/:id", groups::update),
    ("DELETE", "groups/:id", groups::delete),
    ("GET", "groups/:id/projects", groups::projects),
    ("GET", "groups/:id/subgroups", groups::subgroups),
    ("GET", "groups/:id/members", members::of_group),
    ("GET", "groups/:id/members/all", members::of_group_all),
    ("POST", "groups/:id/members", members::add_to_group),
    (
        "DELETE",
        "groups/:id/members/:user_id",
        members::remove_from_group,
    ),
    ("GET", "groups/:id/variables", variables::of_group),
    ("POST", "groups/:id/variables", variables::add_to_group),
    ("GET", "issues", issues::everywhere),
    ("GET", "merge_requests", merge_requests::everywhere),
    ("GET", "runners", jobs::runners),
    ("GET", "runners/all", jobs::runners),
    ("GET", "runners/:runner_id", jobs::runner),
    ("PUT", "runners/:runner_id", jobs::update_runner),
    ("GET", "job", jobs::of_token),
    ("GET", "projects", projects::list),
    ("POST", "projects", projects::create),
    ("GET", "projects/:id", projects::get),
    ("PUT", "projects/:id", projects::update),
    ("DELETE", "projects/:id", projects::delete),
    ("POST", "projects/:id/archive", projects::archive),
    ("POST", "projects/:id/unarchive", projects::unarchive),
    ("GET", "projects/:id/languages", projects::languages),
    ("GET", "projects/:id/users", projects::users),
    ("GET", "projects/:id/events", projects::events),
    ("GET", "projects/:id/access_tokens", users::project_tokens),
    ("POST", "projects/:id/access_tokens", users::create_project_token),
    ("GET", "projects/:id/repository/tree", files::tree),
    ("GET", "projects/:id/repository/archive", files::archive),
    ("GET", "projects/:id/repository/archive.tar.gz", files::archive),
    ("GET", "projects/:id/repository/archive.zip", files::archive),
    ("GET", "projects/:id/repository/blobs/:sha", files::blob),
    ("GET", "projects/:id/repository/blobs/:sha/raw", files::raw_blob),
    ("GET", "projects/:id/repository/files/:file_path/raw", files::raw),
    (
        "GET",
        "projects/:id/repository/files/:file_path/blame",
        files::blame,
    ),
    ("GET", "projects/:id/repository/files/:file_path", files::get),
    ("POST", "projects/:id/repository/files/:file_path", files::create),
    ("PUT", "projects/:id/repository/files/:file_path", files::update),
    (
        "DELETE",
        "projects/:id/repository/files/:file_path",
        files::delete,
    ),
    ("GET", "projects/:id/repository/compare", commits::compare),
    ("GET", "projects/:id/repository/merge_base", commits::merge_base),
    (
        "GET",
        "projects/:id/repository/contributors",
        commits::contributors,
    ),
    ("GET", "projects/:id/repository/commits", commits::list),
    ("POST", "projects/:id/repository/commits", commits::create),
    ("GET", "projects/:id/repository/commits/:sha", commits::get),
    ("GET", "projects/:id/repository/commits/:sha/diff", commits::diff),
    ("GET", "projects/:id/repository/commits/:sha/refs", commits::refs),
    (
        "GET",
        "projects/:id/repository/commits/:sha/statuses",
        commits::statuses,
    ),
    (
        "GET",
        "projects/:id/repository/commits/:sha/merge_requests",
        commits::merge_requests,
    ),
    (
        "GET",
        "projects/:id/repository/commits/:sha/comments",
        commits::comments,
    ),
    (
        "POST",
        "projects/:id/repository/commits/:sha/revert",
        commits::revert,
    ),
    ("POST", "projects/:id/statuses/:sha", commits::set_status),
    ("GET", "projects/:id/repository/branches", branches::list),
    ("POST", "projects/:id/repository/branches", branches::create),
    ("GET", "projects/:id/repository/branches/:branch", branches::get),
    (
        "DELETE",
        "projects/:id/repository/branches/:branch",
        branches::delete,
    ),
    (
        "PUT",
        "projects/:id/repository/branches/:branch/protect",
        protection::protect_branch,
    ),
    (
        "PUT",
        "projects/:id/repository/branches/:branch/unprotect",
        protection::unprotect_branch,
    ),
    ("GET", "projects/:id/protected_branches", protection::list),
    ("POST", "projects/:id/protected_branches", protection::create),
    ("GET", "projects/:id/protected_branches/:name", protection::get),
    (
        "PATCH",
        "projects/:id/protected_branches/:name",
        protection::update,
    ),
    (
        "DELETE",
        "projects/:id/protected_branches/:name",
        protection::delete,
    ),
    ("GET", "projects/:id/repository/tags", tags::list),
    ("POST", "projects/:id/repository/tags", tags::create),
    ("GET", "projects/:id/repository/tags/:tag_name", tags::get),
    ("DELETE", "projects/:id/repository/tags/:tag_name", tags::delete),
    ("GET", "projects/:id/releases", releases::list),
    ("POST", "projects/:id/releases", releases::create),
    ("GET", "projects/:id/releases/permalink/latest", releases::latest),
    ("GET", "projects/:id/releases/:tag_name", releases::get),
    ("PUT", "projects/:id/releases/:tag_name", releases::update),
    ("DELETE", "projects/:id/releases/:tag_name", releases::delete),
    ("GET", "projects/:id/merge_requests", merge_requests::list),
    ("POST", "projects/:id/merge_requests", merge_requests::create),
    ("GET", "projects/:id/merge_requests/:iid", merge_requests::get),
    ("PUT", "projects/:id/merge_requests/:iid", merge_requests::update),
    (
        "DELETE",
        "projects/:id/merge_requests/:iid",
        merge_requests::delete,
    ),
    (
        "PUT",
        "projects/:id/merge_requests/:iid/merge",
        merge_requests::merge,
    ),
    (
        "POST",
        "projects/:id/merge_requests/:iid/cancel_merge_when_pipeline_succeeds",
        merge_requests::cancel_auto_merge,
    ),
    (
        "PUT",
        "projects/:id/merge_requests/:iid/rebase",
        merge_requests::rebase,
    ),
    (
        "GET",
        "projects/:id/merge_requests/:iid/changes",
        merge_requests::changes,
    ),
    (
        "GET",
        "projects/:id/merge_requests/:iid/diffs",
        merge_requests::diffs,
    ),
    (
        "GET",
        "projects/:id/merge_requests/:iid/commits",
        merge_requests::commits,
    ),
    (
        "GET",
        "projects/:id/merge_requests/:iid/participants",
        merge_requests::participants,
    ),
    (
        "GET",
        "projects/:id/merge_requests/:iid/pipelines",
        merge_requests::pipelines,
    ),
    (
        "POST",
        "projects/:id/merge_requests/:iid/pipelines",
        merge_requests::create_pipeline,
    ),
    (
        "POST",
        "projects/:id/merge_requests/:iid/approve",
        merge_requests::approve,
    ),
    (
        "POST",
        "projects/:id/merge_requests/:iid/unapprove",
        merge_requests::unapprove,
    ),
    (
        "GET",
        "projects/:id/merge_requests/:iid/approvals",
        merge_requests::approvals,
    ),
    (
        "GET",
        "projects/:id/merge_requests/:iid/notes",
        notes::merge_request_notes,
    ),
    (
        "POST",
        "projects/:id/merge_requests/:iid/notes",
        notes::add_merge_request_note,
    ),
    (
        "GET",
        "projects/:id/merge_requests/:iid/notes/:note_id",
        notes::note,
    ),
    (
        "PUT",
        "projects/:id/merge_requests/:iid/notes/:note_id",
        notes::update_note,
    ),
    (
        "DELETE",
        "projects/:id/merge_requests/:iid/notes/:note_id",
        notes::delete_note,
    ),
    ("GET", "projects/:id/issues", issues::list),
    ("POST", "projects/:id/issues", issues::create),
    ("GET", "projects/:id/issues/:iid", issues::get),
    ("PUT", "projects/:id/issues/:iid", issues::update),
    ("DELETE", "projects/:id/issues/:iid", issues::delete),
    ("POST", "projects/:id/issues/:iid/move", issues::move_to),
    ("GET", "projects/:id/issues/:iid/notes", notes::issue_notes),
    ("POST", "projects/:id/issues/:iid/notes", notes::add_issue_note),
    ("GET", "projects/:id/issues/:iid/notes/:note_id", notes::note),
    (
        "PUT",
        "projects/:id/issues/:iid/notes/:note_id",
        notes::update_note,
    ),
    (
        "DELETE",
        "projects/:id/issues/:iid/notes/:note_id",
        notes::delete_note,
    ),
    (
        "GET",
        "projects/:id/issues/:iid/related_merge_requests",
        issues::related_merge_requests,
    ),
    ("GET", "projects/:id/labels", labels::labels),
    ("POST", "projects/:id/labels", labels::create_label),
    ("GET", "projects/:id/labels/:label_id", labels::label),
    ("PUT", "projects/:id/labels/:label_id", labels::update_label),
    ("DELETE", "projects/:id/labels/:label_id", labels::delete_label),
    ("GET", "projects/:id/milestones", labels::milestones),
    ("POST", "projects/:id/milestones", labels::create_milestone),
    ("GET", "projects/:id/members", members::of_project),
    ("GET", "projects/:id/members/all", members::of_project_all),
    (
        "GET",
        "projects/:id/members/all/:user_id",
        members::one_of_project_all,
    ),
    ("POST", "projects/:id/members", members::add_to_project),
    ("GET", "projects/:id/members/:user_id", members::one_of_project),
    ("PUT", "projects/:id/members/:user_id", members::update_in_project),
    (
        "DELETE",
        "projects/:id/members/:user_id",
        members::remove_from_project,
    ),
    ("POST", "projects/:id/ci/lint", lint::check_text),
    ("GET", "projects/:id/ci/lint", lint::check_file),
    ("POST", "projects/:id/pipeline", pipelines::create),
    ("POST", "projects/:id/trigger/pipeline", pipelines::trigger),
    (
        "POST",
        "projects/:id/ref/:ref/trigger/pipeline",
        pipelines::trigger,
    ),
    ("GET", "projects/:id/pipelines", pipelines::list),
    ("GET", "projects/:id/pipelines/latest", pipelines::latest),
    ("GET", "projects/:id/pipelines/:pipeline_id", pipelines::get),
    ("DELETE", "projects/:id/pipelines/:pipeline_id", pipelines::delete),
    (
        "POST",
        "projects/:id/pipelines/:pipeline_id/retry",
        pipelines::retry,
    ),
    (
        "POST",
        "projects/:id/pipelines/:pipeline_id/cancel",
        pipelines::cancel,
    ),
    (
        "PUT",
        "projects/:id/pipelines/:pipeline_id/metadata",
        pipelines::metadata,
    ),
    (
        "GET",
        "projects/:id/pipelines/:pipeline_id/variables",
        pipelines::variables,
    ),
    (
        "GET",
        "projects/:id/pipelines/:pipeline_id/test_report",
        pipelines::test_report,
    ),
    (
        "GET",
        "projects/:id/pipelines/:pipeline_id/test_report_summary",
        pipelines::test_report_summary,
    ),
    (
        "GET",
        "projects/:id/pipelines/:pipeline_id/jobs",
        jobs::of_pipeline,
    ),
    (
        "GET",
        "projects/:id/pipelines/:pipeline_id/bridges",
        pipelines::bridges,
    ),
    ("GET", "projects/:id/jobs", jobs::list),
    (
        "GET",
        "projects/:id/jobs/artifacts/:ref_name/download",
        jobs::artifacts_of_ref,
    ),
    (
        "GET",
        "projects/:id/jobs/artifacts/:ref_name/raw/*artifact_path",
        jobs::artifact_of_ref,
    ),
    ("GET", "projects/:id/jobs/:job_id", jobs::get),
    ("GET", "projects/:id/jobs/:job_id/trace", jobs::trace),
    ("GET", "projects/:id/jobs/:job_id/artifacts", jobs::artifacts),
    (
        "DELETE",
        "projects/:id/jobs/:job_id/artifacts",
        jobs::delete_artifacts,
    ),
    (
        "POST",
        "projects/:id/jobs/:job_id/artifacts/keep",
        jobs::keep_artifacts,
    ),
    (
        "GET",
        "projects/:id/jobs/:job_id/artifacts/*artifact_path",
        jobs::artifact,
    ),
    ("POST", "projects/:id/jobs/:job_id/play", jobs::play),
    ("POST", "projects/:id/jobs/:job_id/retry", jobs::retry),
    ("POST", "projects/:id/jobs/:job_id/cancel", jobs::cancel),
    ("POST", "projects/:id/jobs/:job_id/erase", jobs::erase),
    ("GET", "projects/:id/runners", jobs::runners),
    ("GET", "projects/:id/variables", variables::list),
    ("POST", "projects/:id/variables", variables::create),
    ("GET", "projects/:id/variables/:key", variables::get),
    ("PUT", "projects/:id/variables/:key", variables::update),
    ("DELETE", "projects/:id/variables/:key", variables::delete),
    ("GET", "projects/:id/environments", deployments::environments),
    (
        "POST",
        "projects/:id/environments",
        deployments::create_environment,
    ),
    (
        "GET",
        "projects/:id/environments/:environment_id",
        deployments::environment,
    ),
    (
        "PUT",
        "projects/:id/environments/:environment_id",
        deployments::update_environment,
    ),
    (
        "DELETE",
        "projects/:id/environments/:environment_id",
        deployments::delete_environment,
    ),
    (
        "POST",
        "projects/:id/environments/:environment_id/stop",
        deployments::stop_environment,
    ),
    ("GET", "projects/:id/deployments", deployments::list),
    ("POST", "projects/:id/deployments", deployments::create),
    ("GET", "projects/:id/deployments/:deployment_id", deployments::get),
    (
        "PUT",
        "projects/:id/deployments/:deployment_id",
        deployments::update,
    ),
    (
        "DELETE",
        "projects/:id/deployments/:deployment_id",
        deployments::delete,
    ),
    (
        "GET",
        "projects/:id/deployments/:deployment_id/merge_requests",
        deployments::merge_requests,
    ),
    ("GET", "projects/:id/hooks", hooks::list),
    ("POST", "projects/:id/hooks", hooks::create),
    ("GET", "projects/:id/hooks/:hook_id", hooks::get),
    ("PUT", "projects/:id/hooks/:hook_id", hooks::update),
    ("DELETE", "projects/:id/hooks/:hook_id", hooks::delete),
    ("GET", "projects/:id/hooks/:hook_id/events", hooks::events),
    (
        "POST",
        "projects/:id/hooks/:hook_id/events/:event_id/resend",
        hooks::resend,
    ),
    ("POST", "projects/:id/hooks/:hook_id/test/:trigger", hooks::test),
    ("GET", "projects/:id/triggers", schedules::triggers),
    ("POST", "projects/:id/triggers", schedules::create_trigger),
    (
        "DELETE",
        "projects/:id/triggers/:trigger_id",
        schedules::delete_trigger,
    ),
    ("GET", "projects/:id/pipeline_schedules", schedules::list),
    ("POST", "projects/:id/pipeline_schedules", schedules::create),
    (
        "GET",
        "projects/:id/pipeline_schedules/:schedule_id",
        schedules::get,
    ),
    (
        "PUT",
        "projects/:id/pipeline_schedules/:schedule_id",
        schedules::update,
    ),
    (
        "DELETE",
        "projects/:id/pipeline_schedules/:schedule_id",
        schedules::delete,
    ),
    (
        "POST",
        "projects/:id/pipeline_schedules/:schedule_id/play",
        schedules::play,
    ),
    (
        "POST",
        "projects/:id/pipeline_schedules/:schedule_id/take_ownership",
        schedules::take_ownership,
    ),
    (
        "GET",
        "projects/:id/pipeline_schedules/:schedule_id/pipelines",
        schedules::pipelines,
    ),
    (
        "POST",
        "projects/:id/pipeline_schedules/:schedule_id/variables",
        schedules::add_variable,
    ),
    (
        "PUT",
        "projects/:id/pipeline_schedules/:schedule_id/variables/:key",
        schedules::change_variable,
    ),
    (
        "DELETE",
        "projects/:id/pipeline_schedules/:schedule_id/variables/:key",
        schedules::delete_variable,
    ),
    (
        "GET",
        "projects/:id/registry/repositories",
        registry::repositories,
    ),
    (
        "GET",
        "projects/:id/registry/repositories/:repository_id/tags",
        registry::tags,
    ),
    (
        "GET",
        "projects/:id/registry/repositories/:repository_id/tags/:tag_name",
        registry::tag,
    ),
    (
        "DELETE",
        "projects/:id/registry/repositories/:repository_id/tags/:tag_name",
        registry::delete_tag,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_slashes_stay_in_one_parameter() {
        let segments = [
            "projects",
            "acme%2Forder-api",
            "repository",
            "files",
            "src%2Fa.js",
            "raw",
        ];
        let Found::Route(_, params) = find(&Method::GET, &segments) else {
            panic!("a route")
        };
        assert_eq!(params["id"], "acme/order-api");
        assert_eq!(params["file_path"], "src/a.js");
    }

    #[test]
    fn a_known_path_with_another_method_is_told_apart_from_an_unknown_one() {
        assert!(matches!(
            find(&Method::PATCH, &["projects", "1"]),
            Found::OtherMethod
        ));
        assert!(matches!(find(&Method::GET, &["nothing"]), Found::Nothing));
    }
}
