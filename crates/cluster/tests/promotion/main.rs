//! The promotion engine with everything beneath it: a real database, and the sandbox's Kubernetes at the wire. Each
//! test runs on SQLite, and on PostgreSQL where there is a server.

mod approval;
mod happy;
mod hooks;
mod kill;
mod rollback;
mod stage;
mod trouble;

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
        what_kubernetes_reports_is_followed_after_the_deployment,
        an_environment_that_is_bound_again_is_looked_at_again;
}
