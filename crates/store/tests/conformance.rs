//! The conformance suite on SQLite and PostgreSQL.

mod database;

macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let (store, _folder) = crate::database::sqlite().await;
                slipway_testkit::conformance::$test(crate::database::world(store)).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                if let Some(store) = crate::database::postgres().await {
                    slipway_testkit::conformance::$test(crate::database::world(store)).await;
                }
            })+
        }
    };
}

on_both! {
    an_iteration_is_planned_started_and_closed,
    the_backlog_is_paged_by_rank,
    a_file_is_its_items,
    a_file_becomes_items_once,
    a_large_file_is_imported_whole,
    insights_are_counted_from_the_log,
    the_history_tells_what_an_item_holds,
    what_does_not_fit_is_refused_by_field,
    a_stale_edit_loses_nothing,
    comments_reach_whom_they_concern,
    a_link_shows_at_both_ends,
    an_item_and_an_issue_are_linked_once,
    a_grant_is_renewed_by_one_over_its_own_version,
    a_trip_is_used_once,
    the_secrets_of_a_grant_are_sealed_anew,
    a_client_secret_goes_to_nobody_else,
    a_provider_is_the_operators_own_and_its_secret_nobodys,
    nobody_is_locked_out_by_mistake,
    the_configuration_goes_before,
    a_token_is_an_operators_only_where_it_says_so,
    an_operator_stands_for_the_server_and_for_no_organization,
    no_organization_is_called_as_the_server,
    the_last_operator_stays_but_for_the_command_line,
    the_servers_own_log_is_read_in_parts,
    two_operators_cannot_take_each_other_away,
    a_state_is_used_once,
    an_identity_is_linked_once_and_the_last_way_in_stays,
    an_identity_is_one_account_and_an_address_is_none,
    groups_follow_claims,
    a_password_is_changed_by_who_knows_it,
    a_second_factor_is_asked_for_and_no_code_works_twice,
    a_second_factor_is_changed_by_its_owner_alone,
    codes_are_not_guessed,
    an_unknown_name_costs_the_work_of_a_known_one,
    an_address_is_one_persons_also_after_a_change,
    proof_is_asked_for_again,
    sessions_are_ended_by_their_owner,
    a_connection_tells_how_the_last_call_went,
    a_deleted_place_is_gone_and_its_audit_log_stays,
    a_group_gives_its_roles_to_whoever_is_in_it,
    a_role_is_asked_for_and_given,
    a_role_of_ones_own_counts_like_a_built_in_one,
    a_stranger_joins_by_a_link,
    an_account_is_recovered_from_the_command_line,
    a_bulk_upgrade_settles_each_app_once,
    a_template_is_one_places_and_its_versions_stay,
    a_template_knows_who_writes_it,
    an_app_uses_what_was_seen_last,
    an_import_settles_each_repository_once,
    drafts_are_forgotten_and_slugs_are_known,
    an_invitation_works_once,
    an_organization_keeps_an_owner,
    nobody_gives_more_than_they_hold,
    strangers_are_not_found_by_their_ids,
    the_explanation_is_the_truth,
    a_delivery_is_stored_once,
    a_mail_server_is_kept_for_its_organization_alone,
    a_password_goes_to_no_other_mail_server,
    a_feature_that_is_off_is_refused_and_keeps_its_data,
    a_project_comes_with_its_environments,
    a_quota_is_kept_by_environment,
    a_renamed_place_is_found_by_its_old_slug,
    a_slug_is_checked_when_a_place_is_renamed,
    of_updates_made_on_one_version_one_is_made,
    an_archived_place_reads_and_does_not_change,
    secrets_are_sealed_anew,
    a_proposal_is_changed_by_whoever_saw_it_last,
    a_release_is_made_once_and_never_changes,
    an_iteration_is_reported_from_history,
    a_number_opens_what_it_counts,
    pages_of_items_open_with_their_default_view,
    an_item_begins_before_it_is_due,
    a_release_keeps_its_manifests_and_is_found_by_its_commits,
    a_run_is_as_it_was_seen_last,
    logs_grow_at_their_end_and_survive_a_retry,
    what_gitlab_said_last_is_kept,
    a_job_is_claimed_by_one_worker,
    a_key_keeps_one_waiting_job,
    a_promotion_is_changed_by_whoever_saw_it_last,
    a_revision_tells_of_every_commit,
    a_role_reaches_down_and_never_sideways,
    a_drift_is_of_what_runs_there,
    what_nobody_touched_is_as_it_was_seen,
    what_waits_says_for_whom,
    a_stop_has_one_lock_and_a_fence_that_only_grows,
    an_ended_lease_fences_the_slow_worker,
    an_environment_is_changed_by_whoever_saw_it_last,
    bugs_are_closed_by_testers_and_reporters,
    cards_stay_where_they_are_put,
    a_deleted_item_stays_in_the_history,
    a_view_is_ones_own_or_everybodys,
    an_epic_is_as_far_as_its_parts,
    templates_are_for_a_kind_and_have_one_name,
    the_table_pages_by_any_column,
    who_does_it_hears_once_that_it_is_due,
    a_full_column_takes_no_more_at_once,
    a_full_column_takes_no_plans,
    a_workflow_says_who_moves_what_where,
    an_item_follows_its_parts,
    history_recounts_whatever_becomes_of_states,
    lanes_and_columns_hold_every_card_once,
    random_moves_of_many_end_in_one_order,
    concurrent_moves_all_survive,
    decisions_and_turns_are_kept_by_person,
    every_change_joins_the_chain,
    failures_lock_and_a_success_forgets,
    names_are_taken_once,
    sessions_end,
    sign_in_tells_nothing_about_unknown_accounts,
    the_lane_and_the_grid_show_the_same_stops,
    the_matrix_holds_through_the_store,
    two_writers_never_fork_the_chain,
    a_request_with_a_key_is_begun_once,
    a_token_speaks_for_its_owner_until_it_ends,
    news_about_roles_reach_whom_they_concern,
    nobody_is_told_what_they_do_not_want_or_may_not_see,
    the_people_concerned_are_told,
    nobody_finds_what_they_may_not_see,
    what_fits_best_is_found_first,
    a_receiver_that_stays_away_is_given_up,
    a_try_is_begun_once_and_fenced,
    a_webhook_is_changed_by_whoever_saw_it_last,
    old_deliveries_and_old_secrets_go,
    webhooks_are_their_managers_own,
    whoever_wants_to_know_is_told_once,
    joining_a_group_is_told_where_it_holds_a_role,
}

#[tokio::test]
async fn a_database_of_a_newer_slipway_is_refused_and_left_alone() {
    let (store, _folder) = database::sqlite().await;
    store
        .execute_for_tests(String::from(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'from the future', TRUE, X'00', 0)",
        ))
        .await
        .unwrap();
    let refused = store.migrate().await.unwrap_err();
    assert!(refused.to_string().contains("run a newer Slipway"), "{refused}");
}
