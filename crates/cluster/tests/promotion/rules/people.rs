//! Whose approval counts: groups, people who left, bots, delegates, and rules that change meanwhile.

use super::super::stage::{ORG, PROJECT, Stage, code, one_of, release_in};
use super::words;
use slipway_domain::access::{Action, Role, ScopeKind};
use slipway_domain::approval::{Eligible, Verdict};
use slipway_domain::audit::Outcome;
use slipway_domain::id::TypedId as _;
use slipway_domain::member::Holder;
use slipway_domain::notice::NoticeKind;
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::PromotionState;
use slipway_domain::release::Workload;
use slipway_domain::role::custom_key;
use slipway_domain::time::{DAY, HOUR};
use slipway_domain::token::Scope;
use slipway_portal::access::{self, At, may};
use slipway_portal::environment::settings;
use slipway_portal::promotion::{self, Ask};
use slipway_portal::token::project as project_token;
use slipway_portal::{Actor, Via, delegation, environment, group, member, org, role};

async fn removed(stage: &Stage, who: &PersonRef) {
    let olga = stage.as_person(&stage.people.olga);
    member::remove(&olga, At::new(ORG, Some(PROJECT), None), who.id)
        .await
        .expect("removed");
}

pub async fn rule_02_a_bot_is_its_makers_and_without_one_is_refused(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 1)).await;
    stage.release("1.0.0", 1).await;
    stage.release("1.1.0", 2).await;
    let olga = stage.as_person(&people.olga);
    org::grant(&olga, ORG, Some(PROJECT), people.dana.id, Role::ProjectOwner)
        .await
        .expect("a role");
    let dana = stage.as_person(&people.dana);
    let input = project_token::Input {
        name: String::from("release train"),
        role: String::from("project.ops"),
        scopes: vec![Scope::Deploy],
        days: 30,
    };
    project_token::create(&dana, ORG, PROJECT, input)
        .await
        .expect("a token");
    let all = stage
        .system()
        .read()
        .await
        .expect("a reader")
        .people()
        .await
        .expect("people");
    let bot = all
        .iter()
        .find(|person| person.username.starts_with("bot."))
        .expect("its account")
        .as_ref();
    let bot = stage.portal.ctx(
        Actor::User(bot),
        Via::Api,
        "test",
        slipway_domain::text::Locale::En,
    );
    let ask = |version: &'static str| {
        promotion::request_named(
            &bot,
            ORG,
            PROJECT,
            super::super::stage::APP,
            version,
            "dev",
            Ask::default(),
        )
    };
    let id = ask("1.0.0").await.expect("taken");
    // Whoever made the token is the requester.
    assert_eq!(code(stage.approve(&people.dana, id).await), "requester");
    stage.approve(&people.dev, id).await.expect("another approves");
    stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(
        words(&stage, &people.dana, NoticeKind::PromotionEnded).await,
        ["It is deployed"]
    );
    member::set_active(&stage.system(), &people.dana, false)
        .await
        .expect("left");
    assert_eq!(code(ask("1.1.0").await), "no_owner");
}

pub async fn rule_02_a_branch_rule_has_whoever_pushed_as_its_requester(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 1)).await;
    let system = stage.system();
    let app = access::app::<may::ReleaseCreate>(&system, ORG, PROJECT, super::super::stage::APP)
        .await
        .expect("the app");
    for (version, digest, pushed_by) in [("1.0.0", 1, None), ("1.1.0", 2, Some(people.dev.id))] {
        let mut release = release_in(&stage.portal, version, digest, Workload::default(), "nobody").await;
        release.created_by = pushed_by;
        let mut change = system.change().await.expect("a change");
        promotion::on_release(&system, &mut change, &app.modify(), &release)
            .await
            .expect("by its rules");
        change.commit().await.expect("it commits");
    }
    // Nobody answers for the first one.
    let refused = stage.audit("promotion.automatic").await;
    assert_eq!(refused.iter().filter(|row| row.2 == Outcome::Refused).count(), 1);
    let (_, rows) = promotion::list(
        &stage.as_person(&people.lea),
        ORG,
        PROJECT,
        super::super::stage::APP,
        None,
    )
    .await
    .expect("the list");
    assert_eq!(rows.len(), 1);
    assert_eq!(code(stage.approve(&people.dev, rows[0].id).await), "requester");
    stage
        .approve(&people.dana, rows[0].id)
        .await
        .expect("another approves");
    stage.reaches(rows[0].id, PromotionState::Succeeded).await;
}

pub async fn rule_05_a_group_means_distinct_direct_members(stage: Stage) {
    let people = &stage.people;
    let olga = stage.as_person(&people.olga);
    let crew = group::create(&olga, ORG, "Release crew").await.expect("a group");
    for who in [&people.dev, &people.tess] {
        group::add(&olga, ORG, crew, who.id).await.expect("a member");
    }
    let mut policy = one_of(Role::ProjectDeveloper, 2);
    policy.rules[0].eligible = vec![Eligible::Group(crew)];
    stage.set_policy("dev", policy).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    assert_eq!(code(stage.approve(&people.dana, id).await), "not_named");
    stage.approve(&people.dev, id).await.expect("one");
    stage.approve(&people.dev, id).await.expect("the same once more");
    stage.reaches(id, PromotionState::Waiting).await;
    stage.approve(&people.tess, id).await.expect("another");
    stage.reaches(id, PromotionState::Succeeded).await;
}

pub async fn a_role_of_the_organizations_own_counts_in_rules(stage: Stage) {
    let people = &stage.people;
    let olga = stage.as_person(&people.olga);
    let shipper = role::Input {
        name: String::from("Shipper"),
        scope: ScopeKind::Project,
        actions: vec![Action::PromoteTest.key().to_owned()],
    };
    let shipper = role::create(&olga, ORG, &shipper).await.expect("a role");
    member::grant(
        &olga,
        At::new(ORG, Some(PROJECT), None),
        &Holder::Person(people.tess.id).key(),
        &custom_key(shipper),
    )
    .await
    .expect("given");
    let rules = |lines: &str| settings::RulesInput {
        lines: lines.to_owned(),
        ordered: true,
        forbid_requester: true,
        forbid_authors: false,
        lifetime: DAY,
        validity: DAY,
    };
    let set = |lines: &str| {
        let input = rules(lines);
        let olga = &olga;
        async move {
            let list = environment::list(olga, ORG, PROJECT).await.expect("the chain");
            let version = list.environments[0].version;
            settings::set_rules(olga, ORG, PROJECT, "dev", version, &input).await
        }
    };
    let refused = set("ship: 1 of role:Skipper").await.expect_err("nobody's");
    assert!(format!("{refused:?}").contains("nobody is called role:Skipper here"));
    set("ship: 1 of role:Shipper").await.expect("kept");
    let list = environment::list(&olga, ORG, PROJECT).await.expect("the chain");
    assert_eq!(list.environments[0].lines, "ship: 1 of role:Shipper");
    assert_eq!(list.environments[0].rules[0].named[0].en, "Shipper");

    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    assert_eq!(code(stage.approve(&people.dana, id).await), "not_named");
    assert_eq!(
        code(role::delete(&olga, ORG, shipper).await),
        "role_in_use",
        "somebody holds it"
    );
    stage.approve(&people.tess, id).await.expect("hers to give");
    stage.reaches(id, PromotionState::Succeeded).await;
    removed(&stage, &people.tess).await;
    let named = role::delete(&olga, ORG, shipper).await;
    assert!(
        format!("{named:?}").contains(" / Dev"),
        "it says where: {named:?}"
    );
    assert_eq!(code(named), "named_by_rules");
    set("").await.expect("nobody is asked");
    role::delete(&olga, ORG, shipper).await.expect("gone");
}

pub async fn rule_06_an_approver_who_left_before_start_counts_no_more(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("qa", one_of(Role::ProjectDeveloper, 1)).await;
    stage.release("1.0.0", 1).await;
    // It is approved, and waits for dev.
    let id = stage.ask("1.0.0", "qa").await;
    stage.approve(&people.dana, id).await.expect("approved");
    let view = stage.reaches(id, PromotionState::Waiting).await;
    assert!(view.decisions[0].counts);
    let system = stage.system();
    let app = access::app::<may::See>(&system, ORG, PROJECT, super::super::stage::APP)
        .await
        .expect("the app");
    let kept = system
        .read()
        .await
        .expect("a reader")
        .decisions(&app, id)
        .await
        .expect("decisions");
    assert_eq!(
        kept[0].named_as.as_deref(),
        Some("project.developer"),
        "recorded at the decision"
    );
    removed(&stage, &people.dana).await;
    stage.deploy("1.0.0", "dev").await;
    stage.tick().await;
    let view = stage.view(id).await;
    assert_eq!(
        (view.row.state, view.decisions[0].counts),
        (PromotionState::Waiting, false)
    );
    assert!(stage.deployments(id).await.is_empty());
    let told = words(&stage, &people.lea, NoticeKind::PromotionDecided).await;
    assert!(
        told.iter()
            .any(|words| words.contains("dana") && words.contains("no longer counts")),
        "{told:?}"
    );
    stage.approve(&people.dev, id).await.expect("another approves");
    stage.reaches(id, PromotionState::Succeeded).await;
}

pub async fn rule_07_tightened_rules_hold_at_once(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("qa", one_of(Role::ProjectDeveloper, 1)).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "qa").await;
    stage.approve(&people.dev, id).await.expect("approved");
    stage.reaches(id, PromotionState::Waiting).await;
    stage.set_policy("qa", one_of(Role::ProjectDeveloper, 2)).await;
    stage.deploy("1.0.0", "dev").await;
    stage.tick().await;
    let view = stage.view(id).await;
    assert_eq!(
        (view.row.state, view.evaluation.rules[0].required),
        (PromotionState::Waiting, 2)
    );
    assert!(!view.decisions[0].counts);
    for who in [&people.dev, &people.dana] {
        stage.approve(who, id).await.expect("approved anew");
    }
    stage.reaches(id, PromotionState::Succeeded).await;
}

pub async fn rule_08_what_nobody_can_satisfy_any_more_is_told_to_the_owners(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 2)).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    stage.reaches(id, PromotionState::Waiting).await;
    removed(&stage, &people.dana).await;
    stage.tick().await;
    let view = stage.view(id).await;
    assert_eq!(view.row.state, PromotionState::Waiting);
    assert_eq!(
        view.evaluation.standing,
        slipway_domain::approval::Standing::Unsatisfiable
    );
    stage.clock.advance(HOUR);
    stage.tick().await;
    for who in [&people.olga, &people.lea] {
        assert_eq!(
            words(&stage, who, NoticeKind::OwnerNeeded).await.len(),
            1,
            "once, to {}",
            who.name
        );
    }
    // Who comes again makes it possible again: nothing is stranded.
    let olga = stage.as_person(&people.olga);
    org::grant(&olga, ORG, Some(PROJECT), people.dana.id, Role::ProjectDeveloper)
        .await
        .expect("a role");
    for who in [&people.dev, &people.dana] {
        stage.approve(who, id).await.expect("approved");
    }
    stage.reaches(id, PromotionState::Succeeded).await;
}

pub async fn rule_11_a_vote_is_changed_only_while_pending_and_history_stays(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 2)).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    stage.approve(&people.dev, id).await.expect("approved");
    stage
        .decide(&people.dev, id, Verdict::Reject)
        .await
        .expect("thought better of it");
    assert_eq!(code(stage.approve(&people.dev, id).await), "promotion_rejected");
    let view = stage.view(id).await;
    let said: Vec<Verdict> = view.decisions.iter().map(|d| d.verdict).collect();
    assert_eq!(
        (view.row.state, said),
        (PromotionState::Rejected, vec![Verdict::Approve, Verdict::Reject])
    );
}

pub async fn rule_14_another_target_is_another_thing_to_approve(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("qa", one_of(Role::ProjectDeveloper, 1)).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "qa").await;
    stage.approve(&people.dev, id).await.expect("approved");
    stage.reaches(id, PromotionState::Waiting).await;
    // A name is no part of it; where it runs is.
    stage
        .edit("qa", |input| input.name = String::from("Quality"))
        .await;
    assert!(stage.view(id).await.decisions[0].counts);
    stage
        .edit("qa", |input| {
            input.binding.as_mut().expect("bound").1 = String::from("elsewhere");
        })
        .await;
    stage.tick().await;
    assert!(!stage.view(id).await.decisions[0].counts);
}

pub async fn rule_35_a_delegate_acts_for_a_time_and_both_are_stored(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 2)).await;
    for (version, digest) in [("1.0.0", 1), ("1.1.0", 2)] {
        stage.release(version, digest).await;
    }
    let id = stage.ask("1.0.0", "dev").await;
    let dev = stage.as_person(&people.dev);
    let give = |to: &str, ends_at, environment: &str| {
        let input = delegation::Input {
            to: to.to_owned(),
            environment: environment.to_owned(),
            starts_at: None,
            ends_at,
            reason: String::from("on holiday"),
        };
        delegation::give(&dev, ORG, PROJECT, input)
    };
    let soon = stage.now().plus(2 * DAY);
    assert_eq!(code(give("nobody", soon, "").await), "invalid");
    assert_eq!(code(give("dev", soon, "").await), "invalid");
    assert_eq!(code(give("tess", stage.now().plus(-DAY), "").await), "invalid");
    // For another environment: no use here.
    give("tess", soon, "qa").await.expect("given");
    assert_eq!(code(stage.approve(&people.tess, id).await), "not_named");
    let given = give("tess", soon, "").await.expect("given");
    // Not to the requester, and not passed on.
    give("lea", soon, "dev").await.expect("given");
    assert_eq!(code(stage.approve(&people.lea, id).await), "requester");
    let on = delegation::Input {
        to: String::from("otto"),
        environment: String::new(),
        starts_at: None,
        ends_at: soon,
        reason: String::new(),
    };
    delegation::give(&stage.as_person(&people.tess), ORG, PROJECT, on)
        .await
        .expect("her own, of which there is none");
    assert_eq!(code(stage.approve(&people.otto, id).await), "not_named");
    stage
        .approve(&people.tess, id)
        .await
        .expect("in the place of dev");
    let view = stage.view(id).await;
    assert_eq!(
        (
            view.decisions[0].by.name.as_str(),
            view.decisions[0].represents.as_ref().map(|p| p.name.as_str())
        ),
        ("tess", Some("dev"))
    );
    // Whose place was taken does not count once more.
    assert_eq!(code(stage.approve(&people.dev, id).await), "represented");
    // What is taken back does not count any more; what is over does.
    delegation::take_back(&dev, given).await.expect("taken back");
    stage.tick().await;
    assert!(!stage.view(id).await.decisions[0].counts);
    for who in [&people.dev, &people.dana] {
        stage.approve(who, id).await.expect("approved");
    }
    stage.reaches(id, PromotionState::Succeeded).await;
    let next = stage.ask("1.1.0", "dev").await;
    stage.clock.advance(3 * DAY);
    assert_eq!(code(stage.approve(&people.tess, next).await), "not_named");
    assert!(!given.uuid().is_nil());
}

pub async fn rules_are_tried_out_before_they_are_kept(stage: Stage) {
    let lea = stage.as_person(&stage.people.lea);
    let (rules, wrong) = settings::who_could(&lea, ORG, PROJECT, &one_of(Role::ProjectDeveloper, 2))
        .await
        .expect("seen");
    assert_eq!((rules[0].people.len(), wrong), (2, None));
    let (_, wrong) = settings::who_could(&lea, ORG, PROJECT, &one_of(Role::ProjectTester, 2))
        .await
        .expect("seen");
    assert!(wrong.expect("too few").en.contains("names only 1 people"));
    let routes = settings::where_to(&lea, ORG, PROJECT, "release/1.2")
        .await
        .expect("routes");
    let hit: Vec<&str> = routes
        .iter()
        .filter(|r| r.pattern.is_some())
        .map(|r| r.environment.key.as_str())
        .collect();
    assert_eq!(hit, ["dev", "uat"]);
}
