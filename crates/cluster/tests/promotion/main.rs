//! The promotion engine with everything beneath it: a real database, and the sandbox's Kubernetes at the wire. Each
//! test runs on SQLite, and on PostgreSQL where there is a server.

mod approval;
mod automation;
mod happy;
mod hooks;
mod kill;
mod model;
mod pods;
mod policy;
mod rollback;
mod rules;
mod stage;
mod trouble;
mod watch;
mod workloads;

use rules::{drift, glass, pausing, people, queue};

macro_rules! on_both {
    ($($module:ident: $($test:ident),+;)+) => {
        mod sqlite {
            $($(#[tokio::test]
            async fn $test() {
                crate::$module::$test(crate::stage::sqlite().await).await;
            })+)+
        }
        mod postgres {
            $($(#[tokio::test]
            async fn $test() {
                if let Some(stage) = crate::stage::postgres().await {
                    crate::$module::$test(stage).await;
                }
            })+)+
        }
    };
}

on_both! {
    happy:
        a_release_goes_from_stop_to_stop,
        a_release_waits_until_the_environment_before_has_it,
        a_skipped_environment_is_an_explicit_choice_and_recorded,
        requests_are_refused_with_their_reason,
        asking_twice_asks_once,
        the_newest_request_wins,
        two_promotions_of_one_stop_go_one_after_the_other,
        a_branch_rule_sends_a_release_by_itself;
    approval:
        three_approvals_in_order_start_it_by_themselves,
        the_requester_cannot_approve_but_may_reject_and_the_attempt_is_written_down,
        the_author_of_a_commit_cannot_approve,
        two_last_approvals_at_the_same_moment_deploy_once,
        of_approve_and_reject_the_first_wins_and_the_other_hears_of_it,
        a_double_click_has_one_effect,
        a_stale_page_is_refused_and_says_what_changed,
        approvals_given_under_other_rules_are_void,
        nobody_decides_and_it_expires,
        a_withdrawn_request_asks_nobody,
        rules_that_nobody_could_satisfy_are_refused_when_saved,
        an_outsider_sees_nothing_and_a_viewer_decides_nothing;
    rollback:
        a_crash_loop_fails_with_its_reason_and_log_and_one_click_goes_back,
        an_image_that_cannot_be_pulled_fails_it_after_a_while,
        a_rollback_needs_no_approval_and_goes_to_the_release_before,
        a_failed_promotion_is_tried_three_times_with_the_same_approvals,
        a_retry_succeeds_once_the_cause_is_gone,
        a_release_that_is_marked_defective_is_called_off;
    people:
        rule_02_a_bot_is_its_makers_and_without_one_is_refused,
        rule_02_a_branch_rule_has_whoever_pushed_as_its_requester,
        rule_05_a_group_means_distinct_direct_members,
        a_role_of_the_organizations_own_counts_in_rules,
        rule_06_an_approver_who_left_before_start_counts_no_more,
        rule_07_tightened_rules_hold_at_once,
        rule_08_what_nobody_can_satisfy_any_more_is_told_to_the_owners,
        rule_11_a_vote_is_changed_only_while_pending_and_history_stays,
        rule_14_another_target_is_another_thing_to_approve,
        rule_35_a_delegate_acts_for_a_time_and_both_are_stored,
        rules_are_tried_out_before_they_are_kept;
    pausing:
        rule_17_an_approval_stays_while_the_window_is_closed,
        an_approval_grows_old_while_it_is_not_paused,
        rule_18_all_windows_are_shown_and_the_latest_opening,
        rule_19_a_freeze_lets_the_running_step_end_and_rollbacks_go,
        rule_20_the_end_of_a_freeze_lets_what_waits_go,
        allowed_hours_are_waited_for,
        an_image_without_a_signature_that_counts_waits,
        a_release_soaks_in_the_environment_before_only_while_it_is_healthy,
        rule_27_a_hold_pauses_and_its_owner_or_a_project_owner_lifts_it,
        a_rollback_puts_what_branch_rules_send_on_hold,
        rule_31_what_waits_for_an_environment_that_goes_is_cancelled;
    queue:
        rule_22_the_newest_wins_and_whom_the_older_asked_hear_of_it,
        rule_22_in_order_nothing_is_passed_over;
    glass:
        rule_26_glass_is_broken_in_front_of_everybody_once_and_for_an_hour,
        rule_26_it_opens_what_it_names_for_an_hour_and_for_one_promotion;
    workloads:
        every_kind_is_watched_until_it_is_there_and_takes_the_place_of_the_one_before,
        what_a_deployment_has_no_more_is_deleted_but_for_volumes,
        rule_23_what_a_later_deployment_applied_is_not_deleted_by_who_lost_the_lock,
        how_a_schedule_is_depends_on_its_last_run,
        rule_14_another_configuration_is_another_thing_to_approve,
        what_was_rendered_when_the_release_was_made_is_what_is_applied,
        the_workload_is_set_by_who_may_as_they_saw_it_and_written_down,
        releases_and_environments_are_compared;
    drift:
        rule_30_what_is_changed_around_slipway_is_seen_with_who_did_it,
        rule_30_what_controllers_and_the_server_write_is_no_drift,
        rule_30_a_revert_is_approved_and_takes_back_what_was_changed_and_nothing_else,
        rule_30_an_adoption_records_what_is_there_and_restarts_nothing,
        rule_30_what_somebody_added_is_seen_and_taken_away_by_a_revert,
        rule_30_what_was_added_and_adopted_stays_until_the_next_deployment,
        rule_30_an_object_that_was_never_deployed_is_seen_and_deleted_by_a_revert,
        rule_30_another_difference_is_another_thing_to_approve,
        rule_30_what_was_deleted_is_made_again_and_cannot_be_adopted,
        rule_30_what_a_failed_deployment_left_is_no_drift;
    policy:
        a_failed_rollout_goes_back_by_itself_holds_what_comes_and_tells,
        an_environment_that_leaves_it_does_nothing_by_itself,
        where_nothing_was_verified_or_the_way_back_fails_there_is_no_other,
        a_cluster_that_refuses_is_no_failed_rollout;
    pods:
        the_pods_of_an_app_are_shown_with_what_happened_to_them,
        a_log_is_read_and_followed_and_each_reading_is_written_down,
        scaling_is_drift_until_it_is_adopted_and_a_restart_is_none,
        nobody_scales_without_the_right_or_while_something_is_deployed;
    watch:
        what_changes_is_looked_at_as_it_does_and_what_does_not_hardly_ever;
    automation:
        a_deployment_to_the_chosen_environment_finishes_what_it_brought;
    hooks:
        subscribers_hear_of_every_step_once;
    trouble:
        a_silent_cluster_makes_it_unknown_until_it_answers_again,
        a_cluster_that_is_down_from_the_start_is_deployed_to_once_it_is_up,
        a_cluster_that_asks_to_wait_is_waited_for,
        a_slow_cluster_is_asked_again,
        a_refused_token_fails_it_with_what_to_do_and_it_can_be_tried_again,
        an_answer_that_is_cut_short_is_asked_for_again,
        a_manifest_that_the_cluster_refuses_fails_it_with_the_clusters_words,
        a_quota_without_room_fails_it_and_says_so,
        a_promotion_waits_until_the_quota_has_room_and_kubernetes_is_told,
        a_field_that_another_manager_owns_is_not_taken,
        what_the_cluster_remarks_on_when_it_is_applied_again_is_kept,
        what_kubernetes_reports_is_followed_after_the_deployment,
        an_environment_that_is_bound_again_is_looked_at_again;
}
