//! What every store must do, whichever database is beneath. Each function is one test; it gets a portal
//! around an empty, migrated store.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test panics where its rule does not hold"
)]

mod access;
mod attachment;
mod audit;
mod board;
mod drift;
mod factor;
mod identity;
mod import;
mod intake;
mod item;
mod item_content;
mod iteration;
mod lane;
mod mail;
mod member;
mod mirror;
mod notice;
mod oauth;
mod operator;
mod outbox;
mod person;
mod pipelines;
mod place;
mod promotion;
mod provider;
mod report;
mod revision;
mod search;
mod subscriber;
mod table;
mod template;
mod token;
mod version;
mod watch;

use crate::MockClock;
use slipway_domain::id::UserId;
use slipway_domain::org::OrgRef;
use slipway_domain::person::PersonRef;
use slipway_domain::text::Locale;
use slipway_portal::access::At;
use slipway_portal::person::NewAccount;
use slipway_portal::{Actor, OpCtx, Portal, Via, invitation};

pub use access::{
    a_role_reaches_down_and_never_sideways, names_are_taken_once, the_matrix_holds_through_the_store,
};
pub use attachment::a_file_is_its_items;
pub use audit::{every_change_joins_the_chain, two_writers_never_fork_the_chain};
pub use board::{
    a_full_column_takes_no_more_at_once, a_full_column_takes_no_plans, a_workflow_says_who_moves_what_where,
    an_item_follows_its_parts, history_recounts_whatever_becomes_of_states,
    lanes_and_columns_hold_every_card_once, random_moves_of_many_end_in_one_order,
};
pub use drift::a_drift_is_of_what_runs_there;
pub use factor::{
    a_second_factor_is_asked_for_and_no_code_works_twice, a_second_factor_is_changed_by_its_owner_alone,
    codes_are_not_guessed,
};
pub use identity::{
    a_state_is_used_once, an_identity_is_linked_once_and_the_last_way_in_stays,
    an_identity_is_one_account_and_an_address_is_none, groups_follow_claims,
};
pub use import::{an_import_settles_each_repository_once, drafts_are_forgotten_and_slugs_are_known};
pub use intake::{a_file_becomes_items_once, a_large_file_is_imported_whole};
pub use item::{
    bugs_are_closed_by_testers_and_reporters, cards_stay_where_they_are_put, concurrent_moves_all_survive,
};
pub use item_content::{
    a_link_shows_at_both_ends, a_stale_edit_loses_nothing, comments_reach_whom_they_concern,
    the_history_tells_what_an_item_holds, what_does_not_fit_is_refused_by_field,
};
pub use iteration::{
    an_iteration_is_planned_started_and_closed, insights_are_counted_from_the_log,
    the_backlog_is_paged_by_rank,
};
pub use lane::what_waits_says_for_whom;
pub use mail::{a_mail_server_is_kept_for_its_organization_alone, a_password_goes_to_no_other_mail_server};
pub use member::{
    a_group_gives_its_roles_to_whoever_is_in_it, a_role_is_asked_for_and_given,
    a_role_of_ones_own_counts_like_a_built_in_one, a_stranger_joins_by_a_link,
    an_account_is_recovered_from_the_command_line, an_invitation_works_once, an_organization_keeps_an_owner,
    nobody_gives_more_than_they_hold, strangers_are_not_found_by_their_ids, the_explanation_is_the_truth,
};
pub use mirror::an_item_and_an_issue_are_linked_once;
pub use notice::{
    news_about_roles_reach_whom_they_concern, nobody_is_told_what_they_do_not_want_or_may_not_see,
    the_people_concerned_are_told,
};
pub use oauth::{
    a_grant_is_renewed_by_one_over_its_own_version, a_trip_is_used_once,
    the_secrets_of_a_grant_are_sealed_anew,
};
pub use operator::{
    a_token_is_an_operators_only_where_it_says_so, an_operator_stands_for_the_server_and_for_no_organization,
    no_organization_is_called_as_the_server, the_last_operator_stays_but_for_the_command_line,
    the_servers_own_log_is_read_in_parts, two_operators_cannot_take_each_other_away,
};
pub use outbox::{
    a_job_is_claimed_by_one_worker, a_key_keeps_one_waiting_job, an_ended_lease_fences_the_slow_worker,
};
pub use person::{
    a_password_is_changed_by_who_knows_it, an_address_is_one_persons_also_after_a_change,
    an_unknown_name_costs_the_work_of_a_known_one, failures_lock_and_a_success_forgets,
    proof_is_asked_for_again, sessions_are_ended_by_their_owner, sessions_end,
    sign_in_tells_nothing_about_unknown_accounts,
};
pub use pipelines::{
    a_connection_tells_how_the_last_call_went, a_delivery_is_stored_once,
    a_proposal_is_changed_by_whoever_saw_it_last, a_release_is_made_once_and_never_changes,
    a_release_keeps_its_manifests_and_is_found_by_its_commits, a_run_is_as_it_was_seen_last,
    logs_grow_at_their_end_and_survive_a_retry, what_gitlab_said_last_is_kept,
};
pub use place::{
    a_deleted_place_is_gone_and_its_audit_log_stays, a_feature_that_is_off_is_refused_and_keeps_its_data,
    a_project_comes_with_its_environments, a_quota_is_kept_by_environment,
    a_renamed_place_is_found_by_its_old_slug, a_slug_is_checked_when_a_place_is_renamed,
    an_archived_place_reads_and_does_not_change, secrets_are_sealed_anew,
};
pub use promotion::{
    a_promotion_is_changed_by_whoever_saw_it_last, a_stop_has_one_lock_and_a_fence_that_only_grows,
    an_environment_is_changed_by_whoever_saw_it_last, decisions_and_turns_are_kept_by_person,
    the_lane_and_the_grid_show_the_same_stops,
};
pub use provider::{
    a_client_secret_goes_to_nobody_else, a_provider_is_the_operators_own_and_its_secret_nobodys,
    nobody_is_locked_out_by_mistake, the_configuration_goes_before,
};
pub use report::{
    a_number_opens_what_it_counts, an_item_begins_before_it_is_due, an_iteration_is_reported_from_history,
    pages_of_items_open_with_their_default_view,
};
pub use revision::a_revision_tells_of_every_commit;
pub use search::{nobody_finds_what_they_may_not_see, what_fits_best_is_found_first};
pub use subscriber::{
    a_receiver_that_stays_away_is_given_up, a_try_is_begun_once_and_fenced,
    a_webhook_is_changed_by_whoever_saw_it_last, joining_a_group_is_told_where_it_holds_a_role,
    old_deliveries_and_old_secrets_go, webhooks_are_their_managers_own, whoever_wants_to_know_is_told_once,
};
pub use table::{
    a_deleted_item_stays_in_the_history, a_view_is_ones_own_or_everybodys, an_epic_is_as_far_as_its_parts,
    templates_are_for_a_kind_and_have_one_name, the_table_pages_by_any_column,
    who_does_it_hears_once_that_it_is_due,
};
pub use template::{
    a_bulk_upgrade_settles_each_app_once, a_template_is_one_places_and_its_versions_stay,
    a_template_knows_who_writes_it, an_app_uses_what_was_seen_last,
};
pub use token::{a_request_with_a_key_is_begun_once, a_token_speaks_for_its_owner_until_it_ends};
pub use version::of_updates_made_on_one_version_one_is_made;
pub use watch::what_nobody_touched_is_as_it_was_seen;

/// The link of an invitation that is passed on by hand.
async fn invited(
    ctx: &OpCtx,
    at: At<'_>,
    role: &str,
    note: &str,
    days: i64,
) -> slipway_portal::Result<String> {
    let input = invitation::Input {
        role: role.to_owned(),
        note: note.to_owned(),
        days,
        email: String::new(),
    };
    Ok(invitation::create(ctx, at, input).await?.link)
}

/// A portal of a test, and its clock.
#[derive(Clone)]
pub struct World {
    /// The portal.
    pub portal: Portal,
    /// Its clock.
    pub clock: MockClock,
}

impl World {
    /// Slipway itself.
    pub fn system(&self) -> OpCtx {
        self.portal.system("test")
    }

    /// A request of `person`.
    pub fn as_person(&self, person: &PersonRef) -> OpCtx {
        self.portal
            .ctx(Actor::User(person.clone()), Via::Web, "test", Locale::En)
    }

    /// A request of nobody who is signed in.
    pub fn anonymous(&self) -> OpCtx {
        self.portal.ctx(Actor::Anonymous, Via::Web, "test", Locale::En)
    }

    /// Makes an account with the password `correct horse`.
    ///
    /// # Panics
    /// Where the account cannot be made.
    pub async fn person(&self, username: &str) -> PersonRef {
        let new = NewAccount {
            username: username.to_owned(),
            name: username.to_uppercase(),
            email: Some(format!("{username}@example.com")),
            password: String::from("correct horse"),
        };
        slipway_portal::person::create(&self.system(), new)
            .await
            .expect("the account is made")
    }

    /// Makes an organization that `owner` owns.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub async fn org(&self, slug: &str, owner: UserId) -> OrgRef {
        slipway_portal::org::create(&self.system(), slug, slug, owner)
            .await
            .expect("the organization is made")
    }
}
