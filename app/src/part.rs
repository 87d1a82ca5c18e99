//! Pages that the browser loads when one of them is opened: each function here becomes a part of the WASM of its
//! own, with everything that only its pages need. What several parts need goes into parts that they share.

#![cfg_attr(
    feature = "hydrate",
    expect(clippy::unnecessary_wraps, reason = "what may fail is that a part is fetched")
)]

use crate::route::Part;
use crate::{
    application, artifact, audit, beside, board, cluster, connection, drift, editor, environment, freeze,
    group, home, import, insight, intake, invitation, iteration, mail, me, member, mirror, notice, operator,
    org, pipeline, pod, project, promotion, release, report, roadmap, role, run, schedule, search, session,
    subscriber, table, template, token, trail, variable, workload,
};
use leptos::prelude::*;
#[cfg(feature = "hydrate")]
use leptos::wasm_split::SplitLoaderError;
use leptos::wasm_split::wasm_split;
#[cfg(feature = "hydrate")]
use pipeline::made::Made;
#[cfg(feature = "hydrate")]
use slipway_domain::pipeline::{Params, StepType, Template};
#[cfg(feature = "hydrate")]
use std::sync::Arc;

macro_rules! parts {
    ($($part:ident $page:ident $which:ident $fetch:ident { $($name:ident $variant:ident = $view:path,)+ })+) => {
        $(
            #[derive(Clone, Copy)]
            enum $page { $($variant,)+ }

            #[wasm_split($part, preload($fetch), wasm_split_path = leptos::wasm_split)]
            fn $which(page: $page) -> AnyView {
                match page { $($page::$variant => $view(),)+ }
            }

            $(
                pub(crate) const fn $name() -> Part {
                    Part {
                        fetch: || Box::pin($fetch()),
                        make: || {
                            Box::pin(async {
                                // The page says that it needs this part, so that the browser asks for it at once.
                                #[cfg(feature = "ssr")]
                                leptos::prefetch_lazy_fn_on_server(stringify!($part));
                                $which($page::$variant).await
                            })
                        },
                    }
                }
            )+
        )+
    };
}

parts! {
    signing SigningPage signing_page fetch_signing {
        sign_in SignIn = session::sign_in_page,
        sign_in_code Code = session::code_page,
    }
    places PlacePage place_page fetch_places {
        home Home = home::home_page,
        org Org = org::org_page,
        project Project = project::project_page,
    }
    apps AppPage app_page fetch_apps {
        application App = application::app_page,
    }
    studio StudioPage studio_page fetch_studio {
        editor Editor = editor::editor_page,
        document Document = editor::document::document_page,
    }
    galleries GalleryPage gallery_page fetch_galleries {
        gallery Gallery = pipeline::gallery_page,
    }
    pipelines PipelinePage pipeline_page fetch_pipelines {
        form Form = pipeline::form_page,
    }
    beside BesidePage beside_page fetch_beside {
        copy_job Copy = beside::copy_page,
        drift Drift = beside::drift_page,
    }
    templates TemplatesPage templates_page fetch_templates {
        templates List = template::templates_page,
        template_usage Usage = template::usage_page,
        template_upgrade Bulk = template::bulk_page,
    }
    authoring TemplatePage template_page fetch_authoring {
        new_template New = template::new_page,
        template One = template::template_page,
        app_upgrade Upgrade = template::upgrade_page,
    }
    runs RunPage run_page fetch_runs {
        runs List = run::runs_page,
    }
    running RunningPage running_page fetch_running {
        run One = run::run_page,
    }
    reporting ReportPage report_page fetch_reporting {
        new_run New = run::new_run_page,
        reports Reports = report::reports_page,
        artifacts Artifacts = artifact::artifacts_page,
    }
    ci CiPage ci_page fetch_ci {
        schedules Schedules = schedule::schedules_page,
        new_schedule NewSchedule = schedule::new_schedule_page,
        schedule Schedule = schedule::schedule_page,
        variables Variables = variable::variables_page,
    }
    boards BoardPage board_page fetch_boards {
        board Board = board::board_page,
    }
    bugging BugPage bug_page fetch_bugging {
        bugs Bugs = board::bugs_page,
    }
    items ItemPage item_page fetch_items {
        drawer Drawer = board::drawer::inside,
        item One = board::item_page,
    }
    writing WritingPage writing_page fetch_writing {
        new_item New = board::new_item_page,
        edit_item Edit = board::edit_item_page,
    }
    planning PlanningPage planning_page fetch_planning {
        backlog Backlog = iteration::backlog_page,
    }
    iterating IterationPage iteration_page fetch_iterating {
        iterations List = iteration::iterations_page,
        iteration One = iteration::iteration_page,
    }
    summing SummaryPage summary_page fetch_summing {
        iteration_report Report = iteration::report_page,
        counted_items Counted = insight::counted_page,
    }
    measuring InsightPage insight_page fetch_measuring {
        insights Insights = insight::insights_page,
        delivery Delivery = insight::delivery_page,
    }
    tracking TrackingPage tracking_page fetch_tracking {
        automation Automation = trail::automation_page,
        mirror Mirror = mirror::mirror_page,
        value_stream Stream = insight::stream_page,
        intakes Intakes = intake::imports_page,
        intake Intake = intake::import_page,
    }
    tables TablePage table_page fetch_tables {
        items_table Table = table::table_page,
        roadmap Roadmap = roadmap::roadmap_page,
    }
    boardsetup BoardSetupPage board_setup_page fetch_boardsetup {
        board_setup Setup = board::setup::setup_page,
        workflow Workflow = board::setup::workflow_page,
    }
    approving ApprovalPage approval_page fetch_approving {
        approvals Approvals = promotion::approvals_page,
        approval Approval = promotion::approval_page,
    }
    promotions PromotionPage promotion_page fetch_promotions {
        promotion One = promotion::promotion_page,
    }
    stops StopPage stop_page fetch_stops {
        stop_drift Drift = drift::stop_drift_page,
        pods Pods = pod::pods_page,
        pod_log Log = pod::pod_log_page,
    }
    releasing ReleasePage release_page fetch_releasing {
        releases Releases = release::releases_page,
    }
    released ReleasedPage released_page fetch_released {
        release Release = release::release_page,
    }
    shaping ShapePage shape_page fetch_shaping {
        workload Workload = workload::workload_page,
    }
    comparing ComparisonPage comparison_page fetch_comparing {
        comparison Comparison = release::comparison_page,
        commit Commit = release::commit_page,
    }
    people PeoplePage people_page fetch_people {
        members Members = member::members_page,
        person Person = member::person_page,
        groups Groups = group::groups_page,
        group Group = group::group_page,
        roles Roles = role::roles_page,
        role Role = role::role_page,
        join Join = invitation::join_page,
    }
    account AccountPage account_page fetch_account {
        profile Profile = me::profile_page,
        sessions Sessions = me::sessions_page,
        security Security = me::security::security_page,
        confirm Confirm = me::security::confirm_page,
    }
    searching SearchPage search_page fetch_searching {
        search Search = search::search_page,
        palette Palette = search::palette,
    }
    notifications NoticesPage notifications_page fetch_notifications {
        notices Notices = notice::notices_page,
        notice_settings Settings = notice::settings_page,
    }
    settings SettingsPage settings_page fetch_settings {
        audit Audit = audit::audit_page,
        tokens Tokens = token::tokens_page,
        project_tokens ProjectTokens = token::project_tokens_page,
    }
    environments EnvironmentPage environment_page fetch_environments {
        environments Environments = environment::environments_page,
    }
    freezing FreezePage freeze_page fetch_freezing {
        freezes Freezes = freeze::freezes_page,
    }
    governing GoverningPage governing_page fetch_governing {
        history History = environment::history_page,
        approvers Approvers = environment::preview_page,
    }
    setup SetupPage setup_page fetch_setup {
        new_org NewOrg = org::new_org_page,
        org_settings Org = org::org_settings_page,
        connections Gitlab = connection::connections_page,
        clusters Clusters = cluster::clusters_page,
        new_project NewProject = project::new_project_page,
        project_settings Project = project::project_settings_page,
        new_app NewApp = application::new_app_page,
        app_settings App = application::app_settings_page,
    }
    outside OutsidePage outside_page fetch_outside {
        mail Mail = mail::mail_page,
        subscribers Webhooks = subscriber::subscribers_page,
        subscriber Webhook = subscriber::subscriber_page,
        message Delivery = subscriber::message_page,
    }
    operating OperatorPage operator_page fetch_operating {
        accounts Accounts = operator::accounts_page,
        server_audit Audit = operator::audit_page,
        providers Providers = operator::provider::providers_page,
        provider Provider = operator::provider::provider_page,
    }
    imports ImportPage imports_page fetch_imports {
        import Import = import::import_page,
        one_import OneImport = import::one_page,
    }
}

/// The compiler of pipelines, for a form that is being filled: a part that is fetched when its first file is asked for.
///
/// # Errors
/// It cannot be fetched; the next call tries again.
#[cfg(feature = "hydrate")]
#[wasm_split(compiling, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn made_here(
    template: Arc<Template>,
    steps: Arc<Vec<StepType>>,
    values: Params,
) -> Result<Made, SplitLoaderError> {
    Ok(pipeline::made::made(&template, &steps, &values))
}
